//! What a line means: a command of zkCli for a client, an action on the world, or a word to the shell itself.

use super::quotas::{LIMITS, Limit};
use crate::proto::{AclList, Command, Micros, NodeId, Op, Path, is_valid_path};
use crate::sim::Action;
use crate::sim::action::text::{Word, words};
use crate::sim::action::{TextError, command_names, verb_names};
use crate::trace::nearest;

/// A line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Client(u32, Typed),
    World(Action),
    /// Time passes.
    Run(Micros),
    Status,
    History,
    /// A line of the history.
    Redo(usize),
    /// Whether the watcher is to say anything; without a word that is told.
    PrintWatches(Option<bool>),
    /// From now on the keyboard is that of this client.
    Use(u32),
    Help,
    Quit,
}

/// What a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    Command(Command, Shown),
    Several(Several),
}

/// A command that is several requests: the shell's own, since a step of a scenario is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Several {
    /// `ls -R`.
    ListAll {
        path: Path,
        watch: bool,
    },
    /// `deleteall`.
    DeleteAll {
        path: Path,
        batch: i32,
    },
    /// `setAcl -R`.
    SetAclOfAll {
        path: Path,
        acl: AclList,
        version: i32,
    },
    SetQuota {
        path: Path,
        limit: Limit,
    },
    ListQuota(Path),
    DeleteQuota {
        path: Path,
        limit: Option<&'static str>,
    },
}

/// What is shown of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// `-s`: the stat, too.
    pub stat: bool,
    /// `config -c`: only where clients connect.
    pub connect: bool,
}

/// Commands that `-s` makes show the stat.
const WITH_STAT: [&str; 5] = ["ls", "get", "set", "getAcl", "setAcl"];

/// The shell's own words, with what they do.
const OWN: [(&str, &str); 15] = [
    ("ls -R PATH", "a node and all below it"),
    ("setAcl -R PATH ACL", "the same for a node and all below it"),
    ("deleteall PATH", "deletes a node and all below it; -b NUMBER: so many at once"),
    ("setquota -n NUMBER PATH", "so many nodes are enough there; -b: bytes; -N, -B: more are refused (`enforceQuota`)"),
    ("listquota PATH", "what may be there, and what is"),
    ("delquota PATH", "takes a quota away, or with -n, -b, -N, -B one of its limits"),
    ("printwatches on|off", "whether the watcher says anything"),
    ("history", "what was typed last"),
    ("redo NUMBER", "a line of the history once more"),
    ("cN COMMAND", "the same for another client"),
    ("client cN", "from now on the keyboard is that of this client"),
    ("run TIME", "virtual time passes: run 5s"),
    ("status", "who is what, and how far"),
    ("help", "this"),
    ("quit", "ends the shell, as the end of its input does"),
];

/// Words for several requests.
const SEVERAL: [&str; 4] = ["deleteall", "delquota", "listquota", "setquota"];

/// Every word that a line may begin with.
pub fn names() -> impl Iterator<Item = &'static str> {
    let own = ["client", "run", "status", "history", "printwatches", "redo", "help", "quit"];
    SEVERAL.into_iter().chain(own).chain(command_names()).chain(verb_names())
}

/// What may follow these words, beside nodes and paths: a command, also behind the name of a client, or who is meant by it.
pub fn next_words(before: &[&str]) -> Vec<&'static str> {
    match before {
        [] => names().collect(),
        [client] if client_number(client).is_some() => command_names().chain(SEVERAL).collect(),
        [verb, ..] if verb_names().any(|known| known == *verb) => vec!["leader", "follower", "observer", "looking"],
        _ => Vec::new(),
    }
}

/// What can be typed.
pub fn help() -> String {
    let list = |names: &mut dyn Iterator<Item = &'static str>| names.collect::<Vec<_>>().join(" ");
    let mut text = String::from("asks the ensemble, as zkCli does (-s shows the stat of ls, get, set, getAcl and setAcl, too):\n");
    text += &format!("  {}\n", list(&mut command_names()));
    text += "does something to the world, as the steps of a scenario do (`zoolab help steps` explains each):\n";
    text += &format!("  {}\n", list(&mut verb_names()));
    text += "and:\n";
    OWN.iter().for_each(|(form, what)| text += &format!("  {form:<23} {what}\n"));
    text
}

