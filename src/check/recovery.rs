//! D-1, D-7, and D-6 where it is probed: every disk that a crash or a purge leaves gives back what it must.
//!
//! A server that boots must have all that was durable, and must boot at all, unless disk faults have spoiled its disk or fail its operations
//! now. Probes ask the same of copies of the disk, at moments when nobody restarts: see [`super::probes`].

use super::Invariant::{self, DiskRecovers, PurgeKeepsEnough};
use super::convergence;
use super::history::{Found, Place};
use super::replication::{Change, Replication};
use super::verdict::{Breach, Fact};
use crate::proto::{NodeId, ServerId, Zxid};
use crate::trace::{Event, Note, Probing};

pub fn check(world: &mut Replication, change: &Change, event: &Event) -> Option<Breach> {
    let me = event.node.and_then(NodeId::as_server)?;
    if let Change::Booted { lost: Some((durable, since)) } = change {
        let had = Fact::new(*since, format!("{me} had all up to {durable} on disk"));
        return Some((DiskRecovers, [had, Fact::new(event.n, event.to_string())]));
    }
    let replica = world.of(me)?;
    match event.note()? {
        Note::BootRefused { .. } if !replica.damaged && !replica.faulty && !replica.failed => {
            Some((DiskRecovers, [promised(world, me), told(event)]))
        }
        Note::DiskProbed { refused: Some(_), why, .. } if !replica.damaged => Some((invariant(*why), [promised(world, me), told(event)])),
        Note::DiskProbed { refused: None, why, zxid, digest } if !replica.damaged => probed(world, me, *why, *zxid, *digest, event),
        _ => None,
    }
}

fn invariant(why: Probing) -> Invariant {
    if why == Probing::Purge { PurgeKeepsEnough } else { DiskRecovers }
}

/// What a disk promises that no fault has touched.
fn promised(world: &Replication, me: ServerId) -> Fact {
    let (since, known) = world.of(me).map_or((0, Zxid::ZERO), |replica| (replica.durable.event, replica.durable.known));
    Fact::new(since, format!("{me} has all up to {known} on disk, and nothing has damaged it"))
}

fn probed(world: &mut Replication, me: ServerId, why: Probing, zxid: Zxid, digest: u64, event: &Event) -> Option<Breach> {
    let replica = world.of(me)?;
    let must_have = match why {
        Probing::PowerLoss => replica.durable.known,
        // Nothing that the process could read is gone.
        Probing::Purge => replica.disk.end().zxid,
        Probing::Snapshot => {
            // A server that has loaded and applied nothing in its life has not told its digest.
            let live = (replica.memory.zxid == zxid).then_some((replica.digest, replica.digest_event));
            if let Some((live, since)) = live.filter(|(live, _)| *live != 0 && *live != digest) {
                let database = Fact::new(since, format!("the database of {me} after {zxid} has digest {live:016x}"));
                return Some((Invariant::FuzzySnapshot, [database, told(event)]));
            }
            let Found::Here(prefix) = replica.disk.at(zxid) else { return None };
            return convergence::recovered(world, Place { zxid, prefix }, digest, event);
        }
        Probing::Crash => replica.durable.known,
    };
    (zxid < must_have).then(|| (invariant(why), [promised(world, me), told(event)]))
}

fn told(event: &Event) -> Fact {
    Fact::new(event.n, event.to_string())
}

#[cfg(test)]
mod tests {
    use crate::check::Invariant;
    use crate::check::replication_story::{At, digest, zxid};
    use crate::check::tests::Story;
    use crate::proto::{DiskError, Zxid};
    use crate::trace::{Note, Probing};

    fn refuses(story: &mut Story, node: i64) {
        story.notes(node, Note::BootRefused { reason: DiskError::Io.to_string() });
    }

    fn probed(why: Probing, at: At) -> Note {
        Note::DiskProbed { why, zxid: zxid(at), digest: digest(at), refused: None }
    }

    fn written() -> Story {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).replicates((1, 2)).proposes(3, (1, 3)).appends(1, (1, 3));
        story
    }

    #[test]
    fn what_was_not_forced_may_be_lost() {
        let mut story = written();
        story.loses_power(1).recovers(1, (0, 0), &[(1, 1), (1, 2)]).goes_looking(1, (1, 2));
        assert_eq!(story.violation(), None);
    }

    #[test]
    fn what_was_forced_comes_back() {
        let mut story = written();
        story.loses_power(1).recovers(1, (0, 0), &[(1, 1)]);
        let violation = story.breaks(Invariant::DiskRecovers);
        assert_eq!(violation.facts[0].text, "s1 had all up to 1:2 on disk");
    }

    #[test]
    fn a_damaged_or_wiped_disk_may_lose_anything() {
        for action in ["disk s1 rot log.newest", "disk s1 loose", "wipe s1"] {
            let mut story = written();
            story.action(action).restarts(1).boots(1, 1, 1);
            assert_eq!(story.violation(), None, "{action}");
        }
        let mut story = written();
        story.action("wipe s1").action_fails("wipe s1").restarts(1).boots(1, 1, 1);
        story.breaks(Invariant::DiskRecovers);
    }

    /// ZOOKEEPER-1653.
    #[test]
    fn a_server_starts_unless_its_disk_fails() {
        let mut story = written();
        refuses(&mut story, 1);
        story.breaks(Invariant::DiskRecovers);
        let mut story = written();
        story.action("disk s1 fail-read for ever");
        refuses(&mut story, 1);
        assert_eq!(story.violation(), None);
        story.action("quiet");
        refuses(&mut story, 1);
        story.breaks(Invariant::DiskRecovers);
    }

    #[test]
    fn a_probe_finds_what_a_restart_would() {
        let mut story = written();
        story.notes(1, probed(Probing::PowerLoss, (1, 2))).notes(1, probed(Probing::Purge, (1, 3))).notes(1, probed(Probing::Snapshot, (1, 2)));
        assert_eq!(story.violation(), None);
        for (why, at, invariant) in [(Probing::PowerLoss, (1, 1), Invariant::DiskRecovers), (Probing::Purge, (1, 2), Invariant::PurgeKeepsEnough)] {
            let mut story = written();
            story.notes(1, probed(why, at));
            story.breaks(invariant);
        }
        for (why, invariant) in [(Probing::Crash, Invariant::DiskRecovers), (Probing::Purge, Invariant::PurgeKeepsEnough)] {
            let mut story = written();
            story.notes(1, Note::DiskProbed { why, zxid: Zxid::ZERO, digest: 0, refused: Some("no snapshot".into()) });
            story.breaks(invariant);
        }
    }

    /// The first leader of a new ensemble takes a snapshot of (1, 0), which nobody has told anything of.
    #[test]
    fn a_snapshot_of_what_was_never_told_is_compared_with_nothing() {
        let mut story = Story::ensemble();
        story.notes(3, Note::DiskProbed { why: Probing::Snapshot, zxid: zxid((1, 0)), digest: 4711, refused: None });
        assert_eq!(story.violation(), None);
    }

    /// ZOOKEEPER-1090: of the database in memory, and of that of others after the same transaction.
    #[test]
    fn a_snapshot_with_its_log_gives_the_database() {
        for at in [(1, 2), (1, 1)] {
            let mut story = written();
            story.notes(1, Note::DiskProbed { why: Probing::Snapshot, zxid: zxid(at), digest: 4711, refused: None });
            story.breaks(Invariant::FuzzySnapshot);
        }
    }
}
