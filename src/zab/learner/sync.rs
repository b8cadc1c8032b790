//! The packets between ACKEPOCH and UPTODATE. Source: `Learner.syncWithLeader`; zab reference §5, steps 1 and 2.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::Cx;
use crate::bugs::{Bug, Bugs};
use crate::proto::{Bytes, DiskError, DiskReply, LearnerType, Membership, Proposal, QuorumData, QuorumKind, Zxid};
use crate::store::{Cut, Image, Truncation, TruncationEvent, format};
use crate::trace::{LookingReason, Note, SnapshotSource, Surprise, SyncHow};
use crate::zab::{EXIT_QUORUM_PACKET_ERROR, Replica, RoleEvent};

use super::{Learner, Step, Wait};

/// What a synchronisation has brought so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Sync {
    /// DIFF, TRUNC or SNAP, once it came.
    how: Option<SyncHow>,
    /// The snapshot due at NEWLEADER; `None` after a DIFF, whose transactions go into the log. While it is due, memory holds what no disk does.
    pub(super) image: Option<Image>,
    /// NEWLEADER came and the image is taken, or there is none: committed transactions go into the log, not only into memory.
    pub(super) writes_to_log: bool,
    /// Proposals that are not in the log, oldest first (`packetsNotLogged`).
    pub(super) not_logged: VecDeque<Arc<Proposal>>,
    /// Their commits that wait for the log (`packetsCommitted`).
    pub(super) committed: VecDeque<Zxid>,
    /// The configuration that NEWLEADER brought: in force with UPTODATE.
    pub(super) configuration: Option<Arc<Membership>>,
    /// One that was proposed meanwhile.
    pub(super) proposed: Option<Arc<Membership>>,
    /// The bytes of the leader's tree so far.
    stream: Vec<Bytes>,
    /// The last proposal or INFORM of the stream; none is compared with what was there before.
    last_queued: Option<Zxid>,
    /// ACK of NEWLEADER is sent.
    pub(super) is_acknowledged: bool,
}

impl Sync {
    /// What the server cannot keep in memory if the synchronisation ends here, and why.
    pub(super) fn what_memory_lacks(&self, bugs: Bugs) -> Option<&'static str> {
        match self.image? {
            Image::AfterSnap { .. } => (!bugs.has(Bug::Zk3642)).then_some("the leader's tree never reached its disk"),
            Image::AfterTrunc => (!bugs.has(Bug::Zk5094)).then_some("what came after TRUNC never reached its disk"),
            Image::Leading => None,
        }
    }
}

impl Learner {
    #[cold]
    pub(super) fn on_sync_packet(&mut self, cx: &mut Cx, replica: &mut Replica, kind: QuorumKind, zxid: Zxid, data: QuorumData) {
        match (kind, data) {
            (QuorumKind::Snap, QuorumData::Snapshot { bytes, last }) => self.on_snap(cx, replica, zxid, bytes, last),
            (QuorumKind::Diff | QuorumKind::Trunc, _) if self.sync.how.is_some() => self.surprised(cx, Surprise::State, zxid, self.last_proposal),
            (QuorumKind::Diff, _) => self.on_diff(cx, replica, zxid),
            (QuorumKind::Trunc, _) => self.on_trunc(cx, replica, zxid),
            (_, _) if self.sync.how.is_none() => {
                self.surprised(cx, Surprise::State, zxid, replica.last_zxid());
                self.end(RoleEvent::Exit(EXIT_QUORUM_PACKET_ERROR));
            }
            (QuorumKind::Proposal, QuorumData::Txn(proposal)) => self.on_sync_proposal(cx, replica, proposal),
            (QuorumKind::Commit, _) => self.on_sync_commit(cx, replica, zxid),
            (QuorumKind::Inform, QuorumData::Txn(proposal)) => self.on_sync_inform(cx, replica, proposal),
            (QuorumKind::CommitAndActivate, QuorumData::Activate(leader)) => self.on_sync_commit_and_activate(cx, replica, zxid, leader),
            (QuorumKind::InformAndActivate, QuorumData::ActivateTxn(inform)) => self.on_sync_inform_and_activate(cx, replica, &inform),
            (QuorumKind::NewLeader, QuorumData::Config(configuration)) => {
                self.sync.configuration = Some(configuration);
                self.on_new_leader(cx, replica);
            }
            (QuorumKind::NewLeader, _) => self.on_new_leader(cx, replica),
            (QuorumKind::UpToDate, _) if self.sync.is_acknowledged => self.on_up_to_date(cx, replica),
            // Read and not answered: it only keeps the read timeout from firing.
            (QuorumKind::Ping, _) => {}
            _ => self.surprised(cx, Surprise::Message, zxid, self.last_proposal),
        }
    }

