//! The catalogue of known bugs, each a switch that is off by default.
//!
//! A switch is one small branch at the rule that it breaks, never a copied function. Numbers are the rows of the project's bug reference.

use std::fmt;

/// A known bug of ZooKeeper, or (`mutant-…`) a broken rule that exists only so that a check can be seen to fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Bug {
    Zk1419,
    Zk275,
    Zk480,
    Zk975,
    Zk1514,
    Zk1732,
    Zk3109,
    Zk764,
    UnsyncedRename,
    MutantEpochForgotten,
    MutantNoRebroadcast,
}

/// One row of the catalogue.
pub struct BugInfo {
    pub bug: Bug,
    /// The name scenarios use: the issue (`ZK-1419`) or `mutant-…`.
    pub name: &'static str,
    /// Releases that had it, as far as sources say.
    pub affected: &'static str,
    /// The rule that is wrong or missing while the switch is on.
    pub rule: &'static str,
    /// Names of the invariants that it breaks.
    pub breaks: &'static [&'static str],
}

/// Every switch there is, in the order of the reference.
pub const CATALOGUE: [BugInfo; 11] = [
    BugInfo {
        bug: Bug::Zk1419,
        name: "ZK-1419",
        affected: "3.4.0-3.4.3",
        rule: "with equal zxids the larger id wins whatever the epochs, so the order of votes has cycles",
        breaks: &["no_vote_circle", "leader_elected"],
    },
    BugInfo {
        bug: Bug::Zk275,
        name: "ZK-275",
        affected: "before 3.1.0",
        rule: "on a higher round a server proposes itself again instead of the better of itself and the sender's vote",
        breaks: &["best_known_vote", "leader_elected"],
    },
    BugInfo {
        bug: Bug::Zk480,
        name: "ZK-480",
        affected: "before 3.2.1",
        rule: "the leader check wants a LEADING note from the candidate even when that is the server itself, and FOLLOWING votes of its round are dropped",
        breaks: &["leader_elected"],
    },
    BugInfo {
        bug: Bug::Zk975,
        name: "ZK-975",
        affected: "before 3.4.0",
        rule: "an election ends once every voter was heard, and one LEADING note is trusted without a quorum",
        breaks: &["leader_has_quorum", "leader_elected"],
    },
    BugInfo {
        bug: Bug::Zk1514,
        name: "ZK-1514",
        affected: "before 3.4.4",
        rule: "a server told by FOLLOWING votes that it leads accepts although their round is not its own",
        breaks: &["leader_has_quorum", "leader_elected"],
    },
    BugInfo {
        bug: Bug::Zk1732,
        name: "ZK-1732",
        affected: "before 3.4.6",
        rule: "a joiner wants all fields of the votes of an established ensemble to be equal, though its members finished with different rounds and epochs",
        breaks: &["leader_elected"],
    },
    BugInfo {
        bug: Bug::Zk3109,
        name: "ZK-3109",
        affected: "before 3.6.0; the repair is off by default",
        rule: "a leader without epoch quorum waits out initLimit although its voters look for a leader again",
        breaks: &["leader_elected"],
    },
    BugInfo {
        bug: Bug::Zk764,
        name: "ZK-764",
        affected: "before 3.3.1 (ZK-769: before 3.4.0)",
        rule: "a server takes its role from its own peerType instead of the server list, so that an observer follows and counts as a voter",
        breaks: &["voters_only"],
    },
    BugInfo {
        bug: Bug::UnsyncedRename,
        name: "unsynced-rename",
        affected: "all releases",
        rule: "an epoch counts as written once its file is renamed, though a power loss may still take the rename back",
        breaks: &["epoch_promise"],
    },
    BugInfo {
        bug: Bug::MutantEpochForgotten,
        name: "mutant-epoch-forgotten",
        affected: "no release",
        rule: "a learner answers LEADERINFO without writing acceptedEpoch",
        breaks: &["epoch_promise"],
    },
    BugInfo {
        bug: Bug::MutantNoRebroadcast,
        name: "mutant-no-rebroadcast",
        affected: "no release",
        rule: "a poll that times out neither re-sends the proposal nor dials",
        breaks: &["leader_elected"],
    },
];

/// The release that is modelled. As the name of a switch it stands for [`AS_SHIPPED`].
pub const RELEASE: &str = "3.9.5";

/// The open defects of [`RELEASE`]: it is modelled with these repaired, and with them on it is the release as shipped.
pub const AS_SHIPPED: [Bug; 1] = [Bug::UnsyncedRename];

impl Bug {
    pub fn info(self) -> &'static BugInfo {
        &CATALOGUE[self as usize]
    }

    /// The switch called `name`; upper and lower case are the same.
    pub fn named(name: &str) -> Option<Bug> {
        CATALOGUE.iter().find(|info| info.name.eq_ignore_ascii_case(name)).map(|info| info.bug)
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.pad(self.info().name)
    }
}

/// The switches that are on; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bugs(u64);

impl Bugs {
    pub const NONE: Bugs = Bugs(0);

    pub fn has(self, bug: Bug) -> bool {
        self.0 & (1 << bug as u8) != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Bug> {
        CATALOGUE.iter().map(|info| info.bug).filter(move |bug| self.has(*bug))
    }
}

impl FromIterator<Bug> for Bugs {
    fn from_iter<I: IntoIterator<Item = Bug>>(bugs: I) -> Bugs {
        Bugs(bugs.into_iter().fold(0, |bits, bug| bits | 1 << bug as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_indexed_by_the_switch() {
        for (index, info) in CATALOGUE.iter().enumerate() {
            assert_eq!(info.bug as usize, index, "{}", info.name);
            assert_eq!(Bug::named(&info.name.to_lowercase()), Some(info.bug));
            assert!(!info.breaks.is_empty());
        }
        assert_eq!(Bug::named("ZK-1"), None);
    }

    #[test]
    fn a_set_holds_what_it_was_given() {
        let bugs: Bugs = [Bug::Zk480, Bug::Zk1419].into_iter().collect();
        assert_eq!(bugs.iter().collect::<Vec<_>>(), [Bug::Zk1419, Bug::Zk480]);
        assert!(!bugs.has(Bug::Zk975) && Bugs::NONE.is_empty());
    }
}
