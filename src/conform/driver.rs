//! Plays requests to the simulated ensemble the way the recorder played them to the real one: each is awaited before the next, and then all
//! sessions wait until they have seen the same last transaction.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::answer::{Answer, Event};
use super::encode::{self, done, failure};
use super::ensemble::{Ensemble, Setting, Stuck, server_at};
use super::names::Names;
use super::request::Request;
use super::session::Session;
use super::transcript::Line;
use super::wire::{Standing, Wire};
use crate::client::Watches;
use crate::proto::{AUTH_XID, ClientReply, Epoch, ErrorCode, Micros, Op, Packet, WatcherEvent, Zxid};

/// The xid of what registers watches again, as [`AUTH_XID`] is that of a proof. Source: `ClientCnxn`.
const SET_WATCHES_XID: i32 = -8;

/// The driver's own session, which sees what happens when nobody else is there. It is not the transcript's.
const OBSERVER: usize = 0;
const OBSERVER_TIMEOUT: Micros = Micros::from_secs(60);

/// Between two looks at what happens by itself.
const EXPIRY_POLL: Micros = Micros::from_millis(50);
const ADVANCE_POLL: Micros = Micros::from_millis(100);

/// What the checker of containers removes in one pass is gone after so long.
const SWEEP_LASTS: Micros = Micros::from_secs(1);

/// Where there are faults, session timeouts are so many times as long: a transcript's time does not count elections.
const STRETCH: u64 = 20;

/// There, so often a session that lost its connection tries to find a server, and rests in between.
const DIALS: usize = 100;
const DIAL_PAUSE: Micros = Micros::from_millis(100);

/// So often all sessions are asked whether they have seen the same, until that is given up.
const SETTLE_ROUNDS: usize = 2_000;

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// Something that must happen did not.
    Stuck(String),
    /// What servers say contradicts itself.
    Contradiction(String),
}

impl fmt::Display for Halt {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Halt::Stuck(what) | Halt::Contradiction(what) => out.write_str(what),
        }
    }
}

impl From<Stuck> for Halt {
    fn from(Stuck(what): Stuck) -> Halt {
        Halt::Stuck(what)
    }
}

/// A replay under way.
#[derive(Clone)]
pub struct Driver {
    pub(super) ensemble: Ensemble,
    names: Names,
    /// The observer, then those of the transcript in the order in which they were opened. Each has the wire of its place.
    sessions: Vec<Session>,
    /// The last epoch that has begun with a transaction.
    reign: Epoch,
    /// Session timeouts are so many times those of the transcript.
    stretch: u64,
    /// How many servers a session that comes back tries.
    tries: usize,
}

/// A session that has a connection, and how another is made the same.
pub(super) struct Presence {
    at: usize,
    /// What registers its watches again.
    watches: Vec<Op>,
}

/// A request's result, and the zxid of its reply where it is a write's.
type Outcome = (Map<String, Value>, Option<Zxid>);

impl Driver {
    /// An ensemble that serves, and the observer connected to it.
    pub fn new(setting: &Setting, shaken: bool) -> Result<Driver, Halt> {
        let ensemble = Ensemble::start(setting)?;
        let names = Names::new(Zxid::ZERO);
        let (stretch, tries) = if shaken { (STRETCH, DIALS) } else { (1, 1) };
        let mut driver = Driver { ensemble, names, sessions: Vec::new(), reign: Epoch(0), stretch, tries };
        driver.open("observer".into(), 0, OBSERVER_TIMEOUT)?;
        driver.settle(Zxid::ZERO)?;
        let base = driver.sessions[OBSERVER].seen;
        (driver.names, driver.reign) = (Names::new(base), base.epoch());
        Ok(driver)
    }

    /// Makes a request and waits for all that follows from it.
    pub fn play(&mut self, line: &Line) -> Result<Answer, Halt> {
        let asker = line.session.map(|session| session + 1);
        let (result, written) = self.request(asker, &line.request)?;
        let mut events = asker.map_or_else(Vec::new, |at| self.take_events(at, true));
        if line.request == Request::Op(Op::CloseSession) {
            self.end(asker);
        }
        let number = self.settle(written.unwrap_or_default())?;
        if let Some(written) = written.filter(|zxid| self.names.number(*zxid) != number) {
            let own = self.names.number(written);
            return Err(Halt::Contradiction(format!("the reply says that this was transaction {own}, and the last one is {number}")));
        }
        for at in 1..self.sessions.len() {
            events.extend(self.take_events(at, false));
        }
        if line.request.shuffles_events() {
            events.sort_by(|one, other| (&one.session, &one.path, &one.kind).cmp(&(&other.session, &other.path, &other.kind)));
        }
        Ok(Answer::new(result, number, &events))
    }

