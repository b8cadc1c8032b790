//! Proposals on their way: acknowledged by some, committed in order, applied. Source: `Leader.outstandingProposals`, `toBeApplied`,
//! `processAck`, `tryToCommit`; zab reference §8.1, §8.2, §8.6.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::proto::{ConnId, Proposal, ServerId, Zxid};
use crate::zab::quorums::Quorums;
use crate::zab::voters::ServerSet;

/// What the leader knows of the transactions of its epoch.
#[derive(Clone, Debug)]
pub(super) struct Proposals {
    /// (epoch, 0) before the first.
    pub last_proposed: Zxid,
    pub last_committed: Zxid,
    /// Proposed and not committed, oldest first. Their zxids are successors of each other.
    outstanding: VecDeque<Outstanding>,
    /// Committed and not yet applied, oldest first: a learner that connects now finds them neither in the tree nor outstanding.
    to_be_applied: VecDeque<Arc<Proposal>>,
    /// Learners whose sync is answered right behind the commit of a zxid.
    syncs: VecDeque<(Zxid, ConnId)>,
}

#[derive(Clone, Debug)]
struct Outstanding {
    proposal: Arc<Proposal>,
    acks: ServerSet,
}

/// What an acknowledgement came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Acked {
    /// It is counted, or came late; nothing follows.
    Counted,
    /// The proposal is committed, by this quorum.
    Committed(Arc<Proposal>, ServerSet),
    /// Nobody was sent a proposal of this zxid.
    Unknown,
}

impl Proposals {
    pub fn new(last_proposed: Zxid) -> Proposals {
        Proposals { last_proposed, last_committed: Zxid::ZERO, outstanding: VecDeque::new(), to_be_applied: VecDeque::new(), syncs: VecDeque::new() }
    }

    pub fn propose(&mut self, proposal: Arc<Proposal>) {
        self.last_proposed = proposal.zxid();
        self.outstanding.push_back(Outstanding { proposal, acks: ServerSet::default() });
    }

    /// A quorum commits, and nothing before its predecessor. A proposal with a quorum behind one without waits for a further ACK of its own.
    /// `alone`: this one acknowledgement is enough.
    pub fn ack(&mut self, sid: ServerId, zxid: Zxid, quorums: &Quorums, alone: bool) -> Acked {
        // NEWLEADER's, or committed before.
        if zxid.counter() == 0 || zxid <= self.last_committed {
            return Acked::Counted;
        }
        let Some(position) = self.position(zxid) else {
            return Acked::Unknown;
        };
        let found = &mut self.outstanding[position];
        if quorums.contains(sid) {
            found.acks.insert(sid);
        }
        if position > 0 || !(alone || quorums.commit(zxid, &found.acks)) {
            return Acked::Counted;
        }
        match self.commit_oldest() {
            Some((proposal, acks)) => Acked::Committed(proposal, acks),
            None => Acked::Unknown,
        }
    }

    fn commit_oldest(&mut self) -> Option<(Arc<Proposal>, ServerSet)> {
        let Outstanding { proposal, acks } = self.outstanding.pop_front()?;
        self.last_committed = proposal.zxid();
        self.to_be_applied.push_back(proposal.clone());
        Some((proposal, acks))
    }

    /// The oldest proposal, if it has its quorums: once a reconfiguration is committed, others ask for less.
    pub fn next_acknowledged(&mut self, quorums: &Quorums) -> Option<(Arc<Proposal>, ServerSet)> {
        let oldest = self.outstanding.front()?;
        if quorums.commit(oldest.proposal.zxid(), &oldest.acks) { self.commit_oldest() } else { None }
    }

    /// Who has acknowledged each proposal behind `from`, oldest first.
    pub fn acknowledgements(&self, from: Zxid) -> impl Iterator<Item = &ServerSet> {
        self.outstanding.iter().filter(move |outstanding| outstanding.proposal.zxid() > from).map(|outstanding| &outstanding.acks)
    }

    /// A learner is brought to `kept`, and told again what follows: until it acknowledges that again, it does not have it.
    pub fn retract(&mut self, sid: ServerId, kept: Zxid) {
        for outstanding in self.outstanding.iter_mut().filter(|outstanding| outstanding.proposal.zxid() > kept) {
            outstanding.acks.remove(sid);
        }
    }

    fn position(&self, zxid: Zxid) -> Option<usize> {
        let oldest = self.outstanding.front()?.proposal.zxid();
        let position = usize::try_from(zxid.0.checked_sub(oldest.0)?).ok()?;
        (position < self.outstanding.len()).then_some(position)
    }

    /// The final processor is done with it. Source: `ToBeAppliedRequestProcessor`.
    pub fn on_applied(&mut self, zxid: Zxid) {
        if self.to_be_applied.front().is_some_and(|proposal| proposal.zxid() == zxid) {
            self.to_be_applied.pop_front();
        }
    }

    /// A sync of a learner. True: nothing is outstanding, and it is answered at once. Source: `Leader.processSync`.
    pub fn sync(&mut self, learner: ConnId) -> bool {
        let at_once = self.outstanding.is_empty();
        if !at_once {
            self.syncs.push_back((self.last_proposed, learner));
        }
        at_once
    }

    /// The next learner whose sync waited for the commit of `zxid`.
    pub fn next_sync(&mut self, zxid: Zxid) -> Option<ConnId> {
        self.syncs.pop_front_if(|(waits_for, _)| *waits_for <= zxid).map(|(_, learner)| learner)
    }

