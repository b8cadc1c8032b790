//! What really happened: without it a pass means nothing.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::clients;
use super::{ByFault, UnderWay};
use crate::proto::{CloseReason, Packet};
use crate::trace::{Event, Note, Record, SyncHow, What};

/// Declares the counters once, for the struct, the sum over runs, and the table that is shown.
macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counts over the events of a run, or of many.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Statistics {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Statistics {
            /// Names and values, in the order of declaration.
            pub fn rows(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name)),*].into_iter()
            }
        }

        impl AddAssign<&Statistics> for Statistics {
            fn add_assign(&mut self, other: &Statistics) {
                $(self.$name += other.$name;)*
            }
        }
    };
}

counters! {
    /// Processes started, first starts included.
    starts,
    crashes,
    power_losses,
    /// Bytes that were written and not synced, and are gone.
    unsynced_bytes_lost,
    /// Files whose unsynced end is torn.
    files_torn,
    /// Processes that ended themselves.
    exits,
    pauses,
    /// Inputs that had to wait for the end of a pause.
    inputs_held,
    /// Faults and choices that took effect.
    actions,
    /// Those that could not.
    actions_failed,
    /// Actions that cut links: `cut`, `partition`.
    cuts,
    /// Times a server began to look for a leader, whatever the algorithm.
    elections_started,
    /// Those that ended with a leader.
    elections_concluded,
    leaders_established,
    /// Servers that came to serve under a leader.
    learners_serving,
    votes_changed,
    rounds_raised,
    /// A better vote came in the last 200 ms.
    drains_broken,
    /// Notes that did not count.
    notes_ignored,
    epochs_accepted,
    notifications_sent,
    notifications_delivered,
    datagrams_sent,
    datagrams_lost,
    /// Packets that were under way on a connection that ended.
    packets_lost,
    connections_opened,
    /// Connections whose end was told by the network, not by the peer.
    connections_broken,
    /// Transactions that leaders proposed, and those that they committed.
    proposals,
    commits,
    /// Learners that were sent what they lacked, told to cut their log, or sent the whole tree.
    syncs_diff,
    syncs_trunc,
    syncs_snap,
    /// Fsyncs of logs, and transactions that they made durable on one server each.
    log_syncs,
    txns_logged,
    snapshots_taken,
    /// Times a disk failed a server.
    storage_failures,
    /// Writes that clients were told to have succeeded, or failed for certain.
    writes_acked,
    writes_failed,
    /// Writes of which clients were told nothing certain.
    writes_unknown,
    /// Other requests that were answered.
    reads_answered,
    sessions_opened,
    sessions_expired,
    /// Copies of disks that the checks had recovered.
    disks_probed,
}

/// Counts, and what it takes to count: which of the requests under way are writes.
#[derive(Clone, Debug, Default)]
pub struct Census {
    pub counts: Statistics,
    /// What faults cost the clients.
    pub by_fault: ByFault,
    writes: UnderWay,
}

impl Census {
    #[inline]
    pub fn observe(&mut self, event: &Event) {
        match &event.what {
            What::Record(record) => {
                match record {
                    Record::Action { action } => self.by_fault.on_action(action, event.at),
                    Record::ActionFailed { .. } => self.by_fault.on_action_failed(),
                    _ => {}
                }
                self.counts.on_record(record);
            }
            What::Note(Note::Called { call, op }) => {
                if let Some(client) = event.node.filter(|_| op.0.is_write()) {
                    self.writes.begin(client, *call);
                }
            }
            What::Note(Note::Returned { call, result, zxid }) => {
                let write = event.node.is_some_and(|client| self.writes.end(client, *call));
                self.counts.on_returned(write, result, zxid.is_some());
                let outcomes = self.by_fault.current();
                match zxid {
                    None => outcomes.unknown += 1,
                    Some(_) if write && !clients::succeeded(result) => outcomes.failed += 1,
                    Some(_) => outcomes.acked += 1,
                }
            }
            What::Note(note @ (Note::Connected { renewed: true, .. } | Note::SessionExpired { .. })) => {
                let outcomes = self.by_fault.current();
                let lost = matches!(note, Note::SessionExpired { .. });
                *(if lost { &mut outcomes.sessions_lost } else { &mut outcomes.sessions_kept }) += 1;
                self.counts.on_note(note);
            }
            What::Note(note) => {
                match note {
                    Note::Committed { .. } => self.by_fault.on_committed(event.at),
                    Note::Established { .. } => self.by_fault.on_established(event.at),
                    _ => {}
                }
                self.counts.on_note(note);
            }
        }
    }
}

impl Statistics {
    /// A failed write has a zxid like any other; without one nobody knows.
    fn on_returned(&mut self, write: bool, result: &str, certain: bool) {
        let counter = match (write, certain) {
            (true, true) if clients::succeeded(result) => &mut self.writes_acked,
            (true, true) => &mut self.writes_failed,
            (true, false) => &mut self.writes_unknown,
            (false, true) => &mut self.reads_answered,
            (false, false) => return,
        };
        *counter += 1;
    }

