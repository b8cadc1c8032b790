//! A client: the session state machine of the Java client, and what its user asks of it. Source: `ClientCnxn`; sessions reference §9, §10.
//!
//! The thread that talks to the servers (`SendThread`) is a loop: it connects, sends what is queued, reads, and at every turn looks at what
//! is overdue. Here a turn follows every input, so that what Java notices only when it is awake is noticed no earlier. Callbacks run on
//! another thread ([`Stage::EventThread`]), one at a wake-up: for its user a request is answered when its callback runs.
//!
//! - `session`: what the client knows of its session. `connection`: the loop. `hosts`: whose turn it is.
//! - `auth`: who it says it is. `read_write_search`: from a server that can only be read to one with a leader.
//! - `requests`: what is queued, sent, answered, and fails with the connection.
//! - `workload`: requests, or rounds of them and of recipes, in a loop.
//! - `recipes`: what takes several requests.
//! - `watches`: what its user watches; `events`: what it is told of them.
//!
//! Not modelled: SASL (no SaslAuthenticated event), `zookeeper.request.timeout`, the Netty transport (which does not wait 100 ms
//! before it fails what was queued). The time limit of a dial runs by the world's clock, and no request cuts it short.

mod auth;
mod connection;
mod events;
mod hosts;
mod read_write_search;
mod recipes;
mod requests;
mod session;
#[cfg(test)]
mod tests;
mod watches;
mod workload;

use std::sync::Arc;

pub use hosts::Hosts;
pub use watches::{Registration, Watches};
pub use workload::{Act, Line, Mix, Work, Workload};

use crate::actor::{Actor, Cx, Input};
use crate::proto::{Answer, Caller, Calls, Claim, Command, ErrorCode, KeeperState, Membership, Micros, Packet, ServerId, SessionId, Stage, Timer};
use auth::Proofs;
use hosts::HostProvider;
use read_write_search::Search;
use recipes::Recipes;
use requests::Requests;
use session::{Session, State};
use workload::Running;

/// What a client knows when its process starts.
#[derive(Clone, Debug)]
pub struct Program {
    pub members: Arc<Membership>,
    pub hosts: Hosts,
    /// The session timeout it asks for; servers have limits of their own.
    pub timeout: Micros,
    /// Whether it gives a session up when it heard of nobody for 4/3 of the timeout (3.9.3+, ZOOKEEPER-4508).
    pub gives_up: bool,
    /// Whether a server without a leader will do (`canBeReadOnly`).
    pub read_only: bool,
    /// Whether it sets its watches again when it is back (`zookeeper.disableAutoWatchReset` is off).
    pub resets_watches: bool,
    /// The longest answer that it takes, in bytes (`jute.maxbuffer`).
    pub packet_max: u32,
    /// Workloads that it takes part in, with their numbers in the scenario.
    pub workloads: Vec<(u32, Arc<Workload>)>,
}

/// One client process. It begins to connect as soon as it runs.
#[derive(Clone, Debug)]
pub struct Client {
    program: Arc<Program>,
    session: Session,
    /// How many sessions were opened before: what is told late of one of them concerns what was begun in it.
    handle: u32,
    search: Search,
    requests: Requests,
    proofs: Proofs,
    watches: Watches,
    /// What its watchers were told last of the session.
    told_state: KeeperState,
    calls: Calls,
    workloads: Vec<Running>,
    recipes: Recipes,
    /// Its user wants another session as soon as this one has ended.
    reopens: Option<Opening>,
}

/// A session to be opened.
#[derive(Clone, Copy, Debug, Default)]
struct Opening {
    /// At this server first.
    first: Option<ServerId>,
    /// Not a new one, but this.
    claim: Option<Claim>,
}

impl Client {
    pub fn new(program: Program) -> Client {
        Client {
            session: Session::new(&program, HostProvider::nowhere(), Micros::ZERO),
            program: Arc::new(program),
            handle: 0,
            search: Search::new(),
            requests: Requests::default(),
            proofs: Proofs::default(),
            watches: Watches::default(),
            told_state: KeeperState::Disconnected,
            calls: Calls::from_boot(Micros::ZERO),
            workloads: Vec::new(),
            recipes: Recipes::default(),
            reopens: None,
        }
    }

    /// What its user was told last, and the number of the call.
    pub fn told(&self) -> Option<(u64, &Result<Answer, ErrorCode>)> {
        self.requests.told.as_ref().map(|(call, result)| (*call, result))
    }

    /// What its user was told last of a recipe, and the number of the call.
    pub fn told_of_recipe(&self) -> Option<(u64, &str)> {
        self.recipes.told.as_ref().map(|(call, result)| (*call, result.as_str()))
    }

    /// The server that it is connected to.
    pub fn server(&self) -> Option<ServerId> {
        self.session.server()
    }

    /// Its session; `None` before it has one, and after.
    pub fn session(&self) -> Option<SessionId> {
        Some(self.session.id).filter(|id| *id != SessionId::NONE && self.session.state != State::Closed)
    }

    /// What its user would have to tell somebody who wants to go on with its session.
    pub fn credentials(&self) -> Option<(SessionId, [u8; 16])> {
        self.session().map(|id| (id, self.session.password()))
    }

