//! What a user has started and not closed: it outlives connections and sessions.
//!
//! A script of its own looks after it. Each time the client is connected that script begins anew, and learns from the servers where it is: what
//! it knew was true on the connection before, and perhaps in another session.

use super::{Running, Task};
use crate::actor::Cx;
use crate::bugs::Bug;
use crate::client::Client;
use crate::proto::{KeeperState, Path, RecipeCall, RecipeVerb, Timer};

impl Client {
    /// From now on this is looked after.
    pub(super) fn stand(&mut self, cx: &mut Cx, call: RecipeCall) {
        if !self.recipes.stands(&call.path) {
            self.recipes.standing.push(call.clone());
            self.begin_script(cx, None, Task::Stand(call));
        }
    }

    pub(super) fn stand_down(&mut self, cx: &mut Cx, path: &Path) {
        self.recipes.standing.retain(|call| call.path != *path);
        self.abandon(cx, path);
    }

    /// The client is connected, in the same session or in a new one.
    pub(super) fn review_standing(&mut self, cx: &mut Cx, state: KeeperState) {
        if state != KeeperState::SyncConnected {
            return;
        }
        // The mistake: what was watched before is watched for ever.
        let trusts = |call: &RecipeCall| call.verb == RecipeVerb::LockAcquireRevocable && cx.bugs.has(Bug::RecipeRevokeMissed);
        let all: Vec<RecipeCall> = self.recipes.standing.iter().filter(|call| !trusts(call)).cloned().collect();
        for call in all {
            self.abandon(cx, &call.path);
            self.begin_script(cx, None, Task::Stand(call));
        }
    }

    /// The script that looks after it goes no further. What it has asked may still take place.
    fn abandon(&mut self, cx: &mut Cx, path: &Path) {
        let is_its = |script: &Running| matches!(&script.task, Task::Stand(call) if call.path == *path);
        for script in self.recipes.running.iter().filter(|script| is_its(script)) {
            cx.disarm(Timer::Recipe(script.number));
        }
        self.recipes.running.retain(|script| !is_its(script));
    }
}
