//! The part of hand-told stories that is about transactions, logs and clients.

use std::sync::Arc;

use super::tests::{Story, ids};
use crate::proto::{
    Answer, ClientReply, DiskError, DiskOp, DiskTag, Epoch, ErrorCode, FileName, LearnerType, NodeId, Op, Packet, PeerState, Proposal, QuorumData,
    QuorumKind, ServerId, SessionId, Txn, TxnHeader, TxnRef, Vote, Zxid,
};
use crate::trace::{ApplyHow, EpochFile, LookingReason, Note, OpText, Record, SnapshotSource, SyncHow};

pub use crate::trace::ApplyHow::{Commit, Replay, Sync};

/// A zxid, as (epoch, counter).
pub type At = (u32, u32);

pub fn zxid((epoch, counter): At) -> Zxid {
    Zxid::new(epoch, counter)
}

/// The transaction that everybody knows under this zxid.
pub fn txn(at: At) -> TxnRef {
    TxnRef { zxid: zxid(at), hash: u64::from(at.0) << 32 | u64::from(at.1) }
}

/// The digest that every database has after it.
pub fn digest(at: At) -> u64 {
    txn(at).hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1
}

const LOG: &str = "version-2/log.1";

impl Story {
    /// Three servers: s3 leads epoch 1, s1 and s2 serve under it. Nothing is written yet.
    pub fn ensemble() -> Story {
        let mut story = Story::of(3);
        for node in 1..=3 {
            story.records(node, Record::Started { life: 1 }).boots(node, 0, 0);
        }
        story.leads(3, 1, &[1, 2, 3]);
        story.synchronizes(3, 1, 1, (0, 0)).establishes(3, 1, &[1, 3]).serves(1, 3, 1);
        story.synchronizes(3, 2, 1, (0, 0)).serves(2, 3, 1);
        story
    }

    /// A quorum has promised; the leader's own files are written.
    pub fn leads(&mut self, leader: i64, epoch: i64, quorum: &[i64]) -> &mut Story {
        self.notes(leader, Note::EpochProposed { epoch: Epoch(epoch), quorum: ids(quorum) });
        self.writes(leader, EpochFile::AcceptedEpoch, epoch)
    }

    /// An empty DIFF from packet to acknowledgement, to a learner that is level at `at`.
    pub fn synchronizes(&mut self, leader: i64, learner: i64, epoch: i64, at: At) -> &mut Story {
        self.begins_sync(leader, learner, epoch, SyncHow::Diff, at, at).adopts(learner, leader, epoch)
    }

    /// The learner has promised, and hears how it is synchronised.
    pub fn begins_sync(&mut self, leader: i64, learner: i64, epoch: i64, how: SyncHow, peer: At, to: At) -> &mut Story {
        self.notes(learner, Note::FollowingStarted { leader: ServerId(leader), role: LearnerType::Participant });
        self.offers(leader, learner, epoch).writes(learner, EpochFile::AcceptedEpoch, epoch).acks_epoch_at(learner, leader, peer);
        let (sid, row) = (ServerId(learner), 4);
        self.notes(leader, Note::SyncChosen { learner: sid, how, peer: zxid(peer), zxid: zxid(to), row });
        self.writes(leader, EpochFile::CurrentEpoch, epoch).sends_new_leader(leader, learner, epoch);
        self.notes(learner, Note::SyncStarted { leader: ServerId(leader), how, zxid: zxid(to) })
    }

    pub fn sends_new_leader(&mut self, leader: i64, learner: i64, epoch: i64) -> &mut Story {
        self.sends(leader, learner, Packet::quorum(QuorumKind::NewLeader, Epoch(epoch).first_zxid()))
    }

    pub fn acks_epoch_at(&mut self, learner: i64, leader: i64, last: At) -> &mut Story {
        let data = QuorumData::CurrentEpoch(Some(Epoch(0)));
        self.sends(learner, leader, Packet::Quorum { kind: QuorumKind::AckEpoch, zxid: zxid(last), data })
    }

    /// currentEpoch is written, NEWLEADER acknowledged.
    pub fn adopts(&mut self, learner: i64, leader: i64, epoch: i64) -> &mut Story {
        self.writes(learner, EpochFile::CurrentEpoch, epoch).acks(learner, leader, (epoch as u32, 0))
    }

    pub fn acks(&mut self, node: i64, leader: i64, at: At) -> &mut Story {
        self.sends(node, leader, Packet::quorum(QuorumKind::Ack, zxid(at)))
    }

    pub fn serves(&mut self, node: i64, leader: i64, epoch: i64) -> &mut Story {
        self.notes(node, Note::Serving { leader: ServerId(leader), epoch: Epoch(epoch), state: PeerState::Following })
    }

    pub fn goes_looking(&mut self, node: i64, votes: At) -> &mut Story {
        self.notes(node, Note::WentLooking { from: PeerState::Following, why: LookingReason::LeaderLost }).votes(node, votes)
    }

