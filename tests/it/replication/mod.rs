//! Whole ensembles replicate: what clients were told stays true on every server, whatever breaks.

mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;

use zoolab::bugs::Bugs;
use zoolab::proto::{Config, Membership, Micros, NodeId, ServerId, TxnRef};
use zoolab::server::Server;
use zoolab::sim::{Action, Clock, NodeConfig, Origin, Recording, Stepped, Timing, World, WorldConfig};
use zoolab::trace::{ApplyHow, Event, Note, SyncHow, What};

use writer::{Process, Writer};

/// A world of servers and writers, and all that its servers told.
pub struct Ensemble {
    pub world: World<Process>,
    pub notes: Vec<(Micros, NodeId, Note)>,
    servers: i64,
}

impl Ensemble {
    /// `voters` servers and `observers`; writers with the servers that each tries.
    pub fn new(seed: u64, voters: u32, observers: u32, writers: Vec<Writer>, tune: impl FnOnce(&mut Config)) -> Ensemble {
        let mut config = Config::new(Membership::of(voters, observers));
        config.tick_time = Micros::from_millis(200);
        tune(&mut config);
        let config = Arc::new(config);
        let node = |id, program| NodeConfig { id, program, start: Some(Micros::ZERO), clock: Clock::new(0, 0) };
        let servers = i64::from(voters + observers);
        let mut nodes: Vec<_> = (1..=servers)
            .map(|number| node(NodeId::server(number), Process::Server(Box::new(Server::new(ServerId(number), config.clone(), None)))))
            .collect();
        nodes.extend((1..).zip(writers).map(|(number, writer)| node(NodeId::Client(number), Process::Writer(Box::new(writer)))));
        let mut world = World::new(WorldConfig { seed, timing: Timing::default(), bugs: Bugs::NONE, supervise: true }, nodes);
        world.set_recording(Recording::Story);
        Ensemble { world, notes: Vec::new(), servers }
    }

    /// Runs until this time, in ms.
    pub fn run_until(&mut self, ms: u64) {
        let end = Micros::from_millis(ms);
        while self.world.next_at().is_some_and(|at| at <= end) && self.world.step() == Stepped::Fired {
            self.collect();
        }
    }

    fn collect(&mut self) {
        for Event { at, node, what, .. } in self.world.take_events() {
            if let (Some(node), What::Note(note)) = (node, what) {
                self.notes.push((at, node, note));
            }
        }
    }

    pub fn act(&mut self, action: &str) {
        let seed = self.world.config().seed;
        let at = self.world.now();
        self.world.inject(&Action::parse(action).unwrap(), Origin::Author).unwrap_or_else(|why| panic!("seed {seed} at {at}, {action}: {why:?}"));
        self.collect();
    }

    pub fn server(&self, number: i64) -> Option<&Server> {
        match self.world.actor(NodeId::server(number))? {
            Process::Server(server) => Some(server),
            Process::Writer(_) => None,
        }
    }

    pub fn writer(&self, number: u32) -> &Writer {
        match self.world.actor(NodeId::Client(number)) {
            Some(Process::Writer(writer)) => writer,
            _ => panic!("c{number} is no writer"),
        }
    }

    pub fn acked(&self) -> usize {
        (1..).map_while(|number| self.world.actor(NodeId::Client(number)).map(|_| self.writer(number).acked.len())).sum()
    }

    /// Nobody writes any more, and what is under way ends.
    pub fn stop_writing(&mut self) {
        for number in (1..).take_while(|number| self.world.actor(NodeId::Client(*number)).is_some()).collect::<Vec<_>>() {
            self.act(&format!("pause c{number}"));
        }
        self.run_until(self.world.now().0 / 1_000 + 4_000);
    }

    /// How a server was brought up to date, each time.
    pub fn syncs_of(&self, server: i64) -> Vec<SyncHow> {
        let chosen = |note: &Note| match note {
            Note::SyncChosen { learner, how, .. } if learner.0 == server => Some(*how),
            _ => None,
        };
        self.notes.iter().filter_map(|(_, _, note)| chosen(note)).collect()
    }