    /// The numbers of the first and the last of its requests that are not answered.
    pub fn open_requests(&self) -> Option<(i32, i32)> {
        self.requests.open()
    }

    /// Whether it has neither a connection nor an attempt at one, though its session has not ended.
    pub fn is_away(&self) -> bool {
        matches!(self.session.state, State::CleaningUp(_) | State::Pausing(_))
    }

    /// Whether it has no session, and will have none unless it is told to connect.
    pub fn is_closed(&self) -> bool {
        self.session.state == State::Closed
    }

    /// Whether its handle can be used: its session has not ended, and no server has refused what it says it is.
    pub fn is_alive(&self) -> bool {
        self.session.is_alive()
    }

    /// The process starts, and with it the first session.
    fn boot(&mut self, cx: &mut Cx) {
        self.calls = Calls::from_boot(cx.now);
        self.workloads = self.program.workloads.iter().map(|(number, load)| Running::new(cx, *number, load.clone())).collect();
        self.open_session(cx, Opening::default());
    }

    fn on_command(&mut self, cx: &mut Cx, command: Command) {
        match command {
            Command::Request(op) => {
                let call = self.calls.next(Caller::User);
                self.request(cx, call, op);
            }
            Command::ForgetWatches { path, kind } => {
                let call = self.calls.next(Caller::User);
                self.forget_watches(cx, call, path, kind);
            }
            Command::Recipe(what) => {
                let call = self.calls.next(Caller::User);
                self.begin_recipe(cx, call, *what);
            }
            Command::Connect { server, claim } => self.connect(cx, Opening { first: server, claim }),
        }
    }

    fn on_timer(&mut self, cx: &mut Cx, timer: Timer) {
        match timer {
            Timer::Reconnect => self.on_pause_over(cx),
            Timer::ConnectTimeout => self.on_handshake_timeout(cx),
            Timer::ServerRead | Timer::ClientPing => self.turn(cx),
            Timer::ReadWriteSearch => self.on_search_timer(cx),
            Timer::Workload(number) => self.drive(cx, number),
            Timer::Recipe(number) => self.on_recipe_timer(cx, number),
            // Every other timer is a server's.
            _ => {}
        }
    }

    /// A line of a round that is more than a request.
    #[cold]
    fn carry_line(&mut self, cx: &mut Cx, call: u64, command: Command) {
        match command {
            Command::Request(op) => self.request(cx, call, op),
            Command::ForgetWatches { path, kind } => self.forget_watches(cx, call, path, kind),
            Command::Recipe(what) => self.begin_recipe(cx, call, *what),
            // Rounds have no such line.
            Command::Connect { .. } => {}
        }
    }

    fn drive_all(&mut self, cx: &mut Cx) {
        for at in 0..self.workloads.len() {
            self.drive(cx, self.workloads[at].number);
        }
    }

    /// Makes the requests of a workload whose time has come.
    fn drive(&mut self, cx: &mut Cx, number: u32) {
        let Some(at) = self.workloads.iter().position(|workload| workload.number == number) else { return };
        while self.session.takes_requests()
            && let Some((call, command)) = self.workloads[at].next(cx, &mut self.calls)
        {
            match command {
                Command::Request(op) => self.request(cx, call, op),
                other => self.carry_line(cx, call, other),
            }
        }
        self.workloads[at].settle(cx);
    }
}

impl Actor for Client {
    /// By itself: most steps of a world are those of servers, which need not carry this along.
    #[inline(never)]
    fn step(&mut self, cx: &mut Cx, input: Input) {
        match input {
            Input::Boot => self.boot(cx),
            Input::Command(command) => self.on_command(cx, command),
            Input::Timer(timer) => self.on_timer(cx, timer),
            Input::Stage(Stage::EventThread) => self.run_callback(cx),
            Input::Connected { to, conn, .. } if self.search.dials(to) => self.on_search_connected(cx, to, conn),
            Input::DialFailed { to, .. } if self.search.dials(to) => self.on_search_failed(cx),
            Input::Packet { conn, packet: Packet::IsReadOnlyAnswer(read_only) } => self.on_search_answer(cx, conn, read_only),
            Input::Closed { conn, .. } if self.search.owns(conn) => self.on_search_failed(cx),
            Input::Connected { to, conn, .. } => self.on_connected(cx, to, conn),
            Input::DialFailed { to, why, .. } => self.on_dial_failed(cx, to, why),
            Input::Packet { conn, packet: Packet::ConnectResponse(response) } => self.on_connect_response(cx, conn, &response),
            Input::Packet { conn, packet: Packet::ClientReply(reply) } => self.on_reply(cx, conn, &reply),
            Input::Packet { conn, packet: Packet::WatcherEvent(event) } => self.on_watcher_event(cx, conn, event),
            Input::Closed { conn, why } => self.on_hung_up(cx, conn, why),
            Input::WindowFull { conn } => self.on_window(cx, conn, false),
            Input::WindowOpen { conn } => self.on_window(cx, conn, true),
            // A client has no ports, no disk and no other stage, and is sent nothing else.
            Input::Packet { .. } | Input::Stage(_) | Input::Accepted { .. } | Input::Datagram { .. } | Input::Disk { .. } => {}
        }
    }
}
