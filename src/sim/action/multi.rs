//! The parts of a multi: commands of the same grammar with `;` between them.

use std::sync::Arc;

use super::client::{COMMANDS, Known, path, version};
use super::parse::Words;
use super::text::{SEPARATOR, TextError, one_of};
use crate::proto::{Command, Op};

/// Which commands a request is made of.
pub(super) struct Allowed {
    request: &'static str,
    parts: &'static [&'static str],
    fits: fn(&Op) -> bool,
}

/// Source: `MultiOperationRecord`; what may be in it is decided by the library, and again by the server.
pub(super) const WRITES: Allowed = Allowed { request: "multi", parts: &["create", "set", "delete", CHECK], fits: Op::fits_multi };

/// The same for reads.
pub(super) const READS: Allowed = Allowed { request: "multiRead", parts: &["get", "ls"], fits: Op::fits_multi_read };

/// The only part that is no command by itself.
pub(super) const CHECK: &str = "check";

/// All that is left of a line: at least one part.
pub(super) fn parts(words: &mut Words, allowed: &Allowed) -> Result<Arc<[Op]>, TextError> {
    if let Some(word) = words.left().iter().find(|word| !word.quoted && word.text != SEPARATOR && word.text.contains(SEPARATOR)) {
        let message = format!("`;` between the parts of a {} has space on both sides", allowed.request);
        return Err(TextError::new(word.span.clone(), message).with_help("in quotes it is text"));
    }
    let parts = words.split(SEPARATOR);
    let last = parts.len() - 1;
    parts.into_iter().enumerate().map(|(at, mut words)| part(&mut words, allowed, at == last)).collect()
}

fn part(words: &mut Words, allowed: &Allowed, is_last: bool) -> Result<Op, TextError> {
    let Allowed { request, parts, fits } = allowed;
    if words.is_done() {
        let (span, before) = if is_last { (words.end()..words.end(), "") } else { (words.end()..words.end() + SEPARATOR.len(), " before this `;`") };
        return Err(
            TextError::new(span, format!("a part is missing{before}")).with_help(format!("the parts of a {request} are {}", parts.join(", ")))
        );
    }
    let name = words.next("a part")?.clone();
    if !parts.contains(&name.text.as_str()) {
        let error = TextError::new(name.span, format!("`{}` is no part of a {request}", name.text));
        return Err(error.with_help(one_of(&name.text, parts.iter().copied())));
    }
    let op = match COMMANDS.iter().find(|known| known.name == name.text) {
        Some(known) => request_of(known, words)?,
        None => Op::Check { version: version(words, &[])?, path: path(words)? },
    };
    words.finish()?;
    match &op {
        // Java's library has no flag for it, and a server drops it as it reads the request.
        Op::GetData { watch: true, .. } | Op::GetChildren { watch: true, .. } => Err(TextError::new(name.span, "a multiRead sets no watches")),
        op if !fits(op) => Err(TextError::new(name.span, format!("this `{}` is no part of a {request}", name.text))),
        _ => Ok(op),
    }
}

fn request_of(known: &Known, words: &mut Words) -> Result<Op, TextError> {
    let command =
        (known.take)(words).map_err(|error| if error.help.is_some() { error } else { error.with_help(format!("the form is `{}`", known.form)) });
    match command? {
        Command::Request(op) => Ok(op),
        Command::Connect { .. } | Command::ForgetWatches { .. } | Command::Recipe(_) => unreachable!("parts are requests"),
    }
}

/// Anywhere else a `;` is a mistake, or text that is not in quotes.
pub(super) fn no_separators(command: &str, words: &Words) -> Result<(), TextError> {
    let is_multi = [&WRITES, &READS].iter().any(|allowed| allowed.request == command);
    let separator = words.left().iter().find(|word| word.text == SEPARATOR && !word.quoted);
    match separator.filter(|_| !is_multi) {
        Some(word) => Err(TextError::new(word.span.clone(), "`;` stands between the parts of a multi").with_help("in quotes it is text")),
        None => Ok(()),
    }
}
