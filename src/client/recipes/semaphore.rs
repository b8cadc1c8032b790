//! The semaphore: a lease for each of so many, and the others wait. Reference §17; Curator `InterProcessSemaphoreV2`.
//!
//! Below PATH: `leases`, a node for each lease, and `locks`, the line of those who want one. Only the first of that line adds a lease, and it
//! leaves when it has been granted or has gone without: so no more than one lease is ever there that was not granted.

use super::asking::Made;
use super::line::{self, ANYBODY};
use super::names::{child, name_of};
use super::protected;
use super::script::{Run, Script, Stop};
use crate::bugs::Bug;
use crate::proto::{CreateMode, Micros, Path, RecipeCall, TIMED_OUT};
use crate::trace::Note;

pub fn acquire(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let deadline = zk.deadline(call.within);
    let is_granted = if zk.has(Bug::RecipeLeaseWithoutMutex) { take_if_free(zk, call, deadline)? } else { take_in_turn(zk, call, deadline)? };
    if is_granted { Ok("Ok".into()) } else { Err(Stop::Refused(TIMED_OUT)) }
}

/// Tells whether it was granted before the time had come.
fn take_in_turn(zk: &mut Script, call: &RecipeCall, deadline: Option<Micros>) -> Run<bool> {
    let mutex = RecipeCall { path: child(&call.path, "locks"), ..call.clone() };
    let turn = protected::create(zk, &mutex.path, "lock-", None, CreateMode::EphemeralSequential)?;
    let has_turn = line::await_turn(zk, &mutex, &turn, ANYBODY, deadline)?.is_some();
    let is_granted = has_turn && await_lease(zk, call, deadline)?;
    zk.delete(&turn.path)?;
    Ok(is_granted)
}

/// Adds a lease, and waits until there are no more than there may be.
fn await_lease(zk: &mut Script, call: &RecipeCall, deadline: Option<Micros>) -> Run<bool> {
    let leases = leases(call);
    let mut lease = create_lease(zk, &leases)?;
    loop {
        let list = zk.children(&leases, true)?;
        if !list.names.iter().any(|name| **name == *name_of(&lease.path)) {
            // Somebody has deleted it.
            lease = create_lease(zk, &leases)?;
            continue;
        }
        if list.names.len() as i64 <= most(call) {
            line::hold(zk, call, &lease, list.zxid);
            return Ok(true);
        }
        zk.tell(|| Note::Waits { recipe: call.verb.recipe(), path: call.path.clone(), node: lease.path.clone(), ahead: leases.clone() });
        if zk.wait(&[&leases], deadline)?.is_none() {
            // The mistake: who goes without leaves its node there, and that counts for ever.
            if !zk.has(Bug::RecipeLeaseLeft) {
                zk.delete(&lease.path)?;
            }
            return Ok(false);
        }
    }
}

/// The mistake: the leases are counted first and one is added then. Two who count at the same time both find one free.
fn take_if_free(zk: &mut Script, call: &RecipeCall, deadline: Option<Micros>) -> Run<bool> {
    let leases = leases(call);
    zk.create_container(&leases)?;
    while zk.children(&leases, true)?.names.len() as i64 >= most(call) {
        if zk.wait(&[&leases], deadline)?.is_none() {
            return Ok(false);
        }
    }
    let lease = create_lease(zk, &leases)?;
    line::hold(zk, call, &lease, lease.czxid);
    Ok(true)
}

fn create_lease(zk: &mut Script, leases: &Path) -> Run<Made> {
    protected::create(zk, leases, "lease-", None, CreateMode::EphemeralSequential)
}

fn leases(call: &RecipeCall) -> Path {
    child(&call.path, "leases")
}

/// So many leases there may be: all who use it say the same.
fn most(call: &RecipeCall) -> i64 {
    call.number.unwrap_or(1)
}
