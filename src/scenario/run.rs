//! One run of a scenario: the world, a cursor through the steps, and the checks that watch.

mod ahead;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cursor::{Cursor, Due};
use super::debts::Debts;
use super::probe::Probe;
use super::results::WorkloadResults;
use super::watch::Watch;
use super::{Process, Scenario, ServerStart, Trigger, disk_probe, judge, memory_probe};
use crate::bugs::Bugs;
use crate::check::{ByFault, Counts, Fact, LeaderTimes, Statistics, Verdict, Violation};
use crate::client::{Client, Program};
use crate::proto::{Claim, Claimed, Command, Config, Epoch, Member, Micros, NodeId, PeerState, ServerId, SmallFile, Version, Zxid};
use crate::server::Server;
use crate::sim::action::{Role, Who};
use crate::sim::disk::DiskFault;
use crate::sim::{Action, Clock, NodeConfig, Origin, Recording, Stepped, Upcoming, World, WorldConfig};
use crate::store;
use crate::trace::{Event, is_evidence};

/// Version of the simulated behaviour: grows when the same scenario and seed may rightly give another digest.
pub const BEHAVIOUR: u32 = 3;

/// What a caller changes about a scenario.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunOptions {
    /// Another seed than the scenario's.
    pub seed: Option<u64>,
    /// All bug switches off.
    pub no_bugs: bool,
    /// Keep every event; without it only what the story needs is kept, and only until the checks have seen it.
    pub keep_events: bool,
    /// Nobody watches: no checks, no expectations about events, no recovery that ends when all is well. For measuring, and for the proof that
    /// watching changes nothing.
    pub unwatched: bool,
}

/// A run under way. Cheap to clone, so that one can go back or try something else.
#[derive(Clone)]
pub struct Run {
    scenario: Arc<Scenario>,
    /// That of the ensemble.
    config: Arc<Config>,
    options: RunOptions,
    world: World<Process>,
    cursor: Cursor,
    watch: Watch,
    phase: Phase,
    /// The write that is demanded in the end, once everybody serves again, and when it began.
    probe: Option<(Probe, Micros)>,
    /// What clients are owed since all is quiet.
    debts: Option<Debts>,
    /// How long it took until everybody served.
    recovery: Option<LeaderTimes>,
    verdict: Option<Verdict>,
    kept: Vec<Event>,
    /// Empty but while events are looked at.
    inbox: Vec<Event>,
    /// What held when the run ended and before anything was made quiet.
    at_end: Option<judge::AtEnd>,
    /// Every wake-up is looked at before the next.
    at_once: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The steps, and what is left of the scenario's time.
    Story,
    /// All is quiet: the ensemble must settle and commit a write.
    Recovery,
    Over,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    pub verdict: Verdict,
    /// What was expected and is not so; empty when all is as expected.
    pub missed: Vec<String>,
    pub seed: u64,
    /// Virtual time at the end.
    pub ended: Micros,
    /// Trace events, kept or not.
    pub events: u64,
    pub digest: u64,
    pub steps_fired: u32,
    pub steps_total: u32,
    /// What the author says about the actions that were carried out, by the event of each.
    pub notes: BTreeMap<u64, String>,
    pub statistics: Statistics,
    /// What became of requests and sessions behind each kind of fault.
    pub by_fault: ByFault,
    /// How long the last settling took; `None` when it was not asked for, or did not come.
    pub recovery: Option<LeaderTimes>,
    /// By name, what became of the requests of each workload.
    pub workloads: BTreeMap<String, WorkloadResults>,
}

impl Report {
    /// Whether verdict and expectations are met.
    pub fn is_as_expected(&self) -> bool {
        self.missed.is_empty()
    }
}

