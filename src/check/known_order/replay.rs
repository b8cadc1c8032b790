//! The agreed log, transaction by transaction, and the answers at each place: steps 1, 3, 5 and 9.

use std::sync::Arc;

use super::super::Invariant::{
    self, AllOrNothing, BadRead, DeadSession, Doubled, Ephemeral, FutureRead, LinearizableWrites, LostWrite, Phantom, ReadTakesNoZxid,
    SequentialNames, SessionOrder, TreeShape, VersionGuards, VersionsRise, WrongResult,
};
use super::super::model::{Decided, Difference, Write, is_of_the_session, is_same_answer};
use super::super::verdict::Fact;
use super::calls::Due;
use super::{KnownOrder, Replayed, SessionNumber, Shown};
use crate::proto::{Answer, ErrorCode, Micros, Op, Proposal, ServerId, SessionId, Txn, Zxid, result_text};

/// A transaction in its place in the log that all servers agree on.
#[derive(Clone, Debug)]
pub struct Logged {
    /// The event with which it was committed, as far as that is known.
    pub event: u64,
    pub at: Micros,
    /// Who proposed it.
    pub leader: ServerId,
    pub proposal: Arc<Proposal>,
}

impl KnownOrder {
    /// The next transaction of the log.
    pub fn logged(&mut self, logged: Logged) {
        if let Some(kept) = &mut self.kept {
            kept.push(logged.clone());
        }
        self.log.push_back(logged);
    }

    /// Replays the log up to here, and looks at all answers whose views end there.
    pub fn replay(&mut self, horizon: Zxid) {
        let mut due = std::mem::take(&mut self.due);
        due.sort_unstable_by_key(|due| (due.view, due.event));
        let ready = due.partition_point(|due| due.view <= horizon);
        for answer in &due[..ready] {
            self.advance(answer.view);
            if answer.xid == Due::EVENT {
                self.look_at_event(answer);
            } else {
                if self.model.watched || self.sets_watch(answer) {
                    self.answer_on_watches(answer);
                }
                self.look_at(answer);
            }
            if !self.is_fine() {
                return;
            }
        }
        self.advance(horizon);
        due.drain(..ready);
        self.due = due;
        self.forget_watching();
    }

    fn sets_watch(&self, due: &Due) -> bool {
        self.sessions[due.session as usize].call(due.xid).is_some_and(|call| call.op().concerns_watches())
    }

    /// The run is over: everything is looked at.
    pub fn finish(&mut self) {
        self.replay(Zxid(i64::MAX));
    }

    fn advance(&mut self, to: Zxid) {
        while let Some(logged) = self.log.pop_front_if(|logged| logged.proposal.zxid() <= to) {
            self.apply(&logged);
            if self.model.watched {
                self.fire();
            }
            if !self.is_fine() {
                return;
            }
        }
        self.position = self.position.max(to);
    }

    fn apply(&mut self, logged: &Logged) {
        let header = logged.proposal.header;
        self.position = header.zxid;
        self.last = Replayed { zxid: header.zxid, event: logged.event, at: logged.at };
        self.counts.txns += 1;
        if let Some(chronicle) = &mut self.chronicle {
            chronicle.logged(&logged.proposal, logged.event, logged.at);
        }
        if let Txn::CloseSession { .. } = logged.proposal.txn {
            self.ends(header.session, logged.event);
        }
        match &logged.proposal.txn {
            Txn::CreateSession { timeout } => self.model.create_session(header.session, *timeout),
            txn if header.cxid == 0 => self.apply_by_itself(logged, txn),
            _ => self.apply_asked(logged),
        }
    }

    /// What a leader does by itself: it ends sessions, and deletes what has had its time.
    fn apply_by_itself(&mut self, logged: &Logged, txn: &Txn) {
        let header = logged.proposal.header;
        let op = match txn {
            Txn::CloseSession { .. } => Op::CloseSession,
            Txn::Delete { path, container: true } => Op::DeleteContainer { path: path.clone() },
            // Of what failed it is not told what it was.
            Txn::Error { .. } => return,
            _ => return self.is_phantom(logged, "no session asked for it, and no leader does that by itself"),
        };
        let write = Write { op: &op, session: header.session, zxid: header.zxid, time: header.time };
        let (_, difference) = self.model.write(&write, txn);
        if let Some(difference) = difference {
            self.differs(logged, &difference, &[]);
        }
    }

