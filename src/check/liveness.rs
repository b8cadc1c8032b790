//! L-1: once all is quiet, one leader is established and everybody serves under it, in time.
//!
//! The checker cannot tell when faults have ended; whoever makes things quiet says so, and asks again until the ensemble has settled or
//! the bound has passed. It must not ask at all when no quorum of servers runs or can recover.
//!
//! One kind of server may stay outside: it has promised a larger epoch than the leader's, to somebody who never led it, and rightly refuses
//! (`Learner.registerWithLeader`). ZooKeeper leaves it so until the next leader asks it for its promise.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::Invariant;
use super::electorate::Electorate;
use super::verdict::{Fact, Violation};
use crate::proto::{Config, Epoch, Micros, NodeId, Packet, ServerId};
use crate::trace::{Event, Note, Record, What};

/// What each server is, and how long it takes until there is a leader.
#[derive(Clone, Debug)]
pub struct Liveness {
    electorate: Arc<Electorate>,
    /// The version of the configuration that it is of.
    version: i64,
    bound: Micros,
    servers: BTreeMap<ServerId, Standing>,
    /// Whom each server refused last: the promise is on its disk, so it keeps refusing until there is a larger epoch.
    refusals: BTreeMap<ServerId, Refusal>,
    /// When all became quiet, and by which event.
    quiet: Option<(Micros, u64)>,
    first_start: Option<Micros>,
    first_leader: Option<Micros>,
    since_disturbance: Effort,
    /// What the last settling took; `None` while the ensemble has not settled since the last disturbance.
    settled: Option<LeaderTimes>,
}

/// What a running server is; those that are down are not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Looking for a leader, or on the way to one.
    Unsettled,
    /// Established.
    Leads(Epoch),
    Serves {
        leader: ServerId,
        epoch: Epoch,
    },
}

/// A learner had promised a larger epoch than the leader's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refusal {
    leader: ServerId,
    epoch: Epoch,
}

/// What has been spent since the last disturbance.
#[derive(Clone, Debug, Default)]
struct Effort {
    began: Micros,
    rounds: BTreeMap<ServerId, u32>,
    concluded: u64,
    sent: u64,
    delivered: u64,
    first_commit: Option<Micros>,
}

/// How long it took to find a leader, and what it cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LeaderTimes {
    /// From the start of the first process to the first established leader of the run.
    pub from_boot: Option<Micros>,
    /// From the last disturbance (a fault, its end, a start, or the quiet itself) until everybody served.
    pub to_settle: Micros,
    /// From the same moment to the first transaction that was committed, if there was any.
    pub to_first_commit: Option<Micros>,
    /// Calls of `lookForLeader` (`electionAlg 0`: rounds of queries) by the server that needed most of them, since the last disturbance.
    pub rounds: u32,
    /// Elections that ended at one server, since the last disturbance.
    pub elections: u64,
    pub notifications_sent: u64,
    pub notifications_delivered: u64,
}

impl Liveness {
    pub fn new(config: &Config) -> Liveness {
        Liveness {
            electorate: Arc::new(Electorate::new(&config.membership)),
            version: config.membership.version,
            bound: bound(config),
            servers: BTreeMap::new(),
            refusals: BTreeMap::new(),
            quiet: None,
            first_start: None,
            first_leader: None,
            since_disturbance: Effort::default(),
            settled: None,
        }
    }

    /// With a bound of the caller's own, when how long it takes is the point.
    pub fn within(config: &Config, bound: Micros) -> Liveness {
        Liveness { bound, ..Liveness::new(config) }
    }

    /// Everything is quiet from now on, because of this event: the clock of the bound starts.
    pub fn on_quiet(&mut self, at: Micros, event: u64) {
        self.quiet = Some((at, event));
        self.disturb(at);
    }

    /// Until when the ensemble must have settled; `None` while nothing was asked of it.
    pub fn deadline(&self) -> Option<Micros> {
        self.quiet.map(|(at, _)| at + self.bound)
    }

    /// Whether one leader is established with a quorum, and everybody who runs serves under it.
    pub fn settled(&self) -> bool {
        self.settled.is_some()
    }

    /// Whether these servers are a quorum of the newest configuration in force.
    pub fn is_quorum(&self, servers: &BTreeSet<ServerId>) -> bool {
        self.electorate.is_quorum(servers)
    }

