//! A server that does nothing but store: it boots, logs what comes in, takes snapshots, purges, and truncates when it is told to.

use std::sync::Arc;

use zoolab::actor::{Actor, Cx, Effect, Input};
use zoolab::bugs::Bugs;
use zoolab::proto::{
    Acl, Config, CreateForm, DiskError, DiskReply, DiskTag, Membership, Micros, NodeId, Proposal, ServerId, SessionId, SmallFile, Stage, Timer, Txn,
    TxnHeader, Zxid,
};
use zoolab::sim::{Action, Clock, NodeConfig, Origin, Timing, World, WorldConfig};
use zoolab::store::boot::{Boot, BootEvent, Booted};
use zoolab::store::{
    Cut, EXIT_SNAPSHOT_FAILED, Image, LogFailure, LoggerEvent, Purge, Recovery, RecoveryEvent, RequestLogger, SnapshotEvent, Snapshotter, Truncation,
    TruncationEvent, content, name,
};
use zoolab::tree::Database;

pub const S1: NodeId = NodeId::server(1);

/// What the server is up to once it has booted.
#[derive(Clone)]
pub enum Plan {
    /// It logs transactions of epoch 1 up to this one, a few at a time with pauses between, and applies each at once: others have committed it.
    Write { until: u32, pause: Micros },
    /// If its history is longer, it is told TRUNC to this zxid; the transactions that follow are in its memory when it takes its image.
    Trunc { to: Zxid, then: Vec<Arc<Proposal>> },
    /// It is sent this tree, unless it has it, and takes its image.
    Snap { tree: Box<Database> },
}

#[derive(Clone)]
pub struct Keeper {
    config: Arc<Config>,
    plan: Plan,
    boot: Option<Boot>,
    /// Why it does not start.
    pub refused: Option<String>,
    /// What its disk gave it: the zxid it would vote with, and the digest of its database.
    pub recovered: Option<(Zxid, u64)>,
    pub store: Option<Store>,
}

#[derive(Clone)]
pub struct Store {
    pub database: Database,
    logger: RequestLogger,
    snapshotter: Snapshotter,
    purge: Purge,
    truncation: Option<Truncation>,
    /// The database is read again, after the log had failed.
    recovery: Option<Recovery>,
    pub has_failed: bool,
    /// The last transaction that was reported as logged.
    pub acked: Zxid,
    /// The plan is carried out: now the server would acknowledge NEWLEADER.
    pub done: bool,
}

impl Keeper {
    pub fn new(config: Config, plan: Plan) -> Keeper {
        Keeper { config: Arc::new(config), plan, boot: None, refused: None, recovered: None, store: None }
    }

    fn booted(&mut self, cx: &mut Cx, booted: Booted) {
        let Booted { database, last_logged, .. } = booted;
        self.recovered = Some((last_logged, database.digest()));
        let mut purge = Purge::new(self.config.clone());
        purge.start(cx);
        self.store = Some(Store {
            acked: database.last_processed,
            database,
            logger: RequestLogger::new(self.config.clone()),
            snapshotter: Snapshotter::default(),
            purge,
            truncation: None,
            recovery: None,
            has_failed: false,
            done: false,
        });
        cx.arm(Timer::ObserverDelay, Micros(2_000));
    }

    /// A part of the plan.
    fn act(&mut self, cx: &mut Cx) {
        let Some(store) = &mut self.store else { return };
        let last = store.database.last_processed;
        match &self.plan {
            Plan::Write { until, pause } if last.counter() < *until => {
                cx.arm(Timer::ObserverDelay, *pause);
                if store.has_failed {
                    return;
                }
                let first = last.counter() + 1;
                for counter in first..=(first + cx.draw_below(3) as u32).min(*until) {
                    let proposal = transaction(counter);
                    let _ = store.database.apply(&proposal);
                    store.logger.log(cx, proposal);
                }
            }
            Plan::Trunc { to, then } if last > *to && then.last().is_none_or(|end| last != end.zxid()) => self.truncate(cx, Cut::Trunc(*to)),
            Plan::Snap { tree } if last != tree.last_processed => self.truncate(cx, Cut::Snap(tree.last_processed)),
            Plan::Write { .. } | Plan::Trunc { .. } | Plan::Snap { .. } => store.done = true,
        }
    }

