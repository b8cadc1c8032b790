//! What a violation tells of the requests that are part of it.

use super::calls::{Answered, Call};
use super::{KnownOrder, SessionNumber, Shown};
use crate::check::Invariant;
use crate::check::verdict::{Fact, Involved, Violation};
use crate::proto::{NodeId, result_text};

impl KnownOrder {
    /// A violation, told with the answer that comes last.
    pub(super) fn told(&self, invariant: Invariant, facts: [Fact; 2]) -> Violation {
        let event = facts[1].event;
        let calls = self.sessions.iter().flat_map(|session| session.calls.iter().chain(&session.lost));
        let answer = calls.filter_map(|call| call.answer.as_ref()).find(|answer| answer.event == event);
        let at = answer.map_or(self.last.at, |answer| answer.at);
        let node = answer.map(|answer| NodeId::Server(answer.server));
        Violation { invariant, at, event, node, facts, involved: Vec::new() }
    }

    fn call(&self, (session, xid): (SessionNumber, i32)) -> Option<&Call> {
        self.sessions.get(session.0 as usize)?.call(xid)
    }

    pub(super) fn answer_of(&self, session: SessionNumber, xid: i32) -> Option<&Answered> {
        self.call((session, xid))?.answer.as_ref()
    }

    /// `c1's `set /a``, or less where it is forgotten.
    pub(super) fn request_of(&self, shown: Shown) -> String {
        match self.call(shown.of()) {
            Some(call) => format!("c{}'s `{}`", call.asked.client, call.op()),
            None => format!("request {} of session {}", shown.xid, self.sessions[shown.session as usize].id),
        }
    }

    pub(super) fn was_shown(&self, shown: Shown) -> Fact {
        Fact::new(shown.event, format!("{} is answered at {}", self.request_of(shown), shown.zxid))
    }

    /// The row of a request in the table of those involved.
    pub(super) fn row(&self, session: SessionNumber, xid: i32) -> Option<Involved> {
        let call = self.call((session, xid))?;
        let answer = call.answer.as_ref();
        Some(Involved {
            client: call.asked.client,
            session: self.sessions[session.0 as usize].id,
            op: call.op().to_string(),
            called: call.asked.event,
            returned: answer.map(|answer| answer.event),
            server: answer.map(|answer| answer.server),
            zxid: call.zxid.or_else(|| answer.map(|answer| answer.reply.zxid)),
            result: answer.map(|answer| result_text(&answer.reply.result)),
        })
    }
}
