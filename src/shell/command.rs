//! What a line means: a command of zkCli for a client, an action on the world, or a word to the shell itself.

use crate::proto::{Command, Micros, NodeId, Op, Path, is_valid_path};
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
    /// From now on the keyboard is that of this client.
    Use(u32),
    Help,
    Quit,
}

/// What a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    Command(Command, Shown),
    /// `ls -R`.
    ListAll(Path),
    /// `deleteall`.
    DeleteAll(Path),
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
const OWN: [(&str, &str); 10] = [
    ("ls -R PATH", "a node and all below it"),
    ("deleteall PATH", "deletes a node and all below it"),
    ("history", "what was typed last"),
    ("redo NUMBER", "a line of the history once more"),
    ("cN COMMAND", "the same for another client"),
    ("client cN", "from now on the keyboard is that of this client"),
    ("run TIME", "virtual time passes: run 5s"),
    ("status", "who is what, and how far"),
    ("help", "this"),
    ("quit", "ends the shell, as the end of its input does"),
];

/// Every word that a line may begin with.
pub fn names() -> impl Iterator<Item = &'static str> {
    ["deleteall", "client", "run", "status", "history", "redo", "help", "quit"].into_iter().chain(command_names()).chain(verb_names())
}

/// What may follow these words, beside nodes and paths: a command, also behind the name of a client, or who is meant by it.
pub fn next_words(before: &[&str]) -> Vec<&'static str> {
    match before {
        [] => names().collect(),
        [client] if client_number(client).is_some() => command_names().chain(["deleteall"]).collect(),
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
    OWN.iter().for_each(|(form, what)| text += &format!("  {form:<15} {what}\n"));
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
    name == "deleteall" || command_names().any(|command| command == name)
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
        "deleteall" => Ok(Typed::DeleteAll(path_of(line, name, &words[1..])?)),
        // As in zkCli nothing else is asked then.
        "ls" if option("-R").is_some() => {
            let is_option = |word: &&Word| matches!(word.text.as_str(), "-R" | "-s" | "-w") && !word.quoted;
            let rest: Vec<Word> = words[1..].iter().filter(|word| !is_option(word)).cloned().collect();
            Ok(Typed::ListAll(path_of(line, name, &rest)?))
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

/// The path that is all a command takes: any that `ls` would take.
fn path_of(line: &str, name: &Word, rest: &[Word]) -> Result<Path, TextError> {
    match rest {
        [] => Err(TextError::new(end(line), "a path (/a/b) is missing").with_help(format!("the form is `{} PATH`", name.text))),
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

    #[test]
    fn a_line_is_for_the_own_client_unless_it_names_another() {
        assert_eq!(client("get /a").0, 3);
        assert_eq!(client("c12 get /a"), (12, client("get /a").1));
        assert_eq!(client(" deleteall  /a"), (3, Typed::DeleteAll("/a".into())));
        assert_eq!(client("c1 ls -R /").1, Typed::ListAll("/".into()));
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
        assert_eq!(client("ls -s -w -R /a").1, Typed::ListAll("/a".into()));
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
