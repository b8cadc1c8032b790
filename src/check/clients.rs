//! C-1, C-4: what clients are told, in which order.
//!
//! C-1: writes are linearizable. With zxids no search is needed: the zxid of a write must be committed, and larger than that of every write
//! that was answered before this one was asked for. Writes that nobody answered may have happened or not.
//!
//! C-4: the zxids that a client is shown, of reads too, never go back as long as its session lasts, whatever server it is connected to; and
//! a server that has applied less than a client has seen does not take it. What counts is what reaches the client: a server that was paused
//! may still take a connection that its client gave up long ago, and tells nobody.

use std::collections::VecDeque;

use super::Invariant::{LinearizableWrites, SingleSystemImage};
use super::history::Found;
use super::replication::Replication;
use super::verdict::{Breach, Fact};
use crate::proto::{Config, NodeId, Op, ServerId, SessionId, Zxid};
use crate::trace::{Event, Note};

/// What was promised to clients.
#[derive(Clone, Debug, Default)]
pub struct Clients {
    clients: Vec<Client>,
    /// The largest zxid of an answered write, and the event of the answer.
    answered: Shown,
    /// A session may end without a transaction (`localSessionsEnabled`): its end is no write.
    local_sessions: bool,
    /// Servers that took a session back and had applied less than its client had seen, until the client hears of it.
    behind: Vec<Taken>,
}

/// A session that a server took back.
#[derive(Clone, Copy, Debug)]
struct Taken {
    server: ServerId,
    session: SessionId,
    /// What the server had applied then.
    applied: Shown,
}

/// A zxid, and the event with which it was shown.
#[derive(Clone, Copy, Debug, Default)]
struct Shown {
    zxid: Zxid,
    event: u64,
}

/// One client, by its number.
#[derive(Clone, Debug, Default)]
struct Client {
    session: SessionId,
    seen: Shown,
    /// Writes under way, in the order of asking.
    calls: VecDeque<Call>,
}

#[derive(Clone, Copy, Debug)]
struct Call {
    call: u64,
    event: u64,
    /// What had been answered, to anybody, when it was asked for.
    after: Shown,
}

impl Clients {
    pub fn new(config: &Config) -> Clients {
        Clients { local_sessions: config.local_sessions, ..Clients::default() }
    }

    #[inline]
    pub fn check(&mut self, world: &Replication, event: &Event) -> Option<Breach> {
        match (event.node?, event.note()?) {
            (NodeId::Client(me), Note::Called { call, op }) => {
                let after = self.answered;
                if op.0.is_write() && !(self.local_sessions && op.0 == Op::CloseSession) {
                    self.client(me).calls.push_back(Call { call: *call, event: event.n, after });
                }
                None
            }
            (NodeId::Client(me), Note::Returned { call, result, zxid }) => self.returned(world, me, *call, result, *zxid, event),
            (NodeId::Client(me), Note::Connected { server, session, .. } | Note::ConnectedReadOnly { server, session, .. }) => {
                self.connected(me, *server, *session)
            }
            (NodeId::Server(server), Note::SessionAttached { session, renewed: true, .. }) => {
                self.behind.retain(|taken| (taken.server, taken.session) != (server, *session));
                // Several may know its password.
                let seen = self.clients.iter().filter(|client| client.session == *session).map(|client| client.seen).max_by_key(|seen| seen.zxid)?;
                let applied = Shown { zxid: world.of(server)?.memory.zxid, event: event.n };
                if applied.zxid < seen.zxid {
                    self.behind.push(Taken { server, session: *session, applied });
                }
                None
            }
            _ => None,
        }
    }

    fn client(&mut self, number: u32) -> &mut Client {
        let index = number as usize;
        if index >= self.clients.len() {
            self.clients.resize(index + 1, Client::default());
        }
        &mut self.clients[index]
    }