impl Run {
    pub fn new(scenario: Arc<Scenario>, options: RunOptions) -> Run {
        let config = Arc::new(scenario.ensemble.config.clone());
        let seed = options.seed.unwrap_or(scenario.seed);
        let bugs = if options.no_bugs { Bugs::NONE } else { scenario.bugs };
        let world_config = WorldConfig { seed, timing: scenario.timing.clone(), bugs, supervise: scenario.ensemble.supervise };
        let mut world = World::new(world_config, servers(&scenario, &config).chain(clients(&scenario, &config)).collect());
        install_histories(&mut world, &scenario);
        world.set_recording(recording(&scenario, &options));
        let watch = Watch::new(&scenario, &config);
        let cursor = Cursor::new(scenario.steps.clone());
        Run {
            scenario,
            config,
            options,
            world,
            cursor,
            watch,
            phase: Phase::Story,
            probe: None,
            debts: None,
            recovery: None,
            verdict: None,
            kept: Vec::new(),
            inbox: Vec::new(),
            at_end: None,
            at_once: false,
        }
    }

    /// Runs to the end.
    pub fn finish(mut self) -> (Report, Vec<Event>) {
        while self.advance_far() {}
        let report = self.report();
        (report, self.kept)
    }

    pub fn world(&self) -> &World<Process> {
        &self.world
    }

    /// A server, while its process runs.
    pub fn server(&self, id: ServerId) -> Option<&Server> {
        self.world.actor(NodeId::Server(id)).and_then(Process::as_server)
    }

    /// What the checks have held against their model.
    pub fn looked_at(&self) -> Counts {
        self.watch.checks.looked_at()
    }

    /// Events kept so far.
    pub fn events(&self) -> &[Event] {
        &self.kept
    }

    /// One wake-up of the world, or one step of the scenario, or one change of phase. False when the run is over.
    pub fn advance(&mut self) -> bool {
        match self.phase {
            Phase::Story => self.advance_story(),
            Phase::Recovery => self.advance_recovery(),
            Phase::Over => return false,
        }
        self.phase != Phase::Over
    }

    fn advance_story(&mut self) {
        if !self.step_before(self.scenario.run) {
            self.world.run_until(self.scenario.run);
            self.at_end = Some(judge::AtEnd::of(&self.world, &self.watch.sightings));
            self.begin_recovery();
        }
    }

    /// One wake-up of the world, or one step of the scenario. False when there is none until `end`.
    #[inline]
    fn step_before(&mut self, end: Micros) -> bool {
        let next = self.world.upcoming();
        match self.cursor.due(self.world.now()) {
            Due::Now => {
                self.fire_step();
                return true;
            }
            Due::At(at) if at <= end && next.is_none_or(|next| next.at() >= at) => {
                self.world.wait_until(at);
                return true;
            }
            Due::At(_) | Due::Event => {}
        }
        next.filter(|next| next.at() <= end).map(|next| self.step_world(next)).is_some()
    }

    /// For somebody who plays along: one wake-up or step of the story. False when there is none until `end`, to which the clock has moved then,
    /// or when the run is over. The scenario's own end does not count.
    pub fn play(&mut self, end: Micros) -> bool {
        if self.phase != Phase::Story {
            return false;
        }
        let stepped = self.step_before(end);
        if !stepped {
            self.world.run_until(end);
        }
        stepped
    }

    /// For somebody who plays along: something happens that the scenario does not say. The error says why it did not apply.
    pub fn act(&mut self, action: &Action) -> Result<(), String> {
        let action = self.resolved(action);
        let applied = self.world.inject(&action, Origin::Author);
        self.see_events();
        applied
    }

