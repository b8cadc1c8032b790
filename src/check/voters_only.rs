//! E-5: who is not listed as a voter has no say.
//!
//! The list is that of the server which acts, and while the membership changes either of its two. A server that is in no list at all may follow,
//! as ZooKeeper has it: it waits to be taken in, or has been taken out.
//!
//! Everything that names a deciding set is judged: the supporters of an election, the quorum that an epoch was chosen with and the one
//! that follows. A voter of weight 0 may be in such a set, where it adds nothing, but may not lead.

use super::electorate::Electorate;
use super::verdict::{Fact, Facts};
use crate::proto::{NodeId, PeerState, ServerId};
use crate::trace::{Event, Note};

pub fn check(electorate: &Electorate, event: &Event) -> Option<Facts> {
    let me = event.node.and_then(NodeId::as_server)?;
    let wrong = match event.note()? {
        Note::Elected { state, vote, supporters, .. } => {
            not_a_leader(electorate, vote.leader).or_else(|| not_a_follower(electorate, me, *state)).or_else(|| stranger(electorate, supporters))
        }
        Note::QuorumReached { vote, supporters, .. } => not_a_leader(electorate, vote.leader).or_else(|| stranger(electorate, supporters)),
        Note::EpochProposed { quorum, .. } | Note::Established { quorum, .. } => {
            not_a_leader(electorate, me).or_else(|| stranger(electorate, quorum))
        }
        _ => None,
    };
    // That the server list says otherwise is true from the start; the event is where it was disregarded.
    wrong.map(|listed| [Fact::new(event.n, listed), Fact::new(event.n, event.to_string())])
}

fn not_a_leader(electorate: &Electorate, leader: ServerId) -> Option<String> {
    match (electorate.has_say(leader), electorate.may_lead(leader)) {
        (_, true) => None,
        (true, false) => Some(format!("{leader} is a voter without weight")),
        (false, _) => Some(format!("{leader} is not listed as a voter")),
    }
}

/// Observers end their elections OBSERVING.
fn not_a_follower(electorate: &Electorate, me: ServerId, state: PeerState) -> Option<String> {
    let is_wrong = match state {
        PeerState::Leading => !electorate.is_voter(me),
        PeerState::Following => electorate.is_observer(me),
        PeerState::Observing | PeerState::Looking => false,
    };
    is_wrong.then(|| format!("{me} is not listed as a voter"))
}

fn stranger(electorate: &Electorate, quorum: &[ServerId]) -> Option<String> {
    quorum.iter().find(|id| !electorate.has_say(**id)).map(|id| format!("{id} is not listed as a voter"))
}

#[cfg(test)]
mod tests {
    use crate::check::Invariant;
    use crate::check::tests::{Story, vote};
    use crate::proto::PeerState::{Following, Leading, Looking, Observing};
    use crate::trace::ElectedBy::{Established, Silence};

    #[test]
    fn voters_decide_and_observers_watch() {
        let mut story = Story::with_observers(3, 1);
        story.looks(3, 1, vote(3, 0, 0)).hears(3, 1, Looking, 1, vote(3, 0, 0)).elects(3, Leading, 1, vote(3, 0, 0), &[1, 3], Silence);
        story.establishes(3, 1, &[1, 3]);
        story.looks(4, 1, vote(4, 0, 0)).hears(4, 1, Following, 1, vote(3, 0, 1)).hears(4, 3, Leading, 1, vote(3, 0, 1));
        story.elects(4, Observing, 1, vote(3, 0, 1), &[1, 3], Established);
        assert_eq!(story.violation(), None);
    }

    /// ZOOKEEPER-764: an observer takes its own word for its role.
    #[test]
    fn observers_neither_lead_nor_follow_nor_count() {
        let mut leads = Story::with_observers(3, 1);
        leads.establishes(4, 1, &[1, 2, 4]);
        let mut counts = Story::with_observers(3, 1);
        counts.establishes(3, 1, &[3, 4]);
        let mut follows = Story::with_observers(3, 1);
        follows.looks(4, 1, vote(4, 0, 0)).hears(4, 1, Following, 1, vote(3, 0, 1)).hears(4, 3, Leading, 1, vote(3, 0, 1));
        follows.elects(4, Following, 1, vote(3, 0, 1), &[1, 3], Established);
        for story in [leads, counts, follows] {
            let violation = story.breaks(Invariant::VotersOnly);
            assert_eq!(violation.facts[0].text, "s4 is not listed as a voter");
        }
    }

    #[test]
    fn a_voter_without_weight_may_count_but_not_lead() {
        let mut counts = Story::weighted(&[1, 1, 1, 0]);
        counts.establishes(3, 1, &[1, 3, 4]);
        assert_eq!(counts.violation(), None);
        let mut leads = Story::weighted(&[1, 1, 1, 0]);
        leads.establishes(4, 1, &[1, 3, 4]);
        assert_eq!(leads.breaks(Invariant::VotersOnly).facts[0].text, "s4 is a voter without weight");
    }
}
