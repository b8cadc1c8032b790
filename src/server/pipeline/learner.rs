//! What a learner's pipeline has of its own: its clients' writes and syncs travel to the leader. Source: `FollowerRequestProcessor`,
//! `ObserverRequestProcessor`, `LearnerSessionTracker`; zab reference §8.3, §8.6.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::actor::Cx;
use crate::bugs::Bug;
use crate::proto::{ConnId, Op, SessionId, Stage};

use super::request::Request;
use super::{Output, Pipeline, Role};

#[derive(Clone, Debug, Default)]
pub struct LearnerPart {
    /// Requests of its clients, in the order they came.
    queue: VecDeque<Request>,
    /// Syncs that the leader has not answered, oldest first, as (session, cxid). Source: `pendingSyncs`.
    pending_syncs: VecDeque<(SessionId, i32)>,
    /// Connections that wait for the leader's word on their session. Source: `pendingRevalidations`.
    pub revalidations: BTreeMap<SessionId, ConnId>,
    /// Sessions heard from since the leader was last told, with their timeouts in milliseconds.
    touched: BTreeMap<SessionId, i32>,
}

impl LearnerPart {
    /// A session was heard from: the leader will be told. Whether it still lives a learner cannot tell.
    pub fn touch(&mut self, session: SessionId, timeout: i32) {
        self.touched.insert(session, timeout);
    }

    pub fn submit(&mut self, cx: &mut Cx, request: Request) {
        if self.queue.is_empty() {
            cx.wake(Stage::FollowerRequestProcessor);
        }
        self.queue.push_back(request);
    }

    /// A session was closed.
    pub fn remove_session(&mut self, session: SessionId) {
        self.touched.remove(&session);
    }
}

impl Pipeline {
    /// Every request enters the commit processor before it leaves for the leader, so that the commit finds it there.
    pub(super) fn on_follower_request_processor(&mut self, cx: &mut Cx) {
        while let Role::Learner(learner) = &mut self.role
            && let Some(request) = learner.queue.pop_front()
        {
            let is_sync = matches!(request.op(), Op::Sync { .. }) && !cx.bugs.has(Bug::MutantAnswersSyncItself);
            if is_sync {
                learner.pending_syncs.push_back((request.session, request.cxid));
            }
            let forwarded = (is_sync || request.is_write()).then(|| request.for_leader());
            self.queue_for_commit(cx, request);
            if cx.bugs.has(Bug::MutantForwardsTwice) && !is_sync {
                self.outputs.extend(forwarded.clone().map(Output::Forward));
            }
            self.outputs.extend(forwarded.map(Output::Forward));
        }
    }

    /// Learner: SYNC came, the answer to the oldest sync it forwarded. It is as good as a commit: what the leader had committed when it
    /// answered stands before it in the commit processor's queue.
    pub fn on_sync_reply(&mut self, cx: &mut Cx) {
        if let Role::Learner(learner) = &mut self.role
            && let Some((session, cxid)) = learner.pending_syncs.pop_front()
        {
            self.commits.commit_sync(session, cxid);
            self.wake_commit_processor(cx);
        }
    }

    /// Learner: what its PING answer carries, the sessions heard from since the last call with their timeouts in milliseconds.
    pub fn touched(&mut self) -> Arc<[(SessionId, i32)]> {
        match &mut self.role {
            Role::Learner(learner) => std::mem::take(&mut learner.touched).into_iter().collect(),
            Role::Leader { .. } | Role::ReadOnly(_) => Arc::new([]),
        }
    }
}
