//! T-1, T-3, T-5 and W-8, as far as only the memory of a server tells: looked at once, when all is over.
//!
//! Nobody tells of these by itself. Whoever holds the servers is asked what each of them has in its memory
//! ([`Note::MemoryProbed`](crate::trace::Note::MemoryProbed)): whether tree, indexes and watches are in order, and the digest of the
//! database. That digest must be what the committed log comes to when it is replayed by the checks' own model (T-5): then what a server
//! has made of its transactions hangs on them alone. That all servers have made the same of them is another check (D-4).
//!
//! Left out: servers whose disks faults have spoiled, those that have applied less or other than what is committed, and runs of which it
//! is not known what was committed.

use super::Invariant::{ApplyIsPure, EphemeralIndex, TreeShape, WatchTable};
use super::known_order::KnownOrder;
use super::replication::Replication;
use super::verdict::{Breach, Fact};
use crate::proto::{NodeId, ServerId};
use crate::trace::{Event, MemoryRule, Note};

pub fn check(world: &Replication, known: &mut KnownOrder, event: &Event) -> Option<Breach> {
    let me = event.node.and_then(NodeId::as_server)?;
    match event.note()? {
        Note::MemoryProbed { rule: Some(rule), why, .. } => Some(flawed(world, me, *rule, why, event)),
        Note::MemoryProbed { digest, .. } => impure(world, known, me, *digest, event),
        _ => None,
    }
}

#[cold]
fn flawed(world: &Replication, me: ServerId, rule: MemoryRule, why: &str, event: &Event) -> Breach {
    let (invariant, promise) = match rule {
        MemoryRule::TreeShape => (TreeShape, "every node has a parent that lists it, and every list names nodes that are there"),
        MemoryRule::EphemeralIndex => (EphemeralIndex, "the index of ephemerals names the nodes of sessions that live, and all of them"),
        MemoryRule::WatchTable => (WatchTable, "nobody watches on a connection that is gone"),
    };
    let (since, applied) = world.of(me).map_or((event.n, String::new()), |replica| (replica.digest_event, format!("at {}, ", replica.memory.zxid)));
    (invariant, [Fact::new(since, format!("{applied}{promise}")), Fact::new(event.n, format!("{me} has this in memory: {why}"))])
}

/// Whether the server has made something else of the committed log than the model.
#[cold]
fn impure(world: &Replication, known: &mut KnownOrder, me: ServerId, digest: u64, event: &Event) -> Option<Breach> {
    let replica = world.of(me)?;
    if replica.damaged || replica.memory.zxid < replica.exact_from {
        return None;
    }
    let replayed = known.replayed_to(replica.memory.prefix)?;
    if replayed.digest == digest {
        return None;
    }
    let first =
        Fact::new(replayed.event, format!("the log up to {}, replayed, gives a database with digest {:016x}", replayed.zxid, replayed.digest));
    Some((ApplyIsPure, [first, Fact::new(event.n, format!("{me} has applied the same, and its database has digest {digest:016x}"))]))
}

#[cfg(test)]
mod tests {
    use crate::check::Invariant;
    use crate::check::tests::Story;
    use crate::proto::Zxid;
    use crate::trace::{MemoryRule, Note};

    fn probed(rule: Option<MemoryRule>, digest: u64) -> Note {
        Note::MemoryProbed { zxid: Zxid::ZERO, digest, rule, why: "/a lists /a/b, which is not there".into() }
    }

    #[test]
    fn each_rule_has_its_name() {
        let rules = [
            (MemoryRule::TreeShape, Invariant::TreeShape),
            (MemoryRule::EphemeralIndex, Invariant::EphemeralIndex),
            (MemoryRule::WatchTable, Invariant::WatchTable),
        ];
        for (rule, invariant) in rules {
            let mut story = Story::ensemble();
            story.notes(1, probed(Some(rule), 0));
            assert_eq!(story.breaks(invariant).facts[1].text, "s1 has this in memory: /a lists /a/b, which is not there");
        }
    }

    /// The database that all begin with, and another one.
    #[test]
    fn a_database_is_what_the_log_comes_to() {
        let empty = crate::check::model::Model::new(&crate::proto::Config::new(crate::proto::Membership::of(3, 0))).digest();
        let mut story = Story::ensemble();
        story.notes(1, probed(None, empty));
        assert_eq!(story.violation(), None);
        story.notes(2, probed(None, empty + 1));
        story.breaks(Invariant::ApplyIsPure);
    }
}