    /// Committed and not applied, behind `from`.
    pub fn to_be_applied(&self, from: Zxid) -> impl Iterator<Item = &Arc<Proposal>> {
        self.to_be_applied.iter().filter(move |proposal| proposal.zxid() > from)
    }

    /// Proposed and not committed, behind `from`.
    pub fn outstanding(&self, from: Zxid) -> impl Iterator<Item = &Arc<Proposal>> {
        self.outstanding.iter().map(|outstanding| &outstanding.proposal).filter(move |proposal| proposal.zxid() > from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Membership, SessionId, Txn, TxnHeader};

    struct Ledger {
        quorums: Quorums,
        proposals: Proposals,
    }

    /// Three voters and an observer, in epoch 2, with 2:1 to 2:`last` proposed.
    fn ledger(last: u32) -> Ledger {
        let mut proposals = Proposals::new(Zxid::new(2, 0));
        for counter in 1..=last {
            let header = TxnHeader { session: SessionId::NONE, cxid: 0, zxid: Zxid::new(2, counter), time: 0 };
            proposals.propose(Proposal::new(header, Txn::CloseSession { paths: None }));
        }
        Ledger { quorums: Quorums::of(Arc::new(Membership::of(3, 1))), proposals }
    }

    impl Ledger {
        /// `committed 2:1 by 1 2`, `counted`, `unknown`.
        fn ack(&mut self, sid: i64, counter: u32) -> String {
            match self.proposals.ack(ServerId(sid), Zxid::new(2, counter), &self.quorums, false) {
                Acked::Counted => "counted".into(),
                Acked::Unknown => "unknown".into(),
                Acked::Committed(proposal, acks) => {
                    let by: String = acks.iter().map(|id| format!(" {}", id.0)).collect();
                    format!("committed {} by{by}", proposal.zxid())
                }
            }
        }
    }

    #[test]
    fn a_quorum_commits() {
        let mut ledger = ledger(1);
        assert_eq!(ledger.ack(1, 1), "counted");
        assert_eq!(ledger.ack(1, 1), "counted", "twice the same");
        assert_eq!(ledger.ack(4, 1), "counted", "an observer has no say");
        assert_eq!(ledger.ack(3, 1), "committed 2:1 by 1 3");
        assert_eq!(ledger.ack(2, 1), "counted", "late");
        assert_eq!(ledger.ack(2, 0), "counted", "of NEWLEADER");
        assert_eq!(ledger.ack(2, 2), "unknown");
    }

    #[test]
    fn nothing_is_committed_before_its_predecessor() {
        let mut ledger = ledger(2);
        assert_eq!([ledger.ack(1, 2), ledger.ack(2, 2)], ["counted", "counted"], "a quorum, and 2:1 outstanding");
        assert_eq!(ledger.ack(1, 1), "counted");
        assert_eq!(ledger.ack(2, 1), "committed 2:1 by 1 2");
        assert_eq!(ledger.ack(3, 2), "committed 2:2 by 1 2 3", "it is looked at again when a further ACK comes");
    }

    /// The commit must not count on a log that was cut.
    #[test]
    fn who_is_synchronised_anew_must_acknowledge_anew() {
        let mut ledger = ledger(2);
        assert_eq!([ledger.ack(1, 1), ledger.ack(1, 2)], ["counted", "counted"]);
        ledger.proposals.retract(ServerId(1), Zxid::new(2, 1));
        assert_eq!(ledger.ack(3, 1), "committed 2:1 by 1 3");
        assert_eq!(ledger.ack(3, 2), "counted", "s1 is at 2:1 again");
        assert_eq!(ledger.ack(1, 2), "committed 2:2 by 1 3");
    }

    #[test]
    fn who_connects_now_is_told_what_is_under_way() {
        let mut ledger = ledger(4);
        for counter in 1..=2 {
            ledger.ack(1, counter);
            ledger.ack(2, counter);
        }
        let told = |proposals: &Proposals, from| {
            let zxids = |of: Vec<&Arc<Proposal>>| of.iter().map(|it| it.zxid().counter()).collect::<Vec<_>>();
            (zxids(proposals.to_be_applied(from).collect()), zxids(proposals.outstanding(from).collect()))
        };
        assert_eq!(told(&ledger.proposals, Zxid::new(2, 0)), (vec![1, 2], vec![3, 4]));
        assert_eq!(told(&ledger.proposals, Zxid::new(2, 3)), (vec![], vec![4]));
        ledger.proposals.on_applied(Zxid::new(2, 1));
        assert_eq!(told(&ledger.proposals, Zxid::ZERO), (vec![2], vec![3, 4]));
    }

    #[test]
    fn a_sync_is_answered_behind_what_was_proposed_before_it() {
        let conn = |slot| ConnId { slot, generation: 0 };
        let mut ledger = ledger(2);
        assert!(!ledger.proposals.sync(conn(7)));
        ledger.ack(1, 1);
        ledger.ack(2, 1);
        assert_eq!(ledger.proposals.next_sync(Zxid::new(2, 1)), None);
        ledger.ack(1, 2);
        ledger.ack(2, 2);
        assert_eq!(ledger.proposals.next_sync(Zxid::new(2, 2)), Some(conn(7)));
        assert_eq!(ledger.proposals.next_sync(Zxid::new(2, 2)), None);
        assert!(ledger.proposals.sync(conn(7)), "nothing is outstanding");
    }
}