    fn connected(&mut self, me: u32, server: ServerId, session: SessionId) -> Option<Breach> {
        let client = self.client(me);
        if client.session != session {
            (client.session, client.seen) = (session, Shown::default());
        }
        let seen = client.seen;
        let Taken { applied, .. } =
            self.behind.iter().find(|taken| (taken.server, taken.session) == (server, session) && taken.applied.zxid < seen.zxid)?;
        let was_shown = Fact::new(seen.event, format!("the client of session {session} was shown {}", seen.zxid));
        Some((SingleSystemImage, [was_shown, Fact::new(applied.event, format!("{server} takes it, and has applied {}", applied.zxid))]))
    }

    fn returned(&mut self, world: &Replication, me: u32, call: u64, result: &str, zxid: Option<Zxid>, event: &Event) -> Option<Breach> {
        let client = self.client(me);
        let asked = client.calls.iter().position(|asked| asked.call == call).and_then(|index| client.calls.remove(index));
        let zxid = zxid.filter(|zxid| *zxid > Zxid::ZERO)?;
        if zxid < client.seen.zxid {
            let seen = Fact::new(client.seen.event, format!("c{me} was shown {}", client.seen.zxid));
            return Some((SingleSystemImage, [seen, Fact::new(event.n, format!("c{me} is shown {zxid}"))]));
        }
        client.seen = Shown { zxid, event: event.n };
        let asked = asked.filter(|_| succeeded(result))?;
        let breach = not_committed(world, me, zxid, event).or_else(|| out_of_order(me, &asked, zxid, event));
        if zxid > self.answered.zxid {
            self.answered = Shown { zxid, event: event.n };
        }
        breach
    }
}

/// Of a write: `Ok`, the path that was created, or what the parts of a multi came to; anything else is the name of an error.
pub fn succeeded(result: &str) -> bool {
    result == "Ok" || result.starts_with(['/', '[']) || is_configuration(result)
}

/// `1:5: s1 s2 s4`: what a reconfiguration is answered with.
#[cold]
fn is_configuration(result: &str) -> bool {
    result.contains(": s")
}

fn not_committed(world: &Replication, me: u32, zxid: Zxid, event: &Event) -> Option<Breach> {
    let what = match world.committed.at(zxid) {
        Found::Missing => format!("all that is committed ends at {}", world.committed.end().zxid),
        // No transaction has such a zxid.
        _ if zxid.counter() == 0 => "an epoch begins with it".into(),
        _ => return None,
    };
    Some((LinearizableWrites, [Fact::new(world.committed.event, what), Fact::new(event.n, format!("c{me} is told that its write is {zxid}"))]))
}

fn out_of_order(me: u32, asked: &Call, zxid: Zxid, event: &Event) -> Option<Breach> {
    (zxid <= asked.after.zxid).then(|| {
        let before = Fact::new(asked.after.event, format!("the write {} was answered", asked.after.zxid));
        let text = format!("c{me}, which asked for its write only then (event {}), is told that it is {zxid}", asked.event);
        (LinearizableWrites, [before, Fact::new(event.n, text)])
    })
}

#[cfg(test)]
mod tests {
    use crate::check::Invariant;
    use crate::check::tests::Story;
    use crate::proto::{ServerId, SessionId};
    use crate::trace::Note;

    fn connects(story: &mut Story, client: u32, server: i64, session: i64, renewed: bool) {
        let session = SessionId(session);
        story.notes(server, Note::SessionAttached { session, timeout: 4000, renewed });
        story.client_notes(client, Note::Connected { server: ServerId(server), session, timeout: 4000, renewed });
    }

    fn written(count: u32) -> Story {
        let mut story = Story::ensemble();
        for counter in 1..=count {
            story.replicates((1, counter));
        }
        story
    }

    #[test]
    fn writes_under_way_together_may_take_effect_in_any_order() {
        let mut story = written(3);
        story.asks(1, 1).asks(2, 1).is_told(2, 1, (1, 2)).is_told(1, 1, (1, 1)).asks(1, 2).is_told(1, 2, (1, 3));
        assert_eq!(story.violation(), None);
    }

