//! L-3: a leader that cannot lead stops leading in time.
//!
//! An established leader without a quorum of learners that it hears from, or whose storage has failed, must be gone within syncLimit and
//! the ticks that it takes to notice. A learner counts as long as its connection is up and it was heard within syncLimit; one that has just
//! connected may take initLimit more. Only pings are looked at: they come twice a tick from everybody who counts. The bound is doubled, for
//! clocks that run slow, and a paused leader cannot do anything about it. One that has let everybody go and only waits for its log to be
//! written has stopped, however slow its disk is.

use std::collections::BTreeMap;

use super::Invariant::LeaderStepsDown;
use super::electorates::Electorates;
use super::verdict::{Breach, Fact};
use crate::proto::{Config, ConnId, Epoch, Micros, NodeId, Packet, Port, QuorumKind, ServerId};
use crate::trace::{Event, Note, Record, What};

/// All servers that are established, and how long each may remain so.
#[derive(Clone, Debug)]
pub struct StepDown {
    init: Micros,
    sync: Micros,
    /// What it takes a leader to notice.
    notice: Micros,
    leaders: BTreeMap<ServerId, Leader>,
    /// No leader is overdue before this.
    earliest: Micros,
}

#[derive(Clone, Debug)]
struct Leader {
    epoch: Epoch,
    /// Open connections of learners, and until when each counts.
    learners: BTreeMap<ConnId, (ServerId, Micros)>,
    /// Until when the connections counted that a learner had before: many, if it comes and goes.
    ended: BTreeMap<ServerId, Micros>,
    /// When its storage failed, and the event.
    failed: Option<(Micros, u64)>,
    established: Option<u64>,
    paused: bool,
}

impl StepDown {
    pub fn new(config: &Config) -> StepDown {
        let (init, sync) = (config.init_time(), config.sync_time());
        StepDown { init, sync, notice: config.tick_time.times(2), leaders: BTreeMap::new(), earliest: Micros::MAX }
    }

    #[inline]
    pub fn check(&mut self, electorates: &Electorates, event: &Event) -> Option<Breach> {
        let matters = matters(event);
        // Whatever else is recorded must not decide when it is noticed.
        let looks = !self.is_early(event) && (matters || event.note().is_some());
        let overdue = if looks { self.overdue(electorates, event) } else { None };
        if matters {
            self.observe(event);
            self.earliest =
                self.leaders.values().filter_map(|leader| self.deadline(electorates, leader)).map(|(at, _)| at).min().unwrap_or(Micros::MAX);
        }
        overdue
    }

    /// Whether no leader is overdue yet. Who tells something later than that is listened to, whatever it is.
    #[inline]
    pub fn is_early(&self, event: &Event) -> bool {
        event.at <= self.earliest
    }

    fn observe(&mut self, event: &Event) {
        let Some(me) = event.node.and_then(NodeId::as_server) else { return };
        let leader = self.leaders.get_mut(&me);
        match (&event.what, leader) {
            (What::Note(Note::LeadingStarted { .. }), _) => {
                let leader =
                    Leader { epoch: Epoch(0), learners: BTreeMap::new(), ended: BTreeMap::new(), failed: None, established: None, paused: false };
                self.leaders.insert(me, leader);
            }
            (
                What::Note(Note::WentLooking { .. } | Note::RoleOver { .. })
                | What::Record(Record::Crashed | Record::PowerLost { .. } | Record::Exited { .. }),
                _,
            ) => {
                self.leaders.remove(&me);
            }
            (What::Note(Note::Established { epoch, .. }), Some(leader)) => (leader.epoch, leader.established) = (*epoch, Some(event.n)),
            (What::Note(Note::StorageFailed { .. }), Some(leader)) => {
                leader.failed.get_or_insert((event.at, event.n));
            }
            (What::Record(Record::Accepted { from: NodeId::Server(from), port: Port::Quorum, conn }), Some(leader)) => {
                leader.learners.insert(*conn, (*from, event.at + (self.init + self.sync).times(2)));
            }
            (What::Record(Record::Delivered { conn, .. }), Some(leader)) => {
                if let Some((_, until)) = leader.learners.get_mut(conn) {
                    *until = (*until).max(event.at + self.sync);
                }
            }
            (What::Record(Record::Closed { conn, .. } | Record::Hungup { conn, .. }), Some(leader)) => {
                // It may have noticed only now: what was heard before counts until here.
                if let Some((learner, until)) = leader.learners.remove(conn) {
                    let last = leader.ended.entry(learner).or_default();
                    *last = until.min(event.at).max(*last);
                }
            }
            (What::Record(Record::Paused), Some(leader)) => leader.paused = true,
            (What::Record(Record::Resumed { .. }), Some(leader)) => {
                leader.paused = false;
                // It learns only now what it has missed.
                leader.learners.values_mut().for_each(|(_, until)| *until = (*until).max(event.at));
                leader.ended.values_mut().for_each(|until| *until = (*until).max(event.at));
                leader.failed = leader.failed.map(|(_, failed)| (event.at, failed));
            }
            _ => {}
        }
    }

