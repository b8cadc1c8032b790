//! What becomes of a write: the tests in ZooKeeper's order, the change, the answer. Source: data-model reference §2, §4, §5.1, §7, §9.
//!
//! The transaction that a leader made of the write carries everything decided: final path, versions, the nodes that go. Each of these the
//! model decides for itself, and says where the two differ.

use std::collections::BTreeSet;
use std::fmt;

use super::paths::PathId;
use super::rules::{self, ADMIN, CREATE, DELETE, READ, WRITE};
use super::{Model, Node, Owner};
use crate::proto::{AclList, Answer, Bytes, CreateForm, CreateMode, ErrorCode, Op, Path, SessionId, Txn, Version, Zxid, result_text};

/// A write and what its transaction's header says.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    pub op: &'a Op,
    pub session: SessionId,
    pub zxid: Zxid,
    /// The leader's wall clock, in milliseconds.
    pub time: i64,
}

/// What a leader may have decided otherwise than the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// Whether the write succeeds, or with which error it fails.
    Outcome,
    /// The same, where a version that the client gave decides.
    VersionGuard,
    /// The name of a sequential node.
    SequentialName,
    /// A version after the change.
    Version,
    /// The nodes that go with a session.
    Ephemerals,
    /// A node without a parent, below an ephemeral, or gone with children left.
    Shape,
    /// The outcome of the parts of a multi.
    Parts,
    /// What kind of node is made, its data or its list.
    Content,
}

/// Where a transaction is not what the model makes of the write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub what: Decided,
    /// What the model says, and the transaction.
    pub model: String,
    pub decided: String,
}

type Outcome = Result<Answer, ErrorCode>;

impl Model {
    /// Carries out a write of which a leader made this transaction. Its answer, and where the two differ, if they do.
    pub fn write(&mut self, write: &Write, txn: &Txn) -> (Outcome, Option<Difference>) {
        match (write.op, txn) {
            (Op::Multi(parts), _) => self.multi(write, parts, txn),
            (Op::CloseSession, _) => self.close_session(write, txn),
            (Op::Reconfig(_), _) => self.reconfigure(write, txn),
            _ => self.single(write, txn),
        }
    }

    /// A session begins for everybody.
    pub fn create_session(&mut self, session: SessionId, timeout: i32) {
        self.sessions.insert(session, timeout);
    }

    /// A write, or a part of a multi.
    fn single(&mut self, write: &Write, txn: &Txn) -> (Outcome, Option<Difference>) {
        let told = if let Txn::Error { code } = txn { Some(*code) } else { None };
        let result = match write.op {
            Op::Create { form, path, data, acl, mode } => self.create(write, (*form, *mode), path, data, acl, txn),
            _ if told.is_some_and(rules::is_of_the_session) => return (Err(told.unwrap_or(ErrorCode::SystemError)), None),
            Op::Delete { path, version } => self.delete(write, path, *version, told).map(|()| (Answer::Done, None)),
            Op::DeleteContainer { path } => self.delete_container(write, path).map(|()| (Answer::Done, None)),
            Op::SetData { path, data, version } => self.set_data(write, path, data, *version, txn),
            Op::SetAcl { path, acl, version } => self.write_acl(path, acl, *version, txn),
            Op::Check { path, version } => self.check(path, *version, told).map(|()| (Answer::Done, None)),
            _ => Err(ErrorCode::Unimplemented),
        };
        let (result, difference) = match result {
            Ok((answer, difference)) => (Ok(answer), difference),
            Err(code) => (Err(code), None),
        };
        let outcome = of_outcome(&result, told, txn);
        (result, outcome.or(difference))
    }

