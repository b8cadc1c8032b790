//! Rounds: members meet below a node of their own, `PATH/3`, and go on together once there are enough of them. Reference §11, §14.
//!
//! The version of PATH says which round can be entered. A member is created in one multi with a check of that version; who finds enough of them
//! opens the gate in one multi that raises it. So whoever is a member when the gate opens is one for good, who comes later belongs to the next
//! round, and no gate of an older round lets anybody through (§11d).

use super::names::{child, in_order};
use super::protected;
use super::script::{Run, Script, Stop};
use crate::bugs::Bug;
use crate::proto::{Acl, Bytes, CreateMode, ErrorCode, Micros, Op, Path, RecipeCall, TIMED_OUT};
use crate::trace::Note;

/// Who waits at a gate, or has come through.
pub struct Member {
    /// The node of the round.
    pub round: Path,
    /// Its own, below.
    pub node: Path,
    pub gate: Path,
}

/// Becomes a member of the round that can be entered, and waits until its gate is open.
pub fn enter(zk: &mut Script, call: &RecipeCall, gate: &str) -> Run<Member> {
    let deadline = zk.deadline(call.within);
    let path = &call.path;
    let needed = call.number.filter(|number| *number > 0).ok_or(Stop::Failed(ErrorCode::BadArguments))? as usize;
    loop {
        let version = version_of(zk, path)?;
        let round = child(path, &version.to_string());
        let gate = child(&round, gate);
        // Before the members are counted, so that the gate cannot open between the count and the watch.
        let is_open = !zk.has(Bug::RecipeLostWakeup) && zk.exists(&gate, true)?.is_some();
        // The mistake: a gate that is open is everybody's, whichever round it was opened for.
        if is_open && !zk.has(Bug::RecipeStaleReady) {
            continue;
        }
        let Some(node) = join(zk, path, version, &round)? else { continue };
        let member = Member { round, node, gate };
        if members(zk, &member.round)? >= needed {
            open(zk, path, version, &member.gate)?;
        } else if !is_open {
            wait_at(zk, call, &member, needed, deadline)?;
        }
        let (recipe, seen) = (call.verb.recipe(), zk.seen());
        zk.tell(|| Note::Passes { recipe, path: path.clone(), node: member.node.clone(), seen });
        return Ok(member);
    }
}

/// The round that can be entered. PATH is made if it is missing.
fn version_of(zk: &mut Script, path: &Path) -> Run<i32> {
    loop {
        match zk.exists(path, false)? {
            Some(stat) => return Ok(stat.version),
            None => zk.create_container(path)?,
        }
    }
}

/// The members of a round; the gate, which has no number, is none.
fn members(zk: &mut Script, round: &Path) -> Run<usize> {
    Ok(in_order(&zk.children(round, false)?.names).len())
}

/// Its own node, if the round can still be entered.
fn join(zk: &mut Script, path: &Path, version: i32, round: &Path) -> Run<Option<Path>> {
    let mark = protected::mark(zk);
    let prefix = child(round, &format!("{mark}member-"));
    loop {
        let check = Op::Check { path: path.clone(), version };
        let create = Op::create(prefix.clone(), None, Acl::open(), CreateMode::EphemeralSequential);
        match zk.multi_or_blame(|| vec![check, create]) {
            Ok(Ok(_)) => {}
            Ok(Err((0, ErrorCode::BadVersion | ErrorCode::NoNode))) => return Ok(None),
            Ok(Err((1, ErrorCode::NoNode))) => {
                zk.create_container(round)?;
                continue;
            }
            Ok(Err((_, code))) => return Err(Stop::Failed(code)),
            Err(Stop::Failed(ErrorCode::ConnectionLoss)) => zk.sync(round)?,
            Err(stop) => return Err(stop),
        }
        // Its number is the leader's choice, and the answer may be lost: the mark tells in both cases.
        let node = protected::find_path(zk, round, &mark)?;
        if node.is_some() {
            return Ok(node);
        }
    }
}

/// Opens the gate and ends the round for all others, unless somebody else has.
fn open(zk: &mut Script, path: &Path, version: i32, gate: &Path) -> Run<()> {
    let next: Bytes = (version + 1).to_string().into_bytes().into();
    loop {
        let mut parts = vec![Op::create(gate.clone(), None, Acl::open(), CreateMode::Persistent)];
        // The mistake: all rounds are the same one.
        if !zk.has(Bug::RecipeStaleReady) {
            parts.push(Op::SetData { path: path.clone(), data: Some(next.clone()), version });
        }
        match zk.multi_or_blame(|| parts) {
            Ok(Ok(_) | Err((_, ErrorCode::NodeExists))) => return Ok(()),
            Ok(Err((_, code))) => return Err(Stop::Failed(code)),
            Err(Stop::Failed(ErrorCode::ConnectionLoss)) => {}
            Err(stop) => return Err(stop),
        }
    }
}

/// Waits until the gate is open. It stays so: that somebody has gone on already, and his node is missing, is nobody's business (§11c).
fn wait_at(zk: &mut Script, call: &RecipeCall, member: &Member, needed: usize, deadline: Option<Micros>) -> Run<()> {
    let (recipe, Member { round, node, gate }) = (call.verb.recipe(), member);
    let mut is_open = false;
    while !is_open {
        zk.tell(|| Note::Waits { recipe, path: call.path.clone(), node: node.clone(), ahead: gate.clone() });
        // The mistake: the watch comes behind the count, and what its answer tells is not looked at.
        if zk.has(Bug::RecipeLostWakeup) {
            zk.exists(gate, true)?;
        }
        if zk.wait(&[gate], deadline)?.is_none() {
            zk.delete(node)?;
            return Err(Stop::Refused(TIMED_OUT));
        }
        // The mistake: the members are counted again.
        is_open = if zk.has(Bug::RecipeRecounts) { members(zk, round)? >= needed } else { zk.exists(gate, true)?.is_some() };
    }
    Ok(())
}

/// A round that all have left is of no use: its gate goes, and it goes as an empty container.
pub fn clear(zk: &mut Script, member: &Member) -> Run<()> {
    // The mistake: it is left to be found by those who come next.
    if zk.has(Bug::RecipeStaleReady) { Ok(()) } else { zk.delete(&member.gate) }
}
