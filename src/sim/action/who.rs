//! Whom an action concerns: a node by its id, or whoever plays a role when the action is carried out.

use std::fmt;

use super::parse::Words;
use super::text::TextError;
use crate::proto::NodeId;
use crate::trace::nearest;

/// A node by name or by role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Node(NodeId),
    /// Resolved when the step runs; nobody holds it: the action did not apply.
    Role(Role),
}

/// A part that a server plays. The number counts its holders by id, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Leader,
    Follower(u32),
    Observer(u32),
    Looking(u32),
}

/// Words that begin a role.
pub(super) const ROLES: [&str; 4] = ["leader", "follower", "observer", "looking"];

impl Who {
    /// Server `number`.
    pub const fn server(number: i64) -> Who {
        Who::Node(NodeId::server(number))
    }

    /// Takes `s1`, `c1`, `leader`, `follower`, `follower 2` …
    pub(super) fn take(words: &mut Words) -> Result<Who, TextError> {
        let word = words.next("a node (s1) or a role (leader, follower 2)")?;
        if let Some(node) = NodeId::parse(&word.text).filter(|node| node.to_string() == word.text) {
            return Ok(Who::Node(node));
        }
        let role = match word.text.as_str() {
            "leader" => Role::Leader,
            "follower" => Role::Follower(nth(words)?),
            "observer" => Role::Observer(nth(words)?),
            "looking" => Role::Looking(nth(words)?),
            other => {
                let meant = nearest(other, ROLES).map(|role| format!("did you mean `{role}`? ")).unwrap_or_default();
                let help = format!("{meant}a node is s1, s2, … or leader, follower N, observer N, looking N");
                return Err(TextError::new(word.span.clone(), format!("`{other}` is not a node")).with_help(help));
            }
        };
        Ok(Who::Role(role))
    }
}

/// The number after a role; 1 when there is none.
fn nth(words: &mut Words) -> Result<u32, TextError> {
    let Some(word) = words.next_if(|text| text.bytes().all(|byte| byte.is_ascii_digit())) else { return Ok(1) };
    let number = word.text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| TextError::new(word.span.clone(), format!("`{}` is no position: holders of a role are counted from 1", word.text)))
}

impl fmt::Display for Who {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Who::Node(node) => node.fmt(out),
            Who::Role(Role::Leader) => out.write_str("leader"),
            Who::Role(Role::Follower(nth)) => write!(out, "follower {nth}"),
            Who::Role(Role::Observer(nth)) => write!(out, "observer {nth}"),
            Who::Role(Role::Looking(nth)) => write!(out, "looking {nth}"),
        }
    }
}
