//! What clients are answered to what the steps told them.

use crate::proto::{Caller, NodeId};
use crate::trace::{Event, Note};

/// The calls that steps have made, with their answers.
#[derive(Clone, Debug, Default)]
pub struct Replies {
    asked: Vec<Asked>,
    /// The event of the last firing, and its step, until the client has made a call of it.
    fired: Option<(u64, usize)>,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Asked {
    step: usize,
    client: NodeId,
    call: u64,
    /// The text of the result; `None` while there is none.
    pub result: Option<String>,
}

impl Replies {
    /// A step has fired; `event` is the record of its action.
    pub fn on_fired(&mut self, event: u64, step: usize) {
        self.fired = Some((event, step));
    }

    /// True when this is the answer to what was asked last.
    pub fn observe(&mut self, event: &Event) -> bool {
        let (Some(note), Some(client)) = (event.note(), event.node) else { return false };
        match note {
            Note::Called { call, .. } | Note::RecipeCalled { call, .. } => {
                if let Some((_, step)) = self.fired.take_if(|(fired, _)| Some(*fired) == event.cause) {
                    self.asked.push(Asked { step, client, call: *call, result: None });
                }
                false
            }
            // Workloads return far more often than steps ask.
            Note::Returned { call, result, .. } | Note::RecipeReturned { call, result } if Caller::of(*call) == Caller::User => {
                let is_it = |asked: &&mut Asked| (asked.client, asked.call, &asked.result) == (client, *call, &None);
                let Some(asked) = self.asked.iter_mut().rev().find(is_it) else { return false };
                asked.result = Some(result.clone());
                self.fired.is_none() && self.asked.last().is_some_and(|last| (last.client, last.call) == (client, *call))
            }
            _ => false,
        }
    }

    /// What came of the calls of a step, in their order.
    pub fn of(&self, step: usize) -> impl Iterator<Item = &Asked> {
        self.asked.iter().filter(move |asked| asked.step == step)
    }
}
