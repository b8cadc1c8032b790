//! The catalogue of invariants: what must always be true, under the names that scenarios use.

use std::fmt;

use crate::bugs::{self, BugInfo};

/// Something that must be true in every run whose faults ZooKeeper promises to survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Invariant {
    NoVoteCircle,
    BestKnownVote,
    LeaderHasQuorum,
    EpochPromise,
    VotersOnly,
    LeaderElected,
}

/// One row of the catalogue.
pub struct InvariantInfo {
    pub invariant: Invariant,
    /// The name scenarios use.
    pub name: &'static str,
    /// The code in the project's list of invariants, an alias of the name.
    pub code: &'static str,
    /// The rule in one sentence.
    pub rule: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
}

/// Every invariant that is checked, in the order of checking.
pub const CATALOGUE: [InvariantInfo; 6] = [
    InvariantInfo {
        invariant: Invariant::NoVoteCircle,
        name: "no_vote_circle",
        code: "E-1",
        rule: "within one election round each new proposal of a server is better than its last, so that it never returns to an earlier one",
        source: "NoVoteCircle of SandTable's FastLeaderElection specification; FastLeaderElection.totalOrderPredicate",
    },
    InvariantInfo {
        invariant: Invariant::BestKnownVote,
        name: "best_known_vote",
        code: "E-2",
        rule: "an election ends with a vote that was the best one each of its supporters knew when it proposed it",
        source: "FastLeaderElection.lookForLeader: a better vote is adopted as soon as it is read",
    },
    InvariantInfo {
        invariant: Invariant::LeaderHasQuorum,
        name: "leader_has_quorum",
        code: "E-3",
        rule: "a server ends its election only when a quorum of voters named the leader, in its own round or as an established ensemble of one epoch",
        source: "FastLeaderElection.getVoteTracker, checkLeader",
    },
    InvariantInfo {
        invariant: Invariant::EpochPromise,
        name: "epoch_promise",
        code: "E-4",
        rule: "a promised epoch is on disk before it is told, is never taken back, and is promised to one leader only",
        source: "Zab, discovery; Learner.registerWithLeader, Leader.getEpochToPropose, QuorumPeer.loadDataBase",
    },
    InvariantInfo {
        invariant: Invariant::VotersOnly,
        name: "voters_only",
        code: "E-5",
        rule: "only voters vote and follow, and a leader is a voter with weight",
        source: "QuorumPeer.getVotingView, FastLeaderElection.validVoter",
    },
    InvariantInfo {
        invariant: Invariant::LeaderElected,
        name: "leader_elected",
        code: "L-1",
        rule: "once faults have ended and a quorum runs, one leader is established and everybody serves under it within a bounded time",
        source: "Zab, liveness; the bound follows from maxNotificationInterval, initLimit and syncLimit",
    },
];

impl Invariant {
    pub fn info(self) -> &'static InvariantInfo {
        &CATALOGUE[self as usize]
    }

    /// The invariant with this name or code; upper and lower case are the same.
    pub fn named(text: &str) -> Option<Invariant> {
        let called = |info: &&InvariantInfo| info.name.eq_ignore_ascii_case(text) || info.code.eq_ignore_ascii_case(text);
        CATALOGUE.iter().find(called).map(|info| info.invariant)
    }

    /// The known bugs and mutants that make its check fire.
    pub fn broken_by(self) -> impl Iterator<Item = &'static BugInfo> {
        bugs::CATALOGUE.iter().filter(move |bug| bug.breaks.contains(&self.info().name))
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(self.info().name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_indexed_by_the_invariant() {
        for (index, info) in CATALOGUE.iter().enumerate() {
            assert_eq!(info.invariant as usize, index, "{}", info.name);
            assert_eq!(Invariant::named(&info.name.to_uppercase()), Some(info.invariant));
            assert_eq!(Invariant::named(&info.code.to_lowercase()), Some(info.invariant));
        }
        assert_eq!(Invariant::named("E-99"), None);
    }

    /// A check that nothing can make fire is not worth having, and a bug that breaks nothing is none.
    #[test]
    fn every_check_has_a_bug_and_every_bug_breaks_a_check() {
        for info in &CATALOGUE {
            assert!(info.invariant.broken_by().next().is_some(), "{}", info.name);
        }
        for bug in &bugs::CATALOGUE {
            for name in bug.breaks {
                assert!(Invariant::named(name).is_some(), "{} breaks {name}", bug.name);
            }
        }
    }
}
