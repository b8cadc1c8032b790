//! What was expected, held against what happened.

use std::collections::BTreeMap;
use std::fmt;

use super::cursor::{Cursor, StepOutcome};
use super::results::WorkloadResults;
use super::{EventPattern, Expect, ExpectedTree, LeaderIs, Outcome, Process, StateIs, Trigger, WorkloadPlan};
use crate::check::Verdict;
use crate::proto::{Epoch, Micros, NodeId, PeerState, Round, ServerId};
use crate::sim::disk::DiskFault;
use crate::sim::{Action, World};
use crate::trace::{Event, Note, Record, What};
use crate::tree::Database;

/// How often expected events were seen, and who came to lead.
#[derive(Clone, Debug)]
pub struct Sightings {
    patterns: Vec<(EventPattern, u32)>,
    leaders: Vec<Reign>,
    /// Round of each server's last election.
    rounds: Vec<(ServerId, Round)>,
    /// When the last step fired.
    last_action: Micros,
}

/// One establishment of a leader.
#[derive(Clone, Copy, Debug)]
struct Reign {
    leader: ServerId,
    epoch: Epoch,
    round: Option<Round>,
    at: Micros,
}

impl Sightings {
    pub fn new(expect: &Expect) -> Sightings {
        let patterns = expect.saw.iter().chain(&expect.not_saw).map(|pattern| (pattern.clone(), 0)).collect();
        Sightings { patterns, leaders: Vec::new(), rounds: Vec::new(), last_action: Micros::ZERO }
    }

    /// Counts the events that are expected, or not to be.
    #[inline]
    pub fn match_patterns(&mut self, event: &Event) {
        for (pattern, seen) in &mut self.patterns {
            *seen += u32::from(pattern.matches(event));
        }
    }

    /// Sees who is elected and established, and what is done.
    pub fn observe(&mut self, event: &Event) {
        let Some(server) = event.node.and_then(NodeId::as_server) else {
            if let What::Record(Record::Action { .. }) = event.what {
                self.last_action = event.at;
            }
            return;
        };
        match event.note() {
            Some(Note::Elected { round, .. }) => {
                self.rounds.retain(|(known, _)| *known != server);
                self.rounds.push((server, *round));
            }
            Some(Note::Established { epoch, .. }) => {
                let round = self.rounds.iter().find(|(known, _)| *known == server).map(|(_, round)| *round);
                self.leaders.push(Reign { leader: server, epoch: *epoch, round, at: event.at });
            }
            _ => {}
        }
    }

    /// Who was established last.
    pub fn last_leader(&self) -> Option<ServerId> {
        self.leaders.last().map(|reign| reign.leader)
    }

    fn count(&self, pattern: &EventPattern) -> u32 {
        self.patterns.iter().find(|(known, _)| known == pattern).map_or(0, |(_, seen)| *seen)
    }
}

/// States when the run ended, before anything was made quiet.
#[derive(Clone, Debug)]
pub struct AtEnd {
    states: Vec<(ServerId, StateIs)>,
    /// The established leader that still leads, if there is exactly one.
    reign: Option<Reign>,
}

impl AtEnd {
    pub fn of(world: &World<Process>, sightings: &Sightings) -> AtEnd {
        let ids = world.node_ids().filter_map(|id| id.as_server().map(|server| (server, id)));
        let state = |id| world.actor(id).and_then(Process::as_server).map_or(StateIs::Down, |server| StateIs::Up(server.state()));
        let states: Vec<(ServerId, StateIs)> = ids.map(|(server, id)| (server, state(id))).collect();
        let leads = |reign: &&Reign| states.contains(&(reign.leader, StateIs::Up(PeerState::Leading)));
        let reign = sightings.leaders.last().filter(leads).copied();
        AtEnd { states, reign }
    }
}

impl fmt::Display for StateIs {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            StateIs::Up(state) => state.fmt(out),
            StateIs::Down => out.pad("DOWN"),
        }
    }
}

/// Everything a judgement rests on.
pub struct Evidence<'a> {
    pub verdict: &'a Verdict,
    pub cursor: &'a Cursor,
    pub sightings: &'a Sightings,
    /// `None` when the run did not come so far.
    pub at_end: Option<&'a AtEnd>,
    /// Disk faults that were set and never met an operation, with their nodes.
    pub idle_faults: Vec<(NodeId, DiskFault)>,
    /// As it is in the end.
    pub world: &'a World<Process>,
    pub results: &'a BTreeMap<String, WorkloadResults>,
    pub workloads: &'a BTreeMap<String, WorkloadPlan>,
    /// The scenario is about bugs, and they were switched off: it must pass, and what it tells is another story.
    pub bugs_removed: bool,
}