    fn apply_asked(&mut self, logged: &Logged) {
        let (header, txn) = (logged.proposal.header, &logged.proposal.txn);
        let (id, cxid, zxid) = (header.session, header.cxid, header.zxid);
        let Some(number) = self.number_of(id, cxid) else {
            return self.is_phantom(logged, "nobody has that session");
        };
        let me = SessionNumber(number as u32);
        let session = &mut self.sessions[number];
        let (before, succeeded) = (session.logged, session.succeeded);
        session.logged = before.max(cxid);
        let is_error = matches!(txn, Txn::Error { .. });
        if !is_error {
            session.succeeded = succeeded.max((cxid, zxid));
        }
        let asked = session.asked;
        let Some(call) = session.call_mut(cxid) else {
            // What was refused before it came to the leader may still come there.
            if !is_error || cxid > asked {
                self.is_not_under_way(logged, before, succeeded);
            }
            return;
        };
        if call.zxid.is_some() {
            return self.is_not_under_way(logged, cxid, succeeded);
        }
        call.zxid = Some(zxid);
        let (written, read) = (call.written, call.read);
        let request = call.asked.request.clone();
        if !request.op.is_write() {
            return self.is_of_a_read(logged, me);
        }
        if !is_error && cxid < succeeded.0 {
            return self.is_out_of_order(logged, me, succeeded);
        }
        if zxid <= written.zxid || zxid <= read.zxid {
            return self.is_too_old(logged, me, written, read);
        }
        if self.owners.any_has_moved && !is_error && self.is_through_another(logged, me) {
            return;
        }
        let (result, difference) = self.model.write(&Write { op: &request.op, session: id, zxid, time: header.time }, txn);
        if let Some(difference) = difference {
            return self.differs(logged, &difference, &[(me, cxid)]);
        }
        self.hold_against(me, cxid, zxid, result);
    }

    /// The model's answer to a write, and the answer that was given, if it was.
    #[inline]
    fn hold_against(&mut self, me: SessionNumber, xid: i32, zxid: Zxid, result: Result<Answer, ErrorCode>) {
        let Some(call) = self.sessions[me.0 as usize].call_mut(xid) else { return };
        match &call.answer {
            None => call.model = Some(Box::new(result)),
            Some(answer) if answer.reply.zxid != zxid => {
                let (told, event) = (answer.reply.zxid, answer.event);
                // What was refused on the way may still have been asked of the leader.
                if !answer.reply.result.as_ref().is_err_and(|code| is_of_the_session(*code)) {
                    self.is_lost(me, xid, event, told, &format!("it is {zxid}"));
                }
            }
            Some(answer) => {
                let fine = is_same_answer(call.op(), &result, &answer.reply.result)
                    || answer.reply.result.as_ref().is_err_and(|code| is_of_the_session(*code));
                if !fine {
                    self.is_wrong(me, xid, zxid, &result);
                }
            }
        }
    }

    /// The model stands at the view of an answer.
    #[inline]
    fn look_at(&mut self, due: &Due) {
        let me = SessionNumber(due.session);
        let session = &mut self.sessions[due.session as usize];
        let (id, ended) = (session.id, session.ended);
        let Some(call) = session.call_mut(due.xid) else { return };
        call.settled = true;
        let Some(answer) = &call.answer else { return };
        let zxid = due.view;
        if call.op().is_write() {
            self.counts.checked += 1;
            match (call.zxid, call.model.take()) {
                (Some(own), Some(model)) if own == zxid => self.hold_against(me, due.xid, zxid, *model),
                // It was looked at when its transaction came.
                (Some(own), None) if own == zxid => {}
                _ => self.has_other_txn(me, due),
            }
        } else if zxid < self.last.zxid {
            self.counts.unchecked += 1;
        } else if zxid > self.last.zxid && zxid.counter() != 0 {
            self.is_uncommitted(me, due);
        } else {
            self.counts.checked += 1;
            if ended.is_some() && !answer.reply.result.as_ref().is_err_and(|code| is_of_the_session(*code)) {
                self.is_of_the_dead(me, due, ended);
            } else if !self.model.agrees(call.op(), id, &answer.reply.result) {
                self.is_bad_read(me, due);
            }
        }
        self.sessions[due.session as usize].tidy();
    }

