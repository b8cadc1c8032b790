//! What concerns the connection between a learner and its leader goes to whichever role the server plays.

use crate::actor::Cx;
use crate::proto::{ConnId, DiskError, DiskReply, Packet};
use crate::store::{self, Durable, Progress};
use crate::trace::LookingReason;
use crate::zab::{Leader, Learner, RoleEvent};

use super::{Activity, Server};

impl Server {
    pub(super) fn on_leader(&mut self, cx: &mut Cx, act: impl FnOnce(&mut Leader, &mut Cx, &mut Durable) -> Option<RoleEvent>) {
        if let Activity::Leading(leader) = &mut self.activity {
            let event = act(leader, cx, &mut self.durable);
            self.on_role_event(cx, event);
        }
    }

    pub(super) fn on_learner(&mut self, cx: &mut Cx, act: impl FnOnce(&mut Learner, &mut Cx, &mut Durable) -> Option<RoleEvent>) {
        if let Activity::Learning(learner) = &mut self.activity {
            let event = act(learner, cx, &mut self.durable);
            self.on_role_event(cx, event);
        }
    }

    pub(super) fn on_learner_accepted(&mut self, cx: &mut Cx, conn: ConnId) {
        self.on_leader(cx, |leader, cx, _| {
            leader.on_accepted(cx, conn);
            None
        });
    }

    pub(super) fn on_leader_connected(&mut self, cx: &mut Cx, conn: ConnId) {
        if let Activity::Learning(_) = self.activity {
            self.on_learner(cx, |learner, cx, durable| {
                learner.on_connected(cx, durable, conn);
                None
            });
        } else {
            // It gave up before the dial went through.
            cx.emit(crate::actor::Effect::Close(conn));
        }
    }

    pub(super) fn on_leader_unreachable(&mut self, cx: &mut Cx) {
        self.on_learner(cx, |learner, cx, _| learner.on_dial_failed(cx));
    }

    pub(super) fn on_quorum_packet(&mut self, cx: &mut Cx, conn: ConnId, packet: &Packet) {
        match &self.activity {
            Activity::Leading(_) => self.on_leader(cx, |leader, cx, durable| leader.on_packet(cx, durable, conn, packet)),
            Activity::Learning(learner) if learner.owns(conn) => self.on_learner(cx, |learner, cx, durable| learner.on_packet(cx, durable, packet)),
            _ => {}
        }
    }

    pub(super) fn on_closed(&mut self, cx: &mut Cx, conn: ConnId) {
        match &mut self.activity {
            Activity::Leading(leader) => leader.on_closed(cx, conn),
            Activity::Learning(learner) if learner.owns(conn) => return self.leave_role(cx, LookingReason::LeaderLost),
            _ => {}
        }
        self.with_connections(cx, |connections, cx| connections.on_closed(cx, conn));
    }

    pub(super) fn on_atomic_write(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) {
        let progress = self.durable.on_disk(cx, outcome);
        match &self.activity {
            Activity::Booting(_) => match progress {
                Progress::Failed(file, error) => self.refuse_to_boot(cx, format!("writing {}: {error}", store::name(file))),
                _ => self.boot_goes_on(cx),
            },
            Activity::Joining if progress != Progress::Continues => self.look_for_leader(cx),
            Activity::Leading(_) => self.on_leader(cx, |leader, cx, durable| leader.on_written(cx, durable, progress)),
            Activity::Learning(_) => self.on_learner(cx, |learner, cx, durable| learner.on_written(cx, durable, progress)),
            _ => {}
        }
    }
}
