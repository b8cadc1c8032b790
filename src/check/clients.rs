//! C-4: the zxids that a client is shown, of reads too, never go back as long as its session lasts, whatever server it is connected to; and
//! a server that has applied less than a client has seen does not take it. What counts is what reaches the client: a server that was paused
//! may still take a connection that its client gave up long ago, and tells nobody.

use super::Invariant::SingleSystemImage;
use super::replication::Replication;
use super::verdict::{Breach, Fact};
use crate::proto::{NodeId, ServerId, SessionId, Zxid};
use crate::trace::{Event, Note};

/// What clients have seen.
#[derive(Clone, Debug, Default)]
pub struct Clients {
    clients: Vec<Client>,
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
}

impl Clients {
    #[inline]
    pub fn check(&mut self, world: &Replication, event: &Event) -> Option<Breach> {
        match (event.node?, event.note()?) {
            (NodeId::Client(me), Note::Returned { zxid, .. }) => self.returned(me, *zxid, event),
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

    fn returned(&mut self, me: u32, zxid: Option<Zxid>, event: &Event) -> Option<Breach> {
        let client = self.client(me);
        let zxid = zxid.filter(|zxid| *zxid > Zxid::ZERO)?;
        if zxid < client.seen.zxid {
            let seen = Fact::new(client.seen.event, format!("c{me} was shown {}", client.seen.zxid));
            return Some((SingleSystemImage, [seen, Fact::new(event.n, format!("c{me} is shown {zxid}"))]));
        }
        client.seen = Shown { zxid, event: event.n };
        None
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
