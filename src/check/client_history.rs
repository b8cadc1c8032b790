//! What clients alone could tell of a run: their writes with their answers, for the search that trusts no zxid.
//!
//! Plain reads are left out: they promise a session that its view does not go back, and not that they are up to date, so they may not be
//! judged part by part, nor with the writes. What was refused for a reason that no tree knows (the session, a list, a quota) has changed
//! nothing. What was never answered may have happened at any time, or never.
//!
//! What the ensemble does by itself is in no client's history, and yet changes what clients are told: a session may expire from its last
//! answered request on, and a container or a node with a time to live may go once it is there. Both are operations that never returned.
//!
//! Left out: sequential nodes of which nobody knows the number and which end by themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::operations::{Operation, Operations};
use crate::linear::{self, Failure, History, Mode, Refusal, Reply, Request, Znode, ZnodeAction};
use crate::proto::{Answer, Bytes, CreateForm, ErrorCode, Op, SessionId, Zxid, parent_path};

/// The client of whoever plays the ensemble itself: it has no number.
const NOBODY: u64 = u64::MAX;

/// The client that proves an ensemble alive when all is over, and that no scenario knows.
const PROBE: u32 = 0;

impl Operations {
    /// Their writes. Operations are named by their place in [`Operations::operations`]; what the ensemble does comes after those.
    pub fn client_history(&self) -> History<Znode> {
        let mut operations = Vec::new();
        operations.extend(self.before_the_run());
        let told = (0..).zip(&self.operations).filter(|(_, operation)| operation.client != PROBE || self.somebody_numbers_at_the_top());
        operations.extend(told.filter_map(|(id, operation)| converted(id, operation)));
        let mut next = self.operations.len() as u64;
        let mut by_itself = |call: u64, request: Request| {
            next += 1;
            linear::Operation { id: next, process: NOBODY, call, ret: None, action: ZnodeAction::new(request, None) }
        };
        let expired = self.sessions_that_may_expire();
        operations.extend(expired.into_iter().map(|(session, call)| by_itself(call, Request::Close { session: number(session) })));
        operations.extend(self.nodes_that_may_go().map(|(path, call)| by_itself(call, Request::Delete { path, version: -1 })));
        operations.sort_by_key(|operation| operation.call);
        History::new(operations)
    }

    /// What the scenario gave its servers to begin with.
    fn before_the_run(&self) -> Option<linear::Operation<ZnodeAction>> {
        let last = self.began;
        let data = Some(Arc::from(last.to_string()));
        let given = Request::Given { path: "/history".into(), data, version: last.counter() as i32 - 1 };
        let action = ZnodeAction::new(given, Some(Ok(Reply::Done)));
        (last.counter() > 0).then_some(linear::Operation { id: self.operations.len() as u64, process: NOBODY, call: 0, ret: Some(0), action })
    }

    /// Its number would tell how often the probe has written.
    fn somebody_numbers_at_the_top(&self) -> bool {
        let numbers = |op: &Op| matches!(op, Op::Create { mode, path, .. } if mode.is_sequential() && parent_path(path) == Some("/"));
        self.operations.iter().filter(|operation| operation.client != PROBE).any(|operation| match &operation.op {
            Op::Multi(parts) => parts.iter().any(numbers),
            op => numbers(op),
        })
    }

    /// Those that own nodes and were not closed for certain, and since when: a session that is answered lives.
    fn sessions_that_may_expire(&self) -> BTreeMap<SessionId, u64> {
        let mut lives: BTreeMap<SessionId, u64> = BTreeMap::new();
        for operation in &self.operations {
            let owns = |op: &Op| matches!(op, Op::Create { mode, .. } if mode.is_ephemeral());
            let any = if let Op::Multi(parts) = &operation.op { parts.iter().any(owns) } else { owns(&operation.op) };
            if any {
                lives.entry(operation.session).or_insert(operation.called);
            }
            if let (Some(since), Some(Ok(_))) = (lives.get_mut(&operation.session), &operation.result) {
                *since = operation.called;
            }
        }
        let closed = |operation: &&Operation| operation.op == Op::CloseSession && matches!(operation.result, Some(Ok(_)));
        for operation in self.operations.iter().filter(closed) {
            lives.remove(&operation.session);
        }
        lives
    }

