//! Requests and their answers, session by session; and all that can be said of an answer at once: steps 2, 4, 6 and 7.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::Invariant::{FutureRead, LinearizableWrites, OneReplyEach, SessionOrder, SyncStale};
use super::super::model::is_of_the_session;
use super::super::verdict::Fact;
use super::{KnownOrder, SessionNumber, Shown};
use crate::proto::{Answer, ClientReply, ClientRequest, ErrorCode, Micros, Op, ServerId, SessionId, Zxid};

/// A request leaves its client.
#[derive(Clone, Debug)]
pub struct Asked {
    pub event: u64,
    pub client: u32,
    pub request: Arc<ClientRequest>,
}

/// A server answers.
#[derive(Clone, Debug)]
pub struct Answered {
    pub event: u64,
    pub at: Micros,
    pub server: ServerId,
    pub reply: Arc<ClientReply>,
}

/// All of a session that is not settled.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub id: SessionId,
    /// The same session before its client began to count anew.
    pub older: Option<u32>,
    /// In the order of asking. Their numbers rise.
    pub calls: VecDeque<Call>,
    /// How many of them are answered: answers come in turn.
    answered: usize,
    /// Writes that nobody will answer any more. They may have happened, or may happen yet.
    pub lost: Vec<Call>,
    /// The number of the connection that it has now.
    pub conn: u32,
    /// The last view on that connection.
    view: Shown,
    /// What a sync on that connection promised.
    synced: Shown,
    /// The number of its last request.
    pub asked: i32,
    /// The last of its requests that a transaction in the log is of, and the last that succeeded.
    pub logged: i32,
    pub succeeded: (i32, Zxid),
    /// The end of it is replayed, with this event.
    pub ended: Option<u64>,
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub asked: Asked,
    pub answer: Option<Answered>,
    /// What had been acknowledged, and read, when it was asked for.
    pub written: Shown,
    pub read: Shown,
    /// Its transaction.
    pub zxid: Option<Zxid>,
    /// What the model says of it, while it is not answered.
    pub model: Option<Box<Result<Answer, ErrorCode>>>,
    /// Nothing is left to be said of it.
    pub settled: bool,
}

/// An answer that waits for the model to come to its view.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub view: Zxid,
    pub event: u64,
    pub session: u32,
    /// Of the request; of an event none.
    pub xid: i32,
    /// The number of the connection.
    pub conn: u32,
}

impl Due {
    pub const EVENT: i32 = -1;
}

impl Call {
    pub fn xid(&self) -> i32 {
        self.asked.request.xid
    }

    pub fn op(&self) -> &Op {
        &self.asked.request.op
    }
}

impl Session {
    fn new(id: SessionId) -> Session {
        let (view, synced) = (Shown::default(), Shown::default());
        Session {
            id,
            older: None,
            calls: VecDeque::new(),
            answered: 0,
            lost: Vec::new(),
            conn: 0,
            view,
            synced,
            asked: 0,
            logged: 0,
            succeeded: (0, Zxid::ZERO),
            ended: None,
        }
    }

    /// Numbers run without gaps, nearly always.
    #[inline]
    pub fn index_of(&self, xid: i32) -> Option<usize> {
        let first = self.calls.front()?.xid();
        let guess = xid.wrapping_sub(first) as usize;
        if self.calls.get(guess).is_some_and(|call| call.xid() == xid && xid > 0) { Some(guess) } else { self.search(xid) }
    }

    /// Some have numbers of their own, the same each time.
    #[cold]
    fn search(&self, xid: i32) -> Option<usize> {
        self.calls.iter().position(|call| call.xid() == xid && !call.settled)
    }

    /// The request with this number, answered, lost or under way.
    pub fn call(&self, xid: i32) -> Option<&Call> {
        self.index_of(xid).map(|index| &self.calls[index]).or_else(|| self.lost.iter().find(|call| call.xid() == xid))
    }

    #[inline]
    pub fn call_mut(&mut self, xid: i32) -> Option<&mut Call> {
        match self.index_of(xid) {
            Some(index) => self.calls.get_mut(index),
            None => self.lost.iter_mut().find(|call| call.xid() == xid),
        }
    }

