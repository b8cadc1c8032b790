//! Three simulated servers, set up as those were that the transcripts come from, and a wire for each session.

use std::sync::Arc;

use super::rewatch;
use super::wire::{Party, Standing, Wire};
use crate::actor::Cx;
use crate::bugs::Bugs;
use crate::check::{Checks, Violation};
use crate::proto::{Config, Epoch, Membership, Micros, NodeId, Op, PeerState, ServerId, Span, Version, Zxid};
use crate::server::Server;
use crate::sim::{Action, Choice, Clock, NodeConfig, Origin, Recording, Stepped, Timing, World, WorldConfig};

pub const SERVERS: usize = 3;

/// After so long in virtual time something that is waited for will not come.
const PATIENCE: Micros = Micros::from_secs(120);

/// The timer of the leader that looks after containers and TTL nodes.
const SWEEP_TIMER: &str = "container_check";

/// Who may do everything: `super:test`.
const SUPER_DIGEST: &str = "super:D/InIHSb7yEEbrWz8b9l71RjZJU=";

/// Longer than any transcript takes.
const NEVER: Micros = Micros::from_secs(24 * 3_600);

/// The session timeouts that servers grant.
const TIMEOUT_MAX: Micros = Micros::from_secs(3_600);

/// How an ensemble is set up.
#[derive(Clone, Debug)]
pub struct Setting {
    pub seed: u64,
    pub version: Version,
    /// How often containers and TTL nodes are looked after; `None`: never in the time that a transcript takes.
    pub sweep: Option<Micros>,
    /// Latency of one message.
    pub link: Span,
    /// How many sessions will ever be, the driver's own included.
    pub wires: u32,
}

/// The world came to no end, or to one too early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck(pub String);

/// A running ensemble, moved by hand.
#[derive(Clone)]
pub struct Ensemble {
    world: World<Party>,
    version: Version,
    /// Whatever the transcript says, nothing may be broken.
    checks: Checks,
    violation: Option<Violation>,
}

impl Ensemble {
    /// Boots the servers and waits until all of them serve.
    pub fn start(setting: &Setting) -> Result<Ensemble, Stuck> {
        let config = Arc::new(config(setting));
        let servers = config.membership.members.keys().copied();
        let servers = servers.map(|id| (NodeId::Server(id), Party::Server(Server::new(id, config.clone(), None))));
        let wires = (0..setting.wires).map(|wire| (NodeId::Client(wire), Party::Wire(Wire::default())));
        let node = |(id, program)| NodeConfig { id, program, start: Some(Micros::ZERO), clock: Clock::new(0, 0) };
        let timing = Timing { link: setting.link, ..Timing::default() };
        let world = WorldConfig { seed: setting.seed, timing, bugs: Bugs::default(), supervise: true };
        let mut world = World::new(world, servers.chain(wires).map(node).collect());
        world.set_recording(Recording::Evidence);
        let mut ensemble = Ensemble { world, checks: Checks::new(&config), violation: None, version: setting.version };
        ensemble.wait_until_all_serve()?;
        Ok(ensemble)
    }

    pub fn now(&self) -> Micros {
        self.world.now()
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Micros) -> Result<(), Stuck> {
        let stepped = self.world.run_until(self.now() + time);
        self.look();
        match stepped {
            Stepped::Livelock => Err(Stuck("the world stands still".into())),
            _ => Ok(()),
        }
    }

    /// Lets time pass until something holds.
    pub fn wait(&mut self, what: &str, holds: impl Fn(&Ensemble) -> bool) -> Result<(), Stuck> {
        let end = self.now() + PATIENCE;
        while !holds(self) {
            let stuck = || Stuck(format!("{what}: not within {PATIENCE} of virtual time"));
            let next = self.world.upcoming().filter(|next| next.at() <= end).ok_or_else(stuck)?;
            let stepped = self.world.step_to(next);
            self.look();
            if stepped == Stepped::Livelock {
                return Err(Stuck(format!("{what}: the world stands still")));
            }
        }
        Ok(())
    }

    /// Shows the checks what has happened.
    fn look(&mut self) {
        for event in self.world.take_events() {
            let found = self.checks.observe(&event);
            self.violation = self.violation.take().or(found);
        }
    }

    /// Has the checks look back at everything.
    pub fn conclude(&mut self) {
        self.look();
        let found = self.checks.conclude(self.world.now());
        self.violation = self.violation.take().or(found);
    }

    /// What was broken first.
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// Until every server is up, one leads, and the others follow it.
    pub fn wait_until_all_serve(&mut self) -> Result<(), Stuck> {
        self.wait("all servers serve", |ensemble| ensemble.serving() == SERVERS)
    }