    /// What follows is to be appended.
    fn on_diff(&mut self, cx: &mut Cx, replica: &mut Replica, zxid: Zxid) {
        self.begin(cx, SyncHow::Diff, zxid);
        self.sync.writes_to_log = true;
        self.last_proposal = replica.last_zxid();
        // ZOOKEEPER-2355: it claims what is still to come.
        if cx.bugs.has(Bug::Zk2355) {
            replica.database.last_processed = zxid;
        }
        self.claim_epoch(cx, replica);
    }

    /// The log is cut, and the database read again from what is left.
    fn on_trunc(&mut self, cx: &mut Cx, replica: &mut Replica, zxid: Zxid) {
        self.begin(cx, SyncHow::Trunc, zxid);
        cx.note(Note::FollowerTruncates { to: zxid, last: replica.last_zxid() });
        self.sync.image = Some(Image::AfterTrunc);
        replica.clear();
        self.steps.push_back(Step::Cut(Cut::Trunc(zxid)));
        self.run_steps(cx, replica);
    }

    /// The leader's whole tree, in parts. The old one is gone with the first of them.
    fn on_snap(&mut self, cx: &mut Cx, replica: &mut Replica, zxid: Zxid, bytes: Bytes, last: bool) {
        if self.sync.how.is_none() {
            self.begin(cx, SyncHow::Snap, zxid);
            self.sync.image = Some(Image::AfterSnap { to: zxid });
            replica.clear();
        }
        self.sync.stream.push(bytes);
        if last {
            // What the log holds beyond the leader's history would be replayed behind the image by a later restart (ZOOKEEPER-2832).
            self.steps.push_back(Step::Cut(Cut::Snap(zxid)));
            self.run_steps(cx, replica);
        }
    }

    fn begin(&mut self, cx: &mut Cx, how: SyncHow, zxid: Zxid) {
        self.sync.how = Some(how);
        self.last_proposal = zxid;
        cx.note(Note::SyncStarted { leader: self.leader, how, zxid });
    }

    pub(super) fn cut(&mut self, cx: &mut Cx, replica: &mut Replica, cut: Cut) {
        let Replica { config, logger, snapshotter, purge, .. } = replica;
        self.waits_for = Some(Wait::Cut(Box::new(Truncation::start(cx, config.clone(), cut, logger, snapshotter, purge))));
    }

    /// For `DiskTag::Truncation`.
    pub fn on_truncation(&mut self, cx: &mut Cx, replica: &mut Replica, outcome: Result<DiskReply, DiskError>) {
        let Some(Wait::Cut(truncation)) = &mut self.waits_for else {
            return;
        };
        let why = match truncation.on_disk(cx, outcome) {
            TruncationEvent::Continues => return,
            TruncationEvent::Done(recovered) => {
                self.waits_for = None;
                match recovered {
                    Some(recovered) => replica.replace(recovered.database),
                    None => self.take_over(cx, replica),
                }
                self.claim_epoch(cx, replica);
                return self.resume(cx, replica);
            }
            TruncationEvent::Unreachable { has } => {
                let why = format!("its disk can give nothing newer than {has} without what it must forget");
                // unreachable-truncation: the process ends, and comes back to be told the same.
                if !cx.bugs.has(Bug::UnreachableTruncation) {
                    cx.note(Note::SyncAborted { why });
                    return self.start_over(cx);
                }
                why
            }
            TruncationEvent::Failed(error) => format!("its log cannot be cut: {error}"),
        };
        cx.note(Note::SyncAborted { why });
        self.end(RoleEvent::Exit(EXIT_QUORUM_PACKET_ERROR));
    }

