//! The order in which requests are served and transactions applied. Source: `CommitProcessor` (3.6+, ZOOKEEPER-2024); zab reference §8.4.
//!
//! Transactions are applied in the order in which they were committed. Requests of one session are answered in the order in which they
//! came; a read waits for the writes of its own session before it, and for nobody else's. ZooKeeper has a pool of readers that must be idle
//! while a transaction is applied; here nothing runs beside anything else, and what is queued at a wake-up is done in it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::bugs::{Bug, Bugs};
use crate::proto::{Op, Proposal, SessionId};

use super::request::Request;

#[derive(Clone, Debug)]
pub struct CommitProcessor {
    /// Requests of this server, and on a leader of its learners, in the order they came; not looked at yet.
    queued: VecDeque<Request>,
    /// Those of the requests, looked at or not, whose commit must come, oldest first, as (session, cxid): commits come in the same order.
    queued_writes: VecDeque<(SessionId, i32)>,
    /// What was committed and not yet applied.
    committed: VecDeque<Committed>,
    /// Requests that wait for their turn in their session: a queue begins with one whose commit must come, and is never empty.
    pending: BTreeMap<SessionId, VecDeque<Request>>,
    /// Empty queues, for their memory.
    spare: Vec<VecDeque<Request>>,
    /// The session whose write was done last: the reads behind it come next.
    draining: Option<SessionId>,
    /// Learners wait for the leader's answer to a sync; a leader takes it for a read.
    match_syncs: bool,
    /// `mutant-read-overtakes`.
    overtakes: bool,
    /// ZOOKEEPER-1863: a commit is taken although requests have not been looked at, among them perhaps the one that it answers.
    commits_first: bool,
}

/// What allows a request that waits to be done.
#[derive(Clone, Debug)]
enum Committed {
    Txn(Arc<Proposal>),
    /// The leader answered a sync.
    Sync(SessionId, i32),
}

/// The next thing to do.
#[derive(Clone, Debug)]
pub enum Work {
    /// Answer a read, or a sync that the leader answered.
    Serve(Request),
    /// Apply a transaction and, if it was asked for here, answer.
    Apply(Arc<Proposal>, Option<Request>),
}

impl CommitProcessor {
    pub fn new(match_syncs: bool, bugs: Bugs) -> CommitProcessor {
        CommitProcessor {
            queued: VecDeque::new(),
            queued_writes: VecDeque::new(),
            committed: VecDeque::new(),
            pending: BTreeMap::new(),
            spare: Vec::new(),
            draining: None,
            match_syncs,
            overtakes: bugs.has(Bug::MutantReadOvertakes),
            commits_first: bugs.has(Bug::Zk1863),
        }
    }

    /// A request comes, before what it asks for is proposed. True when there may be something to do: a write only waits, since whatever
    /// comes next has it looked at first.
    pub fn request(&mut self, request: Request) -> bool {
        let waits = self.needs_commit(&request);
        if waits {
            self.queued_writes.push_back((request.session, request.cxid));
        }
        self.queued.push_back(request);
        !waits || self.commits_first
    }

    pub fn commit(&mut self, proposal: Arc<Proposal>) {
        self.committed.push_back(Committed::Txn(proposal));
    }

    /// Before what was committed earlier: `mutant-commits-newest-first`.
    pub fn commit_out_of_turn(&mut self, proposal: Arc<Proposal>) {
        self.committed.push_front(Committed::Txn(proposal));
    }

    pub fn take_unapplied(&mut self) -> Vec<Arc<Proposal>> {
        let txn = |committed| if let Committed::Txn(proposal) = committed { Some(proposal) } else { None };
        self.committed.drain(..).filter_map(txn).collect()
    }

    pub fn commit_sync(&mut self, session: SessionId, cxid: i32) {
        self.committed.push_back(Committed::Sync(session, cxid));
    }

    /// Whether the request is done by a commit.
    fn needs_commit(&self, request: &Request) -> bool {
        request.is_write() || (self.match_syncs && matches!(request.op(), Op::Sync { .. }))
    }

    /// What to do next, until there is nothing: first the reads behind the write that was just done, then new requests, then a commit.
    pub fn next(&mut self) -> Option<Work> {
        if let Some(read) = self.released_read() {
            return Some(Work::Serve(read));
        }
        if self.commits_first { self.next_commit().or_else(|| self.next_request()) } else { self.next_request().or_else(|| self.next_commit()) }
    }

    /// Looks at new requests, up to the first that waits for nobody.
    #[inline]
    fn next_request(&mut self) -> Option<Work> {
        while let Some(request) = self.queued.pop_front() {
            if !self.needs_commit(&request) && (self.overtakes || !self.pending.contains_key(&request.session)) {
                return Some(Work::Serve(request));
            }
            let spare = &mut self.spare;
            self.pending.entry(request.session).or_insert_with(|| spare.pop().unwrap_or_default()).push_back(request);
        }
        None
    }

    /// The next that was committed. All requests are looked at by then: its own, if it came through here, is known.
    #[inline]
    fn next_commit(&mut self) -> Option<Work> {
        while let Some(committed) = self.committed.pop_front() {
            match committed {
                Committed::Txn(proposal) => {
                    let request = self.awaited(proposal.header.session, proposal.header.cxid);
                    return Some(Work::Apply(proposal, request));
                }
                Committed::Sync(session, cxid) => {
                    // Its turn has come, unless a commit before it was lost: then the client waits in vain, as for that commit.
                    if let Some(request) = self.awaited(session, cxid) {
                        return Some(Work::Serve(request));
                    }
                }
            }
        }
        None
    }

    /// The request that a commit answers: the oldest one that waits for any, or none when this commit was asked for elsewhere.
    fn awaited(&mut self, session: SessionId, cxid: i32) -> Option<Request> {
        if self.queued_writes.front() != Some(&(session, cxid)) {
            return None;
        }
        self.queued_writes.pop_front();
        self.draining = Some(session);
        self.first_of(session)
    }

    /// The next read of the session whose write was done last, up to its next write.
    fn released_read(&mut self) -> Option<Request> {
        let session = self.draining?;
        if self.pending.get(&session).and_then(VecDeque::front).is_some_and(|request| !self.needs_commit(request)) {
            return self.first_of(session);
        }
        self.draining = None;
        None
    }

    /// Takes the first request that waits in a session.
    fn first_of(&mut self, session: SessionId) -> Option<Request> {
        let queue = self.pending.get_mut(&session)?;
        let request = queue.pop_front();
        if queue.is_empty() {
            self.spare.extend(self.pending.remove(&session));
        }
        request
    }
}