    /// Until when a leader may lead, and what ends it; `None` for one that is not established, or cannot act.
    fn deadline(&self, electorates: &Electorates, leader: &Leader) -> Option<(Micros, Option<u64>)> {
        leader.established.filter(|_| !leader.paused)?;
        let grace = |at: Micros| at + (self.sync + self.notice).times(2);
        if let Some((at, event)) = leader.failed {
            return Some((grace(at), Some(event)));
        }
        let id = self.leaders.iter().find(|(_, known)| std::ptr::eq(*known, leader)).map(|(id, _)| *id)?;
        let electorate = electorates.of(id);
        let open = leader.learners.values().map(|(learner, until)| (*until, *learner));
        let mut ends: Vec<(Micros, ServerId)> = open.chain(leader.ended.iter().map(|(learner, until)| (*until, *learner))).collect();
        ends.sort_unstable();
        // The quorum lasts until so many have fallen silent that the rest is none; with nobody else it may be one for ever.
        let gone = (0..=ends.len()).find(|gone| !electorate.is_quorum_of(distinct(&ends[*gone..], id)))?;
        Some((grace(gone.checked_sub(1).map_or(Micros::ZERO, |last| ends[last].0)), None))
    }

    #[cold]
    fn overdue(&mut self, electorates: &Electorates, event: &Event) -> Option<Breach> {
        let late = |leader: &Leader| self.deadline(electorates, leader).filter(|(deadline, _)| event.at > *deadline);
        let (id, leader, (deadline, failed)) = self.leaders.iter().find_map(|(id, leader)| late(leader).map(|late| (*id, leader, late)))?;
        let (since, why) = match failed {
            Some(failed) => (failed, format!("the storage of {id} has failed")),
            None => (leader.established.unwrap_or(event.n), format!("{id} leads epoch {} and hears from no quorum", leader.epoch)),
        };
        Some((LeaderStepsDown, [Fact::new(since, why), Fact::new(event.n, format!("{id} still leads at {}, after {deadline}", event.at))]))
    }
}

/// The leader and the learners of these, each once: a learner may have two connections for a moment.
fn distinct(ends: &[(Micros, ServerId)], leader: ServerId) -> impl Iterator<Item = ServerId> {
    let first = move |index: &usize| ends[*index].1 != leader && !ends[..*index].iter().any(|(_, earlier)| *earlier == ends[*index].1);
    (0..ends.len()).filter(first).map(|index| ends[index].1).chain([leader])
}