    /// The stream is complete: it becomes the database.
    fn take_over(&mut self, cx: &mut Cx, replica: &mut Replica) {
        let bytes = std::mem::take(&mut self.sync.stream).concat();
        match format::read_stream(&bytes, self.last_proposal, replica.config.commit_log_count) {
            Ok(database) => {
                let (nodes, digest) = (database.tree().len() as u32, database.digest());
                cx.note(Note::SnapshotLoaded { zxid: self.last_proposal, from: SnapshotSource::Leader, nodes, digest });
                replica.replace(database);
            }
            Err(error) => self.abort(cx, format!("the leader's snapshot cannot be read: {error}")),
        }
    }

    /// ZOOKEEPER-790: the new epoch is claimed with the first packet of the synchronisation.
    fn claim_epoch(&self, cx: &Cx, replica: &mut Replica) {
        if cx.bugs.has(Bug::Zk790) {
            replica.database.last_processed = self.epoch.first_zxid();
        }
    }

    /// Kept until its commit comes, in one queue whatever the kind of synchronisation.
    fn on_sync_proposal(&mut self, cx: &mut Cx, replica: &mut Replica, proposal: Arc<Proposal>) {
        if self.follows_stream(cx, proposal.zxid()) {
            self.see_proposed_in_sync(cx, replica, &proposal);
            self.sync.not_logged.push_back(proposal);
        }
    }

    /// A gap in the stream would become one in the log (ZOOKEEPER-4925).
    fn follows_stream(&mut self, cx: &mut Cx, zxid: Zxid) -> bool {
        let before = self.sync.last_queued.replace(zxid);
        let follows = before.is_none_or(|before| zxid.0 == before.0 + 1 || zxid.epoch() > before.epoch());
        self.last_proposal = self.last_proposal.max(zxid);
        if let Some(before) = before.filter(|_| !follows) {
            self.surprised(cx, Surprise::Proposal, zxid, Zxid(before.0 + 1));
            // Until it, a gap was only warned of.
            if cx.bugs.has(Bug::Zk4925) {
                return true;
            }
            self.abort(cx, format!("{zxid} does not follow {before}"));
        }
        follows
    }

    /// Until the image is taken, a commit is applied at once: the image will hold it. After that, or when there is none, it waits for the log.
    pub(super) fn on_sync_commit(&mut self, cx: &mut Cx, replica: &mut Replica, zxid: Zxid) {
        let head = self.sync.not_logged.front().map(|proposal| proposal.zxid());
        match head {
            // ZOOKEEPER-4394: the head of the queue is looked at, needed or not.
            None if !self.sync.writes_to_log || cx.bugs.has(Bug::Zk4394) => {
                self.surprised(cx, Surprise::Commit, zxid, replica.last_zxid());
                self.abort(cx, format!("{zxid} is committed, and no proposal is held"));
            }
            _ if self.sync.writes_to_log => self.sync.committed.push_back(zxid),
            Some(head) if head != zxid => self.surprised(cx, Surprise::Commit, zxid, head),
            _ => {
                if let Some(proposal) = self.sync.not_logged.pop_front() {
                    self.apply(cx, replica, &proposal);
                }
            }
        }
    }

    /// A committed transaction, for an observer.
    pub(super) fn on_sync_inform(&mut self, cx: &mut Cx, replica: &mut Replica, proposal: Arc<Proposal>) {
        if self.role == LearnerType::Participant {
            return self.surprised(cx, Surprise::Message, proposal.zxid(), self.last_proposal);
        }
        if !self.follows_stream(cx, proposal.zxid()) {
            return;
        }
        // ZOOKEEPER-1551: applied, and never logged.
        if !self.sync.writes_to_log || cx.bugs.has(Bug::Zk1551) {
            self.apply(cx, replica, &proposal);
        } else {
            self.sync.committed.push_back(proposal.zxid());
            self.sync.not_logged.push_back(proposal);
        }
    }

    pub(super) fn apply(&mut self, cx: &mut Cx, replica: &mut Replica, proposal: &Arc<Proposal>) {
        if let Err(last) = replica.apply_synced(cx, proposal) {
            self.abort(cx, format!("{} leaves a gap behind {last}", proposal.zxid()));
        }
    }

    #[cold]
    pub(super) fn surprised(&self, cx: &mut Cx, what: Surprise, zxid: Zxid, expected: Zxid) {
        cx.note(Note::Unexpected { what, zxid, expected });
    }

    pub(super) fn abort(&mut self, cx: &mut Cx, why: String) {
        cx.note(Note::SyncAborted { why });
        self.leave(LookingReason::SyncAborted);
    }
}