    #[inline]
    fn on_record(&mut self, record: &Record) {
        match record {
            Record::Started { .. } => self.starts += 1,
            Record::Crashed => self.crashes += 1,
            Record::PowerLost { lost_bytes, torn_files, .. } => {
                self.power_losses += 1;
                self.unsynced_bytes_lost += lost_bytes;
                self.files_torn += u64::from(*torn_files);
            }
            Record::Exited { .. } => self.exits += 1,
            Record::Paused => self.pauses += 1,
            Record::Resumed { held } => self.inputs_held += u64::from(*held),
            Record::Action { action } => {
                self.actions += 1;
                self.cuts += u64::from(is_cut(action));
            }
            // An action is recorded before it is tried.
            Record::ActionFailed { action, .. } => {
                self.actions -= 1;
                self.actions_failed += 1;
                self.cuts -= u64::from(is_cut(action));
            }
            Record::Sent { packet: Packet::Notification(_), .. } => self.notifications_sent += 1,
            Record::Delivered { packet: Packet::Notification(_), .. } => self.notifications_delivered += 1,
            Record::DatagramSent { .. } => self.datagrams_sent += 1,
            Record::DatagramLost { .. } => self.datagrams_lost += 1,
            Record::TailLost { packets, .. } => self.packets_lost += u64::from(*packets),
            Record::DialSucceeded { .. } => self.connections_opened += 1,
            Record::Hungup { why, .. } => self.connections_broken += u64::from(*why != CloseReason::Finished),
            _ => {}
        }
    }

    #[inline]
    fn on_note(&mut self, note: &Note) {
        let counter = match note {
            Note::Booted { .. } | Note::WentLooking { .. } => &mut self.elections_started,
            Note::Elected { .. } => &mut self.elections_concluded,
            Note::Established { .. } => &mut self.leaders_established,
            Note::Serving { .. } => &mut self.learners_serving,
            Note::VoteChanged { .. } => &mut self.votes_changed,
            Note::RoundRaised { .. } => &mut self.rounds_raised,
            Note::DrainBroken { .. } => &mut self.drains_broken,
            Note::NoteIgnored { .. } => &mut self.notes_ignored,
            Note::EpochAccepted { .. } => &mut self.epochs_accepted,
            Note::Proposed { .. } => &mut self.proposals,
            Note::Committed { .. } => &mut self.commits,
            Note::LogSynced { txns, .. } => {
                self.txns_logged += u64::from(*txns);
                &mut self.log_syncs
            }
            Note::SyncChosen { how: SyncHow::Diff, .. } => &mut self.syncs_diff,
            Note::SyncChosen { how: SyncHow::Trunc, .. } => &mut self.syncs_trunc,
            Note::SyncChosen { how: SyncHow::Snap, .. } => &mut self.syncs_snap,
            Note::SnapshotTaken { .. } => &mut self.snapshots_taken,
            Note::StorageFailed { .. } => &mut self.storage_failures,
            Note::Connected { renewed: false, .. } | Note::ConnectedReadOnly { renewed: false, .. } => &mut self.sessions_opened,
            Note::SessionExpired { .. } => &mut self.sessions_expired,
            Note::DiskProbed { .. } => &mut self.disks_probed,
            _ => return,
        };
        *counter += 1;
    }
}

fn is_cut(action: &str) -> bool {
    action.starts_with("cut ") || action.starts_with("partition ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::{Story, vote};
    use crate::proto::{PeerState, Zxid};

    fn counted(story: &Story) -> Statistics {
        let mut census = Census::default();
        story.events.iter().for_each(|event| census.observe(event));
        census.counts
    }

    /// c2 asks under the number that c1 uses, and is told of a read.
    #[test]
    fn writes_end_in_one_of_three_ways() {
        let returned = |call, result: &str, zxid| Note::Returned { call, result: result.into(), zxid };
        let zxid = Some(Zxid::new(1, 1));
        let mut story = Story::ensemble();
        story.replicates((1, 1)).asks(1, 1).asks(1, 2).asks(1, 3);
        story.client_notes(2, returned(1, "/a", zxid)).client_notes(2, returned(2, "ConnectionLoss", None)).client_notes(1, returned(1, "Ok", zxid));
        story.client_notes(1, returned(2, "NoNode", zxid)).client_notes(1, returned(3, "ConnectionLoss", None));
        let counts = counted(&story);
        assert_eq!((counts.writes_acked, counts.writes_failed, counts.writes_unknown, counts.reads_answered), (1, 1, 1, 1));
        assert_eq!((counts.proposals, counts.commits, counts.syncs_diff), (1, 1, 2));
    }

    #[test]
    fn what_happened_is_counted_and_summed() {
        let mut story = Story::of(3);
        story
            .action("partition s1 | s2 s3")
            .action("heal")
            .action("cut s1 -> s9")
            .action_fails("cut s1 -> s9")
            .records(1, Record::PowerLost { lost_bytes: 512, kept_bytes: 1, torn_files: 2, metadata_lost: 0 });
        story.boots(2, 0, 0).looks(2, 1, vote(2, 0, 0)).changes(2, 3, vote(3, 0, 0)).hears(2, 3, PeerState::Looking, 1, vote(3, 0, 0));
        let once = counted(&story);
        assert_eq!((once.actions, once.actions_failed, once.cuts), (2, 1, 1));
        assert_eq!((once.power_losses, once.unsynced_bytes_lost, once.files_torn), (1, 512, 2));
        assert_eq!((once.elections_started, once.votes_changed, once.notifications_delivered), (1, 1, 1));

        let mut twice = once;
        twice += &once;
        assert_eq!(twice.rows().map(|(_, value)| value).collect::<Vec<_>>(), once.rows().map(|(_, value)| 2 * value).collect::<Vec<_>>());
        assert_eq!(once.rows().next(), Some(("starts", 0)));
    }
}
