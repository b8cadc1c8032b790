//! The transactions applied last, for learners that lack only these. Source: `ZKDatabase.committedLog`; zab reference §4.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::proto::{Proposal, Zxid};

/// A ring of at most `limit` transactions, oldest first. A clone shares it until either grows.
#[derive(Clone, Debug)]
pub struct Committed {
    ring: Arc<VecDeque<Arc<Proposal>>>,
    limit: usize,
}

impl Committed {
    pub fn new(limit: u32) -> Committed {
        Committed { ring: Arc::default(), limit: limit as usize }
    }

    pub fn first(&self) -> Option<Zxid> {
        self.ring.front().map(|proposal| proposal.zxid())
    }

    pub fn last(&self) -> Option<Zxid> {
        self.ring.back().map(|proposal| proposal.zxid())
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Proposal>> + ExactSizeIterator {
        self.ring.iter()
    }

    /// Puts a transaction at the end. One that is not newer than the last is left out: the database was set back and is brought up again.
    pub fn push(&mut self, proposal: &Arc<Proposal>) {
        if self.limit == 0 || self.last().is_some_and(|last| proposal.zxid() <= last) {
            return;
        }
        let ring = Arc::make_mut(&mut self.ring);
        if ring.len() == self.limit {
            ring.pop_front();
        }
        ring.push_back(proposal.clone());
    }

    pub fn clear(&mut self) {
        self.ring = Arc::default();
    }
}
