//! D-8: a write is durable on a quorum when its client is told.
//!
//! A committed transaction is in a quorum of logs, each of them forced. Every zxid that a server tells a client is held against what the
//! kernel knows of the disks: then no power loss, not even of everybody at once, takes back what was answered.

use std::collections::BTreeSet;

use super::Invariant::ReplyDurable;
use super::electorate::Electorate;
use super::replication::Replication;
use super::verdict::{Breach, Fact};
use crate::proto::{NodeId, Packet, ServerId, Zxid};
use crate::trace::{Event, Note, Record, What};

/// Remembers up to where it was so once: what was durable on a quorum when it was told is what counts.
#[derive(Clone, Debug, Default)]
pub struct ReplyDurability {
    up_to: Zxid,
    /// Servers that answer reads without a leader: they promise nothing.
    read_only: BTreeSet<ServerId>,
}

impl ReplyDurability {
    /// Learns who serves without a leader, and who does not any more.
    pub fn observe(&mut self, event: &Event) {
        let (Some(NodeId::Server(me)), Some(note)) = (event.node, event.note()) else { return };
        match note {
            Note::ServingReadOnly { .. } => drop(self.read_only.insert(me)),
            Note::LeadingStarted { .. } | Note::FollowingStarted { .. } | Note::Booted { .. } => drop(self.read_only.remove(&me)),
            _ => {}
        }
    }

    pub fn check(&mut self, electorate: &Electorate, world: &Replication, event: &Event) -> Option<Breach> {
        let What::Record(Record::Sent { packet: Packet::ClientReply(reply), to, .. }) = &event.what else { return None };
        if self.may_tell(electorate, world, event.node, reply.zxid) { None } else { Some(not_durable(electorate, world, reply.zxid, *to, event)) }
    }

    /// Whether a client may be told of a zxid now, by this server.
    #[inline]
    pub fn may_tell(&mut self, electorate: &Electorate, world: &Replication, by: Option<NodeId>, zxid: Zxid) -> bool {
        if !self.read_only.is_empty() && by.and_then(NodeId::as_server).is_some_and(|by| self.read_only.contains(&by)) {
            return true;
        }
        // A reader is told the epoch of its server, which no transaction has.
        if zxid <= self.up_to || zxid.counter() == 0 {
            return true;
        }
        let is_durable = electorate.is_quorum_of(behind(world, zxid));
        if is_durable {
            self.up_to = zxid;
        }
        is_durable
    }
}

/// Whose disks have it.
fn behind(world: &Replication, zxid: Zxid) -> impl Iterator<Item = ServerId> {
    world.replicas().filter(move |(_, replica)| replica.durable.known >= zxid).map(|(id, _)| id)
}

fn not_durable(electorate: &Electorate, world: &Replication, zxid: Zxid, to: NodeId, event: &Event) -> Breach {
    let names: Vec<String> = behind(world, zxid).filter(|id| electorate.is_voter(*id)).map(|id: ServerId| id.to_string()).collect();
    let on = if names.is_empty() { "nobody's disk".into() } else { format!("the disks of no more voters than {}", names.join(", ")) };
    let durable = Fact::new(event.n, format!("{zxid} is durable on {on}"));
    (ReplyDurable, [durable, Fact::new(event.n, format!("{to} is told of it: {event}"))])
}

#[cfg(test)]
mod tests {
    use crate::check::Invariant;
    use crate::check::replication_story::Commit;
    use crate::check::tests::Story;
    use crate::proto::{LearnerType, ServerId};
    use crate::trace::Note;

    #[test]
    fn a_client_is_told_what_a_quorum_has_on_disk() {
        let mut story = Story::ensemble();
        story.replicates((1, 1)).replies(1, (1, 1)).replies(2, (1, 0)).loses_power(1).loses_power(2).replies(3, (1, 1));
        assert_eq!(story.violation(), None);
    }

    #[test]
    fn who_has_no_leader_promises_nothing() {
        let mut story = Story::ensemble();
        story.proposes(3, (1, 1)).logs(3, (1, 1)).goes_looking(3, (1, 1));
        story.notes(3, Note::ServingReadOnly { zxid: crate::check::replication_story::zxid((1, 1)) }).replies(3, (1, 1));
        assert_eq!(story.violation(), None);
        story.notes(3, Note::FollowingStarted { leader: ServerId(2), role: LearnerType::Participant }).replies(3, (1, 1));
        story.breaks(Invariant::ReplyDurable);
    }

    #[test]
    fn one_disk_is_not_enough() {
        let mut story = Story::ensemble();
        story.proposes(3, (1, 1)).logs(3, (1, 1)).commits(3, (1, 1), &[3]).applies(3, Commit, (1, 1)).replies(3, (1, 1));
        let violation = story.breaks(Invariant::ReplyDurable);
        assert_eq!(violation.facts[0].text, "1:1 is durable on the disks of no more voters than s3");
    }
}