/// What was expected and is not so, one sentence each.
pub fn missed(expect: &Expect, evidence: &Evidence) -> Vec<String> {
    if evidence.bugs_removed {
        return verdict_missed([Outcome::Pass], evidence.verdict);
    }
    let mut missed = verdict_missed(expect.verdict.iter().copied(), evidence.verdict);
    if *evidence.verdict == Verdict::Pass {
        missed.extend(steps_missed(evidence.cursor));
        missed.extend(faults_missed(evidence));
        missed.extend(workloads_missed(expect, evidence));
        missed.extend(tree_missed(&expect.tree, evidence.world));
    }
    missed.extend(answers_missed(evidence));
    missed.extend(sightings_missed(expect, evidence.sightings));
    if let Some(at_end) = evidence.at_end {
        missed.extend(end_missed(expect, at_end));
        missed.extend(leaders_missed(expect, evidence.sightings));
    }
    missed
}

fn verdict_missed(expected: impl IntoIterator<Item = Outcome>, verdict: &Verdict) -> Vec<String> {
    let names: Vec<&str> = expected.into_iter().map(Outcome::name).collect();
    if names.contains(&verdict.name()) { Vec::new() } else { vec![format!("verdict is {}, expected {}", verdict.name(), names.join(" or "))] }
}

/// A step that never fired or changed nothing makes a run that proves nothing.
fn steps_missed(cursor: &Cursor) -> impl Iterator<Item = String> {
    cursor.outcomes().zip(1..).filter(|((step, _), _)| !step.optional).filter_map(|((step, outcome), number)| match outcome {
        StepOutcome::Fired | StepOutcome::Skipped => None,
        StepOutcome::NotFired => Some(format!("step {number}, `{}`, never fired{}", step.action, awaited(&step.trigger))),
        StepOutcome::DidNotApply(why) => Some(format!("step {number}: {why}")),
    })
}

/// What would have fired a step, where that is not only a time.
fn awaited(trigger: &Trigger) -> String {
    match trigger {
        Trigger::When(pattern) => format!("; it waited for `{pattern}`"),
        Trigger::Reply => "; it waited for the answer to the step above".into(),
        Trigger::At(_) | Trigger::After(_) => String::new(),
    }
}

/// A disk fault that no operation met proves nothing either.
fn faults_missed(evidence: &Evidence) -> Vec<String> {
    let optional = |fault: &DiskFault| {
        let sets = |action: &Action| matches!(action, Action::Disk { fault: set, .. } if set == fault);
        evidence.cursor.outcomes().any(|(step, _)| step.optional && sets(&step.action))
    };
    let idle = evidence.idle_faults.iter().filter(|(_, fault)| !optional(fault));
    idle.map(|(node, fault)| format!("`disk {node} {fault}` never met an operation")).collect()
}

/// Another answer than was stated; and, in a run to the end, none at all to a step that is not optional.
fn answers_missed(evidence: &Evidence) -> Vec<String> {
    let mut missed = Vec::new();
    for (index, (step, _)) in evidence.cursor.outcomes().enumerate() {
        let Some(expected) = &step.returns else { continue };
        let must_be_answered = *evidence.verdict == Verdict::Pass && !step.optional;
        let wrong = |result: Option<&str>| result.map_or(must_be_answered, |result| result != expected);
        if let Some(asked) = evidence.cursor.asked(index).find(|asked| wrong(asked.result.as_deref())) {
            let got = asked.result.as_ref().map_or("was never answered".into(), |result| format!("returned {result}"));
            missed.push(format!("step {}, `{}`, {got}, expected {expected}", index + 1, step.action));
        }
    }
    missed
}

/// A workload of which nothing came proves nothing.
fn workloads_missed(expect: &Expect, evidence: &Evidence) -> Vec<String> {
    let mut missed = Vec::new();
    for (name, plan) in evidence.workloads {
        let WorkloadResults { acked, writes_acked, failed, unknown } = evidence.results[name];
        let (writes, asked) = (plan.load.work.has_writes(), if plan.load.work.is_rounds() { "round" } else { "request" });
        let others = format!("{failed} failed, {unknown} unknown");
        if !plan.optional && (acked == 0 || (writes && writes_acked == 0)) {
            let what = if writes { "write" } else { asked };
            missed.push(format!("no {what} of workload `{name}` was acknowledged: {acked} {asked}s acknowledged, {others}"));
        } else if let Some(min) = expect.acked_min.get(name).filter(|min| acked < **min) {
            missed.push(format!("{acked} {asked}s of workload `{name}` were acknowledged ({others}), expected at least {min}"));
        }
    }
    missed
}

