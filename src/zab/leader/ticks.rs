//! The leader's loop: is there still a quorum, and is everybody still there? Source: `Leader.lead`, `LearnerHandler.ping`; zab reference §6.

use crate::actor::Cx;
use crate::bugs::Bug;
use crate::proto::{ConnId, Micros, QuorumData, QuorumKind, ServerId, Timer};
use crate::trace::{LookingReason, Note};
use crate::zab::Replica;
use crate::zab::voters::ServerSet;

use super::Leader;

impl Leader {
    pub(super) fn half_tick(&self) -> Micros {
        Micros(self.config.tick_time.0 / 2)
    }

    /// Every second half tick the quorum of synced followers is checked; then everybody is pinged.
    pub fn on_half_tick(&mut self, cx: &mut Cx, replica: &Replica) {
        self.half_ticks += 1;
        let is_tick = self.half_ticks.is_multiple_of(2);
        self.tick += u64::from(is_tick);
        // ZOOKEEPER-2247: a leader that cannot write its log goes on.
        if replica.has_failed && !cx.bugs.has(Bug::Zk2247) {
            return self.leave(LookingReason::DiskError);
        }
        if is_tick && !self.quorums.decide_both(&self.synced()) {
            return self.leave(LookingReason::QuorumLost);
        }
        self.ping(cx);
        cx.arm(Timer::HalfTick, self.half_tick());
    }

    /// Learners whose acknowledgement is not overdue, and the leader. Those still syncing count.
    fn synced(&self) -> ServerSet {
        let in_time = self.handlers.iter().filter(|handler| self.tick <= handler.tick_of_next_ack_deadline);
        in_time.filter_map(|handler| handler.learner).filter(|learner| learner.counts).map(|learner| learner.sid).chain([self.me]).collect()
    }

    /// A learner that owes an ACK for too long is let go instead.
    fn ping(&mut self, cx: &mut Cx) {
        let (now, limit, zxid) = (cx.now, self.config.sync_time(), self.proposals.last_proposed);
        let mut slow: Vec<ConnId> = Vec::new();
        for handler in self.handlers.iter_mut().filter(|handler| handler.is_sending()) {
            match handler.age.overdue(now, limit) {
                None => handler.queue(cx, QuorumKind::Ping, zxid, QuorumData::Empty),
                Some((zxid, age)) => {
                    cx.note(Note::SlowLearnerDropped { learner: handler.sid().unwrap_or(ServerId::NOBODY), zxid, age });
                    slow.push(handler.conn);
                }
            }
        }
        slow.into_iter().for_each(|conn| self.drop_handler(cx, conn));
    }
}
