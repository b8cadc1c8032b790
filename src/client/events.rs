//! Events: who watches for them is looked up when they come, and is told when the event thread comes to them, in turn with the answers.
//! Source: `ClientCnxn.EventThread`, `ClientCnxn.finishPacket`; watches reference §5, §7.

use std::sync::Arc;

use crate::actor::Cx;
use crate::proto::{Answer, ConnId, ErrorCode, EventType, KeeperState, Path, WatcherEvent, Zxid};
use crate::trace::Note;

use super::Client;
use super::watches::Registration;

/// An event that somebody watches for.
pub type Event = Arc<WatcherEvent>;

/// Events that are made here belong to no transaction.
const NO_ZXID: Zxid = Zxid(-1);

impl Client {
    /// A server tells of a node. Source: `SendThread.readResponse`. Unlike an answer it does not count as having seen the change.
    #[cold]
    pub(super) fn on_watcher_event(&mut self, cx: &mut Cx, conn: ConnId, event: Event) {
        if self.session.connection() != Some(conn) {
            return;
        }
        // An event of a watch that was taken away meanwhile concerns nobody.
        if self.watches.fire(event.kind, &event.path) {
            self.queue_event(cx, event);
        }
        self.heard(cx);
    }

    /// The state of the session changed: all who watch anything are told, once for each change, and so are recipes. Source: `EventThread.queueEvent`.
    pub(super) fn tell_state(&mut self, cx: &mut Cx, state: KeeperState) {
        if std::mem::replace(&mut self.told_state, state) == state || (self.watches.is_empty() && self.recipes.is_idle()) {
            return;
        }
        self.queue_event(cx, Arc::new(WatcherEvent { zxid: NO_ZXID, kind: EventType::None, state, path: Path::from("") }));
        if !self.program.resets_watches {
            self.watches.on_state(state);
        }
    }

    /// A request that is about watches has come to its end. What its user is answered: to take away what is not there fails, whatever the server
    /// said, or if it said nothing.
    #[cold]
    pub(super) fn settle_watch(&mut self, cx: &mut Cx, registration: Registration, result: Result<Answer, ErrorCode>) -> Result<Answer, ErrorCode> {
        let Registration::Removal(path, kind, local) = registration else {
            self.watches.register(registration, result.as_ref().err().copied());
            return result;
        };
        if !self.watches.contains(&path, kind) {
            return Err(ErrorCode::NoWatcher);
        }
        let answer = if local { Answer::Done } else { result? };
        for kind in self.watches.remove(&path, kind) {
            self.queue_event(cx, Arc::new(WatcherEvent::of_node(NO_ZXID, kind, path.clone())));
        }
        Ok(answer)
    }

    /// The event thread has come to an event of this handle, which may be one of the past.
    #[cold]
    pub(super) fn on_event(&mut self, cx: &mut Cx, event: &WatcherEvent, handle: u32) {
        let WatcherEvent { zxid, kind, state, path } = event;
        cx.note(Note::EventDelivered { event: *kind, state: *state, path: path.clone(), zxid: *zxid });
        if !self.recipes.is_idle() {
            self.on_recipe_event(cx, event, handle);
        }
    }
}
