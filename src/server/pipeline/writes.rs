//! What a write comes to: the checks of each, in ZooKeeper's order, and the transaction that is left to apply. Source:
//! `PrepRequestProcessor.pRequest2Txn`; data-model reference §4, §5.1, §7.

use std::borrow::Cow;

use crate::bugs::{Bug, Bugs};
use crate::proto::{
    AclList, AuthId, Bytes, Config, CreateForm, CreateMode, ErrorCode, Op, Path, SPECIAL_PATHS, SessionId, Txn, Version, Zxid, is_valid_path,
    parent_path,
};
use crate::tree::{BYTE_HARD_LIMIT, BYTES, COUNT, COUNT_HARD_LIMIT, DataTree, Database, Owner, StatsTrack};

use super::access::{self, ADMIN, CREATE, DELETE, READ, WRITE};
use super::changes::{AclOf, OutstandingChanges, Record};

/// The longest time to live, in milliseconds. Source: `EphemeralType.TTL.maxValue`.
const TTL_MAX: i64 = (1 << 40) - 1;

/// One request's way to its transaction.
pub struct Writer<'a> {
    pub config: &'a Config,
    pub db: &'a Database,
    pub changes: &'a mut OutstandingChanges,
    /// That of the transaction.
    pub zxid: Zxid,
    /// Who asks.
    pub session: SessionId,
    pub ids: &'a [AuthId],
    pub bugs: Bugs,
}