    /// Looks for a leader, with this zxid in its own vote.
    pub fn votes(&mut self, node: i64, at: At) -> &mut Story {
        self.looks(node, 9, Vote { leader: ServerId(node), zxid: zxid(at), epoch: Epoch(0) })
    }

    pub fn proposes(&mut self, leader: i64, at: At) -> &mut Story {
        self.proposes_txn(leader, txn(at))
    }

    pub fn proposes_txn(&mut self, leader: i64, txn: TxnRef) -> &mut Story {
        let header = TxnHeader { session: SessionId(1), cxid: 1, zxid: txn.zxid, time: 0 };
        let proposal = Proposal { header, txn: Txn::Error { code: ErrorCode::NoNode }, record: [].into(), hash: txn.hash };
        self.notes(leader, Note::Proposed { txn, what: Arc::new(proposal) })
    }

    pub fn appends(&mut self, node: i64, at: At) -> &mut Story {
        self.notes(node, Note::Appended { txn: txn(at), file: FileName::from(LOG) })
    }

    /// An fsync of the log, from start to end.
    pub fn forces(&mut self, node: i64) -> &mut Story {
        self.disk(node, DiskTag::Log, DiskOp::Sync { file: LOG.into() }, None)
    }

    pub fn disk(&mut self, node: i64, tag: DiskTag, op: DiskOp, error: Option<DiskError>) -> &mut Story {
        self.records(node, Record::DiskStarted { tag, op }).records(node, Record::DiskDone { tag, error })
    }

    /// Appends and forces.
    pub fn logs(&mut self, node: i64, at: At) -> &mut Story {
        self.appends(node, at).forces(node)
    }

    pub fn commits(&mut self, leader: i64, at: At, quorum: &[i64]) -> &mut Story {
        self.notes(leader, Note::Committed { txn: txn(at), quorum: ids(quorum) })
    }

    pub fn applies(&mut self, node: i64, how: ApplyHow, at: At) -> &mut Story {
        self.notes(node, Note::Applied { txn: txn(at), how, digest: digest(at) })
    }

    /// A write from proposal to delivery everywhere; s3 leads.
    pub fn replicates(&mut self, at: At) -> &mut Story {
        self.proposes(3, at);
        for node in 1..=3 {
            self.logs(node, at);
        }
        self.acks(1, 3, at).commits(3, at, &[1, 3]).acks(2, 3, at);
        for node in 1..=3 {
            self.applies(node, Commit, at);
        }
        self
    }

    /// The process dies, if it runs, and comes back with what its disk has: a snapshot, and transactions after it.
    pub fn recovers(&mut self, node: i64, snapshot: At, log: &[At]) -> &mut Story {
        self.restarts(node).reads_disk(node, snapshot, log);
        let last = log.last().copied().unwrap_or(snapshot);
        self.boots_from(node, last, i64::from(last.0), i64::from(last.0))
    }

    pub fn reads_disk(&mut self, node: i64, snapshot: At, log: &[At]) -> &mut Story {
        if snapshot != (0, 0) {
            self.loads(node, SnapshotSource::Disk, snapshot);
        }
        for at in log {
            self.applies(node, Replay, *at);
        }
        self
    }

    pub fn loads(&mut self, node: i64, from: SnapshotSource, at: At) -> &mut Story {
        self.notes(node, Note::SnapshotLoaded { zxid: zxid(at), from, nodes: 4, digest: digest(at) })
    }

    pub fn takes_snapshot(&mut self, node: i64, at: At, forced: bool) -> &mut Story {
        self.notes(node, Note::SnapshotStarted { zxid: zxid(at) });
        if forced {
            self.disk(node, DiskTag::Snapshot, DiskOp::Sync { file: "version-2/snapshot".into() }, None);
        }
        self.notes(node, Note::SnapshotTaken { zxid: zxid(at), synced: forced })
    }

    pub fn loses_power(&mut self, node: i64) -> &mut Story {
        self.records(node, Record::PowerLost { lost_bytes: 1, kept_bytes: 0, torn_files: 0, metadata_lost: 0 })
    }

    /// c`client` asks for a write.
    pub fn asks(&mut self, client: u32, call: u64) -> &mut Story {
        let op = Op::SetData { path: "/a".into(), data: None, version: -1 };
        self.client_notes(client, Note::Called { call, op: Box::new(OpText(op)) })
    }

    pub fn is_told(&mut self, client: u32, call: u64, at: At) -> &mut Story {
        self.client_notes(client, Note::Returned { call, result: "Ok".into(), zxid: Some(zxid(at)) })
    }

    /// s`node` sends a reply to a client.
    pub fn replies(&mut self, node: i64, at: At) -> &mut Story {
        let packet = Packet::ClientReply(Arc::new(ClientReply { xid: 1, zxid: zxid(at), result: Ok(Answer::Done) }));
        let conn = crate::proto::ConnId { slot: 99, generation: 1 };
        self.records(node, Record::Sent { to: NodeId::Client(1), conn, packet })
    }
}
