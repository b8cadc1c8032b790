//! Disk operations one after the other.

use std::collections::VecDeque;

use crate::actor::{Cx, Effect};
use crate::proto::{DiskError, DiskOp, DiskReply, DiskTag};

/// Each operation begins when the one before has succeeded; after a failure the rest is not done.
#[derive(Clone, Debug)]
pub struct Sequence {
    tag: DiskTag,
    /// The one under way first.
    ops: VecDeque<DiskOp>,
}

/// What an answer meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Continues,
    Done,
    /// What failed, and why.
    Failed(DiskOp, DiskError),
}

impl Sequence {
    /// Starts the first operation; `None` when there is none.
    pub fn start(cx: &mut Cx, tag: DiskTag, ops: impl IntoIterator<Item = DiskOp>) -> Option<Sequence> {
        let sequence = Sequence { tag, ops: ops.into_iter().collect() };
        sequence.ask(cx);
        (!sequence.ops.is_empty()).then_some(sequence)
    }

    /// The operation under way ended. A file that is to be deleted and is not there is as good as deleted.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> Step {
        let op = self.ops.pop_front().expect("only our own operations complete");
        match (outcome, &op) {
            (Ok(_), _) | (Err(DiskError::NotFound), DiskOp::Delete { .. }) => {
                self.ask(cx);
                if self.ops.is_empty() { Step::Done } else { Step::Continues }
            }
            (Err(error), _) => Step::Failed(op, error),
        }
    }

    fn ask(&self, cx: &mut Cx) {
        if let Some(op) = self.ops.front() {
            cx.emit(Effect::Disk { tag: self.tag, op: op.clone() });
        }
    }
}
