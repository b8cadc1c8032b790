//! What a reader wants to be told of a run: its headlines, without the traffic of workloads, which is many times the same.

use std::collections::BTreeSet;

use super::{Entry, Event, Note, Record, What};
use crate::proto::{Caller, NodeId};

/// The headlines among `events`, which should be all of a run from its start. Requests of workloads are left out, and as long as any is
/// under way, so are the transactions that are proposed and committed: most of them are made of those.
pub fn plot<'a>(events: impl IntoIterator<Item = &'a Event>) -> impl Iterator<Item = &'a Event> {
    let mut traffic = Traffic::default();
    events.into_iter().filter(move |event| !traffic.is_part_of(event) && event.is_headline())
}

/// Requests of workloads that have not returned; and their recipes, with all that those do.
#[derive(Debug, Default)]
struct Traffic {
    requests: BTreeSet<(NodeId, u64)>,
    recipes: BTreeSet<(NodeId, u64)>,
}

impl Traffic {
    fn is_part_of(&mut self, event: &Event) -> bool {
        let Some(node) = event.node else { return false };
        match &event.what {
            What::Note(Note::Called { call, .. }) if Caller::of(*call).is_workload() => {
                self.requests.insert((node, *call));
                true
            }
            What::Note(Note::RecipeCalled { call, .. }) if Caller::of(*call).is_workload() => {
                self.recipes.insert((node, *call));
                true
            }
            What::Note(Note::RecipeReturned { call, .. }) if Caller::of(*call).is_workload() => {
                self.recipes.remove(&(node, *call));
                true
            }
            What::Note(Note::Returned { call, .. }) if Caller::of(*call).is_workload() => {
                self.requests.remove(&(node, *call));
                true
            }
            What::Note(Note::Called { call, .. } | Note::Returned { call, .. }) if Caller::of(*call) == Caller::Recipe => self.is_at_recipe(node),
            What::Note(Note::Counted { .. } | Note::Numbered { .. }) => self.is_at_recipe(node),
            What::Note(Note::Waits { .. } | Note::Granted { .. } | Note::LetGo { .. } | Note::EventDelivered { .. }) => self.is_at_recipe(node),
            What::Note(Note::WatchFired { .. }) => !self.recipes.is_empty(),
            What::Note(Note::Proposed { .. } | Note::Committed { .. }) => !self.requests.is_empty() || !self.recipes.is_empty(),
            // What a dead client asked for returns to nobody.
            What::Record(Record::Crashed | Record::PowerLost { .. }) => {
                self.requests.retain(|(client, _)| *client != node);
                self.recipes.retain(|(client, _)| *client != node);
                false
            }
            _ => false,
        }
    }

    /// Whether a workload's recipe is under way on this client: what it does meanwhile is taken for its.
    fn is_at_recipe(&self, client: NodeId) -> bool {
        self.recipes.range((client, 0)..=(client, u64::MAX)).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Calls, Micros, Op, Proposal, Txn, TxnHeader, Zxid};
    use crate::trace::OpText;

    #[test]
    fn workloads_are_traffic_and_users_are_not() {
        let mut calls = Calls::from_boot(Micros::ZERO);
        let (user, work) = (calls.next(Caller::User), calls.next(Caller::Workload(0)));
        let called = |call| What::Note(Note::Called { call, op: Box::new(OpText(Op::CloseSession)) });
        let returned = |call| What::Note(Note::Returned { call, result: "Ok".into(), zxid: None });
        let header = TxnHeader { session: crate::proto::SessionId::NONE, cxid: 0, zxid: Zxid::new(1, 1), time: 0 };
        let proposal = Proposal::new(header, Txn::CloseSession { paths: None });
        let proposed = || What::Note(Note::Proposed { txn: proposal.id(), what: proposal.clone() });
        let told = |whats: Vec<What>| {
            let event = |(n, what)| Event { n, at: Micros::ZERO, node: Some(NodeId::Client(1)), cause: None, what };
            let events: Vec<Event> = (1..).zip(whats).map(event).collect();
            plot(&events).map(|event| event.n).collect::<Vec<_>>()
        };
        assert_eq!(told(vec![called(user), proposed(), returned(user)]), [1, 2, 3]);
        assert_eq!(told(vec![called(work), called(user), proposed(), returned(user), returned(work), proposed()]), [2, 4, 6]);
        assert_eq!(told(vec![called(work), proposed(), What::Record(Record::Crashed), proposed()]), [4]);
    }
}