    /// Takes the events kept so far.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.kept)
    }

    /// One wake-up, and everybody who watches sees what came of it.
    fn step_world(&mut self, next: Upcoming) {
        match self.world.step_to(next) {
            Stepped::Fired | Stepped::Idle => {}
            Stepped::Livelock => {
                let why = format!("more than {} wake-ups at {}", self.world.config().timing.wakeups_per_instant, self.world.now());
                self.end(Verdict::Stuck { why });
            }
        }
        self.see_events();
    }

    fn fire_step(&mut self) {
        let action = self.resolved(self.cursor.action());
        let event = self.world.events() + 1;
        let applied = self.world.inject(&action, Origin::Author);
        self.cursor.fired(self.world.now(), event, applied.map_err(|why| format!("`{action}` did not apply: {why}")));
        self.see_events();
    }

    fn see_events(&mut self) {
        if self.world.has_events() {
            self.see_recorded(|_| true);
        }
    }

    /// Everybody sees what was recorded, as long as there is use in it.
    #[inline]
    fn see_recorded(&mut self, useful: impl Fn(Phase) -> bool) {
        let mut events = std::mem::take(&mut self.inbox);
        self.world.swap_events(&mut events);
        for event in &events {
            self.see(event);
            if !useful(self.phase) {
                break;
            }
        }
        if self.options.keep_events {
            self.kept.append(&mut events);
        }
        events.clear();
        self.inbox = events;
    }

    #[inline]
    fn see(&mut self, event: &Event) {
        self.cursor.observe(event);
        if let Some((probe, _)) = &mut self.probe {
            probe.observe(event);
        }
        if !self.options.unwatched {
            self.watch(event);
        }
    }

    #[inline]
    fn watch(&mut self, event: &Event) {
        let may_ask = cfg!(debug_assertions) && self.watch.checks.may_ask(event);
        self.watch.observe(event, self.phase == Phase::Story);
        if let Some(violation) = self.watch.checks.observe(event) {
            self.end(Verdict::Violation(violation));
        }
        if self.watch.checks.wants_probe() {
            debug_assert!(may_ask, "the world may have run ahead: {event}");
            self.answer_probes(event);
        }
    }

    /// Disks that the checks want to have recovered, on copies. Each answer is an event like others.
    #[cold]
    fn answer_probes(&mut self, event: &Event) {
        while let Some(probe) = self.watch.checks.probe() {
            let config = config_of(&self.scenario, &self.config, probe.server, &self.scenario.servers[&probe.server]);
            if let Some(answer) = disk_probe::answer(&self.world, config, &probe, event) {
                self.watch(&answer);
            }
        }
    }

    /// The same about nodes instead of roles, and about a session instead of somebody's.
    fn resolved(&self, action: &Action) -> Action {
        let mut action = action.map(|who| self.resolve(who));
        if let Action::Client { command: Command::Connect { claim: Some(claim), .. }, .. } = &mut action
            && let Claimed::Client(number) = claim.of
            && let Some((session, password)) = self.world.actor(NodeId::Client(number)).and_then(Process::as_client).and_then(Client::credentials)
        {
            *claim = Claim { of: Claimed::Session(session), password: claim.password.or(Some(password)) };
        }
        action
    }

    /// Who plays a role now; a role that nobody plays stays one, and the world says so.
    fn resolve(&self, who: Who) -> Who {
        let Who::Role(role) = who else {
            return who;
        };
        let in_state = |state: PeerState| {
            let plays = move |id: &NodeId| self.world.actor(*id).and_then(Process::as_server).is_some_and(|server| server.state() == state);
            self.world.node_ids().filter(plays)
        };
        let nth = |state, number: u32| in_state(state).nth(number.saturating_sub(1) as usize);
        let found = match role {
            Role::Leader => {
                let established = self.watch.sightings.last_leader().map(NodeId::Server);
                in_state(PeerState::Leading).find(|id| Some(*id) == established).or_else(|| nth(PeerState::Leading, 1))
            }
            Role::Follower(number) => nth(PeerState::Following, number),
            Role::Observer(number) => nth(PeerState::Observing, number),
            Role::Looking(number) => nth(PeerState::Looking, number),
        };
        found.map_or(who, Who::Node)
    }

    fn begin_recovery(&mut self) {
        if !self.scenario.recover || self.options.unwatched {
            return self.end(Verdict::Pass);
        }
        self.phase = Phase::Recovery;
        self.world.inject(&Action::Quiet, Origin::Author).expect("it can always be quiet");
        self.see_events();
        self.watch.liveness.on_quiet(self.world.now(), self.world.events());
        self.debts = Some(Debts::at_quiet(&self.world));
    }

    fn advance_recovery(&mut self) {
        let paid = self.debts.as_mut().is_none_or(|debts| debts.are_paid(&self.world));
        match &mut self.probe {
            None if self.watch.liveness.settled() => return self.begin_probe(),
            Some((probe, _)) if paid && self.watch.liveness.settled() && probe.is_done(&self.world) => return self.end(Verdict::Pass),
            Some((probe, _)) => {
                if let Some(action) = probe.take_action() {
                    // A client that has just been heard of runs.
                    let _ = self.world.inject(&action, Origin::Author);
                    return self.see_events();
                }
            }
            None => {}
        }
        let deadline = match self.probe {
            None => self.watch.liveness.deadline().expect("recovery has begun"),
            Some((_, began)) => began + self.watch.liveness.bound(),
        };
        if let Some(next) = self.world.upcoming().filter(|next| next.at() <= deadline) {
            return self.step_world(next);
        }
        self.world.run_until(deadline + Micros(1));
        let verdict = self.verdict_when_late();
        self.end(verdict);
    }

    /// Everybody serves again; now a write must go through.
    fn begin_probe(&mut self) {
        self.recovery = self.watch.liveness.times();
        let began = self.world.now();
        self.probe = Some((Probe::join(&mut self.world, &self.scenario.ensemble.config), began));
    }

    fn verdict_when_late(&self) -> Verdict {
        let (now, event) = (self.world.now(), self.world.events());
        if !self.has_quorum_of_processes() {
            return Verdict::Unknown { why: "not recoverable: no quorum of servers can start from its disks".into() };
        }
        let late = self.watch.liveness.missed(now, event).or_else(|| {
            let (probe, began) = self.probe.as_ref()?;
            if probe.is_done(&self.world) {
                return self.debts.as_ref()?.missed(&self.world, self.watch.liveness.bound());
            }
            let wants = Fact::new(event, format!("at {now} {}", probe.wants(&self.world, *began)));
            self.watch.liveness.unfinished(now, wants)
        });
        late.map_or(Verdict::Pass, Verdict::Violation)
    }

    fn has_quorum_of_processes(&self) -> bool {
        let running = self.world.node_ids().filter(|id| self.world.actor(*id).is_some()).filter_map(NodeId::as_server);
        self.watch.liveness.is_quorum(&running.collect())
    }

    /// The first verdict stands.
    #[cold]
    fn end(&mut self, verdict: Verdict) {
        self.phase = Phase::Over;
        if self.verdict.is_some() {
            return;
        }
        let looks_back = !self.options.unwatched && !matches!(verdict, Verdict::Violation(_));
        let found = if looks_back { self.judge_in_the_end() } else { None };
        self.verdict = Some(found.map_or(verdict, Verdict::Violation));
    }

    /// What is found once all is over: in what clients were told, then in what servers have in memory.
    #[cold]
    fn judge_in_the_end(&mut self) -> Option<Violation> {
        let found = self.watch.checks.conclude(self.world.now());
        found.or_else(|| memory_probe::answers(&self.world).find_map(|answer| self.watch.checks.observe(&answer)))
    }

    fn idle_faults(&self) -> Vec<(NodeId, DiskFault)> {
        let disks = self.world.node_ids().filter_map(|id| self.world.disk(id).map(|disk| (id, disk)));
        let idle =
            disks.flat_map(|(id, disk)| disk.faults().filter(|injected| injected.fired == 0).map(move |injected| (id, injected.fault.clone())));
        idle.collect()
    }

    /// How it ended, once it has.
    pub const fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// What the run has come to so far.
    pub fn report(&self) -> Report {
        let verdict = self.verdict.clone().unwrap_or(Verdict::Unknown { why: "the run is not over".into() });
        let results = self.watch.results.by_name();
        let evidence = judge::Evidence {
            verdict: &verdict,
            cursor: &self.cursor,
            sightings: &self.watch.sightings,
            at_end: self.at_end.as_ref(),
            idle_faults: self.idle_faults(),
            world: &self.world,
            results: &results,
            workloads: &self.scenario.workloads,
            bugs_removed: self.options.no_bugs && !self.scenario.bugs.is_empty(),
        };
        Report {
            missed: judge::missed(&self.scenario.expect, &evidence),
            seed: self.world.config().seed,
            ended: self.world.now(),
            events: self.world.events(),
            digest: self.world.digest(),
            steps_fired: self.cursor.steps_fired(),
            steps_total: self.scenario.steps.len() as u32,
            notes: self.cursor.notes(),
            statistics: self.watch.census.counts,
            by_fault: self.watch.census.by_fault.clone(),
            recovery: self.recovery,
            workloads: results,
            verdict,
        }
    }
}