/// Reads a line for the keyboard of `client`; `None` when nothing is on it.
pub fn read(line: &str, client: u32) -> Result<Option<Input>, TextError> {
    let words = words(line)?;
    let Some(first) = words.first() else { return Ok(None) };
    let input = match (first.text.as_str(), &words[1..]) {
        ("quit" | "exit", []) => Input::Quit,
        ("help" | "?", []) => Input::Help,
        ("status", []) => Input::Status,
        ("history", []) => Input::History,
        ("quit" | "exit" | "help" | "status" | "history", [more, ..]) => return Err(too_much(more)),
        ("printwatches", []) => Input::PrintWatches(None),
        ("printwatches", rest) => Input::PrintWatches(Some(only(line, rest, "", "on, or off", on_or_off)?)),
        ("redo", rest) => Input::Redo(only(line, rest, "the number of a line is missing", "`history` numbers them", |text| text.parse().ok())?),
        ("run", rest) => Input::Run(only(line, rest, "how long is missing", "a time, as 5s or 200ms", |text| Micros::parse(text).ok())?),
        ("client", rest) => Input::Use(only(line, rest, "the client is missing", "clients are called c1, c2, …", client_number)?),
        (name, _) if verb_names().any(|verb| verb == name) => Input::World(Action::parse(line)?),
        (name, rest) => match client_number(name) {
            Some(other) if !rest.is_empty() => Input::Client(other, typed(line, rest)?),
            _ if is_command(name) => Input::Client(client, typed(line, &words)?),
            Some(_) => {
                return Err(TextError::new(end(line), "a command is missing").with_help(format!("to use its keyboard from now on: client {name}")));
            }
            None => return Err(unknown(first)),
        },
    };
    Ok(Some(input))
}

fn is_command(name: &str) -> bool {
    SEVERAL.contains(&name) || command_names().any(|command| command == name)
}