    /// A write was answered with a zxid that is not its transaction's.
    #[cold]
    fn has_other_txn(&mut self, me: SessionNumber, due: &Due) {
        let Some(call) = self.sessions[me.0 as usize].call(due.xid) else { return };
        let Some(answer) = &call.answer else { return };
        let not_asked_for = match &answer.reply.result {
            Err(code) => is_of_the_session(*code) || matches!(code, ErrorCode::Unimplemented | ErrorCode::MarshallingError),
            // A session of one server ends without a transaction.
            Ok(_) => self.config.local_sessions && *call.op() == Op::CloseSession,
        };
        if !not_asked_for {
            let what = call.zxid.map_or_else(|| "no transaction is of it".into(), |zxid| format!("it is {zxid}"));
            self.is_lost(me, due.xid, due.event, due.view, &what);
        }
    }

    #[cold]
    fn is_lost(&mut self, me: SessionNumber, xid: i32, event: u64, told: Zxid, what: &str) {
        let shown = Shown { zxid: told, event, session: me.0, xid };
        let first = Fact::new(event, format!("{} was answered as {told}", self.request_of(shown)));
        let text = format!("{what} in the log, which has come to {}", self.position);
        self.find(LostWrite, [first, Fact::new(event, text)], &[(me, xid)]);
    }

    #[cold]
    fn is_wrong(&mut self, me: SessionNumber, xid: i32, zxid: Zxid, model: &Result<Answer, ErrorCode>) {
        let Some((event, told)) = self.answer_of(me, xid).map(|answer| (answer.event, result_text_in_full(&answer.reply.result))) else { return };
        let shown = Shown { zxid, event, session: me.0, xid };
        let first = Fact::new(event, format!("{}, which is {zxid}, gives {}", self.request_of(shown), result_text_in_full(model)));
        self.find(WrongResult, [first, Fact::new(event, format!("it was answered: {told}"))], &[(me, xid)]);
    }

    /// A session ends, under all the numbers that it has.
    #[cold]
    fn ends(&mut self, id: SessionId, event: u64) {
        let mut next = self.by_id.get(&id).map(|number| *number as u32);
        while let Some(number) = next {
            let session = &mut self.sessions[number as usize];
            session.ended.get_or_insert(event);
            next = session.older;
        }
    }

    /// A session is answered at a view in which it has ended.
    #[cold]
    fn is_of_the_dead(&mut self, me: SessionNumber, due: &Due, ended: Option<u64>) {
        let first = Fact::new(ended.unwrap_or_default(), format!("session {} has ended", self.sessions[me.0 as usize].id));
        let second = self.was_shown(due.shown());
        self.find(DeadSession, [first, second], &[(me, due.xid)]);
    }

    /// A read shows a state that was never committed.
    #[cold]
    fn is_uncommitted(&mut self, me: SessionNumber, due: &Due) {
        let first = Fact::new(self.last.event, format!("behind {} the log has no {}", self.last.zxid, due.view));
        let second = self.was_shown(due.shown());
        self.find(BadRead, [first, second], &[(me, due.xid)]);
    }

    #[cold]
    fn is_bad_read(&mut self, me: SessionNumber, due: &Due) {
        let session = &self.sessions[me.0 as usize];
        let Some((op, answer)) = session.call(due.xid).and_then(|call| Some((call.op().clone(), call.answer.as_ref()?))) else { return };
        let told = result_text_in_full(&answer.reply.result);
        let model = self.model.read(&op, session.id, answer.reply.result.as_ref().err().copied());
        let first = Fact::new(self.last.event, format!("at {} `{op}` gives {}", due.view, result_text_in_full(&model)));
        let second = Fact::new(due.event, format!("{} answers {} with {told}", answer.server, self.request_of(due.shown())));
        self.find(BadRead, [first, second], &[(me, due.xid)]);
    }

    #[cold]
    fn is_phantom(&mut self, logged: &Logged, why: &str) {
        let first = Fact::new(logged.event, format!("{} has committed {}", logged.leader, logged.proposal));
        self.find(Phantom, [first, Fact::new(logged.event, why)], &[]);
    }

    /// A transaction of a request that is not under way: never made, or made into one before.
    #[cold]
    fn is_not_under_way(&mut self, logged: &Logged, before: i32, succeeded: (i32, Zxid)) {
        let header = logged.proposal.header;
        let request = format!("request {} of session {}", header.cxid, header.session);
        if header.cxid > before {
            return self.is_phantom(logged, &format!("there was no {request}"));
        }
        let earlier = if succeeded.0 == header.cxid { format!(" as {}", succeeded.1) } else { String::new() };
        let first = Fact::new(logged.event, format!("{request} is in the log before{earlier}"));
        let number = self.by_id.get(&header.session).map(|number| (SessionNumber(*number as u32), header.cxid));
        self.find(Doubled, [first, Fact::new(logged.event, format!("so is it as {}", logged.proposal))], number.as_slice());
    }