/// What one server is configured with: without a history that it trusts it does not make one up (`db.autocreate`), and one that is no member
/// lists itself beside the members.
fn config_of(scenario: &Scenario, config: &Arc<Config>, id: ServerId, server: &ServerStart) -> Arc<Config> {
    let (trusts, joins) = (server.last != Zxid::UNTRUSTED, scenario.ensemble.joining.get(&id));
    if trusts && joins.is_none() {
        return config.clone();
    }
    let mut own = Config::clone(config);
    own.db_autocreate &= trusts;
    own.membership.members.extend(joins.map(|role| (id, Member::plain(*role))));
    Arc::new(own)
}

/// What must be recorded so that everybody who looks at events sees theirs.
fn recording(scenario: &Scenario, options: &RunOptions) -> Recording {
    let awaited = scenario.steps.iter().filter_map(|step| if let Trigger::When(pattern) = &step.trigger { Some(pattern) } else { None });
    let waits = scenario.steps.iter().any(|step| matches!(step.trigger, Trigger::When(_) | Trigger::Reply));
    let expected = scenario.expect.saw.iter().chain(&scenario.expect.not_saw).filter(|_| !options.unwatched);
    if options.keep_events || awaited.chain(expected).any(|pattern| !is_evidence(pattern.kind)) {
        Recording::Full
    } else if options.unwatched && !waits {
        Recording::Off
    } else {
        Recording::Evidence
    }
}