/// Whether an event changes what is known of leaders. Acknowledgements do not: pings say as much, and are few.
#[inline]
fn matters(event: &Event) -> bool {
    match &event.what {
        What::Note(note) => {
            matches!(
                note,
                Note::LeadingStarted { .. }
                    | Note::WentLooking { .. }
                    | Note::RoleOver { .. }
                    | Note::Established { .. }
                    | Note::StorageFailed { .. }
                    | Note::ConfigurationSeen { .. }
                    | Note::ConfigurationActivated { .. }
            )
        }
        What::Record(Record::Delivered { packet: Packet::Quorum { kind, .. }, .. }) => *kind == QuorumKind::Ping,
        What::Record(record) => matches!(
            record,
            Record::Accepted { port: Port::Quorum, .. }
                | Record::Closed { .. }
                | Record::Hungup { .. }
                | Record::Crashed
                | Record::PowerLost { .. }
                | Record::Exited { .. }
                | Record::Paused
                | Record::Resumed { .. }
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{CloseReason, Membership, PeerState, Vote, Zxid};
    use crate::trace::LookingReason;

    /// The events of a story, at times of the test's own, in seconds.
    struct Watch {
        electorates: Electorates,
        check: StepDown,
        n: u64,
    }

    impl Watch {
        /// Leader s3 of three with ticks of a second, initLimit 10, syncLimit 5, both followers connected at 0 s.
        fn new() -> Watch {
            Watch::with(2)
        }

        /// s3 and so many others.
        fn with(others: i64) -> Watch {
            let mut members = Membership::of(3, 0);
            members.members.retain(|id, _| id.0 >= 3 - others);
            let mut config = Config::new(members);
            config.tick_time = Micros::from_secs(1);
            let mut watch = Watch { electorates: Electorates::new(&config.membership), check: StepDown::new(&config), n: 0 };
            let vote = Vote { leader: ServerId(3), zxid: Zxid::ZERO, epoch: Epoch(0) };
            watch.note(0, Note::LeadingStarted { vote });
            for learner in [1, 2] {
                watch.record(0, Record::Accepted { from: NodeId::server(learner), port: Port::Quorum, conn: conn(learner) });
            }
            watch.note(0, Note::Established { epoch: Epoch(1), quorum: vec![ServerId(1), ServerId(3)] });
            watch
        }

        fn see(&mut self, at: u64, what: What) -> bool {
            self.n += 1;
            let event = Event { n: self.n, at: Micros::from_secs(at), node: Some(NodeId::server(3)), cause: None, what };
            self.check.check(&self.electorates, &event).is_some()
        }

        fn note(&mut self, at: u64, note: Note) -> bool {
            self.see(at, What::Note(note))
        }

        fn record(&mut self, at: u64, record: Record) -> bool {
            self.see(at, What::Record(record))
        }

        fn ping(&mut self, at: u64, learner: i64) -> bool {
            let packet = Packet::quorum(QuorumKind::Ping, Zxid::ZERO);
            self.record(at, Record::Delivered { from: NodeId::server(learner), conn: conn(learner), packet })
        }

        /// Whether anything happens to be wrong at this time.
        fn is_overdue_at(&mut self, at: u64) -> bool {
            self.note(at, Note::HandshakeTimedOut)
        }
    }

    fn conn(learner: i64) -> ConnId {
        ConnId { slot: learner as u32, generation: 1 }
    }

    #[test]
    fn one_follower_that_is_heard_is_enough() {
        let mut watch = Watch::new();
        assert!((1..100).all(|at| !watch.ping(at, 1)));
    }

    #[test]
    fn silence_ends_a_reign() {
        let mut watch = Watch::new();
        (1..40).for_each(|at| assert!(!watch.ping(at, 1)));
        assert!(!watch.is_overdue_at(39 + 5 + 14));
        assert!(watch.is_overdue_at(39 + 5 + 15));
        watch.note(60, Note::WentLooking { from: PeerState::Leading, why: LookingReason::QuorumLost });
        assert!(!watch.is_overdue_at(1_000));
    }

    /// Its disk is slow, and many transactions wait for it. Nobody is led meanwhile.
    #[test]
    fn a_leader_that_only_waits_for_its_log_has_left() {
        let mut watch = Watch::new();
        watch.note(12, Note::RoleOver { from: PeerState::Leading, why: LookingReason::QuorumLost });
        assert!(!watch.is_overdue_at(1_000));
    }

    #[test]
    fn a_connection_that_ended_counts_no_more() {
        let mut watch = Watch::new();
        for learner in [1, 2] {
            watch.record(1, Record::Hungup { peer: NodeId::server(learner), conn: conn(learner), why: CloseReason::Finished });
        }
        assert!(!watch.is_overdue_at(15) && watch.is_overdue_at(16));
    }

    /// ZOOKEEPER-2247.
    #[test]
    fn a_leader_whose_storage_failed_leaves() {
        let mut watch = Watch::new();
        watch.note(1, Note::StorageFailed { what: "log".into(), error: "no space left on device".into() });
        assert!((2..=15).all(|at| !watch.ping(at, 1)));
        assert!(watch.ping(16, 1));
    }

    #[test]
    fn who_is_a_quorum_alone_needs_nobody() {
        let mut watch = Watch::with(0);
        watch.record(1, Record::Hungup { peer: NodeId::server(1), conn: conn(1), why: CloseReason::Finished });
        assert!(!watch.is_overdue_at(1_000));
    }

    #[test]
    fn a_paused_leader_cannot_leave() {
        let mut watch = Watch::new();
        watch.ping(30, 1);
        watch.record(31, Record::Paused);
        assert!(!watch.is_overdue_at(1_000));
        watch.record(1_000, Record::Resumed { held: 0 });
        assert!(!watch.is_overdue_at(1_014) && watch.is_overdue_at(1_015));
    }
}