    fn truncate(&mut self, cx: &mut Cx, cut: Cut) {
        let Some(store) = &mut self.store else { return };
        let Store { logger, snapshotter, purge, .. } = store;
        store.truncation = Some(Truncation::start(cx, self.config.clone(), cut, logger, snapshotter, purge));
    }

    fn on_disk(&mut self, cx: &mut Cx, tag: DiskTag, outcome: Result<DiskReply, DiskError>) {
        if let Some(boot) = &mut self.boot {
            match boot.on_disk(cx, outcome) {
                BootEvent::Continues => return,
                BootEvent::Booted(booted) => self.booted(cx, *booted),
                BootEvent::Refused(reason) => self.refused = Some(reason),
            }
            self.boot = None;
            return;
        }
        let Some(store) = &mut self.store else { return };
        match tag {
            DiskTag::Log => {
                let event = store.logger.on_disk(cx, outcome);
                store.on_logger(cx, event, &self.config);
            }
            DiskTag::Snapshot => {
                let event = store.snapshotter.on_disk(cx, outcome);
                store.on_snapshot(cx, event);
            }
            DiskTag::Purge => store.purge.on_disk(cx, outcome),
            DiskTag::Recovery(_) => store.on_recovery(cx, outcome),
            DiskTag::Truncation => self.on_truncation(cx, outcome),
            other => panic!("nobody asked for {other:?}"),
        }
    }

    fn on_truncation(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) {
        let Some(store) = &mut self.store else { return };
        let recovered = match store.truncation.as_mut().expect("it asked").on_disk(cx, outcome) {
            TruncationEvent::Continues => return,
            TruncationEvent::Done(recovered) => recovered,
            other => panic!("{other:?}"),
        };
        store.truncation = None;
        let image = match (&self.plan, recovered) {
            (Plan::Snap { tree }, None) => {
                store.database = Database::clone(tree);
                Image::AfterSnap { to: tree.last_processed }
            }
            (Plan::Trunc { then, .. }, Some(recovered)) => {
                store.database = recovered.database;
                for proposal in then {
                    let _ = store.database.apply(proposal);
                }
                Image::AfterTrunc
            }
            _ => panic!("TRUNC gives a database, SNAP needs none"),
        };
        store.snapshotter.take(cx, &store.database, image);
    }
}

impl Store {
    fn on_logger(&mut self, cx: &mut Cx, event: LoggerEvent, config: &Arc<Config>) {
        if event.snapshot_due {
            self.snapshotter.take_in_background(cx, &self.database);
        }
        if let Some(last) = event.logged.last() {
            self.acked = last.zxid();
        }
        match event.failed {
            Some(LogFailure::Append(_)) => {
                self.has_failed = true;
                self.logger.drain(cx);
            }
            Some(LogFailure::Repair(_)) => cx.emit(Effect::Exit(1)),
            None if self.has_failed && self.recovery.is_none() && self.logger.is_idle() => {
                self.snapshotter.freeze(&self.database);
                self.recovery = Some(Recovery::load(cx, config.clone(), true));
            }
            None => {}
        }
    }

    fn on_recovery(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) {
        match self.recovery.as_mut().expect("it asked").on_disk(cx, outcome) {
            RecoveryEvent::Continues => {}
            RecoveryEvent::Recovered(recovered) => {
                self.database = recovered.database;
                assert!(self.database.last_processed >= self.acked, "the disk has lost what was logged");
                self.recovery = None;
                self.has_failed = false;
            }
            RecoveryEvent::Refused(_) => cx.emit(Effect::Exit(1)),
        }
    }

    fn on_snapshot(&mut self, cx: &mut Cx, event: SnapshotEvent) {
        match event {
            SnapshotEvent::Continues | SnapshotEvent::Taken { background: true, .. } => {}
            SnapshotEvent::Taken { .. } => self.done = true,
            SnapshotEvent::Failed(_) => cx.emit(Effect::Exit(EXIT_SNAPSHOT_FAILED)),
        }
    }
}