    fn create(
        &mut self,
        write: &Write,
        (form, mode): (CreateForm, CreateMode),
        path: &Path,
        data: &Option<Bytes>,
        acl: &AclList,
        txn: &Txn,
    ) -> Result<(Answer, Option<Difference>), ErrorCode> {
        let told = if let Txn::Error { code } = txn { Some(*code) } else { None };
        if let Some(code) = rules::mode_error(form, mode, self.ttl_enabled) {
            return Err(code);
        }
        if let Some(code) = told.filter(|code| rules::is_of_the_session(*code)) {
            return Err(code);
        }
        if !rules::has_parent(path) {
            return Err(ErrorCode::BadArguments);
        }
        checked_list(acl, told)?;
        let parent_path = above(path);
        let parent = self.paths.find(parent_path).and_then(|id| self.node(id)).ok_or(ErrorCode::NoNode)?;
        self.may(parent, CREATE, told)?;
        let (number, parent_owner) = (parent.creates, parent.owner);
        let made: Path = if mode.is_sequential() { format!("{path}{number:010}").into() } else { path.clone() };
        if !rules::is_whole_path(&made) {
            return Err(ErrorCode::BadArguments);
        }
        let id = self.intern(&made);
        if self.node(id).is_some() {
            return Err(ErrorCode::NodeExists);
        }
        if let Owner::Session(_) = parent_owner {
            return Err(ErrorCode::NoChildrenForEphemerals);
        }
        // The operation decides what is made, the flag only whether it goes with the session.
        let owner = match form {
            CreateForm::Container => Owner::Container,
            CreateForm::Ttl(millis) => Owner::Ttl(millis),
            CreateForm::Create | CreateForm::Create2 if mode.is_ephemeral() => Owner::Session(write.session),
            CreateForm::Create | CreateForm::Create2 => Owner::Nobody,
        };
        if told.is_some() {
            return Ok((Answer::Created(made), None));
        }
        let (stored, difference) = created_as(txn, &made, mode.is_sequential(), number.wrapping_add(1), owner, data, acl);
        let difference = difference.or_else(|| self.owned_by_the_dead(owner));
        let node = Node::new(data.clone(), stored, write.zxid, write.time, owner);
        let stat = node.stat();
        self.make(id, node);
        let path = self.path(id).clone();
        let answer = if form == CreateForm::Create { Answer::Created(path) } else { Answer::CreatedWithStat { path, stat } };
        Ok((answer, difference))
    }

    /// An ephemeral node belongs to a session that lives.
    fn owned_by_the_dead(&self, owner: Owner) -> Option<Difference> {
        let Owner::Session(session) = owner else { return None };
        if self.lives(session) {
            return None;
        }
        let model = format!("no session {session} to own it");
        Some(Difference { what: Decided::Ephemerals, model, decided: format!("an ephemeral node of {session}") })
    }

    fn delete(&mut self, write: &Write, path: &Path, version: i32, told: Option<ErrorCode>) -> Result<(), ErrorCode> {
        if !rules::has_parent(path) || rules::FIXED.contains(&&**path) {
            return Err(ErrorCode::BadArguments);
        }
        let parent = self.paths.find(above(path)).and_then(|id| self.node(id)).ok_or(ErrorCode::NoNode)?;
        self.may(parent, DELETE, told)?;
        let id = self.paths.find(path).ok_or(ErrorCode::NoNode)?;
        let node = self.node(id).ok_or(ErrorCode::NoNode)?;
        if !rules::fits(node.version, version) {
            return Err(ErrorCode::BadVersion);
        }
        if node.children > 0 || node.lost_child && told == Some(ErrorCode::NotEmpty) {
            return Err(ErrorCode::NotEmpty);
        }
        self.remove(id, write.zxid);
        Ok(())
    }

    /// A leader found that the time of a node is over; it may be used again by now.
    fn delete_container(&mut self, write: &Write, path: &Path) -> Result<(), ErrorCode> {
        if !rules::has_parent(path) || rules::FIXED.contains(&&**path) {
            return Err(ErrorCode::BadArguments);
        }
        let id = self.paths.find(path).ok_or(ErrorCode::NoNode)?;
        let node = self.node(id).ok_or(ErrorCode::NoNode)?;
        if node.children > 0 {
            return Err(ErrorCode::NotEmpty);
        }
        if let Owner::Session(_) = node.owner {
            return Err(ErrorCode::BadVersion);
        }
        self.remove(id, write.zxid);
        Ok(())
    }

