//! Which checks an event concerns.
//!
//! Nearly all events of a busy run are of a dozen kinds, the steps that each transaction takes on each server, and each of them concerns few
//! of the checks. So each has a way of its own here: the ghosts learn from it, and those checks whom it concerns are asked whether all is
//! fine. Only if it is not, [`Checks::judge`] asks every check what is wrong. All other events are shown to [`Checks::everybody`], which is
//! the meaning of the table below; that both come to the same, event by event, is tested with all scenarios.

use super::replication::Change;
use super::verdict::Breach;
use super::{Checks, acknowledgement, convergence, delivery, follower_history, holes, leadership, surprises};
use std::sync::Arc;

use crate::proto::{FileName, NodeId, Packet, Proposal, QuorumKind, ServerId, TxnRef, Zxid};
use crate::trace::{ApplyHow, Event, Note, Record, What};

impl Checks {
    /// Shows an event to those whom it concerns.
    #[inline]
    pub(super) fn concerned(&mut self, event: &Event) -> Option<Breach> {
        match (&event.what, self.replication.position(event.node)) {
            (What::Record(record), Some((me, id))) => match record {
                Record::DiskStarted { tag, op } => {
                    self.replication.on_disk_started(me, *tag, op);
                    None
                }
                Record::DiskDone { tag, error } => {
                    self.replication.on_disk_done(me, *tag, *error, event.n);
                    None
                }
                Record::Sent { packet: Packet::Quorum { kind: QuorumKind::Ack, zxid, .. }, .. } if zxid.counter() != 0 => {
                    self.acknowledged(me, *zxid, event)
                }
                Record::Sent { packet: Packet::ClientReply(reply), conn, .. } => {
                    self.known_order.on_reply(&self.replication, id, *conn, reply, event);
                    self.replied(reply.zxid, event)
                }
                Record::Delivered { packet: Packet::Quorum { kind: QuorumKind::Ping, .. }, .. } => self.step_down.check(&self.electorates, event),
                _ if concerns_nobody(record) => None,
                _ => self.everybody(event),
            },
            (What::Note(note), Some((me, id))) => match note {
                Note::Applied { txn, how, digest } => self.applied(me, id, *txn, *how, *digest, event),
                Note::Appended { txn, file } => self.appended(me, *txn, file, event),
                Note::LogSynced { last, .. } => self.log_synced(*last, event),
                Note::Proposed { txn, what } => self.proposed(me, id, *txn, what, event),
                Note::Committed { txn, quorum } => self.committed(me, id, txn.zxid, quorum, event),
                _ => self.everybody(event),
            },
            (What::Note(Note::Called { .. } | Note::Returned { .. }), None) => self.called_or_returned(event),
            (What::Record(Record::Sent { packet: Packet::ClientRequest(request), conn, .. }), None) => {
                if let Some(NodeId::Client(client)) = event.node {
                    self.known_order.on_request(client, *conn, request, event);
                }
                None
            }
            (What::Record(record), None) if concerns_nobody(record) => None,
            _ => self.everybody(event),
        }
    }

    #[inline]
    fn acknowledged(&mut self, me: usize, zxid: Zxid, event: &Event) -> Option<Breach> {
        let replica = self.replication.at(me);
        let fine = surprises::awaits_new_leader(replica).is_none() && acknowledgement::has_logged(replica, zxid);
        if fine { None } else { self.judge(&Change::Acks(zxid), event) }
    }

    #[inline]
    fn replied(&mut self, zxid: Zxid, event: &Event) -> Option<Breach> {
        let fine = self.replies.may_tell(self.electorates.latest(), &self.replication, event.node, zxid);
        if fine { None } else { self.judge(&Change::Other, event) }
    }

    #[inline]
    fn applied(&mut self, me: usize, id: ServerId, txn: TxnRef, how: ApplyHow, digest: u64, event: &Event) -> Option<Breach> {
        let world = &mut self.replication;
        self.sessions.observe(event);
        let Some(applied) = world.on_applied(me, txn, how, digest, event.n) else { return self.judge(&Change::Other, event) };
        self.probes.on_applied();
        let fine = holes::rereads(world, &applied)
            && delivery::is_right(world, &applied)
            && convergence::agrees(world, id, &applied, event.n)
            && self.sessions.is_fine()
            && self.step_down.is_early(event);
        if fine { None } else { self.judge(&Change::Applied(applied), event) }
    }

    #[inline]
    fn appended(&mut self, me: usize, txn: TxnRef, file: &FileName, event: &Event) -> Option<Breach> {
        let world = &mut self.replication;
        let step = world.on_appended(me, txn, file);
        self.probes.on_appended(event);
        let fine = holes::continues(world, &step) && follower_history::agrees(world, &step) && self.step_down.is_early(event);
        if fine { None } else { self.judge(&Change::Appended(step), event) }
    }

    #[inline]
    fn log_synced(&mut self, last: Zxid, event: &Event) -> Option<Breach> {
        self.probes.on_log_synced(last, &self.replication, event);
        if self.step_down.is_early(event) { None } else { self.judge(&Change::Other, event) }
    }

    #[inline]
    fn proposed(&mut self, me: usize, id: ServerId, txn: TxnRef, what: &Arc<Proposal>, event: &Event) -> Option<Breach> {
        let world = &mut self.replication;
        let step = world.on_proposed(me, txn, event.n);
        self.sessions.observe(event);
        self.known_order.on_proposed(world, id, txn, what, event);
        let begins = world.reigns.of(id).is_some_and(|reign| leadership::is_first(reign, &step));
        let fine = !begins && self.sessions.is_fine() && self.step_down.is_early(event);
        if fine { None } else { self.judge(&Change::Proposed(step), event) }
    }

    #[inline]
    fn committed(&mut self, me: usize, id: ServerId, zxid: Zxid, quorum: &[ServerId], event: &Event) -> Option<Breach> {
        let world = &mut self.replication;
        let (place, overtakes) = world.on_committed(me, zxid, event.n);
        let fine = overtakes.is_none() && acknowledgement::may_count(world.at(me), id, zxid, quorum) && self.step_down.is_early(event);
        if fine { None } else { self.judge(&Change::Committed { place, overtakes }, event) }
    }

    #[inline]
    fn called_or_returned(&mut self, event: &Event) -> Option<Breach> {
        let breach = self.clients.check(&self.replication, event);
        if breach.is_some() || self.step_down.is_early(event) { breach } else { self.step_down.check(&self.electorates, event) }
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
        Record::Delivered { packet, .. } => matches!(packet, Packet::ClientRequest(_) | Packet::ClientReply(_)),
        _ => false,
    }
}