fn on_or_off(text: &str) -> Option<bool> {
    match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

fn client_number(name: &str) -> Option<u32> {
    match NodeId::parse(name) {
        Some(NodeId::Client(number)) => Some(number),
        _ => None,
    }
}

/// The one word that follows.
fn only<T>(line: &str, rest: &[Word], missing: &str, allowed: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, TextError> {
    match rest {
        [] => Err(TextError::new(end(line), missing).with_help(allowed)),
        [word] => read(&word.text).ok_or_else(|| TextError::new(word.span.clone(), format!("`{}` is not right here", word.text)).with_help(allowed)),
        [_, more, ..] => Err(too_much(more)),
    }
}

/// A command of zkCli. What concerns only how the answer is shown is the shell's own; all else is the grammar of steps.
fn typed(line: &str, words: &[Word]) -> Result<Typed, TextError> {
    let name = &words[0];
    // An option stands before the path.
    let options = words[1..].iter().take_while(|word| !word.text.starts_with('/'));
    let option = |text: &str| options.clone().find(|word| word.text == text && !word.quoted);
    match name.text.as_str() {
        "deleteall" | "delquota" | "listquota" | "setquota" => several(line, name, &words[1..]).map(Typed::Several),
        // As in zkCli no stat is shown then.
        "ls" | "setAcl" if option("-R").is_some() => {
            let taken: Vec<&Word> = option("-R").into_iter().chain(option("-s")).collect();
            Ok(Typed::Several(match parse(line, name, &taken)? {
                Command::Request(Op::GetChildren { path, watch }) => Several::ListAll { path, watch },
                Command::Request(Op::SetAcl { path, acl, version }) => Several::SetAclOfAll { path, acl, version },
                other => unreachable!("{other:?}"),
            }))
        }
        "config" | "reconfig" => {
            let (stat, connect) = (option("-s"), option("-c").filter(|_| name.text == "config"));
            let taken: Vec<&Word> = stat.into_iter().chain(connect).collect();
            let shown = Shown { stat: stat.is_some(), connect: connect.is_some() };
            Ok(Typed::Command(parse(line, name, &taken)?, shown))
        }
        known if WITH_STAT.contains(&known) => {
            let stat = option("-s");
            let command = match parse(line, name, stat.as_slice())? {
                Command::Request(Op::GetChildren { path, watch }) if stat.is_some() => Command::Request(Op::GetChildren2 { path, watch }),
                command => command,
            };
            Ok(Typed::Command(command, Shown { stat: stat.is_some(), connect: false }))
        }
        _ => Ok(Typed::Command(parse(line, name, &[])?, Shown::default())),
    }
}

/// Reads the line from the command on, as a step of a scenario; the options that were taken out of it are blank.
fn parse(line: &str, name: &Word, taken: &[&Word]) -> Result<Command, TextError> {
    const CLIENT: &str = "c1 ";
    let mut text = line.to_string();
    for taken in taken {
        text.replace_range(taken.span.clone(), &" ".repeat(taken.span.len()));
    }
    let start = name.span.start;
    match Action::parse(&format!("{CLIENT}{}", &text[start..])) {
        Ok(Action::Client { command, .. }) => Ok(command),
        Ok(_) => unreachable!("what a client is told"),
        Err(error) => {
            let shifted = |at: usize| (at + start).saturating_sub(CLIENT.len()).min(line.len());
            Err(TextError { span: shifted(error.span.start)..shifted(error.span.end), ..error })
        }
    }
}

/// A command that steps of scenarios do not have. Its option may stand behind the path, too.
fn several(line: &str, name: &Word, rest: &[Word]) -> Result<Several, TextError> {
    let form = match name.text.as_str() {
        "deleteall" => "deleteall PATH [-b NUMBER]",
        "delquota" => "delquota [-n|-b|-N|-B] PATH",
        "listquota" => "listquota PATH",
        _ => "setquota -n|-b|-N|-B NUMBER PATH",
    };
    let known: &[&str] = match name.text.as_str() {
        "deleteall" => &["-b"],
        "listquota" => &[],
        _ => &LIMITS.map(|(option, _)| option),
    };
    let mut rest = rest.to_vec();
    let found = rest.iter().position(|word| known.contains(&word.text.as_str()) && !word.quoted);
    let option = found.map(|at| rest.remove(at));
    let limit = |option: &Word| LIMITS.iter().find(|(name, _)| *name == option.text).map_or(LIMITS[0].1, |(_, name)| name);
    // What stands behind the option.
    let mut number = |missing: &str| {
        let at = found.filter(|at| *at < rest.len()).ok_or_else(|| TextError::new(end(line), missing.to_owned()))?;
        let word = rest.remove(at);
        word.text.parse::<i64>().map_err(|_| TextError::new(word.span, format!("`{}` is not a number", word.text)))
    };
    let read = match (name.text.as_str(), &option) {
        ("deleteall", None) => path_of(line, name, &rest).map(|path| Several::DeleteAll { path, batch: 1_000 }),
        ("deleteall", Some(_)) => {
            let batch = number("how many at once is missing").map(|batch| batch.clamp(0, i64::from(i32::MAX)) as i32);
            batch.and_then(|batch| path_of(line, name, &rest).map(|path| Several::DeleteAll { path, batch }))
        }
        ("listquota", _) => quota_path(line, name, &rest).map(Several::ListQuota),
        ("delquota", option) => quota_path(line, name, &rest).map(|path| Several::DeleteQuota { path, limit: option.as_ref().map(limit) }),
        (_, None) => Err(TextError::new(end(line), "what is to be limited is missing")),
        (_, Some(option)) => {
            let value = number("the limit is missing").map(|value| Limit { name: limit(option), value });
            value.and_then(|limit| quota_path(line, name, &rest).map(|path| Several::SetQuota { path, limit }))
        }
    };
    read.map_err(|error| if error.help.is_some() { error } else { error.with_help(format!("the form is `{form}`")) })
}

/// The node of a quota. ZooKeeper finds no place for one of the root.
fn quota_path(line: &str, name: &Word, rest: &[Word]) -> Result<Path, TextError> {
    match path_of(line, name, rest) {
        Ok(path) if &*path == "/" => Err(TextError::new(rest[0].span.clone(), "the root has no quota")),
        read => read,
    }
}

/// The path that is all a command takes: any that `ls` would take.
fn path_of(line: &str, name: &Word, rest: &[Word]) -> Result<Path, TextError> {
    match rest {
        [] => Err(TextError::new(end(line), "a path (/a/b) is missing").with_help(format!("the form is `{} PATH`", name.text))),
        [option, ..] if option.text.starts_with('-') && !option.quoted => {
            Err(TextError::new(option.span.clone(), format!("unknown option `{}`", option.text)))
        }
        [path] if is_valid_path(&path.text) => Ok(path.text.as_str().into()),
        [path] => Err(TextError::new(path.span.clone(), format!("`{}` is not a path", path.text))
            .with_help("a path begins with `/`, ends without one, and has no empty, `.` or `..` part")),
        [_, more, ..] => Err(too_much(more)),
    }
}

fn too_much(word: &Word) -> TextError {
    TextError::new(word.span.clone(), format!("`{}` is too much", word.text))
}

fn unknown(word: &Word) -> TextError {
    let help = match nearest(&word.text, names()) {
        Some(name) => format!("did you mean `{name}`? `help` lists what there is"),
        None => "`help` lists what there is".into(),
    };
    TextError::new(word.span.clone(), format!("unknown command `{}`", word.text)).with_help(help)
}

fn end(line: &str) -> std::ops::Range<usize> {
    line.len()..line.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(line: &str) -> (u32, Typed) {
        match read(line, 3) {
            Ok(Some(Input::Client(client, typed))) => (client, typed),
            other => panic!("{line}: {other:?}"),
        }
    }

    fn several(line: &str) -> (u32, Several) {
        let (client, Typed::Several(several)) = client(line) else { panic!("{line}") };
        (client, several)
    }

    #[test]
    fn options_of_several_requests_stand_anywhere() {
        for (line, read) in [
            ("deleteall -b 7 /a", Several::DeleteAll { path: "/a".into(), batch: 7 }),
            ("deleteall /a -b -1", Several::DeleteAll { path: "/a".into(), batch: 0 }),
            ("setquota -N 3 /a", Several::SetQuota { path: "/a".into(), limit: Limit { name: "countHardLimit", value: 3 } }),
            ("setquota /a -b 30", Several::SetQuota { path: "/a".into(), limit: Limit { name: "bytes", value: 30 } }),
            ("c2 listquota /a", Several::ListQuota("/a".into())),
            ("delquota /a", Several::DeleteQuota { path: "/a".into(), limit: None }),
            ("delquota /a -n", Several::DeleteQuota { path: "/a".into(), limit: Some("count") }),
        ] {
            assert_eq!(several(line).1, read, "{line}");
        }
        let Several::SetAclOfAll { path, version, .. } = several("setAcl -v 2 -R -s /a world:anyone:r").1 else { panic!() };
        assert_eq!((&*path, version), ("/a", 2));
        for (line, wrong) in [
            ("setquota /a", ""),
            ("setquota -n /a", "/a"),
            ("setquota -n 3", ""),
            ("setquota -n 3 /", "/"),
            ("setquota -x 3 /a", ""),
            ("deleteall /a -b", ""),
            ("delquota -n -b /a", "-b"),
            ("listquota -n /a", "-n"),
            ("printwatches maybe", "maybe"),
            ("printwatches on off", "off"),
        ] {
            let error = read(line, 1).expect_err(line);
            assert_eq!(&line[error.span], wrong, "{line}");
        }
        assert_eq!(read("printwatches", 1), Ok(Some(Input::PrintWatches(None))));
        assert_eq!(read("printwatches off", 1), Ok(Some(Input::PrintWatches(Some(false)))));
    }

    #[test]
    fn a_line_is_for_the_own_client_unless_it_names_another() {
        assert_eq!(client("get /a").0, 3);
        assert_eq!(client("c12 get /a"), (12, client("get /a").1));
        assert_eq!(several(" deleteall  /a"), (3, Several::DeleteAll { path: "/a".into(), batch: 1_000 }));
        assert_eq!(several("c1 ls -R /"), (1, Several::ListAll { path: "/".into(), watch: false }));
    }

    #[test]
    fn what_is_shown_is_told_from_what_is_asked() {
        let Typed::Command(Command::Request(op), shown) = client("ls -s /a").1 else { panic!() };
        assert_eq!((op, shown), (Op::GetChildren2 { path: "/a".into(), watch: false }, Shown { stat: true, connect: false }));
        for (line, stat) in [
            ("set -s -v 3 /a \"-s\"", true),
            ("set -v 3 -s /a x", true),
            ("set /a -s", false),
            ("get -w -s /a", true),
            ("getAcl -s /a", true),
            ("setAcl -s -v 0 /a world:anyone:r", true),
            ("setAcl /a world:anyone:r", false),
        ] {
            let Typed::Command(_, shown) = client(line).1 else { panic!("{line}") };
            assert_eq!(shown.stat, stat, "{line}");
        }
        assert_eq!(several("ls -s -w -R /a").1, Several::ListAll { path: "/a".into(), watch: true });
        // Where zkCli has another meaning for it, it keeps that.
        let Typed::Command(Command::Request(Op::Create { mode, .. }), shown) = client("create -s /a").1 else { panic!() };
        assert!(mode.is_sequential() && !shown.stat);
    }

    #[test]
    fn the_rest_is_for_the_world_or_the_shell() {
        assert_eq!(read("crash leader", 1), Ok(Some(Input::World(Action::parse("crash leader").unwrap()))));
        assert_eq!(read("run 1.5s", 1), Ok(Some(Input::Run(Micros::from_millis(1500)))));
        assert_eq!(read("client c2", 1), Ok(Some(Input::Use(2))));
        assert_eq!(read("  ", 1), Ok(None));
    }

    /// Whatever stands before the command, the error is where the user wrote it.
    #[test]
    fn mistakes_point_at_the_word() {
        for (line, wrong) in
            [("  c2  get  -x /a", "-x"), ("set -s /a", ""), ("ls -R /a b", "b"), ("statsu", "statsu"), ("get a", "a"), ("heal now", "now")]
        {
            let error = read(line, 1).expect_err(line);
            assert_eq!(&line[error.span], wrong, "{line}");
        }
    }
}