fn servers(scenario: &Scenario, config: &Arc<Config>) -> impl Iterator<Item = NodeConfig<Process>> {
    scenario.servers.iter().map(|(id, server)| NodeConfig {
        id: NodeId::Server(*id),
        program: Process::Server(Server::new(*id, config_of(scenario, config, *id, server), server.peer_type)),
        start: server.start,
        clock: Clock::new(server.clock_offset.0, server.clock_drift_ppm),
    })
}

fn clients(scenario: &Scenario, config: &Config) -> impl Iterator<Item = NodeConfig<Process>> {
    let members = Arc::new(config.membership.clone());
    let gives_up = scenario.ensemble.config.version == Version::V3_9;
    scenario.clients.iter().map(move |(number, client)| {
        let plans = (0..).zip(scenario.workloads.values()).filter(|(_, plan)| plan.clients.contains(number));
        let workloads = plans.map(|(workload, plan)| (workload, plan.load.clone())).collect();
        let program = Program {
            members: members.clone(),
            hosts: client.hosts.clone(),
            timeout: client.timeout,
            gives_up,
            read_only: client.read_only,
            resets_watches: !client.disable_auto_watch_reset,
            packet_max: config.jute_max_buffer,
            workloads,
        };
        NodeConfig {
            id: NodeId::Client(*number),
            program: Process::Client(Client::new(program)),
            start: client.start,
            clock: Clock::new(client.clock_offset.0, client.clock_drift_ppm),
        }
    })
}

/// The disks as the scenario gives them. A server without any history starts with an empty one.
fn install_histories(world: &mut World<Process>, scenario: &Scenario) {
    for (id, server) in &scenario.servers {
        if (server.last, server.current_epoch, server.accepted_epoch) == (Zxid::ZERO, Epoch(0), Epoch(0)) {
            continue;
        }
        let disk = world.disk_mut(NodeId::Server(*id)).expect("every server of the scenario is in its world");
        for (file, number) in [(SmallFile::CurrentEpoch, server.current_epoch.0), (SmallFile::AcceptedEpoch, server.accepted_epoch.0)] {
            disk.install(store::name(file).into(), &store::content(number));
        }
        let last = if server.last == Zxid::UNTRUSTED { Zxid::ZERO } else { server.last };
        for (file, bytes) in store::history::files(last) {
            disk.install(file, &bytes);
        }
    }
}

/// Reads a scenario, runs it and returns its digest: all that another platform needs to be compared with.
pub fn digest_of(source: &[u8]) -> Result<u64, String> {
    let scenario =
        Scenario::read(source).map_err(|problems| problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>().join("; "))?;
    Ok(Run::new(Arc::new(scenario), RunOptions::default()).finish().0.digest)
}
