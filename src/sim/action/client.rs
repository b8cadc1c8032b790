//! Commands of clients (`c1 create /a data`): recognised, so that a mistake in one is told, and refused until clients exist.

use super::parse::Words;
use super::text::{TextError, Word, binary, one_of};

/// zkCli's own commands, and the recipes.
const COMMANDS: [&str; 29] = [
    "addWatch",
    "addauth",
    "barrier",
    "close",
    "config",
    "connect",
    "counter",
    "create",
    "delete",
    "deleteall",
    "election",
    "get",
    "getAcl",
    "getAllChildrenNumber",
    "getEphemerals",
    "lock",
    "ls",
    "multi",
    "queue",
    "reconfig",
    "removewatches",
    "semaphore",
    "set",
    "setAcl",
    "setquota",
    "stat",
    "sync",
    "version",
    "whoami",
];

/// Why a line whose subject is a client cannot be used.
pub(super) fn refuse(words: &Words, client: &Word) -> TextError {
    let Some(command) = words.left().first() else {
        let end = client.span.end;
        return TextError::new(end..end, "a command is missing").with_help(format!("what should {} do?", client.text));
    };
    if !COMMANDS.contains(&command.text.as_str()) {
        let help = one_of(&command.text, COMMANDS);
        return TextError::new(command.span.clone(), format!("unknown client command `{}`", command.text)).with_help(help);
    }
    if let Some(error) = words.left().iter().filter_map(binary).find_map(Result::err) {
        return error;
    }
    let message = format!("`{} {}`: commands of clients need the next version", client.text, command.text);
    TextError::new(client.span.start..command.span.end, message)
}
