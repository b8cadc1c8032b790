//! `c1 reconfig …`: who joins, who leaves, or who is in the ensemble altogether, in the words of zkCli. Source: `ReconfigCommand`.
//!
//! An address says nothing here that the server's name does not, so that `-add s4` and `-add s5:observer` are enough.

use std::sync::Arc;

use super::parse::Words;
use super::text::TextError;
use crate::proto::{Command, LearnerType, Op, Reconfiguration, ServerId, server_spec};

pub(super) fn reconfig(words: &mut Words) -> Result<Command, TextError> {
    let mut change = Reconfiguration { version: -1, ..Reconfiguration::default() };
    let mut last = None;
    while let Some(option) = super::client::option(words, &["-v", "-add", "-remove", "-members"], &["-s", "-file"])? {
        let list = match option.text.as_str() {
            "-v" => {
                change.version = version(words)?;
                continue;
            }
            "-add" => &mut change.joining,
            "-remove" => &mut change.leaving,
            _ => &mut change.members,
        };
        let word = words.next("a list of servers")?;
        let items = word.text.split(',').map(|item| if option.text == "-remove" { left(item) } else { joined(item) });
        if list.replace(Arc::from(items.collect::<Vec<_>>().join(","))).is_some() {
            return Err(TextError::new(option.span, format!("`{}` stands twice", option.text)));
        }
        last = Some(option);
    }
    let is_incremental = change.joining.is_some() || change.leaving.is_some();
    match last {
        Some(option) if is_incremental && change.members.is_some() => {
            Err(TextError::new(option.span, "either all members are named, or who joins and who leaves"))
        }
        Some(_) => Ok(Command::Request(Op::Reconfig(Arc::new(change)))),
        None => {
            let word = words.next("-add, -remove or -members")?;
            Err(TextError::new(word.span.clone(), format!("`{}` is no option", word.text)))
        }
    }
}

/// A version is a zxid, in hexadecimal as there; or as everywhere else here, `1:5`.
fn version(words: &mut Words) -> Result<i64, TextError> {
    let word = words.next("the version of a configuration")?;
    let zxid = crate::proto::Zxid::parse(&word.text).filter(|_| word.text.contains(':')).map(|zxid| zxid.0);
    let version = zxid.or_else(|| i64::from_str_radix(&word.text, 16).ok());
    let help = "a zxid, as the last line of `config` has it: 100000005";
    version.ok_or_else(|| TextError::new(word.span.clone(), format!("`{}` is not a version", word.text)).with_help(help))
}

/// The whole line for `s4` and `s4:observer`; anything else is for the server to judge.
fn joined(item: &str) -> String {
    let (name, role) = match item.split_once(':') {
        Some((name, "observer")) => (name, LearnerType::Observer),
        Some((name, "participant")) => (name, LearnerType::Participant),
        Some(_) => return item.into(),
        None => (item, LearnerType::Participant),
    };
    ServerId::parse(name).map_or_else(|| item.into(), |id| format!("server.{}={}", id.0, server_spec(id, role)))
}

/// The number of `s4`.
fn left(item: &str) -> String {
    ServerId::parse(item.trim()).map_or_else(|| item.into(), |id| id.0.to_string())
}

/// Servers that join by this, as far as their numbers can be read.
pub fn joining(change: &Reconfiguration) -> impl Iterator<Item = ServerId> {
    let lists = [&change.joining, &change.members];
    let items = lists.into_iter().flatten().flat_map(|list| list.split([',', '\n']));
    items.filter_map(|item| item.split_once('=')?.0.rsplit('.').next()?.parse().ok().map(ServerId))
}

#[cfg(test)]
mod tests {
    use super::super::Action;

    /// What a line means, in the canonical form.
    fn read(line: &str) -> String {
        Action::parse(&format!("c1 {line}")).map_or_else(|error| error.message, |action| action.to_string())
    }

    #[test]
    fn lines_as_zk_cli_has_them_and_shorter_ones() {
        let four = "server.4=s4:2888:3888:participant;2181";
        for (line, meant) in [
            ("reconfig -add s4", format!("c1 reconfig -add {four}")),
            (&format!("reconfig -add {four} -remove 1,2"), format!("c1 reconfig -remove 1,2 -add {four}")),
            ("reconfig -remove s1,s2 -v 1:5", "c1 reconfig -v 100000005 -remove 1,2".into()),
            (
                "reconfig -members s1,s2:observer",
                "c1 reconfig -members server.1=s1:2888:3888:participant;2181,server.2=s2:2888:3888:observer;2181".into(),
            ),
            ("reconfig -add 4=nowhere", "c1 reconfig -add 4=nowhere".into()),
            ("config", "c1 config".into()),
            ("config -w", "c1 config -w".into()),
        ] {
            assert_eq!(read(line), meant);
            assert_eq!(read(meant.trim_start_matches("c1 ")), meant, "it reads back");
        }
    }

    #[test]
    fn mistakes_are_told() {
        for (line, wrong) in [
            ("reconfig", "-add, -remove or -members is missing"),
            ("reconfig -v x -add s4", "`x` is not a version"),
            ("reconfig -add s4 -add s5", "`-add` stands twice"),
            ("reconfig -members s1 -remove 2", "either all members are named, or who joins and who leaves"),
            ("reconfig -file a", "the option `-file` needs the next version"),
        ] {
            assert_eq!(read(line), wrong, "{line}");
        }
    }
}
