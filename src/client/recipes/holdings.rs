//! What a client holds: locks and the like, from the grant to the release. Reference §0.7.
//!
//! A client believes that it holds something as long as its connection stands. Without one nobody tells it that its session lives, and it stops
//! believing at once (Curator's standard policy for SUSPENDED). When it is back in the same session it looks for its node.

use super::Task;
use super::script::{Run, Script};
use crate::actor::Cx;
use crate::bugs::Bug;
use crate::client::Client;
use crate::proto::{KeeperState, Path, Recipe, SessionId, Zxid};
use crate::trace::{LetGoReason, Note};

/// Something that was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub recipe: Recipe,
    pub path: Path,
    /// The node that it is held with.
    pub node: Path,
    /// The czxid of that node.
    pub token: Zxid,
    /// Where the tree stood when it was granted.
    pub seen: Zxid,
    pub session: SessionId,
    /// Whether the client believes that it holds it. If not, it is about to find out.
    pub is_believed: bool,
}

impl Held {
    /// Whether it is only a place among others, which nobody believes to hold.
    fn is_place(&self) -> bool {
        self.recipe == Recipe::DoubleBarrier
    }
}

impl Client {
    /// From now on this is held.
    pub(super) fn hold(&mut self, cx: &mut Cx, held: Held) {
        let Held { recipe, path, node, token, seen, .. } = held.clone();
        cx.note(Note::Granted { recipe, path, node, token, seen });
        self.recipes.held.retain(|known| known.node != held.node);
        self.recipes.held.push(held);
    }

    /// What is held with this node is not believed to be held any more.
    pub(super) fn let_go(&mut self, cx: &mut Cx, node: &Path, why: LetGoReason) {
        let held = self.recipes.held.iter_mut().find(|held| held.node == *node && held.is_believed);
        if let Some(Held { recipe, path, node, is_believed, .. }) = held {
            *is_believed = false;
            cx.note(Note::LetGo { recipe: *recipe, path: path.clone(), node: node.clone(), why });
        }
    }

    /// The state of the session of this handle changed, which may be one of the past.
    pub(super) fn review_holdings(&mut self, cx: &mut Cx, state: KeeperState, handle: u32) {
        // The mistake: who has a lock has it until he gives it back.
        if cx.bugs.has(Bug::RecipeBelievesPastExpiry) {
            return;
        }
        let of_it = |held: &Held| handle == self.handle || held.session != self.session.id;
        let nodes: Vec<Path> = self.recipes.held.iter().filter(|held| of_it(held)).map(|held| held.node.clone()).collect();
        match state {
            KeeperState::Disconnected => nodes.iter().for_each(|node| self.let_go(cx, node, LetGoReason::Suspended)),
            KeeperState::SyncConnected => {
                for held in self.recipes.held.clone().into_iter().filter(|held| !held.is_place()) {
                    // Who looks after it does so by itself.
                    if !self.recipes.stands(&held.path) || cx.bugs.has(Bug::RecipeRevokeMissed) {
                        self.begin_script(cx, None, Task::Recheck(held));
                    }
                }
            }
            KeeperState::Expired | KeeperState::Closed | KeeperState::AuthFailed => {
                nodes.iter().for_each(|node| self.let_go(cx, node, LetGoReason::Expired));
                self.recipes.held.retain(|held| !nodes.contains(&held.node));
            }
            _ => {}
        }
    }

    /// The user ends the session: nothing is held or seen to from now on, whenever the servers hear of it.
    #[cold]
    pub(in crate::client) fn give_all_up(&mut self, cx: &mut Cx) {
        for held in self.recipes.held.clone() {
            self.let_go(cx, &held.node, LetGoReason::Released);
        }
        self.recipes.held.clear();
        self.recipes.duties.clear();
        self.recipes.standing.clear();
    }
}

/// The client is back in its session: is its node still there, and its own?
pub fn recheck(zk: &mut Script, held: &Held) -> Run<()> {
    match zk.exists(&held.node, false)? {
        Some(stat) if stat.czxid == held.token => zk.hold(Held { is_believed: true, ..held.clone() }),
        _ => zk.forget(&held.node),
    }
    Ok(())
}