    #[cold]
    fn is_of_a_read(&mut self, logged: &Logged, me: SessionNumber) {
        let cxid = logged.proposal.header.cxid;
        let asked = self.sessions[me.0 as usize].call(cxid).map_or(0, |call| call.asked.event);
        let shown = Shown { zxid: logged.proposal.zxid(), event: logged.event, session: me.0, xid: cxid };
        let first = Fact::new(asked, format!("{} changes nothing", self.request_of(shown)));
        let second = Fact::new(logged.event, format!("{} has made {} of it", logged.leader, logged.proposal));
        self.find(ReadTakesNoZxid, [first, second], &[(me, cxid)]);
    }

    #[cold]
    fn is_out_of_order(&mut self, logged: &Logged, me: SessionNumber, (earlier, zxid): (i32, Zxid)) {
        let header = logged.proposal.header;
        let first = Fact::new(logged.event, format!("request {earlier} of session {} is {zxid}", header.session));
        let second = Fact::new(logged.event, format!("request {} of it, asked for before, is {}", header.cxid, logged.proposal));
        self.find(SessionOrder, [first, second], &[(me, header.cxid), (me, earlier)]);
    }

    /// Somebody was shown this zxid, or a later one, before it was asked for.
    #[cold]
    fn is_too_old(&mut self, logged: &Logged, me: SessionNumber, written: Shown, read: Shown) {
        let zxid = logged.proposal.zxid();
        let is_write = zxid <= written.zxid;
        let (invariant, before) = if is_write { (LinearizableWrites, written) } else { (FutureRead, read) };
        let cxid = logged.proposal.header.cxid;
        let shown = Shown { zxid, event: logged.event, session: me.0, xid: cxid };
        let second = Fact::new(logged.event, format!("{}, asked for only then, is {zxid}", self.request_of(shown)));
        let facts = [self.was_shown(before), second];
        self.find(invariant, facts, &[before.of(), (me, cxid)]);
    }

    #[cold]
    fn differs(&mut self, logged: &Logged, difference: &Difference, involved: &[(SessionNumber, i32)]) {
        let invariant: Invariant = match difference.what {
            Decided::Outcome | Decided::Content => WrongResult,
            Decided::Parts => AllOrNothing,
            Decided::Shape => TreeShape,
            Decided::VersionGuard => VersionGuards,
            Decided::SequentialName => SequentialNames,
            Decided::Version => VersionsRise,
            Decided::Ephemerals => Ephemeral,
        };
        let header = logged.proposal.header;
        let asked = involved.first().and_then(|(me, xid)| self.sessions[me.0 as usize].call(*xid));
        let (event, what) = match asked {
            Some(call) => (call.asked.event, format!("c{}'s `{}`", call.asked.client, call.op())),
            None if header.session == SessionId::NONE => (logged.event, format!("`{}`", logged.proposal.txn)),
            None => (logged.event, format!("the end of session {}", header.session)),
        };
        let first = Fact::new(event, format!("by the history before {}, {what} comes to: {}", header.zxid, difference.model));
        let second = Fact::new(logged.event, format!("{} has decided: {}", logged.leader, difference.decided));
        self.find(invariant, [first, second], involved);
    }
}

impl Due {
    pub(super) fn shown(&self) -> Shown {
        Shown { zxid: self.view, event: self.event, session: self.session, xid: self.xid }
    }
}

/// A result with the stat, if it has one.
fn result_text_in_full(result: &Result<Answer, ErrorCode>) -> String {
    let Ok(
        Answer::Stat(stat)
        | Answer::Data { stat, .. }
        | Answer::ChildrenWithStat { stat, .. }
        | Answer::CreatedWithStat { stat, .. }
        | Answer::Acl { stat, .. },
    ) = result
    else {
        return result_text(result);
    };
    let owner = if stat.ephemeral_owner == SessionId::NONE { String::new() } else { format!(", of {}", stat.ephemeral_owner) };
    format!(
        "{} (czxid {}, mzxid {}, pzxid {}, version {}, cversion {}, aversion {}, {} children, {} bytes, times {} {}{owner})",
        result_text(result),
        stat.czxid,
        stat.mzxid,
        stat.pzxid,
        stat.version,
        stat.cversion,
        stat.aversion,
        stat.num_children,
        stat.data_length,
        stat.ctime,
        stat.mtime
    )
}
