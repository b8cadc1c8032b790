//! Requests: queued, sent, answered or failed, and told to their user. Source: `ClientCnxn.queuePacket`, `readResponse`, `conLossPacket`.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::actor::Cx;
use crate::proto::{
    AUTH_XID, Answer, Caller, ClientReply, ClientRequest, ConnId, ErrorCode, Op, Packet, Path, SetWatches, Stage, WatcherType, Zxid, result_text,
};
use crate::trace::{Note, OpText};

use super::Client;
use super::connection::PING_XID;
use super::events::Event;
use super::session::State;
use super::watches::Registration;
use super::workload::Running;

/// Bytes of what comes first in an answer. Source: `ReplyHeader`.
const REPLY_HEADER: u32 = 16;

/// What was asked and is not told yet.
#[derive(Clone, Debug)]
pub struct Requests {
    /// Java counts on over all connections of a handle.
    next_xid: i32,
    /// Not sent yet, in the order of asking.
    outgoing: VecDeque<Request>,
    /// Sent and not answered, in the order of sending: the server answers in this order.
    pending: VecDeque<Sent>,
    /// Whether the connection takes more bytes now.
    writable: bool,
    /// What the event thread has to tell.
    callbacks: VecDeque<Callback>,
    /// What a user at the keyboard was told last.
    pub told: Option<(u64, Result<Answer, ErrorCode>)>,
}

#[derive(Clone, Debug)]
struct Request {
    /// `None`: nobody waits for the answer.
    call: Option<u64>,
    op: Op,
    /// Whether the client forgets the watches that this is to take away even if no server does.
    local: bool,
}

#[derive(Clone, Debug)]
struct Sent {
    xid: i32,
    call: Option<u64>,
    closes: bool,
    /// What the answer changes in the client's watches.
    registration: Option<Registration>,
}

/// What the event thread does at one wake-up.
#[derive(Clone, Debug)]
enum Callback {
    Answer(Finished),
    /// With the number of the handle that it is told by.
    Event(Event, u32),
}

/// The end of a call.
#[derive(Clone, Debug)]
struct Finished {
    call: u64,
    result: Result<Answer, ErrorCode>,
    /// Of the reply; `None` when no server answered.
    zxid: Option<Zxid>,
}

impl Request {
    /// What the answer will change in the client's watches.
    fn registration(&self) -> Option<Registration> {
        match Registration::of(&self.op) {
            Some(Registration::Removal(path, kind, _)) => Some(Registration::Removal(path, kind, self.local)),
            registration => registration,
        }
    }
}

impl Requests {
    /// Those of a new handle. What an earlier one has to tell stays.
    pub fn start_anew(&mut self) {
        let (callbacks, told) = (std::mem::take(&mut self.callbacks), self.told.take());
        *self = Requests { callbacks, told, ..Requests::default() };
    }

    /// These go before all that waits.
    pub fn put_first(&mut self, watches: Vec<Arc<SetWatches>>) {
        for watches in watches.into_iter().rev() {
            self.outgoing.push_front(Request { call: None, op: Op::SetWatches(watches), local: false });
        }
    }

    /// A new connection takes whatever is written.
    pub fn on_new_connection(&mut self) {
        self.writable = true;
    }

    /// The numbers of the first and the last that are not answered, sent or not; the latter will be numbered so.
    pub fn open(&self) -> Option<(i32, i32)> {
        let first = self.pending.front().map_or(self.next_xid, |sent| sent.xid);
        let last = self.next_xid - 1 + self.outgoing.len() as i32;
        (!self.pending.is_empty() || !self.outgoing.is_empty()).then_some((first, last))
    }

    fn take_xid(&mut self) -> i32 {
        let xid = self.next_xid;
        self.next_xid = if xid == i32::MAX - 1 { 1 } else { xid + 1 };
        xid
    }
}

impl Default for Requests {
    fn default() -> Requests {
        Requests { next_xid: 1, outgoing: VecDeque::new(), pending: VecDeque::new(), writable: true, callbacks: VecDeque::new(), told: None }
    }
}

impl Client {
    /// A request of this number: sent now, or as soon as there is a connection, or failed at once when there will be none.
    pub(super) fn request(&mut self, cx: &mut Cx, call: u64, op: Op) {
        self.ask(cx, call, op, false);
    }

    /// The same; the client forgets the watches that are to be taken away whatever comes of it. Source: `ZooKeeper.removeWatches` with `local`.
    #[cold]
    pub(super) fn forget_watches(&mut self, cx: &mut Cx, call: u64, path: Path, kind: WatcherType) {
        self.ask(cx, call, Op::RemoveWatches { path, kind }, true);
    }

    fn ask(&mut self, cx: &mut Cx, call: u64, op: Op, local: bool) {
        cx.note(Note::Called { call, op: Box::new(OpText(op.clone())) });
        let closes = op == Op::CloseSession;
        if closes {
            self.give_all_up(cx);
            self.workloads.iter_mut().for_each(Running::stop);
            self.drive_all(cx);
        }
        if !self.session.takes_requests() {
            // What is closed already can be closed again.
            let result = if closes && self.session.state == State::Closed { Ok(Answer::Done) } else { Err(self.session.loss()) };
            let registration = Request { call: Some(call), op, local }.registration();
            return self.finish(cx, Some(call), registration, result, None);
        }
        if let Op::Auth { .. } = op {
            return self.prove(cx, call, op);
        }
        self.session.closing |= closes;
        self.requests.outgoing.push_back(Request { call: Some(call), op, local });
        self.flush(cx);
    }

