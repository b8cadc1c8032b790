//! How a transcript calls what servers number: sessions by name, transactions densely.

use std::collections::BTreeMap;

use crate::proto::{Epoch, SessionId, Zxid};

/// Names of sessions and numbers of transactions in one replay.
#[derive(Clone, Debug)]
pub struct Names {
    /// Of all sessions that ever were: a node may still name an owner that is gone.
    sessions: BTreeMap<SessionId, String>,
    /// The last zxid before the first request, and whatever is older, is number 0.
    base: Zxid,
    /// For each leader's epoch, the zxid from which on it counts, and the number of that.
    reigns: BTreeMap<Epoch, (Zxid, i64)>,
    /// The number in force.
    last: i64,
}

impl Names {
    pub fn new(base: Zxid) -> Names {
        Names { sessions: BTreeMap::new(), base, reigns: BTreeMap::from([(base.epoch(), (base, 0))]), last: 0 }
    }

    pub fn add_session(&mut self, id: SessionId, name: String) {
        self.sessions.insert(id, name);
    }

    /// Sessions so far.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// The name of an ephemeral node's owner; `None` for no owner.
    pub fn owner(&self, id: SessionId) -> Option<String> {
        (id != SessionId::NONE).then(|| self.sessions.get(&id).cloned().unwrap_or_else(|| format!("unknown {id}")))
    }

    /// A server told of this zxid. A leader that is new counts on from where the last one ended: its epoch begins with a zxid that no transaction
    /// has.
    pub fn meet(&mut self, zxid: Zxid) {
        let last = self.last;
        self.reigns.entry(zxid.epoch()).or_insert((zxid.epoch().first_zxid(), last));
    }

    /// This transaction, the first of its epoch, is nobody's, and has no number: those behind it go on from where the last leader ended.
    pub fn skip(&mut self, zxid: Zxid) {
        self.reigns.insert(zxid.epoch(), (zxid, self.last));
    }

    /// The number of a transaction: how many there were since the base. Dense across leaders, so that it needs no renaming whoever led: a number
    /// that a transaction of nobody's took would show.
    pub fn number(&self, zxid: Zxid) -> i64 {
        if zxid <= self.base {
            return 0;
        }
        // An epoch that nobody told of is told as it is.
        self.reigns.get(&zxid.epoch()).map_or(zxid.0, |(first, number)| number + (i64::from(zxid.counter()) - i64::from(first.counter())).max(0))
    }

    /// All sessions have seen everything up to here.
    pub fn settle(&mut self, number: i64) {
        self.last = number;
    }

    /// The number in force.
    pub fn last(&self) -> i64 {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_dense_from_leader_to_leader() {
        let mut names = Names::new(Zxid::new(1, 7));
        assert_eq!([Zxid::ZERO, Zxid::new(1, 7), Zxid::new(1, 9)].map(|zxid| names.number(zxid)), [0, 0, 2]);
        names.settle(2);
        names.meet(Zxid::new(3, 0));
        assert_eq!([Zxid::new(3, 0), Zxid::new(3, 1), Zxid::new(1, 8)].map(|zxid| names.number(zxid)), [2, 3, 1]);
        names.meet(Zxid::new(4, 0));
        names.skip(Zxid::new(4, 1));
        assert_eq!([Zxid::new(4, 0), Zxid::new(4, 1), Zxid::new(4, 2)].map(|zxid| names.number(zxid)), [2, 2, 3]);
    }
}
