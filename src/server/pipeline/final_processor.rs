//! Transactions are applied and requests answered. Source: `FinalRequestProcessor`, `ZooKeeperServer.processTxn`.

use std::sync::Arc;

use crate::actor::Cx;
use crate::bugs::Bug;
use crate::proto::{Answer, ErrorCode, Op, Proposal, SessionId, Txn, Zxid};
use crate::trace::{ApplyHow, Note};
use crate::tree::Database;

use super::commit_processor::Work;
use super::request::{Origin, Request};
use super::{Output, Pipeline, Role, halfway};

impl Pipeline {
    pub(super) fn on_commit_processor(&mut self, cx: &mut Cx, db: &mut Database) {
        self.commits_woken = false;
        if self.halfway.is_some() {
            self.go_on_from_halfway(cx, db);
        }
        while let Some(work) = self.commits.next() {
            match work {
                Work::Serve(request) => self.serve(cx, db, &request),
                Work::Apply(proposal, request) if !cx.bugs.is_empty() && halfway::stops_at(cx.bugs, &proposal.txn) => {
                    return self.go_halfway(cx, db, proposal, request);
                }
                Work::Apply(proposal, request) => {
                    let result = self.apply(cx, db, &proposal);
                    self.finish(cx, db, &proposal, request, result);
                }
            }
        }
    }

    /// What needs no transaction: a read, or a session of this server alone begins or ends.
    pub(super) fn serve(&mut self, cx: &mut Cx, db: &Database, request: &Request) {
        let mut result = match request.refused {
            Some(code) => Err(code),
            None if request.is_local => Ok(Answer::Done),
            None if request.op().concerns_watches() => self.serve_watching(cx, db, request),
            None => self.reader(db, request).read(request.op()),
        };
        if cx.bugs.has(Bug::MutantTellsTimeOfCreation)
            && let Ok(Answer::Data { stat, .. }) = &mut result
        {
            stat.mtime = stat.ctime;
        }
        if matches!(request.op(), Op::Sync { .. }) && cx.bugs.has(Bug::MutantAnswersNoSync) {
            return;
        }
        self.answer(cx, db, request, result);
        if request.is_local && matches!(request.op(), Op::CloseSession) {
            self.end_local_session(cx, request.session);
        }
    }

    #[cold]
    fn end_local_session(&mut self, cx: &mut Cx, session: SessionId) {
        if let Some(locals) = &mut self.locals {
            locals.remove(session);
        }
        if let Some(conn) = self.connections.of_session(session) {
            self.connections.close(cx, conn);
        }
    }

    /// A committed transaction changes the database.
    #[inline]
    pub(super) fn apply(&mut self, cx: &mut Cx, db: &mut Database, proposal: &Arc<Proposal>) -> Result<Answer, ErrorCode> {
        if !cx.bugs.is_empty()
            && let Some(answer) = apply_otherwise(cx, db, proposal)
        {
            return answer;
        }
        if self.connections.watches.is_empty() { db.apply(proposal) } else { self.apply_and_fire(cx, db, proposal) }
    }

    /// What is applied changes the tracker, and only then is its client answered.
    pub(super) fn finish(
        &mut self,
        cx: &mut Cx,
        db: &Database,
        proposal: &Arc<Proposal>,
        request: Option<Request>,
        result: Result<Answer, ErrorCode>,
    ) {
        cx.note(Note::Applied { txn: proposal.id(), how: ApplyHow::Commit, digest: db.digest() });
        if let (Txn::CreateSession { .. }, Some(locals)) = (&proposal.txn, &mut self.locals) {
            locals.on_created_for_all(proposal.header.session);
        }
        let closed = matches!(proposal.txn, Txn::CloseSession { .. }).then_some(proposal.header.session);
        match &mut self.role {
            Role::Leader { prep, tracker, .. } => {
                prep.applied(proposal.zxid());
                if let Txn::CreateSession { timeout } = proposal.txn {
                    tracker.commit(cx.now, proposal.header.session, timeout, cx.bugs);
                }
                closed.into_iter().for_each(|session| tracker.remove(session));
                self.outputs.push_back(Output::Applied(proposal.zxid()));
            }
            Role::Learner(learner) => {
                // All servers tell the leader of a session that they see created. Source: `LearnerSessionTracker.commitSession`.
                if let Txn::CreateSession { timeout } = proposal.txn {
                    learner.touch(proposal.header.session, timeout);
                }
                closed.into_iter().for_each(|session| learner.remove_session(session));
            }
            Role::ReadOnly(_) => {}
        }
        let result = match &request {
            // The leader knows nothing of the reason.
            Some(Request { refused: Some(code), .. }) if result.is_err() => Err(*code),
            _ => result,
        };
        match request {
            Some(request) if matches!(request.origin, Origin::Client(_)) => self.answer(cx, db, &request, result),
            // Somebody else closed the session, or a learner did: a connection that carries it here has lost its purpose (ZOOKEEPER-558).
            _ if cx.bugs.has(Bug::MutantKeepsTheDeadConnected) => {}
            _ => {
                if let Some(conn) = closed.and_then(|session| self.connections.of_session(session)) {
                    self.connections.close(cx, conn);
                }
            }
        }
    }

