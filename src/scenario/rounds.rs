//! What a workload does in each of its rounds: lines as a step tells them to a client, without its name, and `sleep`.

use super::checker::Checker;
use super::problem::Path;
use crate::client::Line;
use crate::proto::{Command, Op};
use crate::sim::action::text::TextError;
use crate::sim::action::{CommandLine, parse_command, parse_sleep};

/// The lines, without those that are wrong.
pub(super) fn read(checker: &mut Checker, place: &Path, lines: &[String]) -> Vec<Line> {
    let asks = |line: &&Line| matches!(line, Line::Told(_));
    let read = |(index, text): (usize, &String)| checker.text(&place.index(index), line(text));
    let read: Vec<Line> = lines.iter().enumerate().filter_map(read).collect();
    if read.len() == lines.len() && !read.iter().any(|line| asks(&line)) {
        let help = "at least one line for a client: \"lock acquire /locks/a\"";
        checker.wrong(place, "nothing is ever asked", help);
    }
    read
}

/// Reads a line. The error points into it.
pub(super) fn line(text: &str) -> Result<Line, TextError> {
    if let Some(time) = parse_sleep(text)? {
        return Ok(Line::Sleep(time));
    }
    let command = parse_command(text)?;
    match command {
        // Sessions are the workload's own affair, and the membership is everybody's.
        Command::Connect { .. } | Command::Request(Op::CloseSession | Op::Reconfig(_)) => {
            let name = text.split_whitespace().next().unwrap_or_default();
            let start = text.find(name).unwrap_or(0);
            let error = TextError::new(start..start + name.len(), format!("`{name}` is no part of a round"));
            Err(error.with_help("a step can do it: \"do\": \"c1 close\""))
        }
        command => Ok(Line::Told(command)),
    }
}

/// A line as it is read back.
pub(super) fn written(line: &Line) -> String {
    match line {
        Line::Sleep(time) => format!("sleep {time}"),
        Line::Told(command) => CommandLine(command).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_back() {
        for text in ["sleep 20ms", "lock acquire /locks/a within 5s", "set -v 3 /a x", "removewatches -d -l /a", "create -e -s /a/n- \"x y\""] {
            assert_eq!(line(text).map(|line| written(&line)).as_deref(), Ok(text));
        }
    }

    #[test]
    fn mistakes_point_at_the_word() {
        for (text, wrong, message) in [
            ("", "", "a command is missing"),
            ("lock aquire /a", "aquire", "a lock knows no `aquire`"),
            ("sleep", "", "a time (250ms) is missing"),
            ("sleep 0ms", "0ms", "no time at all"),
            ("sleep 5", "5", "`5` is not a time"),
            ("sleep 1s 2s", "2s", "`2s` is too much"),
            ("c1 get /a", "c1", "unknown client command `c1`"),
            (" close", "close", "`close` is no part of a round"),
            ("connect s1", "connect", "`connect` is no part of a round"),
            ("reconfig -add s4", "reconfig", "`reconfig` is no part of a round"),
        ] {
            let error = line(text).expect_err(text);
            assert_eq!(&text[error.span.clone()], wrong, "{text}");
            assert!(error.message.contains(message), "{text}: {}", error.message);
        }
    }
}