    /// Forgets what is settled, up to the first that is not.
    #[inline]
    pub fn tidy(&mut self) {
        while self.calls.front().is_some_and(|call| call.settled) {
            self.calls.pop_front();
            self.answered -= 1;
        }
    }
}

impl KnownOrder {
    /// The number of a session, which may be new.
    pub fn session(&mut self, id: SessionId) -> SessionNumber {
        let next = self.sessions.len();
        let number = *self.by_id.entry(id).or_insert(next);
        if number == next {
            self.sessions.push(Session::new(id));
        }
        SessionNumber(number as u32)
    }

    /// The session has a new connection: what was under way on the one before will not be answered.
    pub fn connected(&mut self, number: SessionNumber) {
        self.disconnected(number);
        let session = &mut self.sessions[number.0 as usize];
        (session.view, session.synced) = (Shown::default(), Shown::default());
        self.conns += 1;
        session.conn = self.conns;
    }

    /// The client has left its connection.
    pub fn disconnected(&mut self, number: SessionNumber) {
        let session = &mut self.sessions[number.0 as usize];
        let unanswered = session.calls.split_off(session.answered);
        session.lost.extend(unanswered.into_iter().filter(|call| call.op().is_write() && call.zxid.is_none()));
    }

    /// The session goes on under another number, for its client counts its requests from the start again. (session, cxid) names a request only
    /// together with a connection (sessions.md §10).
    #[cold]
    pub(super) fn begins_anew(&mut self, number: SessionNumber) -> SessionNumber {
        let fresh = self.sessions.len();
        let before = &self.sessions[number.0 as usize];
        let session = Session { older: Some(number.0), conn: before.conn, view: before.view, synced: before.synced, ..Session::new(before.id) };
        self.by_id.insert(session.id, fresh);
        self.sessions.push(session);
        SessionNumber(fresh as u32)
    }

    /// Which of the numbers of a session a transaction is of: the oldest under which its request waits for one.
    pub(super) fn number_of(&self, id: SessionId, cxid: i32) -> Option<usize> {
        let newest = *self.by_id.get(&id)?;
        if self.sessions[newest].older.is_none() { Some(newest) } else { Some(self.search_older(newest, cxid)) }
    }

    #[cold]
    fn search_older(&self, newest: usize, cxid: i32) -> usize {
        let all = std::iter::successors(Some(newest), |number| self.sessions[*number].older.map(|older| older as usize));
        let waits = |number: &usize| self.sessions[*number].call(cxid).is_some_and(|call| call.zxid.is_none() && call.op().is_write());
        all.filter(waits).last().unwrap_or(newest)
    }

    /// A request leaves its client. The number of the session is another one if the client has begun to count anew.
    #[inline]
    pub fn asked(&mut self, number: SessionNumber, asked: Asked) -> SessionNumber {
        let xid = asked.request.xid;
        let session = &self.sessions[number.0 as usize];
        let number = if xid > 0 && xid <= session.asked { self.begins_anew(number) } else { number };
        let (written, read) = (self.written, self.read);
        let call = Call { asked, answer: None, written, read, zxid: None, model: None, settled: false };
        let session = &mut self.sessions[number.0 as usize];
        session.asked = session.asked.max(xid);
        session.calls.push_back(call);
        number
    }