    /// Sends what is queued, as far as the connection takes it.
    pub(super) fn flush(&mut self, cx: &mut Cx) {
        let Some(conn) = self.session.connection().filter(|_| self.requests.writable) else { return };
        while let Some(request) = self.requests.outgoing.pop_front() {
            let (xid, registration) = (self.requests.take_xid(), request.registration());
            let Request { call, op, .. } = request;
            if let Op::SetWatches(watches) = &op {
                cx.note(Note::WatchesRenewed { count: watches.count() as u32, seen: watches.relative_zxid });
            }
            self.requests.pending.push_back(Sent { xid, call, closes: op == Op::CloseSession, registration });
            cx.send(conn, Packet::ClientRequest(Arc::new(ClientRequest { xid, op })));
            self.session.last_sent = cx.now;
        }
        self.turn(cx);
    }

    /// `SendThread.readResponse`.
    pub(super) fn on_reply(&mut self, cx: &mut Cx, conn: ConnId, reply: &ClientReply) {
        if self.session.state.is_handshaking_on(conn) {
            return self.lose_connection(cx, "the handshake is not answered but refused");
        }
        if self.session.connection() != Some(conn) {
            return;
        }
        if reply.xid == PING_XID {
            return self.heard(cx);
        }
        if let Ok(answer) = &reply.result
            && REPLY_HEADER + answer.size() > self.program.packet_max
        {
            return self.lose_connection(cx, &format!("an answer of {} bytes is out of range", REPLY_HEADER + answer.size()));
        }
        if reply.xid == AUTH_XID {
            return self.on_auth_reply(cx, reply);
        }
        let Some(Sent { xid, call, closes, registration }) = self.requests.pending.pop_front() else {
            return self.lose_connection(cx, &format!("an answer to nothing that was asked, xid {}", reply.xid));
        };
        if xid != reply.xid {
            self.finish(cx, call, registration, Err(ErrorCode::ConnectionLoss), None);
            return self.lose_connection(cx, &format!("an answer out of order, xid {} where {xid} is next", reply.xid));
        }
        if reply.zxid > Zxid::ZERO {
            self.session.last_zxid = reply.zxid;
        }
        self.finish(cx, call, registration, reply.result.clone(), Some(reply.zxid));
        if closes { self.on_closed_by_user(cx) } else { self.heard(cx) }
    }

    /// Everything that is sent or queued fails alike: nobody knows, or will know, what became of it.
    pub(super) fn fail_all(&mut self, cx: &mut Cx) {
        let code = self.session.loss();
        let sent = std::mem::take(&mut self.requests.pending).into_iter().map(|sent| (sent.call, sent.registration));
        let queued = std::mem::take(&mut self.requests.outgoing).into_iter().map(|request| (request.call, request.registration()));
        for (call, registration) in sent.chain(queued) {
            self.finish(cx, call, registration, Err(code), None);
        }
        if code != ErrorCode::ConnectionLoss || self.session.closing {
            self.fail_proofs(cx, code);
        }
    }

    pub(super) fn on_window(&mut self, cx: &mut Cx, conn: ConnId, is_open: bool) {
        if self.session.connection() == Some(conn) {
            self.requests.writable = is_open;
            self.flush(cx);
        }
    }

    /// A call ends whose answer tells no zxid.
    pub(super) fn finish_call(&mut self, cx: &mut Cx, call: u64, result: Result<Answer, ErrorCode>) {
        self.finish(cx, Some(call), None, result, None);
    }

    /// A request has come to its end: its watch is set or taken away, and its user, if it has one, will be told when the event thread comes to
    /// it. Source: `ClientCnxn.finishPacket`.
    fn finish(&mut self, cx: &mut Cx, call: Option<u64>, registration: Option<Registration>, result: Result<Answer, ErrorCode>, zxid: Option<Zxid>) {
        let result = match registration {
            None => result,
            Some(registration) => self.settle_watch(cx, registration, result),
        };
        if let Some(call) = call {
            self.requests.callbacks.push_back(Callback::Answer(Finished { call, result, zxid }));
            cx.wake(Stage::EventThread);
        }
    }

    /// The user will be told of an event, after all that it is to be told already.
    pub(super) fn queue_event(&mut self, cx: &mut Cx, event: Event) {
        self.requests.callbacks.push_back(Callback::Event(event, self.handle));
        cx.wake(Stage::EventThread);
    }

    /// The event thread runs one callback.
    pub(super) fn run_callback(&mut self, cx: &mut Cx) {
        let Some(callback) = self.requests.callbacks.pop_front() else { return };
        if !self.requests.callbacks.is_empty() {
            cx.wake(Stage::EventThread);
        }
        match callback {
            Callback::Answer(finished) => self.on_finished(cx, finished),
            Callback::Event(event, handle) => self.on_event(cx, &event, handle),
        }
    }

    fn on_finished(&mut self, cx: &mut Cx, Finished { call, result, zxid }: Finished) {
        cx.note(Note::Returned { call, result: result_text(&result), zxid: zxid.filter(|zxid| *zxid > Zxid::ZERO) });
        if Caller::of(call) == Caller::Recipe {
            self.on_recipe_answer(cx, call, result, zxid);
        } else if Caller::of(call) == Caller::User {
            self.requests.told = Some((call, result));
        } else if let Caller::Workload(number) | Caller::Preparation(number) = Caller::of(call) {
            if let Some(workload) = self.workloads.iter_mut().find(|workload| workload.number == number) {
                workload.on_returned(call, &result, zxid.is_some());
            }
            self.drive(cx, number);
        }
    }
}