    /// What a reply tells of the zxid with switches on.
    #[cold]
    fn told_zxid(&self, cx: &Cx, db: &Database, is_write: bool) -> Zxid {
        let (applied, has) = (db.last_processed, |bug| cx.bugs.has(bug));
        if is_write && has(Bug::MutantAnswersWithOlderZxid) || !is_write && has(Bug::MutantReadsTellFirstZxid) {
            applied.epoch().first_zxid()
        } else if is_write && has(Bug::MutantAnswersOneZxidEarly) {
            Zxid(applied.0 - 1)
        } else if !is_write && has(Bug::Zk1412) {
            self.zxid_of_request()
        } else {
            applied
        }
    }

    /// ZOOKEEPER-1412: what a read has in `Request.zxid`. A leader's Prep writes the last zxid that it gave away there; on a learner it is zero,
    /// which tells the client nothing.
    fn zxid_of_request(&self) -> Zxid {
        match &self.role {
            Role::Leader { prep, .. } => prep.last_zxid(),
            Role::Learner(_) | Role::ReadOnly(_) => Zxid::ZERO,
        }
    }

    /// Answers a client of this server, if it is still connected. A reply tells the zxid that was applied last: a write's own.
    fn answer(&mut self, cx: &mut Cx, db: &Database, request: &Request, result: Result<Answer, ErrorCode>) {
        let Origin::Client(conn) = request.origin else {
            return;
        };
        match (request.op(), result) {
            // The session speaks through another server: this connection is not answered but closed (ZOOKEEPER-710).
            (_, Err(ErrorCode::SessionMoved)) => self.connections.close(cx, conn),
            (_, Ok(Answer::RolledBack(codes))) if codes.contains(&ErrorCode::SessionMoved) => self.connections.close(cx, conn),
            (Op::CreateSession { .. }, Ok(_)) => self.connections.finish_session_init(cx, conn, true),
            (op, result) => {
                let zxid = if cx.bugs.is_empty() { db.last_processed } else { self.told_zxid(cx, db, op.is_write()) };
                self.connections.reply(cx, conn, request.cxid, zxid, result);
                if matches!(op, Op::CloseSession) {
                    self.connections.close(cx, conn);
                }
            }
        }
    }
}

/// What some mutants make of a transaction.
#[cold]
fn apply_otherwise(cx: &Cx, db: &mut Database, proposal: &Arc<Proposal>) -> Option<Result<Answer, ErrorCode>> {
    let has = |bug| cx.bugs.has(bug);
    if has(Bug::MutantStampsByOwnClock) {
        Some(db.apply(&stamped(cx, proposal)))
    } else if has(Bug::MutantChildStaysListed) || has(Bug::MutantOwnsWithoutIndex) {
        Some(db.apply_again(proposal, cx.bugs))
    } else {
        None
    }
}

/// `mutant-stamps-by-own-clock`: the transaction as if it had been made here and now.
#[cold]
fn stamped(cx: &Cx, proposal: &Proposal) -> Arc<Proposal> {
    let mut stamped = proposal.clone();
    stamped.header.time = (cx.wall.0 / 1_000) as i64;
    Arc::new(stamped)
}
