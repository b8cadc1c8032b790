//! The leader deletes containers that are empty again and nodes whose time to live is over. Source: `ContainerManager`; data-model
//! reference §12.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::Cx;
use crate::proto::{Config, Micros, Op, Path, QuorumRequest, SessionId, Timer};
use crate::tree::{Database, Owner, Znode};

use super::request::{Origin, Request};
use super::{Pipeline, Role};

/// What one look at the tree found, and when the next is due.
#[derive(Clone, Debug, Default)]
pub struct ContainerManager {
    /// Nodes that are still to be deleted, in the order of their paths: containers, then TTL nodes.
    candidates: VecDeque<Path>,
    /// When this round began, on the leader's monotonic clock.
    began: Micros,
}

impl Pipeline {
    /// [`Timer::ContainerCheck`] ran out: a new round begins, or the next node of this one has its turn. Each deletion is judged again like
    /// any request, for the node may be used by then.
    pub(super) fn check_containers(&mut self, cx: &mut Cx, db: &Database) {
        let Role::Leader { prep, containers, .. } = &mut self.role else { return };
        if containers.candidates.is_empty() {
            containers.began = cx.now;
            containers.candidates = candidates(db, &self.config, (cx.wall.0 / 1_000) as i64);
        }
        if let Some(path) = containers.candidates.pop_front() {
            let request = QuorumRequest { session: SessionId::NONE, cxid: 0, op: Op::DeleteContainer { path }, auth: Arc::new([]) };
            prep.submit(cx, Request::of_server(Origin::Tracker, Arc::new(request)));
        }
        let next_round = containers.began + self.config.container_check_interval;
        let wait = if containers.candidates.is_empty() { next_round.saturating_sub(cx.now) } else { Micros::ZERO };
        cx.arm(Timer::ContainerCheck, wait.max(pace(&self.config)));
    }
}

/// Between two deletions, in whole milliseconds. Source: `getMinIntervalMs`.
fn pace(config: &Config) -> Micros {
    Micros::from_millis(60_000 / u64::from(config.container_max_per_minute.max(1)))
}

/// The nodes whose time is over, by the leader's wall clock in milliseconds.
fn candidates(db: &Database, config: &Config, now: i64) -> VecDeque<Path> {
    let tree = db.tree();
    let containers = tree.containers().filter(|path| tree.get(path).is_some_and(|node| is_done_with(node, config, now)));
    let ttls = tree.ttls().filter(|path| tree.get(path).is_some_and(|node| has_outlived(node, now)));
    containers.chain(ttls).cloned().collect()
}

/// An empty container that had children once, or is allowed to wait for its first only so long.
fn is_done_with(node: &Znode, config: &Config, now: i64) -> bool {
    let waits = || config.container_max_never_used == Micros::ZERO || idle(node, now) <= (config.container_max_never_used.0 / 1_000) as i64;
    node.children.is_empty() && (node.stat.cversion > 0 || !waits())
}

fn has_outlived(node: &Znode, now: i64) -> bool {
    matches!(node.owner(), Owner::Ttl(millis) if node.children.is_empty() && idle(node, now) > millis)
}

/// Since the node's own data was set last: what its children do does not count.
fn idle(node: &Znode, now: i64) -> i64 {
    now.saturating_sub(node.stat.mtime)
}
