//! Which checks an event concerns.
//!
//! Nearly all events of a busy run are of a dozen kinds, the steps that each transaction takes on each server, and each of them concerns few
//! of the checks. So each has a way of its own here. What a check needs not see it is not shown: the table below says who is asked, in the
//! order of asking, and [`Checks::everybody`] says what it means. That both come to the same, event by event, is tested with all scenarios.

use super::verdict::Breach;
use super::{Checks, acknowledgement, convergence, delivery, follower_history, holes, leadership, surprises};
use crate::proto::{FileName, Packet, QuorumKind, ServerId, TxnRef, Zxid};
use crate::trace::{ApplyHow, Event, Note, Record, What};

impl Checks {
    /// Shows an event to those whom it concerns.
    #[inline]
    pub(super) fn concerned(&mut self, event: &Event) -> Option<Breach> {
        match (&event.what, self.replication.position(event.node)) {
            (What::Record(record), Some(me)) => match record {
                Record::DiskStarted { tag, op } => {
                    self.replication.on_disk_started(me, *tag, op);
                    None
                }
                Record::DiskDone { tag, error } => {
                    self.replication.on_disk_done(me, *tag, *error, event.n);
                    None
                }
                Record::Sent { packet: Packet::Quorum { kind: QuorumKind::Ack, zxid, .. }, .. } if zxid.counter() != 0 => {
                    self.acknowledged(*zxid, event)
                }
                Record::Sent { packet: Packet::ClientReply(reply), to, .. } => {
                    self.replies.told(&self.electorate, &self.replication, reply.zxid, *to, event)
                }
                Record::Delivered { packet: Packet::Quorum { kind: QuorumKind::Ping, .. }, .. } => self.step_down.check(&self.electorate, event),
                _ if concerns_nobody(record) => None,
                _ => self.everybody(event),
            },
            (What::Note(note), Some(me)) => match note {
                Note::Applied { txn, how, digest } => self.applied(me, *txn, *how, *digest, event),
                Note::Appended { txn, file } => self.appended(me, *txn, file, event),
                Note::LogSynced { .. } => {
                    self.probes.on_log_synced(&self.replication, event);
                    self.step_down.on_time(&self.electorate, event)
                }
                Note::Proposed { txn, .. } => self.proposed(me, *txn, event),
                Note::Committed { txn, quorum } => self.committed(me, txn.zxid, quorum, event),
                _ => self.everybody(event),
            },
            (What::Note(Note::Called { .. } | Note::Returned { .. }), None) => self.called_or_returned(event),
            (What::Record(record), None) if concerns_nobody(record) => None,
            _ => self.everybody(event),
        }
    }

    #[inline]
    fn acknowledged(&mut self, zxid: Zxid, event: &Event) -> Option<Breach> {
        surprises::acknowledged(&self.replication, zxid, event).or_else(|| acknowledgement::acknowledged(&self.replication, zxid, event))
    }

    #[inline]
    fn applied(&mut self, me: usize, txn: TxnRef, how: ApplyHow, digest: u64, event: &Event) -> Option<Breach> {
        let world = &mut self.replication;
        let breach = world.on_applied(me, txn, how, digest, event.n).and_then(|applied| {
            self.probes.on_applied();
            holes::replayed(world, &applied, event)
                .or_else(|| delivery::applied(world, &applied, event))
                .or_else(|| convergence::applied(world, &applied, event))
        });
        breach.or_else(|| self.step_down.on_time(&self.electorate, event))
    }

    #[inline]
    fn appended(&mut self, me: usize, txn: TxnRef, file: &FileName, event: &Event) -> Option<Breach> {
        let step = self.replication.on_appended(me, txn, file);
        self.probes.on_appended(event);
        holes::appended(&self.replication, &step, event)
            .or_else(|| follower_history::appended(&self.electorate, &self.replication, &step, event))
            .or_else(|| self.step_down.on_time(&self.electorate, event))
    }

    #[inline]
    fn proposed(&mut self, me: usize, txn: TxnRef, event: &Event) -> Option<Breach> {
        let step = self.replication.on_proposed(me, txn, event.n);
        leadership::proposes(&self.replication, &step, event).or_else(|| self.step_down.on_time(&self.electorate, event))
    }

    #[inline]
    fn committed(&mut self, me: usize, zxid: Zxid, quorum: &[ServerId], event: &Event) -> Option<Breach> {
        let (_, overtakes) = self.replication.on_committed(me, zxid, event.n);
        acknowledgement::counted(&self.replication, zxid, quorum, event)
            .or_else(|| overtakes.map(|oldest| delivery::overtaken(oldest, event)))
            .or_else(|| self.step_down.on_time(&self.electorate, event))
    }

    fn called_or_returned(&mut self, event: &Event) -> Option<Breach> {
        self.clients.check(&self.replication, event).or_else(|| self.step_down.on_time(&self.electorate, event))
    }
}

/// The mechanics of a run of which every event is kept.
#[inline]
fn concerns_nobody(record: &Record) -> bool {
    match record {
        Record::Stage { .. } | Record::Timer { .. } => true,
        Record::Sent { packet: Packet::Quorum { kind, .. }, .. } => matches!(kind, QuorumKind::Ping | QuorumKind::Proposal | QuorumKind::Commit),
        Record::Delivered { packet: Packet::Quorum { kind, .. }, .. } => {
            matches!(kind, QuorumKind::Ack | QuorumKind::Proposal | QuorumKind::Commit)
        }
        Record::Sent { packet, .. } => matches!(packet, Packet::ClientRequest(_)),
        Record::Delivered { packet, .. } => matches!(packet, Packet::ClientRequest(_) | Packet::ClientReply(_)),
        _ => false,
    }
}
