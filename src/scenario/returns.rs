//! What a step says that a client must be answered: only what can be an answer to its request.

use super::checker::Checker;
use super::problem::Path;
use crate::proto::{Command, ErrorCode, Op};
use crate::sim::Action;
use crate::trace::nearest;

/// Tells what is wrong with the `returns` of a step.
pub(super) fn check(checker: &mut Checker, place: &Path, action: &Action, text: &str) {
    let op = match action {
        Action::Client { command: Command::Recipe(call), .. } => {
            let info = call.verb.info();
            return told(checker, place, text, info.may_answer(text), info.answer);
        }
        Action::Client { command: Command::Request(op), .. } => Some(op),
        Action::Client { command: Command::ForgetWatches { .. }, .. } => None,
        Action::Client { .. } => return checker.wrong_key(place, "`connect` returns nothing", "a step can wait for it: \"when\": \"c1 connected\""),
        _ => return checker.wrong_key(place, "only a client's request returns something", ""),
    };
    let (fits, success) = match op {
        Some(Op::Create { .. }) => (text.starts_with('/'), "the path that is created"),
        Some(Op::GetData { .. }) => return,
        Some(Op::Reconfig(_)) => (text.contains(": s"), "the new configuration, `1:5: s1 s2 s4`"),
        Some(Op::GetAcl { .. }) => (text.contains(':'), "scheme:id:permissions"),
        Some(Op::GetAllChildrenNumber { .. }) => (text.parse::<u32>().is_ok(), "a number"),
        Some(Op::Multi(parts)) => (is_list(text) || blames_one_of(parts, text), "[/a, Ok, ..], one for each part, `BadVersion in part 2`"),
        Some(Op::MultiRead(_) | Op::GetEphemerals { .. } | Op::WhoAmI) => (is_list(text), "[a, b], with commas between them"),
        Some(Op::GetChildren { .. } | Op::GetChildren2 { .. }) => (is_list(text), "[a, b], the children's names"),
        _ => (text == "Ok", "Ok"),
    };
    told(checker, place, text, fits, success);
}

/// Unless it fits, or is the name of an error.
fn told(checker: &mut Checker, place: &Path, text: &str, fits: bool, success: &str) {
    let errors = ErrorCode::ALL.iter().map(|code| code.name());
    if !fits && !errors.clone().any(|name| name == text) {
        let meant = nearest(text, errors.chain(["Ok"])).map(|name| format!("did you mean `{name}`? ")).unwrap_or_default();
        checker.wrong(place, format!("`{text}` can be no answer to this"), format!("{meant}expected {success}, or the name of an error"));
    }
}

fn is_list(text: &str) -> bool {
    text.starts_with('[') && text.ends_with(']')
}

/// `BadVersion in part 2`: an error, and a part that there is.
fn blames_one_of(parts: &[Op], text: &str) -> bool {
    let Some((code, part)) = text.split_once(" in part ") else { return false };
    let is_part = (1..=parts.len()).any(|number| number.to_string() == part);
    is_part && ErrorCode::ALL.iter().any(|known| known.name() == code)
}
