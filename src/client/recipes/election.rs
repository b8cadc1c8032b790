//! Who leads: the candidate whose node is the first of the line, until it leaves or its session ends. Reference §8.
//!
//! That a node is the first does not mean that its candidate knows it already: who asks for the leader is told whose turn it is.

use super::line::{self, ANYBODY};
use super::names::{child, in_order};
use super::script::{Run, Script, Stop, Unless};
use crate::proto::{Bytes, ErrorCode, RecipeCall};

/// Comes back as the leader. Candidates leave their names.
pub fn join(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let name = Bytes::from(zk.me.to_string().into_bytes());
    line::acquire(zk, call, "n_", Some(name), ANYBODY)
}

/// The name that the first of the line has left.
pub fn leader(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    loop {
        let line = zk.children(&call.path, false)?;
        let first = in_order(&line.names).first().map(|name| child(&call.path, name));
        let Some(first) = first else { return Err(Stop::Failed(ErrorCode::NoNode)) };
        // Gone meanwhile: somebody else leads, or nobody.
        if let Some((name, _)) = zk.data(&first, false).unless(ErrorCode::NoNode)? {
            return Ok(String::from_utf8_lossy(&name.unwrap_or_default()).into_owned());
        }
    }
}