    /// How long it may take.
    pub fn bound(&self) -> Micros {
        self.bound
    }

    /// The violation that it is if what else was demanded of the quiet ensemble has not come in time.
    pub fn unfinished(&self, now: Micros, wants: Fact) -> Option<Violation> {
        let (since, quiet) = self.quiet?;
        let promise = Fact::new(quiet, format!("all has been quiet since {since}, and {} is time enough for a write", self.bound));
        Some(Violation {
            invariant: Invariant::LeaderElected,
            at: now,
            event: wants.event,
            node: None,
            facts: [promise, wants],
            involved: Vec::new(),
        })
    }

    /// What the settling took that stands; `None` while there is none.
    pub fn times(&self) -> Option<LeaderTimes> {
        let to_first_commit = self.since_disturbance.first_commit.map(|at| at.saturating_sub(self.since_disturbance.began));
        self.settled.map(|times| LeaderTimes { to_first_commit, ..times })
    }

    /// The violation that it is if the ensemble has not settled although the deadline has passed. `event` is the last event so far.
    pub fn missed(&self, now: Micros, event: u64) -> Option<Violation> {
        let (since, quiet) = self.quiet.filter(|_| !self.settled() && self.deadline().is_some_and(|deadline| now > deadline))?;
        let promise = Fact::new(quiet, format!("all has been quiet since {since}, and {} is time enough", self.bound));
        let facts = [promise, Fact::new(event, format!("at {now} {}", self.standings()))];
        Some(Violation { invariant: Invariant::LeaderElected, at: now, event, node: None, facts, involved: Vec::new() })
    }

    pub fn observe(&mut self, event: &Event) {
        // What clients do, or is done to them, disturbs no server.
        if matches!(event.node, Some(NodeId::Client(_))) {
            return;
        }
        let me = event.node.and_then(NodeId::as_server);
        match &event.what {
            What::Record(record) => self.on_record(me, record, event.at),
            What::Note(note) => {
                let Some(me) = me else { return };
                self.on_note(me, note, event.at);
            }
        }
    }

    fn on_record(&mut self, me: Option<ServerId>, record: &Record, at: Micros) {
        match record {
            Record::Sent { packet: Packet::Notification(_), .. } => self.since_disturbance.sent += 1,
            Record::Delivered { packet: Packet::Notification(_), .. } => self.since_disturbance.delivered += 1,
            Record::Started { .. } => {
                self.first_start.get_or_insert(at);
                self.refusals.retain(|id, _| Some(*id) != me);
                self.stands(me, Some(Standing::Unsettled), at);
                self.disturb(at);
            }
            Record::Crashed | Record::PowerLost { .. } | Record::Exited { .. } => {
                self.stands(me, None, at);
                self.disturb(at);
            }
            Record::Paused | Record::Resumed { .. } | Record::Action { .. } | Record::ActionEnded { .. } => self.disturb(at),
            _ => {}
        }
    }

    fn on_note(&mut self, me: ServerId, note: &Note, at: Micros) {
        match note {
            Note::LookingStarted { .. } | Note::QueryRound { .. } => {
                *self.since_disturbance.rounds.entry(me).or_default() += 1;
                self.stands(Some(me), Some(Standing::Unsettled), at);
            }
            Note::ConfigurationActivated { config } if config.version > self.version => {
                (self.electorate, self.version) = (Arc::new(Electorate::new(config)), config.version);
                self.settled = self.settled.filter(|_| self.all_serve());
                self.settle(at);
            }
            Note::WentLooking { .. } | Note::RoleAssigned { .. } => self.stands(Some(me), Some(Standing::Unsettled), at),
            Note::EpochRefused { leader, epoch, .. } => {
                self.refusals.insert(me, Refusal { leader: *leader, epoch: *epoch });
                self.settle(at);
            }
            Note::Elected { .. } => self.since_disturbance.concluded += 1,
            Note::Committed { .. } => {
                self.since_disturbance.first_commit.get_or_insert(at);
            }
            Note::Established { epoch, .. } => {
                self.first_leader.get_or_insert(at);
                self.stands(Some(me), Some(Standing::Leads(*epoch)), at);
            }
            Note::Serving { leader, epoch, .. } => {
                self.stands(Some(me), Some(Standing::Serves { leader: *leader, epoch: *epoch }), at);
            }
            _ => {}
        }
    }

