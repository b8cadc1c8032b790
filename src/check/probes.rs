//! When to have a copy of a disk recovered: what events alone cannot tell.
//!
//! Checks may not read logs and snapshots. They ask: [`Checks::probe`](super::Checks::probe) says which disk, and why; whoever can read it
//! answers with a note ([`Note::DiskProbed`](crate::trace::Note::DiskProbed)) that the checks then observe like any other. Asking is
//! sampled, and what it costs stays a small part of the run: the transactions that probes replay are counted against those that servers
//! apply.

use super::replication::{Change, Replication};
use crate::proto::{NodeId, ServerId, Zxid};
use crate::trace::{Event, Note, Probing, Record, What};

/// An fsync of a log up to every so many-th transaction of an epoch is followed by "what if it lost power now?".
const SYNCS: u32 = 64;

/// For so many transactions that servers apply, a probe may replay one.
const SHARE: u64 = 16;

/// What may be replayed at once in a short run.
const CREDIT: u64 = 2_000;

/// Recovering a disk costs something however short its log is: as much as so many transactions.
const COST_MIN: u64 = 50;

/// A disk to be recovered, on a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    pub server: ServerId,
    /// With [`Probing::PowerLoss`] the copy is to lose power first.
    pub why: Probing,
    /// Replay goes no further than this, if it is given.
    pub up_to: Option<Zxid>,
}

/// What is asked next, and what may be asked.
#[derive(Clone, Debug, Default)]
pub struct Probes {
    due: Vec<Probe>,
    /// Transactions applied, and replayed by probes.
    applied: u64,
    spent: u64,
    servers: Vec<Sampling>,
}

/// For one server.
#[derive(Clone, Copy, Debug, Default)]
struct Sampling {
    /// Transactions in the log since its last snapshot, and between that and the one before: a recovery reads both, for the log that was
    /// begun before a snapshot may hold what the snapshot lacks.
    tail: u64,
    older: u64,
    /// It has purged before.
    has_purged: bool,
    /// A snapshot is finished, and is to be probed once the log is durable up to here.
    snapshot: Option<Zxid>,
}

impl Probes {
    #[inline]
    pub fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Whether this event may lead to a probe.
    #[inline]
    pub fn may_follow(&self, event: &Event) -> bool {
        match &event.what {
            What::Note(Note::LogSynced { last, .. }) => is_sampled(*last) || self.servers.iter().any(|sampling| sampling.snapshot.is_some()),
            What::Note(Note::SnapshotTaken { .. } | Note::Purged { .. }) => true,
            What::Record(Record::PowerLost { .. } | Record::Crashed) => true,
            _ => false,
        }
    }

    /// What is to be recovered now, if anything.
    pub fn next(&mut self) -> Option<Probe> {
        self.due.pop()
    }

    #[inline]
    pub fn observe(&mut self, world: &Replication, change: &Change, event: &Event) {
        match (change, &event.what) {
            (Change::Applied(_), _) => self.on_applied(),
            (Change::Appended(_), _) => self.on_appended(event),
            (Change::Other, What::Note(Note::LogSynced { last, .. })) => self.on_log_synced(*last, world, event),
            (Change::Other, What::Note(note)) => self.on_note(world, note, event),
            (Change::Other, What::Record(Record::PowerLost { .. } | Record::Crashed)) => self.ask_anyhow(event, Probing::Crash),
            _ => {}
        }
    }

    #[inline]
    pub fn on_applied(&mut self) {
        self.applied += 1;
    }

    #[inline]
    pub fn on_appended(&mut self, event: &Event) {
        if let Some(sampling) = self.of(event) {
            sampling.tail += 1;
        }
    }

    #[inline]
    fn of(&mut self, event: &Event) -> Option<&mut Sampling> {
        let index = usize::try_from(event.node.and_then(NodeId::as_server)?.0).ok()?;
        if index >= self.servers.len() {
            self.servers.resize(index + 1, Sampling::default());
        }
        self.servers.get_mut(index)
    }

    fn on_note(&mut self, world: &Replication, note: &Note, event: &Event) {
        match note {
            Note::SnapshotTaken { .. } => {
                let exact = event.node.and_then(NodeId::as_server).and_then(|me| world.of(me)).map(|replica| replica.memory.zxid);
                if let Some(sampling) = self.of(event) {
                    *sampling = Sampling { tail: 0, older: sampling.tail, snapshot: exact, ..*sampling };
                }
            }
            Note::Purged { .. } => {
                let again = self.of(event).is_none_or(|sampling| std::mem::replace(&mut sampling.has_purged, true));
                if again { self.ask(event, Probing::Purge, None) } else { self.ask_anyhow(event, Probing::Purge) }
            }
            _ => {}
        }
    }