impl Writer<'_> {
    /// All parts or none: the first that fails takes back what those before it would change, and those behind it are not looked at. The
    /// transaction says so part by part; one error in it is enough for nothing to be applied.
    pub fn multi(&mut self, parts: &[Op], mut check_session: impl FnMut(&Op) -> Result<(), ErrorCode>) -> Result<Txn, ErrorCode> {
        if !parts.iter().all(|part| self.can_be_read(part)) {
            return Err(ErrorCode::MarshallingError);
        }
        let goes_on = self.bugs.has(Bug::MutantMultiGoesOn);
        let mut failed = false;
        let mut txn = |part: &Op| {
            if failed {
                return Txn::Error { code: ErrorCode::RuntimeInconsistency };
            }
            let part = as_read_in_multi(part);
            self.write(&part, &mut check_session).unwrap_or_else(|code| {
                failed = !goes_on;
                self.changes.roll_back();
                Txn::Error { code }
            })
        };
        Ok(Txn::Multi(parts.iter().map(&mut txn).collect()))
    }

    /// Whether a part may be in a multi at all. From 3.7.2, 3.8.2 and 3.9.0 on a mode that does not exist makes the whole unreadable
    /// (ZOOKEEPER-4597); the transcripts of 3.8 are of 3.8.0.
    fn can_be_read(&self, part: &Op) -> bool {
        let is_unknown = matches!(part, Op::Create { mode: CreateMode::Unknown(_), .. });
        part.fits_multi() && !(is_unknown && self.config.version == Version::V3_9)
    }

    /// A write that stands alone or is a part of a multi.
    pub fn write(&mut self, op: &Op, mut check_session: impl FnMut(&Op) -> Result<(), ErrorCode>) -> Result<Txn, ErrorCode> {
        if let Op::Create { form, path, data, acl, mode } = op {
            // The one write that is looked at before its session is.
            self.check_mode(*form, *mode)?;
            check_session(op)?;
            return self.create(*form, path, data, acl, *mode);
        }
        check_session(op)?;
        match op {
            Op::Delete { path, version } => self.delete(path, *version),
            Op::SetData { path, data, version } => self.set_data(path, data, *version),
            Op::SetAcl { path, acl, version } => self.set_acl(path, acl, *version),
            Op::Check { path, version } => self.check(path, *version),
            _ => Err(ErrorCode::Unimplemented),
        }
    }

    /// Whether mode and time to live make sense. Source: `CreateMode.fromFlag`, `validateCreateRequest`.
    fn check_mode(&self, form: CreateForm, mode: CreateMode) -> Result<(), ErrorCode> {
        if let CreateMode::Unknown(_) = mode {
            return Err(ErrorCode::BadArguments);
        }
        if mode.is_ttl() && !self.config.extended_types_enabled {
            return Err(ErrorCode::Unimplemented);
        }
        // ZooKeeper lets a time below zero pass with another mode, and no server can apply that.
        let fits = match form {
            CreateForm::Ttl(millis) => mode.is_ttl() && (1..=TTL_MAX).contains(&millis),
            CreateForm::Create | CreateForm::Create2 | CreateForm::Container => !mode.is_ttl(),
        };
        if fits { Ok(()) } else { Err(ErrorCode::BadArguments) }
    }

    fn create(&mut self, form: CreateForm, path: &Path, data: &Option<Bytes>, acl: &AclList, mode: CreateMode) -> Result<Txn, ErrorCode> {
        let parent_path = parent_path(path).ok_or(ErrorCode::BadArguments)?;
        let acl = access::checked(acl, self.ids)?;
        let mut parent = self.changes.record(self.db, parent_path)?;
        self.allowed(&parent, CREATE)?;
        // The number is that of the children ever created, of any kind; ten digits, a minus sign included.
        let path = if mode.is_sequential() { format!("{path}{:010}", self.next_number(&parent)).into() } else { path.clone() };
        if !is_valid_path(&path) {
            return Err(ErrorCode::BadArguments);
        }
        if self.changes.exists(self.db, &path) && !self.bugs.has(Bug::MutantCreatesAgain) {
            return Err(ErrorCode::NodeExists);
        }
        if matches!(Owner::of(parent.owner), Owner::Session(_)) {
            return Err(ErrorCode::NoChildrenForEphemerals);
        }
        let length = length_of(data);
        self.within_quota(&path, 1, length)?;
        parent.cversion = parent.cversion.wrapping_add(1);
        parent.children += 1;
        let parent_cversion = parent.cversion;
        self.changes.add(self.zxid, &parent_path.into(), Some(parent));
        // The form decides what is made; the mode only has its say in how it is called, and whether it goes with the session.
        let ephemeral = mode.is_ephemeral() && matches!(form, CreateForm::Create | CreateForm::Create2);
        let owner = Owner::made_by(self.session, form, ephemeral);
        let node = Record { version: 0, aversion: 0, cversion: 0, children: 0, length, owner, acl: AclOf::Pending(acl.clone()) };
        self.changes.add(self.zxid, &path, Some(node));
        Ok(Txn::Create { form, path, data: data.clone(), acl, ephemeral, parent_cversion })
    }

    fn next_number(&self, parent: &Record) -> i32 {
        if self.bugs.has(Bug::MutantNumbersChildrenLeft) { parent.children } else { parent.cversion }
    }

    fn delete(&mut self, path: &Path, version: i32) -> Result<Txn, ErrorCode> {
        let parent_path = deletable_parent(path)?;
        let parent = self.changes.record(self.db, parent_path)?;
        self.allowed(&parent, DELETE)?;
        let node = self.changes.record(self.db, path)?;
        next_version(node.version, version)?;
        if node.children > 0 && !self.bugs.has(Bug::MutantDeletesParents) {
            return Err(ErrorCode::NotEmpty);
        }
        Ok(self.remove(path, parent_path, parent, false))
    }

    /// The leader found that the node's time is over; it may have been used since. Nobody's permission is asked.
    pub fn delete_container(&mut self, path: &Path) -> Result<Txn, ErrorCode> {
        let parent_path = deletable_parent(path)?;
        let node = self.changes.record(self.db, path)?;
        if node.children > 0 {
            return Err(ErrorCode::NotEmpty);
        }
        if matches!(Owner::of(node.owner), Owner::Session(_)) {
            return Err(ErrorCode::BadVersion);
        }
        let parent = self.changes.record(self.db, parent_path)?;
        Ok(self.remove(path, parent_path, parent, true))
    }

    fn remove(&mut self, path: &Path, parent_path: &str, mut parent: Record, container: bool) -> Txn {
        parent.children -= 1;
        self.changes.add(self.zxid, &parent_path.into(), Some(parent));
        self.changes.add(self.zxid, path, None);
        Txn::Delete { path: path.clone(), container }
    }

    fn set_data(&mut self, path: &Path, data: &Option<Bytes>, version: i32) -> Result<Txn, ErrorCode> {
        let mut node = self.existing(path)?;
        self.allowed(&node, WRITE)?;
        let length = length_of(data);
        self.within_quota(path, 0, length - node.length)?;
        node.length = length;
        node.version = self.version_after(node.version, version)?;
        let version = node.version;
        self.changes.add(self.zxid, path, Some(node));
        Ok(Txn::SetData { path: path.clone(), data: data.clone(), version })
    }

    /// The version of the data once it is set.
    fn version_after(&self, version: i32, expected: i32) -> Result<i32, ErrorCode> {
        let expected = if self.bugs.has(Bug::MutantIgnoresVersions) { -1 } else { expected };
        let next = next_version(version, expected)?;
        Ok(if self.bugs.has(Bug::MutantVersionStands) { version } else { next })
    }

    /// Other data for a node that must be there, and may be written; its version is set.
    pub fn replace(&mut self, path: &Path, version: i32) -> Result<(), ErrorCode> {
        let mut node = self.changes.record(self.db, path)?;
        self.allowed(&node, WRITE)?;
        node.version = version;
        self.changes.add(self.zxid, path, Some(node));
        Ok(())
    }

    /// The list that is replaced stays in force for what is asked until the change is applied, as in ZooKeeper (data-model reference §9.4a).
    fn set_acl(&mut self, path: &Path, acl: &AclList, version: i32) -> Result<Txn, ErrorCode> {
        if !is_valid_path(path) {
            return Err(ErrorCode::BadArguments);
        }
        let acl = access::checked(acl, self.ids)?;
        let mut node = self.changes.record(self.db, path)?;
        self.allowed(&node, ADMIN)?;
        node.aversion = next_version(node.aversion, version)?;
        node.keep_acl(self.db);
        let version = node.aversion;
        self.changes.add(self.zxid, path, Some(node));
        Ok(Txn::SetAcl { path: path.clone(), acl, version })
    }

    fn check(&mut self, path: &Path, version: i32) -> Result<Txn, ErrorCode> {
        let node = self.existing(path)?;
        self.allowed(&node, READ)?;
        let version = next_version(node.version, version)?;
        Ok(Txn::Check { path: path.clone(), version })
    }

    /// Lists the ephemerals, those to come included.
    ///
    /// As in ZooKeeper the parents' pending child counts stay as they are: a delete of the parent right behind may be told NotEmpty.
    pub fn close_session(&mut self) -> Txn {
        let paths = self.changes.ephemerals(self.db, self.session);
        paths.iter().for_each(|path| self.changes.add(self.zxid, path, None));
        let left_out = usize::from(self.bugs.has(Bug::MutantEndLeavesOneOut));
        Txn::CloseSession { paths: Some(paths.into_iter().skip(left_out).collect()) }
    }

    /// A node by its full name.
    fn existing(&self, path: &Path) -> Result<Record, ErrorCode> {
        if is_valid_path(path) { self.changes.record(self.db, path) } else { Err(ErrorCode::BadArguments) }
    }

    fn within_quota(&self, path: &str, nodes: i32, bytes: i32) -> Result<(), ErrorCode> {
        if self.config.enforce_quota { check_quota(self.db.tree(), path, i64::from(nodes), i64::from(bytes)) } else { Ok(()) }
    }

    fn allowed(&self, node: &Record, perms: i32) -> Result<(), ErrorCode> {
        if self.config.skip_acl { Ok(()) } else { node.allows(self.db, perms, self.ids) }
    }
}