    fn request(&mut self, asker: Option<usize>, request: &Request) -> Result<Outcome, Halt> {
        let done = || Ok((done(), None));
        let at = asker.unwrap_or(OBSERVER);
        match request {
            Request::Advance(time) => self.advance(*time).and_then(|()| done()),
            Request::Sweep => self.sweep().and_then(|()| done()),
            Request::Open { timeout } => {
                let host = self.names.session_count();
                self.open(format!("s{at}"), host, *timeout)?;
                let id = self.ensemble.wire(at as u32).session;
                self.names.add_session(id, self.sessions[at].name.clone());
                done()
            }
            Request::Expire => self.expire(at).and_then(|()| done()),
            Request::Drop => {
                self.hang_up(at);
                done()
            }
            Request::Reconnect { hop, rewatch, reauth } => self.reconnect(at, *hop, *rewatch, *reauth).and_then(|()| done()),
            Request::Op(op @ Op::Auth { .. }) => Ok((self.auth(at, op)?, None)),
            Request::Op(op) => self.call(at, op),
        }
    }

    fn call(&mut self, at: usize, op: &Op) -> Result<Outcome, Halt> {
        let Some(reply) = self.ask(at, None, op.clone())? else {
            let mut lost = failure(ErrorCode::ConnectionLoss);
            lost.insert("closed".into(), true.into());
            return Ok((lost, None));
        };
        self.sessions[at].on_answer(op, reply.result.as_ref().err().copied());
        Ok((encode::result(op, &reply, &self.names), Some(reply.zxid).filter(|zxid| op.is_write() && *zxid > Zxid::ZERO)))
    }

    /// A failed authentication also says whether the server cut the connection.
    fn auth(&mut self, at: usize, proof: &Op) -> Result<Map<String, Value>, Halt> {
        let reply = self.ask(at, Some(AUTH_XID), proof.clone())?.ok_or_else(|| self.lost(at))?;
        let Err(code) = reply.result else {
            self.sessions[at].auths.push(proof.clone());
            self.sessions[at].proved.push(proof.clone());
            return Ok(done());
        };
        let mut result = failure(code);
        let closed = self.ask(at, None, sync())?.is_none();
        result.insert("closed".into(), closed.into());
        Ok(result)
    }

    /// A new session, at this server of the round.
    fn open(&mut self, name: String, host: usize, timeout: Micros) -> Result<(), Halt> {
        let at = self.sessions.len();
        self.sessions.push(Session::new(name, host, timeout.times(self.stretch)));
        if self.dial(at, host)? { Ok(()) } else { Err(Halt::Stuck("the server gives no session".into())) }
    }

    /// Goes to a server with what the session has. False when the server sends it away.
    fn dial(&mut self, at: usize, host: usize) -> Result<bool, Halt> {
        let Session { timeout, seen, .. } = self.sessions[at];
        self.ensemble.on_wire(at as u32, |wire, cx| wire.dial(cx, server_at(host), timeout, seen));
        Ok(self.ensemble.wait_for_greeting(at as u32)?)
    }

    fn reconnect(&mut self, at: usize, hop: u32, rewatch: bool, reauth: bool) -> Result<(), Halt> {
        self.sessions[at].host += hop as usize;
        if !rewatch {
            self.sessions[at].watches = Watches::default();
        }
        self.sessions[at].proved = if reauth { self.sessions[at].auths.clone() } else { Vec::new() };
        let Session { seen, host, .. } = self.sessions[at];
        let watches = self.sessions[at].watches.batches(seen).into_iter().map(Op::SetWatches).collect();
        self.come_back(&Presence { at, watches }, host)
    }

    /// What a client tells a server that it comes to: who it is, and what it watches.
    fn introduce(&mut self, Presence { at, watches }: &Presence) -> Result<(), Halt> {
        for proof in self.sessions[*at].proved.clone() {
            self.ask_to_succeed(*at, Some(AUTH_XID), proof)?;
        }
        for op in watches.clone() {
            let xid = matches!(op, Op::SetWatches(_)).then_some(SET_WATCHES_XID);
            self.ask_to_succeed(*at, xid, op)?;
        }
        Ok(())
    }