/// What is wrong with the trees of the servers that serve.
fn tree_missed(expect: &ExpectedTree, world: &World<Process>) -> Vec<String> {
    if *expect == ExpectedTree::default() {
        return Vec::new();
    }
    let servers = world.node_ids().filter_map(|id| Some((id, world.actor(id)?.as_server()?)));
    let serving: Vec<_> = servers.filter(|(_, server)| server.is_serving()).collect();
    if serving.is_empty() {
        return vec!["nobody serves a tree in the end".into()];
    }
    let mut missed: Vec<(String, Vec<String>)> = Vec::new();
    for (id, server) in &serving {
        for wrong in wrong_nodes(expect, server.database()) {
            match missed.iter_mut().find(|(known, _)| *known == wrong) {
                Some((_, ids)) => ids.push(id.to_string()),
                None => missed.push((wrong, vec![id.to_string()])),
            }
        }
    }
    missed.into_iter().map(|(wrong, ids)| format!("in the tree of {} {wrong}", ids.join(", "))).collect()
}

fn wrong_nodes<'a>(expect: &'a ExpectedTree, database: &'a Database) -> impl Iterator<Item = String> + 'a {
    let tree = database.tree();
    let missing = expect.present.keys().chain(&expect.exists).filter(|path| tree.get(path).is_none()).map(|path| format!("there is no {path}"));
    let other = expect.present.iter().filter_map(|(path, data)| {
        let found = tree.get(path)?.data.as_deref().unwrap_or_default();
        (found != &**data).then(|| format!("{path} is {}, expected {}", shown(found), shown(data)))
    });
    let extra = expect.absent.iter().filter(|path| tree.get(path).is_some()).map(|path| format!("there is {path}, which was not to be"));
    missing.chain(other).chain(extra)
}

fn shown(data: &[u8]) -> String {
    format!("`{}`", String::from_utf8_lossy(data))
}

fn sightings_missed(expect: &Expect, sightings: &Sightings) -> Vec<String> {
    let missing = expect.saw.iter().filter(|pattern| sightings.count(pattern) < pattern.nth);
    let forbidden = expect.not_saw.iter().filter(|pattern| sightings.count(pattern) >= pattern.nth);
    let missing = missing.map(|pattern| format!("never saw `{pattern}`"));
    missing.chain(forbidden.map(|pattern| format!("saw `{pattern}`, which was not to happen"))).collect()
}

fn end_missed(expect: &Expect, at_end: &AtEnd) -> Vec<String> {
    let mut missed = Vec::new();
    let leader = at_end.reign.map(|reign| reign.leader);
    let expected = expect.leader.map(|expected| match expected {
        LeaderIs::Nobody => None,
        LeaderIs::Server(id) => Some(id),
    });
    let name = |leader: Option<ServerId>| leader.map_or("nobody".into(), |id| id.to_string());
    if let Some(expected) = expected.filter(|expected| *expected != leader) {
        missed.push(format!("{} leads at the end, expected {}", name(leader), name(expected)));
    }
    for (id, expected) in &expect.states {
        let state = at_end.states.iter().find(|(known, _)| known == id).map(|(_, state)| *state);
        if state != Some(*expected) {
            missed.push(format!("{id} is {} at the end, expected {expected}", state.map_or("unknown".into(), |state| state.to_string())));
        }
    }
    let reign = |value: Option<String>| value.unwrap_or_else(|| "none".into());
    if let Some(expected) = expect.round.filter(|expected| at_end.reign.and_then(|reign| reign.round) != Some(*expected)) {
        missed.push(format!(
            "the leader was elected in round {}, expected {expected}",
            reign(at_end.reign.and_then(|it| it.round).map(|it| it.to_string()))
        ));
    }
    if let Some(expected) = expect.epoch.filter(|expected| at_end.reign.map(|reign| reign.epoch) != Some(*expected)) {
        missed.push(format!("the leader's epoch is {}, expected {expected}", reign(at_end.reign.map(|it| it.epoch.to_string()))));
    }
    missed
}

fn leaders_missed(expect: &Expect, sightings: &Sightings) -> Vec<String> {
    let mut missed = Vec::new();
    let count = sightings.leaders.len() as u32;
    if let Some(max) = expect.leaders_max.filter(|max| count > *max) {
        missed.push(format!("{count} leaders were established, expected at most {max}"));
    }
    if let Some(span) = expect.time_to_leader {
        let first = sightings.leaders.iter().find(|reign| reign.at >= sightings.last_action);
        match first.map(|reign| reign.at.saturating_sub(sightings.last_action)) {
            Some(took) if span.low <= took && took <= span.high => {}
            Some(took) => missed.push(format!("the next leader took {took}, expected {span}")),
            None => missed.push(format!("no leader came, expected one within {span}")),
        }
    }
    missed
}