    fn set_data(
        &mut self,
        write: &Write,
        path: &Path,
        data: &Option<Bytes>,
        version: i32,
        txn: &Txn,
    ) -> Result<(Answer, Option<Difference>), ErrorCode> {
        let told = if let Txn::Error { code } = txn { Some(*code) } else { None };
        let id = self.guarded(path, WRITE, told)?;
        let node = self.node(id).ok_or(ErrorCode::NoNode)?;
        if !rules::fits(node.version, version) {
            return Err(ErrorCode::BadVersion);
        }
        let next = node.version.wrapping_add(1);
        let difference = match txn {
            Txn::SetData { path: set, .. } if set != path => Some(content(format!("set {path}"), txn)),
            Txn::SetData { data: written, .. } if !same(written, data) => Some(content(format!("set {path} to what was asked"), txn)),
            Txn::SetData { version: decided, .. } if *decided != next => Some(version_of(next, *decided)),
            _ => None,
        };
        self.set(id, data.clone(), write.zxid, write.time);
        let stat = self.node(id).map(Node::stat).unwrap_or_default();
        Ok((Answer::Stat(stat), difference))
    }

    fn write_acl(&mut self, path: &Path, acl: &AclList, version: i32, txn: &Txn) -> Result<(Answer, Option<Difference>), ErrorCode> {
        let told = if let Txn::Error { code } = txn { Some(*code) } else { None };
        if !rules::is_whole_path(path) {
            return Err(ErrorCode::BadArguments);
        }
        checked_list(acl, told)?;
        let id = self.paths.find(path).ok_or(ErrorCode::NoNode)?;
        let node = self.node(id).ok_or(ErrorCode::NoNode)?;
        self.may(node, ADMIN, told)?;
        if !rules::fits(node.aversion, version) {
            return Err(ErrorCode::BadVersion);
        }
        let next = node.aversion.wrapping_add(1);
        let (stored, difference) = match txn {
            Txn::SetAcl { version, .. } if *version != next => (acl.clone(), Some(version_of(next, *version))),
            Txn::SetAcl { acl: stored, .. } => (stored.clone(), list_difference(acl, stored, txn)),
            _ => (acl.clone(), None),
        };
        self.set_acl(id, stored);
        let stat = self.node(id).map(Node::stat).unwrap_or_default();
        Ok((Answer::Stat(stat), difference))
    }

    fn check(&mut self, path: &Path, version: i32, told: Option<ErrorCode>) -> Result<(), ErrorCode> {
        let id = self.guarded(path, READ, told)?;
        let fits = self.node(id).is_some_and(|node| rules::fits(node.version, version));
        if fits { Ok(()) } else { Err(ErrorCode::BadVersion) }
    }

    /// The node of a whole path that the client may use so.
    fn guarded(&self, path: &Path, perm: i32, told: Option<ErrorCode>) -> Result<PathId, ErrorCode> {
        if !rules::is_whole_path(path) {
            return Err(ErrorCode::BadArguments);
        }
        let id = self.paths.find(path).ok_or(ErrorCode::NoNode)?;
        let node = self.node(id).ok_or(ErrorCode::NoNode)?;
        self.may(node, perm, told)?;
        Ok(id)
    }

    /// Whether the client may do this. Who it is nobody knows here: unless everybody may, what was decided is believed.
    pub(super) fn may(&self, node: &Node, perm: i32, told: Option<ErrorCode>) -> Result<(), ErrorCode> {
        let everybody = |list: &AclList| rules::lets_everybody(list, perm);
        let open = self.skip_acl || everybody(&node.acl) && node.older_acl.as_ref().is_none_or(everybody);
        if !open && told == Some(ErrorCode::NoAuth) { Err(ErrorCode::NoAuth) } else { Ok(()) }
    }