    fn ask_to_succeed(&mut self, at: usize, xid: Option<i32>, op: Op) -> Result<(), Halt> {
        let what = op.to_string();
        let reply = self.ask(at, xid, op)?.ok_or_else(|| self.lost(at))?;
        match reply.result {
            Ok(_) => Ok(()),
            Err(code) => Err(Halt::Stuck(format!("{}: {what}: {code}", self.sessions[at].name))),
        }
    }

    /// Those that have a connection, with what their servers know of them.
    pub(super) fn present(&self) -> Vec<Presence> {
        let watches = |at: usize| self.ensemble.rewatch(at as u32, self.sessions[at].seen);
        self.connected().into_iter().map(|at| Presence { at, watches: watches(at) }).collect()
    }

    /// Those that have lost their connection find some server: this one, or else the next that takes them.
    pub(super) fn find_servers(&mut self, present: &[Presence], first: usize) -> Result<(), Halt> {
        let lost: Vec<&Presence> = present.iter().filter(|one| !self.is_connected(one.at)).collect();
        lost.into_iter().try_for_each(|one| self.come_back(one, first))
    }

    /// Those that are not connected to their own server go there: some answers of 3.8 depend on who else is there.
    pub(super) fn go_home(&mut self, present: &[Presence]) -> Result<(), Halt> {
        self.begin_reign(present)?;
        for one in present {
            let own = self.sessions[one.at].host;
            if !self.is_connected(one.at) || self.ensemble.wire(one.at as u32).server() != Some(server_at(own)) {
                self.come_back(one, own)?;
            }
        }
        Ok(())
    }

    /// After an election followers refuse whoever talked to the leader before there is a transaction, since a leader says that it has applied the first
    /// zxid of its epoch, which they get to know of with that. So the observer makes one that changes nothing.
    fn begin_reign(&mut self, present: &[Presence]) -> Result<(), Halt> {
        if self.ensemble.epoch().is_none_or(|epoch| epoch == self.reign) {
            return Ok(());
        }
        let observer: Vec<&Presence> = present.iter().filter(|one| one.at == OBSERVER && !self.is_connected(OBSERVER)).collect();
        observer.into_iter().try_for_each(|one| self.come_back(one, self.sessions[OBSERVER].host))?;
        let nothing = Op::Delete { path: "/nobody".into(), version: -1 };
        let zxid = self.ask(OBSERVER, None, nothing)?.ok_or_else(|| self.lost(OBSERVER))?.zxid;
        self.names.skip(zxid);
        self.reign = zxid.epoch();
        Ok(self.ensemble.wait_until_all_applied(zxid)?)
    }

    /// The session is as it was, at this server, or the next in the round that takes it.
    fn come_back(&mut self, presence: &Presence, first: usize) -> Result<(), Halt> {
        let at = presence.at;
        let mut hosts = (first..).take(self.tries);
        while !self.dial(at, hosts.next().ok_or_else(|| self.sent_away(at))?)? {
            self.ensemble.run(DIAL_PAUSE)?;
        }
        self.introduce(presence)
    }

    fn connected(&self) -> Vec<usize> {
        (0..self.sessions.len()).filter(|at| self.is_connected(*at)).collect()
    }

    /// The connection is cut from this end.
    fn hang_up(&mut self, at: usize) {
        self.ensemble.on_wire(at as u32, Wire::hang_up);
    }

    /// The session is no more.
    fn end(&mut self, asker: Option<usize>) {
        if let Some(at) = asker {
            self.hang_up(at);
            self.sessions[at].over = true;
        }
    }

    /// The session's connection goes silent until a server has closed it.
    fn expire(&mut self, at: usize) -> Result<(), Halt> {
        self.end(Some(at));
        let deadline = self.ensemble.now() + Micros::from_secs(30) + self.sessions[at].timeout.times(2);
        let before = self.names.last();
        while self.settle(Zxid::ZERO)? == before {
            if self.ensemble.now() > deadline {
                return Err(Halt::Stuck(format!("{} does not expire", self.sessions[at].name)));
            }
            self.ensemble.run(EXPIRY_POLL)?;
        }
        Ok(())
    }

