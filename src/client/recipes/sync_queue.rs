//! The synchronisation queue: usable once all its members are there. The first half of a double barrier. Reference §14.

use super::names::in_order;
use super::rounds;
use super::script::{Run, Script, Unless};
use crate::proto::{ErrorCode, RecipeCall};

pub fn join(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let member = rounds::enter(zk, call, "start")?;
    // Nobody counts it any more. The last one to go takes the gate along.
    zk.delete(&member.node)?;
    let left = zk.children(&member.round, false).unless(ErrorCode::NoNode)?;
    if left.is_some_and(|list| in_order(&list.names).is_empty()) {
        rounds::clear(zk, &member)?;
    }
    Ok("Ok".into())
}