    #[test]
    fn a_write_takes_effect_after_those_that_were_answered_before() {
        let mut story = written(2);
        story.asks(1, 1).is_told(1, 1, (1, 2)).asks(2, 1).is_told(2, 1, (1, 1));
        let violation = story.breaks(Invariant::LinearizableWrites);
        assert_eq!(violation.facts[0].text, "the write 1:2 was answered");
        let mut story = written(2);
        story.asks(1, 1).is_told(1, 1, (1, 2)).asks(2, 1).is_told(2, 1, (1, 2));
        story.breaks(Invariant::LinearizableWrites);
    }

    #[test]
    fn a_write_is_answered_once_it_is_committed() {
        let mut story = written(1);
        story.asks(1, 1).is_told(1, 1, (1, 2));
        story.breaks(Invariant::LinearizableWrites);
        let mut story = written(1);
        story.asks(1, 1).is_told(1, 1, (1, 0));
        story.breaks(Invariant::LinearizableWrites);
    }

    #[test]
    fn what_is_not_known_may_have_happened_or_not() {
        let mut story = written(2);
        story.asks(1, 1).client_notes(1, Note::Returned { call: 1, result: "ConnectionLoss".into(), zxid: None });
        story.asks(2, 1).is_told(2, 1, (1, 2));
        assert_eq!(story.violation(), None);
    }

    #[test]
    fn a_session_never_looks_back() {
        let reads = |client: u32, at| (client, Note::Returned { call: 9, result: "x".into(), zxid: Some(crate::check::replication_story::zxid(at)) });
        let mut story = written(2);
        connects(&mut story, 1, 1, 5, false);
        for (client, note) in [reads(1, (1, 1)), reads(1, (1, 2)), reads(2, (1, 1))] {
            story.client_notes(client, note);
        }
        connects(&mut story, 1, 2, 5, true);
        assert_eq!(story.violation(), None);
        let (client, note) = reads(1, (1, 1));
        story.client_notes(client, note);
        story.breaks(Invariant::SingleSystemImage);
    }

    #[test]
    fn a_new_session_starts_afresh() {
        let mut story = written(2);
        connects(&mut story, 1, 1, 5, false);
        story.asks(1, 1).is_told(1, 1, (1, 2));
        connects(&mut story, 1, 1, 6, false);
        story.client_notes(1, Note::Returned { call: 2, result: "x".into(), zxid: Some(crate::check::replication_story::zxid((1, 1))) });
        assert_eq!(story.violation(), None);
    }

    #[test]
    fn a_server_that_is_behind_does_not_take_the_client() {
        let mut story = written(1);
        story.proposes(3, (1, 2)).logs(2, (1, 2)).logs(3, (1, 2)).commits(3, (1, 2), &[2, 3]);
        story.applies(3, crate::trace::ApplyHow::Commit, (1, 2));
        connects(&mut story, 1, 3, 5, false);
        story.asks(1, 1).is_told(1, 1, (1, 2));
        story.notes(1, Note::SessionAttached { session: SessionId(5), timeout: 4000, renewed: true });
        connects(&mut story, 1, 3, 5, true);
        assert_eq!(story.violation(), None, "the client gave the connection to s1 up before it was taken");
        connects(&mut story, 1, 1, 5, true);
        let violation = story.breaks(Invariant::SingleSystemImage);
        assert_eq!(violation.facts[1].text, "s1 takes it, and has applied 1:1");
    }

    #[test]
    fn a_write_says_whether_it_came_to_something() {
        for (result, success) in [("Ok", true), ("/a", true), ("[/a, Ok]", true), ("NoNode", false), ("BadVersion in part 2", false)] {
            assert_eq!(super::succeeded(result), success, "{result}");
        }
    }
}