    /// Until one server leads and a majority serves.
    pub fn wait_until_a_majority_serves(&mut self) -> Result<(), Stuck> {
        self.wait("a majority serves", |ensemble| ensemble.serving() > SERVERS / 2)
    }

    /// How many servers serve under one leader.
    fn serving(&self) -> usize {
        let Some(leader) = self.leader() else { return 0 };
        let under_it = |server: &Server| server.is_serving() && server.leader() == Some(leader);
        servers().filter(|id| self.server(*id).is_some_and(under_it)).count()
    }

    /// When containers and TTL nodes are looked after next.
    pub fn next_sweep(&self) -> Option<Micros> {
        let sweeps = |(at, choice)| matches!(choice, Choice::Timer { timer: SWEEP_TIMER, .. }).then_some(at);
        self.world.pending().into_iter().find_map(sweeps)
    }

    /// Who leads and serves, if somebody does.
    pub fn leader(&self) -> Option<ServerId> {
        servers().find(|id| self.server(*id).is_some_and(|server| server.state() == PeerState::Leading && server.is_serving()))
    }

    /// What the servers know of a session's watches, and with which requests another would come to know the same. Empty for who is not connected.
    pub fn rewatch(&self, wire: u32, seen: Zxid) -> Vec<Op> {
        let server = self.wire(wire).server().and_then(|id| self.server(id));
        server.map_or_else(Vec::new, |server| {
            let tree = server.database().tree();
            rewatch::requests(self.version, &server.watches_of(self.wire(wire).session), seen, |path| tree.get(path).is_some())
        })
    }

    /// The epoch of who leads, if somebody does.
    pub fn epoch(&self) -> Option<Epoch> {
        self.leader().and_then(|id| self.server(id)).map(|leader| leader.database().last_processed.epoch())
    }

    /// Until every server has applied this transaction.
    pub fn wait_until_all_applied(&mut self, zxid: Zxid) -> Result<(), Stuck> {
        let has = |ensemble: &Ensemble, id| ensemble.server(id).is_some_and(|server| server.database().last_processed >= zxid);
        self.wait("all servers apply a transaction", |ensemble| servers().all(|id| has(ensemble, id)))
    }

    fn server(&self, id: ServerId) -> Option<&Server> {
        match self.world.actor(NodeId::Server(id)) {
            Some(Party::Server(server)) => Some(server),
            _ => None,
        }
    }

    /// Does something to the world, which must take effect.
    pub fn inject(&mut self, action: &Action) -> Result<(), Stuck> {
        self.world.inject(action, Origin::Generated).map_err(|why| Stuck(format!("{action}: {why}")))
    }

    pub fn wire(&self, wire: u32) -> &Wire {
        match self.world.actor(NodeId::Client(wire)) {
            Some(Party::Wire(wire)) => wire,
            _ => unreachable!("wires are started with the world and never stopped"),
        }
    }

    /// Has a wire do something.
    pub fn on_wire<R>(&mut self, wire: u32, act: impl FnOnce(&mut Wire, &mut Cx) -> R) -> R {
        let done = self.world.act(NodeId::Client(wire), |party, cx| match party {
            Party::Wire(wire) => act(wire, cx),
            Party::Server(_) => unreachable!("clients are wires"),
        });
        done.expect("wires are started with the world and never stopped")
    }

    /// Until a wire's dial has come to an end. Whether it is connected.
    pub fn wait_for_greeting(&mut self, wire: u32) -> Result<bool, Stuck> {
        self.wait("a server greets", |ensemble| ensemble.wire(wire).standing() != Standing::Connecting)?;
        Ok(self.wire(wire).standing() == Standing::Open)
    }
}

/// The server that is number `host` in the round, from 0.
pub fn server_at(host: usize) -> ServerId {
    ServerId((host % SERVERS) as i64 + 1)
}

pub fn servers() -> impl Iterator<Item = ServerId> {
    (0..SERVERS).map(server_at)
}

/// That of the recorded ensemble, but for session timeouts: there may be longer ones.
fn config(setting: &Setting) -> Config {
    let mut config = Config::new(Membership::of(SERVERS as u32, 0));
    config.version = setting.version;
    config.tick_time = Micros::from_millis(200);
    config.init_limit = 50;
    config.sync_limit = 100;
    config.max_session_timeout = Some(TIMEOUT_MAX);
    config.extended_types_enabled = true;
    config.super_digest = Some(SUPER_DIGEST.into());
    config.container_check_interval = setting.sweep.unwrap_or(NEVER);
    config
}