    fn disturb(&mut self, at: Micros) {
        self.since_disturbance = Effort { began: at, ..Effort::default() };
        self.settled = None;
        // A disturbance that moved nobody leaves the ensemble settled.
        self.settle(at);
    }

    fn stands(&mut self, server: Option<ServerId>, standing: Option<Standing>, at: Micros) {
        let Some(server) = server else { return };
        match standing {
            Some(standing) => self.servers.insert(server, standing),
            None => self.servers.remove(&server),
        };
        // What a server that stays outside does unsettles nobody.
        self.settled = self.settled.filter(|_| self.all_serve());
        self.settle(at);
    }

    fn settle(&mut self, at: Micros) {
        if self.settled.is_some() || !self.all_serve() {
            return;
        }
        let effort = &self.since_disturbance;
        self.settled = Some(LeaderTimes {
            from_boot: self.first_leader.zip(self.first_start).map(|(leader, start)| leader.saturating_sub(start)),
            to_settle: at.saturating_sub(effort.began),
            to_first_commit: None,
            rounds: effort.rounds.values().max().copied().unwrap_or(0),
            elections: effort.concluded,
            notifications_sent: effort.sent,
            notifications_delivered: effort.delivered,
        });
    }

    fn all_serve(&self) -> bool {
        let leads = |(id, standing): (&ServerId, &Standing)| if let Standing::Leads(epoch) = standing { Some((*id, *epoch)) } else { None };
        let mut leaders = self.servers.iter().filter_map(leads);
        let (Some((leader, epoch)), None) = (leaders.next(), leaders.next()) else { return false };
        let (under, refused) = (Standing::Serves { leader, epoch }, Refusal { leader, epoch });
        let serves = |id: &ServerId, standing: &Standing| *id == leader || *standing == under;
        let all = self.servers.iter().all(|(id, standing)| serves(id, standing) || self.refusals.get(id) == Some(&refused));
        let serving = self.servers.iter().filter(|(id, standing)| serves(id, standing)).map(|(id, _)| *id);
        all && self.electorate.is_quorum(&serving.collect())
    }

    /// `s1 and s2 look for a leader, s3 leads epoch 5`.
    fn standings(&self) -> String {
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        for (id, standing) in &self.servers {
            let what = standing.to_string();
            match groups.iter_mut().find(|(known, _)| *known == what) {
                Some((_, ids)) => ids.push(id.to_string()),
                None => groups.push((what, vec![id.to_string()])),
            }
        }
        let told: Vec<String> = groups.into_iter().map(|(what, ids)| format!("{}: {what}", ids.join(" "))).collect();
        if told.is_empty() { "nobody runs".into() } else { told.join("; ") }
    }
}

/// How long a quiet ensemble may take: the longest silence of a server that gave up shouting, then discovery and synchronisation; twice,
/// since the first attempt may still meet what the faults left behind.
fn bound(config: &Config) -> Micros {
    (config.max_notification_interval + config.init_time() + config.sync_time().times(2)).times(2)
}

