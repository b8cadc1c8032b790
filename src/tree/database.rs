//! The database of a server: tree, sessions, how far it is, and the transactions applied last. Source: `ZKDatabase`.

use std::sync::Arc;

use imbl::OrdMap;

use crate::bugs::{Bug, Bugs};
use crate::proto::state_digest::of_session as session_hash;
use crate::proto::{Answer, Bytes, ErrorCode, Proposal, SessionId, Txn, Zxid};

use super::committed::Committed;
use super::data_tree::DataTree;
use super::observer::Observer;

/// Cheap to clone: everything large is shared until it changes.
#[derive(Clone, Debug)]
pub struct Database {
    tree: DataTree,
    /// Timeouts in milliseconds.
    sessions: OrdMap<SessionId, i32>,
    /// Sum of the hashes of the sessions.
    sessions_digest: u64,
    /// `lastProcessedZxid`: everything up to it is in the tree. A new leader sets it to (epoch, 0), a learner to what its leader said.
    pub last_processed: Zxid,
    committed: Committed,
}

impl Database {
    /// An empty database. The ring of committed transactions holds at most `commit_log_count`.
    pub fn new(commit_log_count: u32) -> Database {
        Database::of(DataTree::new(), OrdMap::new(), Zxid::ZERO, commit_log_count)
    }

    /// What a snapshot holds: its name says how far it is.
    pub fn of(tree: DataTree, sessions: OrdMap<SessionId, i32>, last_processed: Zxid, commit_log_count: u32) -> Database {
        let sessions_digest = sessions.iter().map(|(id, timeout)| session_hash(*id, *timeout)).fold(0, u64::wrapping_add);
        Database { tree, sessions, sessions_digest, last_processed, committed: Committed::new(commit_log_count) }
    }

    pub const fn tree(&self) -> &DataTree {
        &self.tree
    }

    /// Sessions with their timeouts in milliseconds.
    pub const fn sessions(&self) -> &OrdMap<SessionId, i32> {
        &self.sessions
    }

    /// Digest of tree and sessions: two databases are equal when their digests are. Neither the zxid nor the ring takes part.
    pub const fn digest(&self) -> u64 {
        self.tree.digest().wrapping_add(self.sessions_digest)
    }

    /// Applies a committed transaction, and keeps it for learners. The answer is for the client that asked.
    pub fn apply(&mut self, proposal: &Arc<Proposal>) -> Result<Answer, ErrorCode> {
        self.apply_again(proposal, Bugs::NONE)
    }

    /// As [`Database::apply`], with somebody who wants to know what changes.
    pub fn apply_observed(&mut self, proposal: &Arc<Proposal>, observer: &mut impl Observer) -> Result<Answer, ErrorCode> {
        let answer = self.apply_unlisted(proposal, Bugs::NONE, observer);
        self.committed.push(proposal);
        answer
    }

    /// As [`Database::apply`], for one of the own log. What the fuzzy snapshot below it holds already does no harm, and the answer means
    /// nothing (storage reference §5).
    pub fn apply_again(&mut self, proposal: &Arc<Proposal>, bugs: Bugs) -> Result<Answer, ErrorCode> {
        let answer = self.apply_unlisted(proposal, bugs, &mut ());
        self.committed.push(proposal);
        answer
    }

    /// As [`Database::apply_again`], for a transaction that came with the synchronisation.
    ///
    /// ZOOKEEPER-4925: it was applied past the committed log, which then had a hole, and so had the DIFFs made from it.
    /// ZOOKEEPER-1367: it was applied to the tree alone, so that a session that began was never tracked, nor expired once this server led.
    pub fn apply_synced(&mut self, proposal: &Arc<Proposal>, bugs: Bugs) -> Result<Answer, ErrorCode> {
        let tracked = bugs.has(Bug::Zk1367).then(|| (self.sessions.clone(), self.sessions_digest));
        let answer = if bugs.has(Bug::Zk4925) { self.apply_unlisted(proposal, bugs, &mut ()) } else { self.apply_again(proposal, bugs) };
        if let Some(tracked) = tracked {
            (self.sessions, self.sessions_digest) = tracked;
        }
        answer
    }

    /// Keeps a transaction for learners that is about to be applied in parts.
    pub fn remember(&mut self, proposal: &Arc<Proposal>) {
        self.committed.push(proposal);
    }

    /// To be called when a committed transaction is queued for [`Database::apply`].
    ///
    /// ZOOKEEPER-1090: the zxid moved on before the transaction was applied. A snapshot begun in between is named after a transaction that it
    /// lacks, and replay starts behind it.
    pub fn announce(&mut self, zxid: Zxid, bugs: Bugs) {
        if bugs.has(Bug::Zk1090) {
            self.last_processed = self.last_processed.max(zxid);
        }
    }

    /// The newest committed transaction, if `zxid` leaves a gap behind it within one epoch. A server must not go on over it (3.9.4+): the
    /// hole would be passed on to others. Source: `ZKDatabase.addCommittedProposal`.
    pub fn gap_before(&self, zxid: Zxid) -> Option<Zxid> {
        self.committed.last().filter(|last| zxid.0 > last.0 + 1 && zxid.epoch() <= last.epoch())
    }

    /// Writes the configuration in force into its node, outside any transaction. Source: `ZKDatabase.initConfigInZKDatabase`.
    pub fn show_configuration(&mut self, text: Bytes, version: Zxid, time: i64) {
        self.tree.show_configuration(text, version, time);
    }

    /// The oldest transaction kept for learners.
    pub fn min_committed(&self) -> Option<Zxid> {
        self.committed.first()
    }

    /// The newest.
    pub fn max_committed(&self) -> Option<Zxid> {
        self.committed.last()
    }

    /// All of them, oldest first.
    pub fn committed(&self) -> impl DoubleEndedIterator<Item = &Arc<Proposal>> + ExactSizeIterator {
        self.committed.iter()
    }

    /// Back to an empty database. Source: `ZKDatabase.clear`.
    pub fn clear(&mut self) {
        self.committed.clear();
        let committed = self.committed.clone();
        *self = Database { committed, ..Database::new(0) };
    }

    /// Tree and sessions first, the zxid after the whole of a transaction: a snapshot's name never promises more than it holds (ZOOKEEPER-1090).
    fn apply_unlisted(&mut self, proposal: &Proposal, bugs: Bugs, observer: &mut impl Observer) -> Result<Answer, ErrorCode> {
        let (header, txn) = (&proposal.header, &proposal.txn);
        match txn {
            Txn::CreateSession { timeout } => self.put_session(header.session, *timeout),
            Txn::CloseSession { .. } => self.remove_session(header.session),
            _ => {}
        }
        let answer = self.tree.apply(header, txn, bugs, observer);
        self.last_processed = self.last_processed.max(header.zxid);
        answer
    }

    fn put_session(&mut self, session: SessionId, timeout: i32) {
        self.remove_session(session);
        self.sessions.insert(session, timeout);
        self.sessions_digest = self.sessions_digest.wrapping_add(session_hash(session, timeout));
    }

    fn remove_session(&mut self, session: SessionId) {
        if let Some(timeout) = self.sessions.remove(&session) {
            self.sessions_digest = self.sessions_digest.wrapping_sub(session_hash(session, timeout));
        }
    }
}