    /// Containers and nodes with a time to live.
    fn nodes_that_may_go(&self) -> impl Iterator<Item = (Arc<str>, u64)> {
        self.operations.iter().filter_map(|operation| match (&operation.op, &operation.result) {
            (Op::Create { form: CreateForm::Container | CreateForm::Ttl(_), path, mode, .. }, result) => {
                let made = match result {
                    Some(Ok(Answer::Created(made) | Answer::CreatedWithStat { path: made, .. })) => Some(made.clone()),
                    _ => (!mode.is_sequential()).then(|| path.clone()),
                };
                Some((made?, operation.called))
            }
            _ => None,
        })
    }
}

/// A write as the search knows it; of the rest nothing.
fn converted(id: u64, operation: &Operation) -> Option<linear::Operation<ZnodeAction>> {
    let request = request(&operation.op, operation.session)?;
    let told = match &operation.result {
        None => None,
        Some(Ok(Answer::RolledBack(codes))) => Some(Err(blamed(codes)?)),
        Some(Ok(answer)) => Some(Ok(reply(&operation.op, answer)?)),
        Some(Err(code)) => Some(Err(Failure { code: refusal(*code)?, part: None })),
    };
    let ret = operation.returned.filter(|_| told.is_some());
    Some(linear::Operation { id, process: u64::from(operation.client), call: operation.called, ret, action: ZnodeAction::new(request, told) })
}

fn request(op: &Op, session: SessionId) -> Option<Request> {
    let data = |data: &Option<Bytes>| data.as_ref().map(|data| Arc::from(data.escape_ascii().to_string()));
    Some(match op {
        Op::Create { form, path, data: held, mode, .. } => {
            let lasts = matches!(form, CreateForm::Container | CreateForm::Ttl(_)) || !mode.is_ephemeral();
            let owner = (!lasts).then_some(number(session));
            Request::Create { path: path.clone(), data: data(held), mode: Mode::new(mode.is_sequential(), owner) }
        }
        Op::Delete { path, version } => Request::Delete { path: path.clone(), version: *version },
        Op::SetData { path, data: held, version } => Request::Set { path: path.clone(), data: data(held), version: *version },
        Op::Check { path, version } => Request::Check { path: path.clone(), version: *version },
        Op::Multi(parts) => Request::Multi(parts.iter().map(|part| request(part, session)).collect::<Option<_>>()?),
        Op::CloseSession => Request::Close { session: number(session) },
        _ => return None,
    })
}

/// Of a stat the version; zxids and times are not for this search.
fn reply(op: &Op, answer: &Answer) -> Option<Reply> {
    Some(match (op, answer) {
        (_, Answer::Created(path) | Answer::CreatedWithStat { path, .. }) => Reply::Created(path.clone()),
        (_, Answer::Stat(stat)) => Reply::Version(Some(stat.version)),
        (Op::Multi(parts), Answer::Parts(results)) => {
            let told = parts.iter().zip(results.iter()).map(|(part, result)| reply(part, result.as_ref().ok()?));
            Reply::Parts(told.collect::<Option<_>>()?)
        }
        (_, Answer::Done) => Reply::Done,
        _ => return None,
    })
}

/// The first part of a multi that failed by itself.
fn blamed(codes: &[ErrorCode]) -> Option<Failure> {
    let part = codes.iter().position(|code| *code != ErrorCode::Ok)?;
    Some(Failure { code: refusal(codes[part])?, part: Some(part) })
}

fn refusal(code: ErrorCode) -> Option<Refusal> {
    let name = code.to_string();
    Refusal::ALL.into_iter().find(|refusal| refusal.name() == name)
}

fn number(session: SessionId) -> u64 {
    session.0.cast_unsigned()
}

/// Where the history of a run begins.
pub fn began(checks: &super::Checks) -> Zxid {
    checks.known_order.began()
}