impl fmt::Display for Standing {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Standing::Unsettled => write!(out, "no leader"),
            Standing::Leads(epoch) => write!(out, "leads epoch {epoch}"),
            Standing::Serves { leader, epoch } => write!(out, "serves {leader} in epoch {epoch}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::{Story, vote};
    use crate::proto::{Membership, PeerState};
    use crate::trace::ElectedBy;

    /// Three voters; s1 and s2 elect s2, which is established at 8 ms; s1 serves at 9 ms.
    fn story() -> Story {
        let mut story = Story::of(3);
        for node in [1, 2] {
            story.records(node, Record::Started { life: 1 }).looks(node, 1, vote(node, 0, 0));
        }
        story.hears(2, 1, PeerState::Looking, 1, vote(2, 0, 0)).hears(1, 2, PeerState::Looking, 1, vote(2, 0, 0));
        story.elects(2, PeerState::Leading, 1, vote(2, 0, 0), &[1, 2], ElectedBy::Silence).establishes(2, 1, &[1, 2]);
        story.notes(1, Note::Serving { leader: ServerId(2), epoch: Epoch(1), state: PeerState::Following });
        story
    }

    fn after(story: &Story) -> Liveness {
        let mut liveness = Liveness::new(&Config::new(Membership::of(3, 0)));
        story.events.iter().for_each(|event| liveness.observe(event));
        liveness
    }

    #[test]
    fn everybody_serves_and_the_numbers_tell_the_cost() {
        let times = after(&story()).times().expect("all serve");
        assert_eq!((times.from_boot, times.to_settle), (Some(Micros::from_millis(7)), Micros::from_millis(6)));
        assert_eq!((times.rounds, times.elections, times.notifications_delivered), (1, 1, 2));
    }

    #[test]
    fn the_first_commit_counts_from_the_last_disturbance() {
        let mut story = story();
        story.proposes(2, (1, 1)).commits(2, (1, 1), &[1]);
        assert_eq!(after(&story).times().expect("all serve").to_first_commit, Some(Micros::from_millis(8)));
        story.action("heal").proposes(2, (1, 2));
        assert_eq!(after(&story).times().expect("all serve").to_first_commit, None);
        story.commits(2, (1, 2), &[1]).proposes(2, (1, 3)).commits(2, (1, 3), &[1]);
        assert_eq!(after(&story).times().expect("all serve").to_first_commit, Some(Micros::from_millis(2)));
    }

    #[test]
    fn a_server_that_runs_without_serving_is_not_settled() {
        let mut late = story();
        late.records(3, Record::Started { life: 1 });
        assert!(!after(&late).settled());
        late.notes(3, Note::Serving { leader: ServerId(2), epoch: Epoch(1), state: PeerState::Following });
        assert!(after(&late).settled());
        late.notes(3, Note::Serving { leader: ServerId(2), epoch: Epoch(2), state: PeerState::Following });
        assert!(!after(&late).settled(), "of another epoch");
    }

    #[test]
    fn who_is_down_need_not_serve_but_a_quorum_must_run() {
        let mut story = story();
        story.records(3, Record::Started { life: 1 }).records(3, Record::Crashed);
        assert!(after(&story).settled());
        story.records(1, Record::PowerLost { lost_bytes: 0, kept_bytes: 0, torn_files: 0, metadata_lost: 0 });
        assert!(!after(&story).settled(), "s2 has not noticed that it is alone");
    }

    #[test]
    fn who_has_promised_more_stays_outside() {
        let mut story = story();
        let refused = |epoch| Note::EpochRefused { epoch: Epoch(epoch), promised: Epoch(9), leader: ServerId(2) };
        story.records(3, Record::Started { life: 1 }).notes(3, refused(1)).looks(3, 2, vote(3, 0, 0));
        let settled = after(&story).times().expect("s1 and s2 are a quorum");
        story.looks(3, 3, vote(3, 0, 0));
        assert_eq!(after(&story).times(), Some(settled), "its trying again costs the others nothing");
        story.establishes(2, 2, &[1, 2]).notes(1, Note::Serving { leader: ServerId(2), epoch: Epoch(2), state: PeerState::Following });
        assert!(!after(&story).settled(), "it has not refused epoch 2");
        story.notes(3, refused(2));
        assert!(after(&story).settled());
        story.records(1, Record::Crashed);
        assert!(!after(&story).settled(), "who stays outside is in no quorum");
    }

    #[test]
    fn two_leaders_are_not_one() {
        let mut story = story();
        story.records(3, Record::Started { life: 1 }).establishes(3, 2, &[1, 3]);
        assert!(!after(&story).settled());
    }

    #[test]
    fn a_fault_that_moves_nobody_costs_no_time() {
        let mut story = story();
        story.action("heal");
        let times = after(&story).times().expect("still settled");
        assert_eq!((times.to_settle, times.rounds), (Micros::ZERO, 0));
    }

    #[test]
    fn the_bound_runs_from_the_quiet() {
        let mut story = story();
        story.action("quiet").looks(1, 2, vote(1, 0, 1));
        let mut liveness = after(&story);
        assert_eq!(liveness.deadline(), None);
        liveness.on_quiet(Micros::from_millis(10), 10);
        let deadline = liveness.deadline().expect("it was asked");
        assert_eq!(deadline, Micros::from_millis(10) + Micros::from_secs(2 * (60 + 20 + 20)));
        assert_eq!(liveness.missed(deadline, 11), None);
        let violation = liveness.missed(deadline + Micros(1), 11).expect("too late");
        assert_eq!(violation.invariant, Invariant::LeaderElected);
        assert!(violation.facts[1].text.ends_with("s1: no leader; s2: leads epoch 1"), "{violation}");
    }
}
