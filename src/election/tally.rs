//! Counting the answers of one round of `electionAlg 0`. Source: `LeaderElection.countVotes` of branch-3.4; election reference §7.1.

use std::collections::BTreeMap;

use crate::proto::{ServerId, Vote};

/// What the answers of one round come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Candidates that did not answer themselves, with the servers that voted for them: these votes are void.
    pub dead: BTreeMap<ServerId, Vec<ServerId>>,
    /// `None` when no vote is valid.
    pub result: Option<TallyResult>,
}

/// The two candidates that matter, which may be different ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TallyResult {
    /// The candidate with the largest (zxid, id): whom to vote for in the next round.
    pub best: Vote,
    /// The candidate with the most supporters: elected if they are more than half of the voters.
    pub winner: Vote,
    /// Who voted for `winner`, by id; never empty.
    pub supporters: Vec<ServerId>,
}

/// Counts `votes`, keyed by the server that gave each.
///
/// A candidate that was not heard from is dropped, else a dead leader is elected again and again (ZOOKEEPER-131). The others get the
/// largest zxid anybody reports of them, since a leader's zxid moves on while it is asked about; so equal candidates are equal votes.
///
/// Of candidates with equally many supporters Java takes the first of its hash table, here it is the one with the largest id. Nothing
/// rests on it: a tie is never a majority.
pub fn count_votes(votes: &BTreeMap<ServerId, Vote>) -> Tally {
    let mut candidates: BTreeMap<ServerId, Candidate> = BTreeMap::new();
    for (voter, vote) in votes {
        let candidate = candidates.entry(vote.leader).or_insert_with(|| Candidate { vote: *vote, supporters: Vec::new() });
        candidate.vote.zxid = candidate.vote.zxid.max(vote.zxid);
        candidate.supporters.push(*voter);
    }
    let (alive, dead): (BTreeMap<_, _>, BTreeMap<_, _>) = candidates.into_iter().partition(|(id, _)| votes.contains_key(id));
    let best = alive.values().max_by_key(|candidate| (candidate.vote.zxid, candidate.vote.leader));
    let winner = alive.values().max_by_key(|candidate| (candidate.supporters.len(), candidate.vote.leader));
    let result = best.zip(winner).map(|(best, winner)| TallyResult { best: best.vote, winner: winner.vote, supporters: winner.supporters.clone() });
    Tally { dead: dead.into_iter().map(|(id, candidate)| (id, candidate.supporters)).collect(), result }
}

struct Candidate {
    vote: Vote,
    supporters: Vec<ServerId>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Epoch, Zxid};

    fn vote(leader: i64, counter: u32) -> Vote {
        Vote { leader: ServerId(leader), zxid: Zxid::new(1, counter), epoch: Epoch(-1) }
    }

    /// Votes as (voter, candidate, counter of the candidate's zxid).
    fn count(votes: &[(i64, i64, u32)]) -> Tally {
        count_votes(&votes.iter().map(|(voter, leader, counter)| (ServerId(*voter), vote(*leader, *counter))).collect())
    }

    #[test]
    fn best_is_by_zxid_and_winner_by_supporters() {
        for (votes, best, winner, supporters) in [
            (&[(1, 1, 5), (2, 2, 5), (3, 3, 5)][..], 3, 3, 1), // all equal: the largest id
            (&[(1, 1, 9), (2, 2, 5), (3, 3, 5)], 1, 3, 1),     // the larger zxid is best, not the larger id
            (&[(1, 1, 9), (2, 3, 5), (3, 3, 5)], 1, 3, 2),     // the best candidate is not the one with the most supporters
            (&[(2, 2, 5)], 2, 2, 1),
        ] {
            let result = count(votes).result.expect("somebody is alive");
            assert_eq!((result.best.leader.0, result.winner.leader.0, result.supporters.len()), (best, winner, supporters), "{votes:?}");
        }
    }

    #[test]
    fn candidates_that_did_not_answer_are_dropped() {
        let tally = count(&[(1, 3, 9), (2, 3, 9), (4, 1, 5)]);
        assert_eq!(tally.dead, BTreeMap::from([(ServerId(3), vec![ServerId(1), ServerId(2)])]));
        assert_eq!(tally.result.map(|result| (result.best, result.supporters)), Some((vote(1, 5), vec![ServerId(4)])));
    }

    #[test]
    fn without_a_living_candidate_there_is_no_result() {
        assert_eq!(count(&[]).result, None);
        assert_eq!(count(&[(1, 3, 9), (2, 3, 9)]).result, None);
    }

    /// The leader is asked first, at 1:5, and has proposed up to 1:8 when its followers answer.
    #[test]
    fn views_of_one_candidate_are_made_equal() {
        let result = count(&[(1, 1, 5), (2, 1, 8), (3, 1, 7), (4, 4, 6)]).result.expect("somebody is alive");
        assert_eq!((result.best, result.winner, result.supporters.len()), (vote(1, 8), vote(1, 8), 3));
    }
}