    /// A server answers a request of a session.
    #[inline]
    pub fn answered(&mut self, number: SessionNumber, answer: Answered) {
        let session = &mut self.sessions[number.0 as usize];
        let (xid, view) = (answer.reply.xid, answer.reply.zxid);
        let Some(call) = session.calls.get_mut(session.answered).filter(|call| call.xid() == xid) else {
            return self.out_of_turn(number, &answer);
        };
        session.answered += 1;
        let event = answer.event;
        let shown = Shown { zxid: view, event, session: number.0, xid };
        let (is_write, is_sync) = (call.op().is_write(), matches!(call.op(), Op::Sync { .. }));
        // A session of one server ends without a transaction.
        let ends_alone = self.config.local_sessions && *call.op() == Op::CloseSession;
        let has_txn = is_write && !ends_alone && has_txn(&answer.reply.result);
        let (written, read) = (call.written, call.read);
        call.answer = Some(answer);
        if view <= Zxid::ZERO {
            call.settled = true;
            return session.tidy();
        }
        let (before, synced) = (session.view, session.synced);
        session.view = shown;
        if is_sync && written.zxid > synced.zxid {
            session.synced = written;
        }
        let conn = session.conn;
        self.due.push(Due { view, event, session: number.0, xid, conn });
        if view < before.zxid {
            self.goes_back(before, shown);
        } else if has_txn && view <= written.zxid {
            self.not_in_real_time(written, shown);
        } else if has_txn && view <= read.zxid {
            self.known_before(read, shown);
        } else if !is_write && view < synced.zxid.max(if is_sync { written.zxid } else { Zxid::ZERO }) {
            self.is_stale(if is_sync { written } else { synced }, shown);
        }
        let largest = if has_txn { &mut self.written } else { &mut self.read };
        if view > largest.zxid {
            *largest = shown;
        }
    }

    #[cold]
    fn out_of_turn(&mut self, number: SessionNumber, answer: &Answered) {
        let session = &self.sessions[number.0 as usize];
        let (xid, server) = (answer.reply.xid, answer.server);
        let (due, involved) = match session.calls.get(session.answered) {
            Some(call) => {
                let text = format!("session {} waits for the answer to request {}, `{}`", session.id, call.xid(), call.op());
                (Fact::new(call.asked.event, text), vec![(number, call.xid())])
            }
            None => (Fact::new(answer.event, format!("session {} waits for no answer", session.id)), Vec::new()),
        };
        let next = Fact::new(answer.event, format!("{server} answers request {xid}"));
        self.find(OneReplyEach, [due, next], &involved);
    }

    #[cold]
    fn goes_back(&mut self, before: Shown, shown: Shown) {
        let facts = [self.was_shown(before), self.was_shown(shown)];
        self.find(SessionOrder, facts, &[before.of(), shown.of()]);
    }

    #[cold]
    fn not_in_real_time(&mut self, before: Shown, shown: Shown) {
        let second = Fact::new(shown.event, format!("{}, asked for only then, is answered as {}", self.request_of(shown), shown.zxid));
        let first = Fact::new(before.event, format!("{} was answered as {}", self.request_of(before), before.zxid));
        self.find(LinearizableWrites, [first, second], &[before.of(), shown.of()]);
    }

    #[cold]
    fn known_before(&mut self, before: Shown, shown: Shown) {
        let second = Fact::new(shown.event, format!("{}, asked for only then, is answered as {}", self.request_of(shown), shown.zxid));
        let facts = [self.was_shown(before), second];
        self.find(FutureRead, facts, &[before.of(), shown.of()]);
    }

    /// A sync is no quorum operation: a deposed leader that has not noticed may answer it. Only without one it is held against anybody.
    #[cold]
    fn is_stale(&mut self, acknowledged: Shown, shown: Shown) {
        if self.listener.two_led_since(acknowledged.event) {
            return;
        }
        let first = Fact::new(acknowledged.event, format!("{} was answered as {}", self.request_of(acknowledged), acknowledged.zxid));
        let second =
            Fact::new(shown.event, format!("{}, by or behind a sync that was asked for later, shows {}", self.request_of(shown), shown.zxid));
        self.find(SyncStale, [first, second], &[acknowledged.of(), shown.of()]);
    }
}

/// Whether an answered write has a transaction: what is refused because of its session, or without asking the leader, need not have one.
fn has_txn(result: &Result<Answer, ErrorCode>) -> bool {
    result.as_ref().err().is_none_or(|code| !is_of_the_session(*code) && *code != ErrorCode::Unimplemented)
}

impl Shown {
    pub(super) fn of(self) -> (SessionNumber, i32) {
        (SessionNumber(self.session), self.xid)
    }
}
