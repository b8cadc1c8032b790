//! Queues: persistent sequential nodes below PATH, taken from the front. Reference §12, §13; kazoo `LockingQueue`.

use super::names::{child, in_order, name_of, priority_of};
use super::protected;
use super::script::{Run, Script, Stop, Unless};
use crate::bugs::Bug;
use crate::proto::{Acl, Bytes, CreateMode, ErrorCode, Op, Path, Recipe, RecipeCall, TIMED_OUT};
use crate::trace::Note;

/// Claims, and the receipts of those who have put something, stand below this child of the queue.
const CLAIMS: &str = "claims";

/// Priorities have three digits.
const PRIORITIES: std::ops::Range<i64> = 0..1_000;

pub fn put(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    put_as(zk, call, "item-")
}

pub fn put_by_priority(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let priority = call.number.filter(|priority| PRIORITIES.contains(priority)).ok_or(Stop::Failed(ErrorCode::BadArguments))?;
    // The mistake: as text, 10 comes before 9.
    let prefix = if zk.has(Bug::RecipePriorityWidth) { format!("{priority}-") } else { format!("{priority:03}-") };
    put_as(zk, call, &prefix)
}

/// An item stays when its producer goes. That it was put is told by a receipt that is made together with it: before the producer is back the
/// item may be taken, and gone.
fn put_as(zk: &mut Script, call: &RecipeCall, prefix: &str) -> Run<String> {
    if zk.has(Bug::RecipeNoGuid) {
        protected::create(zk, &call.path, prefix, call.data.clone(), CreateMode::PersistentSequential)?;
        return Ok("Ok".into());
    }
    let (path, mark) = (&call.path, protected::mark(zk));
    let claims = child(path, CLAIMS);
    let (item, receipt) = (child(path, &format!("{mark}{prefix}")), child(&claims, &format!("{mark}put")));
    loop {
        let put = Op::create(item.clone(), call.data.clone(), Acl::open(), CreateMode::PersistentSequential);
        let sign = Op::create(receipt.clone(), None, Acl::open(), CreateMode::Ephemeral);
        match zk.multi_or_blame(|| vec![put, sign]) {
            Ok(Ok(_)) => break,
            Ok(Err((part, ErrorCode::NoNode))) => zk.create_container(if part == 0 { path } else { &claims })?,
            Ok(Err((_, code))) => return Err(Stop::Failed(code)),
            // It may have taken place, or do so still, though not behind a sync.
            Err(Stop::Failed(ErrorCode::ConnectionLoss)) => {
                zk.sync(path).unless(ErrorCode::NoNode)?;
                if zk.exists(&receipt, false)?.is_some() {
                    break;
                }
            }
            Err(stop) => return Err(stop),
        }
    }
    zk.delete(&receipt)?;
    Ok("Ok".into())
}

pub fn take(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let deadline = zk.deadline(call.within);
    let (recipe, path) = (call.verb.recipe(), &call.path);
    loop {
        let Some(list) = zk.children(path, true).unless(ErrorCode::NoNode)? else {
            zk.create_container(path)?;
            continue;
        };
        let line = in_turn(recipe, &list.names);
        for name in &line {
            let node = child(path, name);
            zk.tell(|| Note::Picks { recipe, path: path.clone(), node: node.clone(), seen: list.zxid });
            if let Some(data) = take_one(zk, call, &node)? {
                return Ok(data.map_or("null".into(), |data| String::from_utf8_lossy(&data).into_owned()));
            }
            // What comes later has a larger number, and so stands behind all that are listed; of a smaller priority it stands before them.
            // The mistake: it is taken for last there too.
            if recipe == Recipe::Priority && !zk.has(Bug::RecipeStaleList) {
                break;
            }
        }
        if line.is_empty() {
            zk.tell(|| Note::Waits { recipe, path: path.clone(), node: path.clone(), ahead: path.clone() });
            if zk.wait(&[path], deadline)?.is_none() {
                return Err(Stop::Refused(TIMED_OUT));
            }
        }
    }
}

/// The names of the items in the order in which they are to be taken.
fn in_turn(recipe: Recipe, names: &[Path]) -> Vec<Path> {
    let mut line: Vec<Path> = in_order(names).into_iter().cloned().collect();
    if recipe == Recipe::Priority {
        line.sort_by(|a, b| priority_of(a).cmp(priority_of(b)));
    }
    line
}

/// The item's data, if nobody else was faster.
fn take_one(zk: &mut Script, call: &RecipeCall, node: &Path) -> Run<Option<Option<Bytes>>> {
    let Some((data, _)) = zk.data(node, false).unless(ErrorCode::NoNode)? else { return Ok(None) };
    let taken = || Note::Taken { recipe: call.verb.recipe(), path: call.path.clone(), node: node.clone() };
    // The mistake: the work begins before it is anybody's.
    if zk.has(Bug::RecipeTakesBeforeDelete) {
        zk.tell(taken);
        zk.delete(node)?;
        return Ok(Some(data));
    }
    if zk.has(Bug::RecipeNoClaim) {
        return Ok(delete_first(zk, node)?.then(|| zk.tell(taken)).map(|()| data));
    }
    let claim = child(&child(&call.path, CLAIMS), name_of(node));
    if !claim_and_delete(zk, node, &claim)? {
        return Ok(None);
    }
    zk.tell(taken);
    zk.delete(&claim)?;
    Ok(Some(data))
}

/// Whether the item is now this script's. The claim names it, and goes with its session.
fn claim_and_delete(zk: &mut Script, node: &Path, claim: &Path) -> Run<bool> {
    let mine: Bytes = protected::mark(zk).into_bytes().into();
    let claims: Path = crate::proto::parent_path(claim).unwrap_or("/").into();
    loop {
        let delete = Op::Delete { path: node.clone(), version: -1 };
        let create = Op::create(claim.clone(), Some(mine.clone()), Acl::open(), CreateMode::Ephemeral);
        match zk.multi_or_blame(|| vec![delete, create]) {
            Ok(Ok(_)) => return Ok(true),
            Ok(Err((0, ErrorCode::NoNode))) => return Ok(false),
            Ok(Err((1, ErrorCode::NoNode))) => zk.create_container(&claims)?,
            Ok(Err((_, code))) => return Err(Stop::Failed(code)),
            // It may have taken place, or do so still, though not behind a sync. What is gone may be gone to oneself: the claim tells.
            Err(Stop::Failed(ErrorCode::ConnectionLoss)) => {
                zk.sync(claim)?;
                if zk.data(claim, false).unless(ErrorCode::NoNode)?.is_some_and(|(data, _)| data.as_deref() == Some(&mine[..])) {
                    return Ok(true);
                }
            }
            Err(stop) => return Err(stop),
        }
    }
}

/// The mistake: that the item is gone may be one's own doing.
fn delete_first(zk: &mut Script, node: &Path) -> Run<bool> {
    loop {
        match zk.ask(|| Op::Delete { path: node.clone(), version: -1 }) {
            Ok(_) => return Ok(true),
            Err(Stop::Failed(ErrorCode::NoNode)) => return Ok(false),
            Err(Stop::Failed(ErrorCode::ConnectionLoss)) => {}
            Err(stop) => return Err(stop),
        }
    }
}