/// What the reader of a multi makes of a part: which create it is follows from the mode, not from the request, so that none but those of
/// containers and TTL nodes tells the stat. Source: `MultiOperationRecord.deserialize`, `Op.create`.
fn as_read_in_multi(part: &Op) -> Cow<'_, Op> {
    let Op::Create { form, path, data, acl, mode } = part else { return Cow::Borrowed(part) };
    let meant = match (form, mode) {
        (_, CreateMode::Container) => CreateForm::Container,
        (CreateForm::Ttl(millis), mode) if mode.is_ttl() => CreateForm::Ttl(*millis),
        _ => CreateForm::Create,
    };
    Cow::Owned(Op::Create { form: meant, path: path.clone(), data: data.clone(), acl: acl.clone(), mode: *mode })
}

/// The parent of what is to be deleted: only the beginning of a path is looked at, and what is always there stays.
fn deletable_parent(path: &str) -> Result<&str, ErrorCode> {
    parent_path(path).filter(|_| !SPECIAL_PATHS.contains(&path)).ok_or(ErrorCode::BadArguments)
}

fn length_of(data: &Option<Bytes>) -> i32 {
    data.as_ref().map_or(0, |data| data.len() as i32)
}

/// Whether so many nodes and bytes more are allowed, as far as things are applied: what is only proposed does not count. A node that takes
/// less than before is refused, too, where that is still too much, and everything where somebody has written a quota that makes no sense.
/// Source: `ZooKeeperServer.checkQuota`; data-model reference §11, and a server of 3.8.0 that was asked.
#[cold]
#[inline(never)]
fn check_quota(tree: &DataTree, path: &str, nodes: i64, bytes: i64) -> Result<(), ErrorCode> {
    let Some(quota) = tree.quota_over(path) else { return Ok(()) };
    let [limits, stats] = quota.map(|node| StatsTrack::parse(node.data.as_deref()).ok_or(ErrorCode::MarshallingError));
    let limits = limits?;
    let kinds = [(COUNT, COUNT_HARD_LIMIT, nodes), (BYTES, BYTE_HARD_LIMIT, bytes)];
    let limited = |&(soft, hard, more): &(_, _, i64)| more != 0 && (limits.limit(soft).is_some() || limits.limit(hard).is_some());
    for (what, hard, more) in kinds.into_iter().filter(limited) {
        let now = stats.as_ref().map_err(|code| *code)?.get(what);
        if limits.limit(hard).is_some_and(|limit| now + more > limit) {
            return Err(ErrorCode::QuotaExceeded);
        }
    }
    Ok(())
}

/// The version after a change that expects `expected`; -1 expects any. Source: `checkAndIncVersion`.
fn next_version(version: i32, expected: i32) -> Result<i32, ErrorCode> {
    if expected == -1 || expected == version { Ok(version.wrapping_add(1)) } else { Err(ErrorCode::BadVersion) }
}