    #[inline]
    pub fn on_log_synced(&mut self, last: Zxid, world: &Replication, event: &Event) {
        let Some((log, memory)) = event.node.and_then(NodeId::as_server).and_then(|me| world.of(me)).map(|it| (it.disk.end().zxid, it.memory.zxid))
        else {
            return;
        };
        let Some(sampling) = self.of(event) else { return };
        // Only as far as memory goes is it known what to expect.
        if sampling.snapshot.is_some_and(|exact| exact <= memory && memory <= log) {
            sampling.snapshot = None;
            self.ask(event, Probing::Snapshot, Some(memory));
        } else if is_sampled(last) {
            self.ask(event, Probing::PowerLoss, None);
        }
    }

    /// If it may cost so much.
    #[cold]
    fn ask(&mut self, event: &Event, why: Probing, up_to: Option<Zxid>) {
        let cost = self.cost(event);
        if self.spent + cost <= CREDIT + self.applied / SHARE {
            self.spent += cost;
            self.push(event, why, up_to);
        }
    }

    /// What is asked about comes about once, or is dear itself; others have to wait for it.
    fn ask_anyhow(&mut self, event: &Event, why: Probing) {
        self.spent += self.cost(event);
        self.push(event, why, None);
    }

    fn cost(&mut self, event: &Event) -> u64 {
        COST_MIN + self.of(event).map_or(0, |sampling| sampling.older + sampling.tail)
    }

    fn push(&mut self, event: &Event, why: Probing, up_to: Option<Zxid>) {
        if let Some(server) = event.node.and_then(NodeId::as_server) {
            self.due.push(Probe { server, why, up_to });
        }
    }
}

/// Whether to ask after an fsync that ends with this transaction. No count of fsyncs, so that the event alone tells.
#[inline]
pub fn is_sampled(last: Zxid) -> bool {
    last.counter().is_multiple_of(SYNCS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::replication_story::zxid;
    use crate::check::tests::Story;
    use crate::proto::FileName;

    /// Writes until s1 has forced its log so often.
    fn writes(story: &mut Story, from: u32, to: u32) {
        for counter in from..=to {
            story.replicates((1, counter)).notes(1, Note::LogSynced { last: zxid((1, counter)), txns: 1 });
        }
    }

    fn asked(story: &mut Story) -> Vec<(Probing, Option<Zxid>)> {
        story.probes(1).into_iter().map(|probe| (probe.why, probe.up_to)).collect()
    }

    #[test]
    fn every_crash_is_probed_and_some_fsyncs() {
        let mut story = Story::ensemble();
        writes(&mut story, 1, 3);
        assert_eq!(asked(&mut story), []);
        story.records(1, Record::Crashed);
        assert_eq!(asked(&mut story), [(Probing::Crash, None)]);
        story.loses_power(1);
        assert_eq!(asked(&mut story), [(Probing::Crash, None)]);
        let mut story = Story::ensemble();
        writes(&mut story, 1, SYNCS);
        assert!(asked(&mut story).contains(&(Probing::PowerLoss, None)));
    }

    #[test]
    fn a_snapshot_is_probed_once_the_log_behind_it_is_forced() {
        let mut story = Story::ensemble();
        writes(&mut story, 1, 2);
        story.takes_snapshot(1, (1, 2), false);
        assert_eq!(asked(&mut story), []);
        writes(&mut story, 3, 3);
        assert_eq!(asked(&mut story), [(Probing::Snapshot, Some(zxid((1, 3))))]);
        writes(&mut story, 4, 4);
        assert_eq!(asked(&mut story), []);
    }

    /// Each would read all that was logged since the snapshot before the last.
    #[test]
    fn a_long_log_is_not_read_again_and_again() {
        let mut story = Story::ensemble();
        let purged = || Note::Purged { oldest: zxid((1, 1)), files: vec![FileName::from("version-2/log.1")] };
        let long = CREDIT as u32 + 500;
        writes(&mut story, 1, long);
        story.takes_snapshot(1, (1, long), false);
        asked(&mut story);
        writes(&mut story, long + 1, long + SYNCS);
        assert_eq!(asked(&mut story), [], "neither the snapshot nor the fsync");
        story.notes(1, purged());
        assert_eq!(asked(&mut story), [(Probing::Purge, None)], "the first of a server, whatever it costs");
        story.notes(1, purged());
        assert_eq!(asked(&mut story), []);
    }
}