    /// All parts or none: the first that fails takes everything back, and those behind it are not looked at.
    fn multi(&mut self, write: &Write, parts: &[Op], txn: &Txn) -> (Outcome, Option<Difference>) {
        if let Txn::Error { code } = txn
            && rules::is_of_the_session(*code)
        {
            return (Err(*code), None);
        }
        let unreadable = |part: &Op| {
            let of_no_mode = matches!(part, Op::Create { mode: CreateMode::Unknown(_), .. });
            !part.fits_multi() || of_no_mode && self.version == Version::V3_9
        };
        if parts.iter().any(unreadable) {
            let result = Err(ErrorCode::MarshallingError);
            let told = if let Txn::Error { code } = txn { Some(*code) } else { None };
            let difference = of_outcome(&result, told, txn);
            return (result, difference);
        }
        let Txn::Multi(txns) = txn else {
            return (Ok(Answer::Done), Some(Difference { what: Decided::Parts, model: "a multi".into(), decided: txn.to_string() }));
        };
        if txns.len() != parts.len() {
            let (model, decided) = (format!("{} parts", parts.len()), format!("{} parts", txns.len()));
            return (Ok(Answer::Done), Some(Difference { what: Decided::Parts, model, decided }));
        }
        self.all_or_none(write, parts, txns)
    }

    fn all_or_none(&mut self, write: &Write, parts: &[Op], txns: &[Txn]) -> (Outcome, Option<Difference>) {
        self.undoable = true;
        let mut results: Vec<Outcome> = Vec::with_capacity(parts.len());
        let (mut failed, mut difference) = (false, None);
        for (part, txn) in parts.iter().zip(txns) {
            if failed {
                let skipped = Err(ErrorCode::RuntimeInconsistency);
                if !matches!(txn, Txn::Error { code: ErrorCode::RuntimeInconsistency }) && difference.is_none() {
                    let model = format!("{} behind a part that failed", ErrorCode::RuntimeInconsistency);
                    difference = Some(Difference { what: Decided::Parts, model, decided: txn.to_string() });
                }
                results.push(skipped);
                continue;
            }
            let (result, differs) = self.single(&Write { op: part, ..*write }, txn);
            difference = difference.or(differs);
            failed = result.is_err();
            results.push(result);
        }
        let answer = if failed {
            self.roll_back();
            Answer::RolledBack(results.iter().map(|result| result.as_ref().err().copied().unwrap_or(ErrorCode::Ok)).collect())
        } else {
            Answer::Parts(results.into())
        };
        self.undo.clear();
        self.undoable = false;
        (Ok(answer), difference)
    }

    /// Who keeps up, and which list is in force, only the leader knows: what it decided is believed.
    #[cold]
    fn reconfigure(&mut self, write: &Write, txn: &Txn) -> (Outcome, Option<Difference>) {
        match txn {
            Txn::Error { code } => (Err(*code), None),
            Txn::Reconfig { path, data, .. } if **path == *rules::CONFIG => {
                let id = self.intern(path);
                self.set(id, data.clone(), write.zxid, write.time);
                let stat = self.node(id).map(Node::stat).unwrap_or_default();
                (Ok(Answer::Data { data: data.clone(), stat }), None)
            }
            _ => (Ok(Answer::Done), Some(content("another membership".into(), txn))),
        }
    }

    /// The session ends, and every node of it goes. It never fails.
    fn close_session(&mut self, write: &Write, txn: &Txn) -> (Outcome, Option<Difference>) {
        if let Txn::Error { code } = txn {
            let fine = rules::is_of_the_session(*code);
            let differs = || Difference { what: Decided::Outcome, model: "closes the session".into(), decided: format!("error {code}") };
            return (Err(*code), (!fine).then(differs));
        }
        let owned: Vec<PathId> = self.ephemerals.get(&write.session).into_iter().flatten().copied().collect();
        let difference = match txn {
            Txn::CloseSession { paths: Some(paths) } => {
                let decided: BTreeSet<&str> = paths.iter().map(|path| &**path).collect();
                let model: BTreeSet<&str> = owned.iter().map(|id| &**self.path(*id)).collect();
                let differs = || Difference { what: Decided::Ephemerals, model: Nodes(&model).to_string(), decided: Nodes(&decided).to_string() };
                (model != decided).then(differs)
            }
            _ => None,
        };
        for id in owned {
            let parent = self.paths.parent(id);
            self.remove(id, write.zxid);
            if let Some(parent) = self.node_mut(parent) {
                parent.lost_child = true;
            }
        }
        self.sessions.remove(&write.session);
        (Ok(Answer::Done), difference)
    }
}

/// The path above; the root above those right below it.
fn above(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => &path[..at],
    }
}

