//! A server that looks for a leader for too long serves reads meanwhile. Source: `QuorumPeer.run`, `ReadOnlyZooKeeperServer`; sessions
//! reference §8, election reference §1.

use crate::actor::Cx;
use crate::proto::{Micros, PeerState, Timer};
use crate::trace::Note;

use super::pipeline::{Kind, Pipeline};
use super::{Activity, Server};

/// An election usually takes less: only then a server takes itself for cut off. Or a tick, if that is longer.
const GRACE: Micros = Micros::from_millis(2_000);

impl Server {
    /// LOOKING begins.
    pub(super) fn begin_read_only_grace(&mut self, cx: &mut Cx) {
        if self.config.read_only_mode {
            cx.arm(Timer::ReadOnlyGrace, GRACE.max(self.config.tick_time));
        }
    }

    pub(super) fn on_read_only_grace(&mut self, cx: &mut Cx) {
        if self.state != PeerState::Looking || !matches!(self.activity, Activity::Looking) || self.pipeline.is_some() {
            return;
        }
        let database = &self.replica.database;
        cx.note(Note::ServingReadOnly { zxid: database.last_processed });
        let pipeline = Pipeline::start(cx, self.me, self.config.clone(), Kind::ReadOnly, database, database.last_processed);
        self.pipeline = Some(Box::new(pipeline));
    }

    /// There is a leader again: whoever reads here is let go, and has to come back.
    pub(super) fn end_read_only(&mut self, cx: &mut Cx) {
        if !self.config.read_only_mode {
            return;
        }
        cx.disarm(Timer::ReadOnlyGrace);
        if let Some(mut pipeline) = self.pipeline.take() {
            pipeline.shut_down(cx);
        }
    }
}