impl Actor for Keeper {
    fn step(&mut self, cx: &mut Cx, input: Input) {
        match (input, &mut self.store) {
            (Input::Boot, _) => self.boot = Some(Boot::start(cx, self.config.clone(), true)),
            (Input::Disk { tag, outcome }, _) => self.on_disk(cx, tag, outcome),
            (Input::Timer(Timer::Purge), Some(store)) => store.purge.on_timer(cx, store.truncation.is_some()),
            (Input::Timer(_), _) => self.act(cx),
            (Input::Stage(Stage::SyncRequestProcessor), Some(store)) => {
                let event = store.logger.on_stage(cx);
                store.on_logger(cx, event, &self.config);
            }
            (Input::Stage(Stage::SnapshotTaker), Some(store)) => {
                let event = store.snapshotter.on_stage(cx, &store.database, &mut store.logger);
                store.on_snapshot(cx, event);
            }
            (other, _) => panic!("{other:?}"),
        }
    }
}

/// Small files, and snapshots so often that they overlap with everything.
pub fn config() -> Config {
    let mut config = Config::new(Membership::of(1, 0));
    config.pre_alloc_size = 8192;
    config.snap_count = 8;
    config.purge_interval = Micros::from_millis(3);
    config
}

/// The transaction with this number: nodes come, change and go.
pub fn transaction(counter: u32) -> Arc<Proposal> {
    let zxid = Zxid::new(1, counter);
    let node = |counter: u32| format!("/n{counter:02}").into();
    let acl = [Acl { perms: 31, scheme: "world".into(), id: "anyone".into() }].into();
    let txn = match counter % 4 {
        1 => Txn::Create { form: CreateForm::Create, path: node(counter), data: None, acl, ephemeral: false, parent_cversion: counter as i32 },
        2 => Txn::SetData { path: node(counter - 1), data: Some(counter.to_string().into_bytes().into()), version: 1 },
        3 => Txn::CreateSession { timeout: 1000 },
        _ if counter.is_multiple_of(8) => Txn::Delete { path: node(counter - 3), container: false },
        _ => Txn::SetData { path: node(counter - 3), data: None, version: 2 },
    };
    Proposal::new(TxnHeader { session: SessionId(i64::from(counter)), cxid: 0, zxid, time: 0 }, txn)
}

/// What a leader of epoch 2 proposes: nobody has it in epoch 1.
pub fn of_next_epoch(counter: u32) -> Arc<Proposal> {
    let header = TxnHeader { session: SessionId(-1), cxid: 0, zxid: Zxid::new(2, counter), time: 0 };
    Proposal::new(header, Txn::SetData { path: "/".into(), data: Some([counter as u8].into()), version: counter as i32 })
}

/// The database after so many transactions.
pub fn database_at(counter: u32) -> Database {
    let mut database = Database::new(500);
    for counter in 1..=counter {
        database.apply(&transaction(counter)).expect("every transaction does something");
    }
    database
}

pub fn world(keeper: Keeper, seed: u64, bugs: Bugs) -> World<Keeper> {
    let node = NodeConfig { id: S1, program: keeper, start: Some(Micros::ZERO), clock: Clock::new(0, 0) };
    let mut world = World::new(WorldConfig { seed, timing: Timing::default(), bugs, supervise: false }, vec![node]);
    for (file, epoch) in [(SmallFile::AcceptedEpoch, 2), (SmallFile::CurrentEpoch, 1)] {
        world.disk_mut(S1).unwrap().install(name(file).into(), &content(epoch));
    }
    world
}

pub fn inject(world: &mut World<Keeper>, action: &str) {
    world.inject(&Action::parse(action).unwrap(), Origin::Author).unwrap();
}

/// What the server has now, unless it is not running or has not booted.
pub fn store(world: &World<Keeper>) -> Option<&Store> {
    world.actor(NodeId::Server(ServerId(1)))?.store.as_ref()
}

/// The server dies so, starts again, and has read its disk: the world then, and what the disk gave.
pub fn reborn(world: &World<Keeper>, death: &str) -> (World<Keeper>, Result<(Zxid, u64), String>) {
    let mut world = world.clone();
    inject(&mut world, death);
    inject(&mut world, "restart s1");
    loop {
        let keeper = world.actor(S1).expect("it was just started");
        if let Some(recovered) = keeper.recovered {
            return (world, Ok(recovered));
        }
        if let Some(reason) = keeper.refused.clone() {
            return (world, Err(reason));
        }
        world.step();
    }
}