    fn advance(&mut self, time: Micros) -> Result<(), Halt> {
        let end = self.ensemble.now() + time;
        while self.ensemble.now() < end {
            self.ensemble.run(ADVANCE_POLL.min(end - self.ensemble.now()))?;
            self.settle(Zxid::ZERO)?;
        }
        Ok(())
    }

    /// Passes of the leader's checker, until one finds nothing.
    fn sweep(&mut self) -> Result<(), Halt> {
        loop {
            let before = self.names.last();
            let due = self.ensemble.next_sweep().ok_or_else(|| Halt::Stuck("nobody looks after containers".into()))?;
            self.advance(due + SWEEP_LASTS - self.ensemble.now())?;
            if self.names.last() == before {
                return Ok(());
            }
        }
    }

    /// Whether the session has a connection.
    fn is_connected(&self, at: usize) -> bool {
        self.ensemble.wire(at as u32).standing() == Standing::Open
    }

    /// Asks a server and waits for its answer; `None` when the connection ends, or there is none.
    fn ask(&mut self, at: usize, xid: Option<i32>, op: Op) -> Result<Option<Arc<ClientReply>>, Halt> {
        match self.ensemble.on_wire(at as u32, |wire, cx| wire.send(cx, xid, op)) {
            Some(xid) => self.await_reply(at, xid),
            None => Ok(None),
        }
    }

    /// What comes before the reply is kept.
    fn await_reply(&mut self, at: usize, xid: i32) -> Result<Option<Arc<ClientReply>>, Halt> {
        let wire = at as u32;
        loop {
            self.ensemble.wait("a server answers", |ensemble| ensemble.wire(wire).has_mail() || ensemble.wire(wire).standing() != Standing::Open)?;
            match self.ensemble.on_wire(wire, |wire, _| wire.take()) {
                None => return Ok(None),
                Some(Packet::ClientReply(reply)) if reply.xid == xid => {
                    let session = &mut self.sessions[at];
                    session.seen = session.seen.max(reply.zxid);
                    self.names.meet(session.seen);
                    return Ok(Some(reply));
                }
                Some(Packet::ClientReply(reply)) => {
                    let name = &self.sessions[at].name;
                    return Err(Halt::Contradiction(format!("{name} is answered with xid {}, where {xid} is next", reply.xid)));
                }
                Some(Packet::WatcherEvent(event)) => self.sessions[at].events.push(event),
                // Servers say nothing else on an open connection.
                Some(_) => {}
            }
        }
    }

    /// Every session that is connected asks for a sync, again and again, until all have seen the same last transaction, `floor` or later. Its number.
    fn settle(&mut self, floor: Zxid) -> Result<i64, Halt> {
        for _ in 0..SETTLE_ROUNDS {
            let live = self.connected();
            let numbers = |driver: &Driver| live.iter().map(|at| driver.names.number(driver.sessions[*at].seen)).collect::<Vec<i64>>();
            let target = numbers(self).into_iter().fold(self.names.number(floor), i64::max);
            let asked: Vec<_> = live.iter().map(|at| (*at, self.ensemble.on_wire(*at as u32, |wire, cx| wire.send(cx, None, sync())))).collect();
            for (at, xid) in asked {
                let xid = xid.expect("those that are connected can send");
                self.await_reply(at, xid)?.ok_or_else(|| self.lost(at))?;
            }
            if numbers(self).iter().all(|number| *number == target) {
                self.names.settle(target);
                return Ok(target);
            }
        }
        Err(Halt::Stuck("the sessions never come to see the same last transaction".into()))
    }

    fn sent_away(&self, at: usize) -> Halt {
        Halt::Stuck(format!("{} is sent away: its session has expired, or the server has applied less than it saw", self.sessions[at].name))
    }

    fn lost(&self, at: usize) -> Halt {
        Halt::Stuck(format!("{} lost its connection", self.sessions[at].name))
    }

    fn take_events(&mut self, at: usize, before_reply: bool) -> Vec<Event> {
        let heard = self.sessions[at].take_events();
        let name = &self.sessions[at].name;
        let event = |WatcherEvent { kind, path, .. }: &WatcherEvent| Event {
            session: name.clone(),
            path: path.to_string(),
            kind: kind.name().into(),
            before_reply,
        };
        heard.iter().map(|heard| event(heard)).collect()
    }
}

fn sync() -> Op {
    Op::Sync { path: "/".into() }
}