    /// Every server has applied all that anybody was told, the same transactions with the same outcome, and none of them is surprised.
    pub fn agree(&self) {
        let mut digests: BTreeMap<TxnRef, u64> = BTreeMap::new();
        for (at, node, note) in &self.notes {
            match note {
                Note::Applied { txn, digest, how: ApplyHow::Commit } => {
                    let known = *digests.entry(*txn).or_insert(*digest);
                    assert_eq!(known, *digest, "{node} differs after {txn} at {at}");
                }
                Note::Unexpected { .. } | Note::SyncAborted { .. } | Note::BootRefused { .. } => panic!("{node} at {at}: {note}"),
                _ => {}
            }
        }
        let applied: Vec<_> = (1..=self.servers)
            .filter_map(|number| self.server(number).map(|server| (number, server.database().last_processed, server.database().digest())))
            .collect();
        let (_, zxid, digest) = applied[0];
        assert!(applied.iter().all(|(_, other, theirs)| (*other, *theirs) == (zxid, digest)), "{applied:?}");
        self.keeps_what_was_acked();
    }

    /// No acknowledged number was overwritten by an older one.
    fn keeps_what_was_acked(&self) {
        let database = self.server(1).unwrap().database();
        for number in (1..).take_while(|number| self.world.actor(NodeId::Client(*number)).is_some()) {
            let Some((last, zxid)) = self.writer(number).acked.last() else { continue };
            let node = database.tree().get(&format!("/c{number}")).unwrap_or_else(|| panic!("/c{number} is lost, acknowledged by {zxid}"));
            let data = String::from_utf8(node.data.as_ref().unwrap().to_vec()).unwrap();
            assert!(data.parse::<u64>().unwrap() >= *last, "c{number} was told that {last} is written by {zxid}, and reads {data}");
        }
    }
}

/// Writers in closed loops, each with a server of its own to begin with.
fn writers(count: u32, servers: &[i64], wanted: usize, pause_ms: u64) -> Vec<Writer> {
    (0..count as usize)
        .map(|shift| {
            let mut order = servers.to_vec();
            order.rotate_left(shift % servers.len());
            Writer::new(&order, wanted, Micros::from_millis(pause_ms))
        })
        .collect()
}

#[test]
fn three_servers_replicate() {
    let mut ensemble = Ensemble::new(1, 3, 0, writers(3, &[1, 2, 3], 100, 0), |_| {});
    ensemble.run_until(20_000);
    assert_eq!(ensemble.acked(), 300);
    ensemble.agree();
}

#[test]
fn observers_are_told() {
    let mut ensemble = Ensemble::new(2, 3, 2, writers(5, &[1, 2, 3, 4, 5], 40, 0), |_| {});
    ensemble.run_until(20_000);
    assert_eq!(ensemble.acked(), 200);
    ensemble.agree();
}

/// A follower that was away gets what it missed: from memory, from the leader's log, or with the whole tree.
#[test]
fn a_follower_that_was_away_catches_up() {
    let cases: [(u32, u32, u32, SyncHow); 3] =
        [(100_000, 500, 100, SyncHow::Diff), (100_000, 20, 100, SyncHow::Snap), (100_000, 20, 1_000_000, SyncHow::Diff)];
    for (snap_count, commit_log_count, size_factor, expected) in cases {
        let mut ensemble = Ensemble::new(3, 3, 0, writers(2, &[2, 3], 1_000, 20), |config| {
            config.snap_count = snap_count;
            config.commit_log_count = commit_log_count;
            config.snapshot_size_factor = Some(size_factor);
            config.pre_alloc_size = 0;
        });
        ensemble.run_until(2_000);
        ensemble.act("crash s1");
        ensemble.run_until(6_000);
        ensemble.act("restart s1");
        ensemble.run_until(9_000);
        ensemble.stop_writing();
        ensemble.agree();
        let chosen: Vec<_> = ensemble.syncs_of(1);
        assert_eq!(chosen.last(), Some(&expected), "{chosen:?}");
    }
}

/// Whatever crashes, in whatever order, under load.
#[test]
fn crashes_lose_nothing() {
    for seed in 1..=12 {
        let mut ensemble = Ensemble::new(seed, 3, 1, writers(3, &[1, 2, 3], 100_000, 10), |config| {
            config.snap_count = 60;
            config.commit_log_count = 30;
        });
        ensemble.run_until(1_500);
        for round in 0..8u64 {
            let victim = 1 + (seed * 7 + round * round * 3 + round) % 4;
            let fault = if (seed + round).is_multiple_of(3) { "power-loss" } else { "crash" };
            ensemble.act(&format!("{fault} s{victim}"));
            let at = ensemble.world.now().0 / 1_000;
            ensemble.run_until(at + 300 + 137 * (seed + round) % 900);
            ensemble.act(&format!("restart s{victim}"));
            ensemble.run_until(at + 1_500);
        }
        ensemble.stop_writing();
        assert!(ensemble.acked() > 100, "seed {seed}: {}", ensemble.acked());
        ensemble.agree();
    }
}
