//! S-1, S-5: sessions end for good, and those that nobody hears of do end.
//!
//! S-1: behind the end of a session nothing of it takes effect. Looked at when a transaction is delivered: what a deposed leader proposed
//! and nobody kept counts for nothing. What the end of a session may leave behind is for the comparison of trees to find.
//!
//! S-5: when a leader has given a session up, the next it proposes for that session by itself is the end of it. That it does so in time and
//! not too early depends on its clock, and is left out.

use std::collections::{BTreeMap, BTreeSet};

use super::Invariant::{EndedSession, ExpiryCloses};
use super::verdict::{Breach, Fact};
use crate::proto::{NodeId, Proposal, ServerId, SessionId, Txn, TxnRef, Zxid};
use crate::trace::{ApplyHow, Event, Note};

/// What became of sessions.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    /// Sessions whose end somebody has proposed.
    ending: BTreeSet<SessionId>,
    /// Proposed and not yet delivered: ends of sessions (false), and what such sessions asked for besides (true).
    proposed: BTreeMap<TxnRef, (SessionId, bool)>,
    /// Sessions whose end is delivered: its zxid and the event.
    ended: BTreeMap<SessionId, (Zxid, u64)>,
    /// Sessions that a leader gave up and has not closed yet, with the event.
    expiring: BTreeMap<(ServerId, SessionId), u64>,
    /// What the last event broke.
    broken: Option<Breach>,
}

impl Sessions {
    /// Learns from an event.
    #[inline]
    pub fn observe(&mut self, event: &Event) {
        let (Some(NodeId::Server(me)), Some(note)) = (event.node, event.note()) else { return };
        match note {
            Note::Proposed { txn, what } => self.on_proposed(me, *txn, what, event),
            Note::Applied { txn, how: ApplyHow::Commit | ApplyHow::Sync, .. } if !self.proposed.is_empty() => self.on_delivered(*txn, event),
            Note::SessionExpiring { session } => drop(self.expiring.insert((me, *session), event.n)),
            // What it had in mind as a leader is forgotten.
            Note::LookingStarted { .. } | Note::Booted { .. } => self.expiring.retain(|(leader, _), _| *leader != me),
            _ => {}
        }
    }

    /// Whether the last event broke nothing.
    #[inline]
    pub fn is_fine(&self) -> bool {
        self.broken.is_none()
    }

    /// What the last event broke.
    pub fn breach(&mut self, event: &Event) -> Option<Breach> {
        self.broken.take_if(|(_, [_, broke])| broke.event == event.n)
    }

    #[inline]
    fn on_proposed(&mut self, me: ServerId, txn: TxnRef, what: &Proposal, event: &Event) {
        let session = what.header.session;
        if !self.expiring.is_empty() && what.header.cxid == 0 {
            self.is_given_up(me, what, event);
        }
        match what.txn {
            Txn::CloseSession { .. } => {
                self.ending.insert(session);
                self.proposed.insert(txn, (session, false));
            }
            Txn::Error { .. } | Txn::CreateSession { .. } => {}
            _ if self.ending.contains(&session) => drop(self.proposed.insert(txn, (session, true))),
            _ => {}
        }
    }

    #[cold]
    fn is_given_up(&mut self, me: ServerId, what: &Proposal, event: &Event) {
        let session = what.header.session;
        let Some(since) = self.expiring.remove(&(me, session)) else { return };
        if let Txn::Error { .. } = what.txn {
            let silent = Fact::new(since, format!("{me} has not heard of session {session} for its timeout"));
            self.broken = Some((ExpiryCloses, [silent, Fact::new(event.n, format!("{me} does not close it, but proposes {what}"))]));
        }
    }

    fn on_delivered(&mut self, txn: TxnRef, event: &Event) {
        let Some((session, asks)) = self.proposed.remove(&txn) else { return };
        match self.ended.get(&session) {
            Some((end, ended)) if asks && txn.zxid > *end => {
                let end = Fact::new(*ended, format!("session {session} has ended with {end}"));
                self.broken = Some((EndedSession, [end, Fact::new(event.n, format!("{} of that session takes effect", txn.zxid))]));
            }
            None if !asks => drop(self.ended.insert(session, (txn.zxid, event.n))),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::check::Invariant;
    use crate::check::replication_story::{At, txn};
    use crate::check::tests::Story;
    use crate::proto::{ErrorCode, Proposal, SessionId, Txn, TxnHeader};
    use crate::trace::{ApplyHow, Note};

    const SESSION: SessionId = SessionId(7);

    fn close() -> Txn {
        Txn::CloseSession { paths: Some([].into()) }
    }

    fn set() -> Txn {
        Txn::SetData { path: "/a".into(), data: None, version: 1 }
    }

    /// s3 proposes something for the session, and everybody logs it.
    fn proposes(story: &mut Story, at: At, cxid: i32, what: Txn) {
        let header = TxnHeader { session: SESSION, cxid, zxid: txn(at).zxid, time: 0 };
        let what = Proposal { header, txn: what, record: [].into(), hash: txn(at).hash };
        story.notes(3, Note::Proposed { txn: txn(at), what: Arc::new(what) });
        for node in 1..=3 {
            story.logs(node, at);
        }
    }

    fn delivers(story: &mut Story, at: At) {
        story.acks(1, 3, at).commits(3, at, &[1, 3]);
        for node in 1..=3 {
            story.applies(node, ApplyHow::Commit, at);
        }
    }

    #[test]
    fn what_was_asked_before_the_end_takes_effect() {
        let mut story = Story::ensemble();
        proposes(&mut story, (1, 1), 1, set());
        proposes(&mut story, (1, 2), 2, close());
        proposes(&mut story, (1, 3), 3, Txn::Error { code: ErrorCode::SessionExpired });
        // The tracker closes what its client has closed.
        proposes(&mut story, (1, 4), 0, close());
        (1..=4).for_each(|counter| delivers(&mut story, (1, counter)));
        assert_eq!(story.violation(), None);
    }

    #[test]
    fn nothing_takes_effect_behind_the_end() {
        let mut story = Story::ensemble();
        proposes(&mut story, (1, 1), 1, close());
        proposes(&mut story, (1, 2), 2, set());
        delivers(&mut story, (1, 1));
        assert_eq!(story.violation(), None, "not delivered yet");
        story.acks(1, 3, (1, 2)).commits(3, (1, 2), &[1, 3]).applies(1, ApplyHow::Commit, (1, 2));
        assert_eq!(story.breaks(Invariant::EndedSession).facts[0].text, "session 0x7 has ended with 1:1");
    }

    #[test]
    fn a_session_that_expires_is_closed() {
        let mut story = Story::ensemble();
        story.notes(3, Note::SessionExpiring { session: SESSION });
        proposes(&mut story, (1, 1), 5, Txn::Error { code: ErrorCode::SessionExpired });
        assert_eq!(story.violation(), None, "that was its client");
        proposes(&mut story, (1, 2), 0, close());
        assert_eq!(story.violation(), None);
        story.notes(3, Note::SessionExpiring { session: SESSION });
        let header = TxnHeader { session: SESSION, cxid: 0, zxid: txn((1, 3)).zxid, time: 0 };
        let what = Proposal { header, txn: Txn::Error { code: ErrorCode::SessionMoved }, record: [].into(), hash: 1 };
        story.notes(3, Note::Proposed { txn: txn((1, 3)), what: Arc::new(what) });
        story.breaks(Invariant::ExpiryCloses);
    }
}
