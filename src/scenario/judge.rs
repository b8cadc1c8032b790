//! What was expected, held against what happened.

use std::fmt;

use super::cursor::{Cursor, StepOutcome};
use super::{EventPattern, Expect, LeaderIs, Outcome, StateIs, Trigger};
use crate::check::Verdict;
use crate::proto::{Epoch, Micros, NodeId, PeerState, Round, ServerId};
use crate::server::Server;
use crate::sim::disk::DiskFault;
use crate::sim::{Action, World};
use crate::trace::{Event, Note, Record, What};

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

    pub fn observe(&mut self, event: &Event) {
        for (pattern, seen) in &mut self.patterns {
            *seen += u32::from(pattern.matches(event));
        }
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
    pub fn of(world: &World<Server>, sightings: &Sightings) -> AtEnd {
        let ids = world.node_ids().filter_map(|id| id.as_server().map(|server| (server, id)));
        let states: Vec<(ServerId, StateIs)> =
            ids.map(|(server, id)| (server, world.actor(id).map_or(StateIs::Down, |actor| StateIs::Up(actor.state())))).collect();
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
    }
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