/// A list that is empty, or that nobody could ever match, is none. Of lists that name somebody the leader knows more.
fn checked_list(acl: &AclList, told: Option<ErrorCode>) -> Result<(), ErrorCode> {
    let refused = acl.is_empty() || !rules::is_for_everybody(acl) && told == Some(ErrorCode::InvalidAcl);
    if refused { Err(ErrorCode::InvalidAcl) } else { Ok(()) }
}

/// What a create's transaction says, held against what it must say: the list to be stored, and the first difference.
fn created_as(
    txn: &Txn,
    made: &Path,
    sequential: bool,
    parent_cversion: i32,
    owner: Owner,
    data: &Option<Bytes>,
    acl: &AclList,
) -> (AclList, Option<Difference>) {
    let Txn::Create { form, path, data: written, acl: stored, ephemeral, parent_cversion: counted } = txn else {
        return (acl.clone(), None);
    };
    let kind_fits = match owner {
        Owner::Container => *form == CreateForm::Container,
        Owner::Ttl(millis) => *form == CreateForm::Ttl(millis),
        Owner::Session(_) | Owner::Nobody => matches!(form, CreateForm::Create | CreateForm::Create2),
    };
    let difference = if path != made {
        let what = if sequential { Decided::SequentialName } else { Decided::Content };
        Some(Difference { what, model: made.to_string(), decided: path.to_string() })
    } else if *counted != parent_cversion {
        Some(version_of(parent_cversion, *counted))
    } else if !kind_fits || *ephemeral != matches!(owner, Owner::Session(_)) {
        Some(content(format!("{owner:?} to own it"), txn))
    } else if !same(written, data) {
        Some(content("the data that was asked for".into(), txn))
    } else {
        list_difference(acl, stored, txn)
    };
    (stored.clone(), difference)
}

/// A list that is for everybody is stored as it is, but for repetitions; another one may be filled in.
fn list_difference(asked: &AclList, stored: &AclList, txn: &Txn) -> Option<Difference> {
    let kept = || asked.iter().enumerate().filter(|(at, entry)| !asked[..*at].contains(entry)).map(|(_, entry)| entry);
    let differs = rules::is_for_everybody(asked) && !stored.iter().eq(kept());
    differs.then(|| content("the list that was asked for".into(), txn))
}

fn same(one: &Option<Bytes>, other: &Option<Bytes>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => std::sync::Arc::ptr_eq(one, other) || one == other,
        (one, other) => one.is_none() && other.is_none(),
    }
}

fn content(model: String, txn: &Txn) -> Difference {
    Difference { what: Decided::Content, model, decided: txn.to_string() }
}

fn version_of(model: i32, decided: i32) -> Difference {
    Difference { what: Decided::Version, model: format!("version {model}"), decided: format!("version {decided}") }
}

/// Whether write and transaction end alike: both well, or both with this error.
fn of_outcome(result: &Outcome, told: Option<ErrorCode>, txn: &Txn) -> Option<Difference> {
    let ended = result.as_ref().err().copied();
    if ended == told {
        return None;
    }
    let what = match ended {
        _ if [ended, told].contains(&Some(ErrorCode::BadVersion)) => Decided::VersionGuard,
        Some(code) if leaves_misshapen(code, txn) => Decided::Shape,
        _ => Decided::Outcome,
    };
    let decided = told.map_or_else(|| txn.to_string(), |code| code.to_string());
    Some(Difference { what, model: result_text(result), decided })
}

/// Whether a change that should have failed so leaves something that is no tree.
fn leaves_misshapen(code: ErrorCode, txn: &Txn) -> bool {
    match txn {
        Txn::Create { .. } => matches!(code, ErrorCode::NoNode | ErrorCode::NoChildrenForEphemerals),
        Txn::Delete { .. } => matches!(code, ErrorCode::NotEmpty | ErrorCode::BadArguments),
        _ => false,
    }
}

/// `/a, /b`, or `no node`.
struct Nodes<'a>(&'a BTreeSet<&'a str>);

impl fmt::Display for Nodes<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        for (at, path) in self.0.iter().enumerate() {
            write!(out, "{}{path}", if at > 0 { ", " } else { "" })?;
        }
        if self.0.is_empty() { out.write_str("no node") } else { Ok(()) }
    }
}
