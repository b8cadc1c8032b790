//! What a role asks of the request processors and the other way round.

use std::sync::Arc;

use crate::actor::{Cx, Effect};
use crate::proto::{ConnId, Epoch, LearnerType, PeerState, Proposal, Zxid};
use crate::zab::{Leader, Learner, Replica, RoleEvent};

use super::pipeline::{Kind, Output, Pipeline};
use super::{Activity, Server};

impl Server {
    pub(super) fn on_leader(&mut self, act: impl FnOnce(&mut Leader, &mut Replica)) {
        if let Activity::Leading(leader) = &mut self.activity {
            act(leader, &mut self.replica);
        }
    }

    pub(super) fn on_learner(&mut self, act: impl FnOnce(&mut Learner, &mut Replica)) {
        if let Activity::Learning(learner) = &mut self.activity {
            act(learner, &mut self.replica);
        }
    }

    pub(super) fn on_learner_accepted(&mut self, cx: &mut Cx, conn: ConnId) {
        match &mut self.activity {
            Activity::Leading(leader) => leader.on_accepted(cx, conn),
            _ => cx.emit(Effect::Close(conn)),
        }
    }

    pub(super) fn on_client_accepted(&mut self, cx: &mut Cx, conn: ConnId) {
        match &mut self.pipeline {
            Some(pipeline) => pipeline.on_accepted(cx, conn),
            None => cx.emit(Effect::Close(conn)),
        }
    }

    pub(super) fn on_leader_connected(&mut self, cx: &mut Cx, conn: ConnId) {
        match &mut self.activity {
            Activity::Learning(learner) => learner.on_connected(cx, &self.replica, conn),
            // It gave up before the dial went through.
            _ => cx.emit(Effect::Close(conn)),
        }
    }

    /// Carries out what the role and the pipeline ask for, until neither asks for more. Most steps ask for nothing, and only look.
    pub(super) fn carry_out(&mut self, cx: &mut Cx) {
        loop {
            if let Some(event) = self.next_event() {
                self.on_role_event(cx, event);
            } else if let Some(output) = self.pipeline.as_mut().and_then(|pipeline| pipeline.next_output()) {
                self.on_output(cx, output);
            } else {
                return;
            }
        }
    }

    fn next_event(&mut self) -> Option<RoleEvent> {
        match &mut self.activity {
            Activity::Leading(leader) => leader.next_event(),
            Activity::Learning(learner) => learner.next_event(),
            _ => None,
        }
    }

    #[inline(never)]
    fn on_role_event(&mut self, cx: &mut Cx, event: RoleEvent) {
        match (event, &mut self.pipeline) {
            (RoleEvent::Commit(proposal), Some(pipeline)) => {
                self.replica.database.announce(proposal.zxid(), cx.bugs);
                pipeline.commit(cx, proposal);
            }
            (RoleEvent::Request(learner, request), Some(pipeline)) => pipeline.submit(cx, learner, request),
            (seldom, _) => self.on_seldom_event(cx, seldom),
        }
    }

    #[cold]
    #[inline(never)]
    fn on_seldom_event(&mut self, cx: &mut Cx, event: RoleEvent) {
        match event {
            RoleEvent::Serves(epoch) => {
                self.refresh_vote(cx, epoch);
                self.start_pipeline(cx, epoch);
            }
            RoleEvent::Activate { config, leader } => self.activate(cx, &config, leader),
            RoleEvent::Leave(why) => self.leave_role(cx, why),
            RoleEvent::Exit(code) => self.exit(cx, code),
            event => self.on_session_event(cx, event),
        }
    }

    /// The server part begins. Source: `ZooKeeperServer.startup`.
    fn start_pipeline(&mut self, cx: &mut Cx, epoch: Epoch) {
        let kind = match (self.state, self.role) {
            (PeerState::Leading, _) => Kind::Leader,
            (_, LearnerType::Participant) => Kind::Follower,
            (_, LearnerType::Observer) => Kind::Observer,
        };
        // Only tests set the counter.
        let first = Zxid(epoch.first_zxid().0 | i64::from(self.config.initial_zxid.unwrap_or(0)));
        let mut pipeline = Pipeline::start(cx, self.me, self.config.clone(), kind, &self.replica.database, first);
        // The commit processor of the last role was not joined: it goes on, in a database that is used again (as in ZOOKEEPER-3598).
        self.unapplied.drain(..).for_each(|proposal| pipeline.commit(cx, proposal));
        self.pipeline = Some(Box::new(pipeline));
    }

    fn on_session_event(&mut self, cx: &mut Cx, event: RoleEvent) {
        let Some(pipeline) = &mut self.pipeline else {
            return;
        };
        match (event, &mut self.activity) {
            (RoleEvent::Touched(sessions), _) => pipeline.touch(cx, &sessions),
            (RoleEvent::Revalidate { learner, session, timeout }, Activity::Leading(leader)) => {
                let valid = pipeline.revalidate(cx, learner, session, timeout);
                leader.answer_revalidate(cx, learner, session, valid);
            }
            (RoleEvent::Pinged(zxid), Activity::Learning(learner)) => learner.answer_ping(cx, zxid, pipeline.touched()),
            (RoleEvent::SyncReplied, _) => pipeline.on_sync_reply(cx),
            (RoleEvent::Revalidated { session, valid }, _) => pipeline.on_revalidated(cx, session, valid),
            _ => {}
        }
    }

    /// To the followers first, then to its own log.
    #[inline]
    pub(super) fn propose(&mut self, cx: &mut Cx, proposal: Arc<Proposal>) {
        if let Activity::Leading(leader) = &mut self.activity {
            leader.propose(cx, proposal.clone());
            self.replica.logger.log(cx, proposal);
        }
    }

    #[inline(never)]
    fn on_output(&mut self, cx: &mut Cx, output: Output) {
        match (&mut self.activity, output) {
            (Activity::Leading(_), Output::Propose(proposal)) => self.propose(cx, proposal),
            (Activity::Leading(_), Output::Reconfigure) => self.reconfigure(cx),
            (Activity::Leading(leader), Output::Applied(zxid)) => leader.on_applied(zxid),
            (Activity::Leading(leader), Output::AnswerSync { handler, .. }) => leader.answer_sync(cx, handler),
            (Activity::Leading(leader), Output::RolledOver(zxid)) => leader.roll_over(cx, zxid),
            (Activity::Learning(learner), Output::Forward(request)) => learner.forward(cx, request),
            (Activity::Learning(learner), Output::Revalidate { session, timeout }) => learner.revalidate(cx, session, timeout),
            _ => {}
        }
    }
}
