//! What a client is told (`c1 create /a data`), in the words of zkCli.

use super::multi;
use super::parse::{self, Words};
use super::recipe;
use super::text::{TextError, Word, binary, one_of};
use crate::proto::{
    Acl, AclList, AddWatchMode, Bytes, CONFIG_NODE, Claim, Claimed, Command, CreateForm, CreateMode, NodeId, Op, PERM_LETTERS, Path, SessionId,
    WatcherType, is_valid_path,
};

/// One command, with all that is to be said of it.
pub(super) struct Known {
    pub name: &'static str,
    pub form: &'static str,
    /// One sentence.
    pub what: &'static str,
    pub example: &'static str,
    /// Reads what follows its name.
    pub take: fn(&mut Words) -> Result<Command, TextError>,
}

pub(super) const COMMANDS: &[Known] = &[
    Known {
        name: "create",
        form: "create [-e] [-s] [-c] [-t MILLIS] PATH [DATA [ACL]]",
        what: "A new node; -e: it goes with the session; -s: a number is added to its name; -c: a container; -t: it lives for so long unused.",
        example: "create -e -s /lock/n- data",
        take: create,
    },
    Known {
        name: "set",
        form: "set [-v VERSION] PATH DATA",
        what: "New data for a node; -v: if that is its version.",
        example: "set -v 3 /a x",
        take: |words| {
            let version = version(words, &["-s"])?;
            let (path, data) = (path(words)?, data(words)?);
            Ok(Command::Request(Op::SetData { path, data: Some(data), version }))
        },
    },
    Known {
        name: "get",
        form: "get [-w] PATH",
        what: "Asks for the data of a node; -w: and to be told when it changes.",
        example: "get -w /a",
        take: |words| read(words, &["-s"], |path, watch| Op::GetData { path, watch }),
    },
    Known {
        name: "delete",
        form: "delete [-v VERSION] PATH",
        what: "Deletes a node without children; -v: if that is its version.",
        example: "delete /a",
        take: |words| {
            let version = version(words, &[])?;
            Ok(Command::Request(Op::Delete { path: path(words)?, version }))
        },
    },
    Known {
        name: "ls",
        form: "ls [-s] [-w] PATH",
        what: "Asks for the names of the children of a node; -s: with its stat; -w: and to be told when there are others.",
        example: "ls -w /",
        take: |words| {
            if words.next_is("-s") {
                read(words, &["-R"], |path, watch| Op::GetChildren2 { path, watch })
            } else {
                read(words, &["-R"], |path, watch| Op::GetChildren { path, watch })
            }
        },
    },
    Known {
        name: "stat",
        form: "stat [-w] PATH",
        what: "Asks whether there is such a node; -w: and to be told when it comes, changes or goes.",
        example: "stat -w /a",
        take: |words| read(words, &[], |path, watch| Op::Exists { path, watch }),
    },
    Known {
        name: "addWatch",
        form: "addWatch [-m MODE] PATH",
        what: "Asks to be told of all changes from now on; -m: PERSISTENT (the node and its list of children) or PERSISTENT_RECURSIVE.",
        example: "addWatch -m PERSISTENT /a",
        take: add_watch,
    },
    Known {
        name: "multi",
        form: "multi PART ; PART ..",
        what: "All of it or nothing: create, set, delete, and check [-v VERSION] PATH, with `;` between them (in quotes it is text). Returns [/a, Ok, ..], or BadVersion in part 2.",
        example: "multi create /a x ; set -v 3 /b y ; check -v 0 /c ; delete /d",
        take: |words| multi::parts(words, &multi::WRITES).map(|parts| Command::Request(Op::Multi(parts))),
    },
    Known {
        name: "multiRead",
        form: "multiRead PART ; PART ..",
        what: "Several reads at once, get and ls with `;` between them, each answered for itself. It sets no watches.",
        example: "multiRead get /a ; ls /b",
        take: |words| multi::parts(words, &multi::READS).map(|parts| Command::Request(Op::MultiRead(parts))),
    },
    Known {
        name: "removewatches",
        form: "removewatches [-c|-d|-a|-p|-r] [-l] PATH",
        what: "Takes watches away: of children, of data, all of them (-a, unless said), persistent, or recursive ones; -l: the client forgets them even if no server answers.",
        example: "removewatches -d /a",
        take: remove_watches,
    },
    Known {
        name: "getAcl",
        form: "getAcl PATH",
        what: "Asks who may do what to a node.",
        example: "getAcl /a",
        take: |words| path(words).map(|path| Command::Request(Op::GetAcl { path })),
    },
    Known {
        name: "setAcl",
        form: "setAcl [-v VERSION] PATH ACL",
        what: "Says who may do what to a node (scheme:id:cdrwa, with commas between); -v: if its list has that version.",
        example: "setAcl -v 0 /a world:anyone:r,auth::cdrwa",
        take: |words| {
            let version = version(words, &["-s", "-R"])?;
            Ok(Command::Request(Op::SetAcl { path: path(words)?, acl: acl(words)?, version }))
        },
    },
    Known {
        name: "addauth",
        form: "addauth SCHEME [CREDENTIAL]",
        what: "Proves who the client is, on this connection and all later ones: digest USER:PASSWORD.",
        example: "addauth digest u1:p1",
        take: |words| {
            let scheme = words.next("a scheme (digest)")?.text.as_str().into();
            let credential = if words.is_done() { None } else { Some(data(words)?) };
            Ok(Command::Request(Op::Auth { scheme, credential }))
        },
    },
    Known {
        name: "whoami",
        form: "whoami",
        what: "Asks the server whom it takes the client for.",
        example: "whoami",
        take: |_| Ok(Command::Request(Op::WhoAmI)),
    },
    Known {
        name: "getEphemerals",
        form: "getEphemerals [PATH]",
        what: "Asks for the session's own ephemerals, those whose paths begin so.",
        example: "getEphemerals /a",
        take: |words| {
            let prefix = if words.is_done() { "/".into() } else { path(words)? };
            Ok(Command::Request(Op::GetEphemerals { prefix }))
        },
    },
    Known {
        name: "getAllChildrenNumber",
        form: "getAllChildrenNumber PATH",
        what: "Asks how many nodes there are below a node.",
        example: "getAllChildrenNumber /a",
        take: |words| path(words).map(|path| Command::Request(Op::GetAllChildrenNumber { path })),
    },
    Known {
        name: "sync",
        form: "sync PATH",
        what: "Waits until the client's server has what the leader had committed.",
        example: "sync /a",
        take: |words| {
            option(words, &[], &[])?;
            path(words).map(|path| Command::Request(Op::Sync { path }))
        },
    },
    Known {
        name: "config",
        form: "config [-w]",
        what: "Asks for the configuration in force: all members, and its version; -w: and to be told of the next one.",
        example: "config -w",
        take: |words| {
            let watch = option(words, &["-w"], &["-c", "-s"])?.is_some();
            Ok(Command::Request(Op::GetData { path: CONFIG_NODE.into(), watch }))
        },
    },
    Known {
        name: "reconfig",
        form: "reconfig [-v VERSION] [-add SERVERS] [-remove NUMBERS] | [-members SERVERS]",
        what: "Another membership (`reconfigEnabled`, and skipACL or the super user): -add server.4=s4:2888:3888:participant;2181, or s4 or s4:observer \
               for short; -v: if that is the version in force.",
        example: "reconfig -remove 1,2 -add server.4=s4:2888:3888:participant;2181",
        take: super::reconfig::reconfig,
    },
    Known { name: "close", form: "close", what: "Ends the session.", example: "close", take: |_| Ok(Command::Request(Op::CloseSession)) },
    Known {
        name: "connect",
        form: "connect [-i SESSION [-p PASSWORD]] [SERVER]",
        what: "Opens a session after one was closed or has expired; one that lives goes to the server. -i: goes on with the session of another client \
               (c1) or of an id, with its password or with this one, 16 bytes in hexadecimal.",
        example: "connect s2",
        take: connect,
    },
];

/// The names of all commands.
pub fn command_names() -> impl Iterator<Item = &'static str> + Clone {
    COMMANDS.iter().map(|known| known.name).chain(recipe::names())
}

/// Other commands of zkCli, which need the next version.
const LATER: [&str; 1] = ["version"];

/// Commands of zkCli that are several requests, where a step is one.
const SEVERAL: [&str; 4] = ["deleteall", "delquota", "listquota", "setquota"];

fn connect(words: &mut Words) -> Result<Command, TextError> {
    let claim = if option(words, &["-i"], &[])?.is_some() { Some(claim(words)?) } else { None };
    let server = if words.is_done() { None } else { Some(parse::server(words)?) };
    Ok(Command::Connect { server, claim })
}

fn claim(words: &mut Words) -> Result<Claim, TextError> {
    let word = words.next("a client (c1) or the id of a session")?.clone();
    let of = match NodeId::parse(&word.text) {
        Some(NodeId::Client(number)) => Some(Claimed::Client(number)),
        _ => word.text.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok()).map(|id| Claimed::Session(SessionId(id as i64))),
    };
    let of = of.ok_or_else(|| TextError::new(word.span.clone(), format!("`{}` is neither a client nor the id of a session", word.text)))?;
    let mut password = None;
    if option(words, &["-p"], &[])?.is_some() {
        let word = words.next("a password")?;
        let bytes = binary(word).and_then(Result::ok).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
        password = Some(bytes.ok_or_else(|| TextError::new(word.span.clone(), format!("`{}` is not 16 bytes in hexadecimal", word.text)))?);
    } else if let Claimed::Session(_) = of {
        return Err(TextError::new(word.span, "nobody is named who would know the password").with_help("`-p PASSWORD` says it"));
    }
    Ok(Claim { of, password })
}

/// What stands behind the name of a client.
pub(super) fn command(words: &mut Words) -> Result<Command, TextError> {
    let names = command_names();
    let word = words.next("a command").map_err(|error| error.with_help(one_of("", names.clone())))?.clone();
    if let Some(recipe) = recipe::names().find(|name| *name == word.text) {
        return recipe::take(recipe, words);
    }
    let Some(known) = COMMANDS.iter().find(|known| known.name == word.text) else {
        return Err(if LATER.contains(&word.text.as_str()) {
            needs_next_version(&word)
        } else if SEVERAL.contains(&word.text.as_str()) {
            TextError::new(word.span, format!("`{}` is several requests, and a step is one", word.text)).with_help("`zoolab shell` has it")
        } else if word.text == multi::CHECK {
            TextError::new(word.span, "`check` stands only in a multi").with_help("multi check -v 3 /a ; set /b x")
        } else {
            TextError::new(word.span.clone(), format!("unknown client command `{}`", word.text)).with_help(one_of(&word.text, names))
        });
    };
    let command = multi::no_separators(known.name, words).and_then(|()| (known.take)(words));
    let command = command.and_then(|command| words.finish().map(|()| command));
    command.map_err(|error| if error.help.is_some() { error } else { error.with_help(format!("the form is `{}`", known.form)) })
}

fn needs_next_version(word: &Word) -> TextError {
    let names: Vec<&str> = COMMANDS.iter().map(|known| known.name).collect();
    TextError::new(word.span.clone(), format!("`{}` needs the next version", word.text)).with_help(format!("this one has {}", names.join(", ")))
}

fn create(words: &mut Words) -> Result<Command, TextError> {
    let (form, mode) = kind_of_node(words)?;
    // The number that a sequential node gets completes its name.
    let path = if mode.is_sequential() { path_that(words, |text| is_valid_path(&format!("{text}1"))) } else { path(words) }?;
    let data = if words.is_done() { None } else { Some(data(words)?) };
    let acl = if words.is_done() { Acl::open() } else { acl(words)? };
    Ok(Command::Request(Op::Create { form, path, data, acl, mode }))
}

/// The options of a create: which request it is, and with which mode.
fn kind_of_node(words: &mut Words) -> Result<(CreateForm, CreateMode), TextError> {
    let (mut given, mut ttl) = (Vec::new(), None);
    while let Some(option) = option(words, &["-e", "-s", "-c", "-t"], &[])? {
        if given.contains(&option.text) {
            return Err(TextError::new(option.span, format!("`{}` stands twice", option.text)));
        }
        if option.text == "-t" {
            let word = words.next("a time in milliseconds")?;
            let millis = word.text.parse().ok().filter(|millis| (1..1 << 40).contains(millis));
            ttl = Some(millis.ok_or_else(|| TextError::new(word.span.clone(), format!("`{}` is no time in milliseconds", word.text)))?);
        }
        let clashes = |one: &str, other: &str| option.text == one && given.iter().any(|given| given == other);
        for (one, other) in [("-e", "-c"), ("-s", "-c"), ("-e", "-t"), ("-c", "-t")] {
            if clashes(one, other) || clashes(other, one) {
                return Err(TextError::new(option.span, format!("`{one}` and `{other}` do not go together")));
            }
        }
        given.push(option.text);
    }
    let has = |option: &str| given.iter().any(|given| given == option);
    Ok(match (ttl, has("-c"), has("-e"), has("-s")) {
        (Some(millis), _, _, false) => (CreateForm::Ttl(millis), CreateMode::Ttl),
        (Some(millis), _, _, true) => (CreateForm::Ttl(millis), CreateMode::TtlSequential),
        (None, true, _, _) => (CreateForm::Container, CreateMode::Container),
        (None, false, false, false) => (CreateForm::Create, CreateMode::Persistent),
        (None, false, false, true) => (CreateForm::Create, CreateMode::PersistentSequential),
        (None, false, true, false) => (CreateForm::Create, CreateMode::Ephemeral),
        (None, false, true, true) => (CreateForm::Create, CreateMode::EphemeralSequential),
    })
}

/// `world:anyone:r,digest:u:h:cdrwa`. Source: `AclParser`.
fn acl(words: &mut Words) -> Result<AclList, TextError> {
    let word = words.next("an access list (world:anyone:cdrwa)")?;
    let entry = |text: &str| {
        let (scheme, rest) = text.split_once(':')?;
        let (id, letters) = rest.rsplit_once(':')?;
        let bit = |letter: char| PERM_LETTERS.iter().find(|(known, _)| *known == letter).map(|(_, bit)| *bit);
        let perms = letters.chars().try_fold(0, |perms, letter| bit(letter).map(|bit| perms | bit))?;
        Some(Acl { perms, scheme: scheme.into(), id: id.into() })
    };
    let list = word.text.split(',').map(entry).collect::<Option<AclList>>();
    let help = "entries like `world:anyone:cdrwa`, with commas between them";
    list.ok_or_else(|| TextError::new(word.span.clone(), format!("`{}` is not an access list", word.text)).with_help(help))
}

/// A read, which may set a watch.
fn read(words: &mut Words, later: &[&str], op: fn(Path, bool) -> Op) -> Result<Command, TextError> {
    let watch = option(words, &["-w"], later)?.is_some();
    path(words).map(|path| Command::Request(op(path, watch)))
}

fn add_watch(words: &mut Words) -> Result<Command, TextError> {
    let mut mode = AddWatchMode::PersistentRecursive;
    if option(words, &["-m"], &[])?.is_some() {
        let word = words.next("a mode")?;
        let named = [AddWatchMode::Persistent, AddWatchMode::PersistentRecursive].into_iter().find(|mode| mode.name() == word.text);
        mode = named.ok_or_else(|| {
            TextError::new(word.span.clone(), format!("`{}` is not a mode", word.text)).with_help("PERSISTENT or PERSISTENT_RECURSIVE")
        })?;
    }
    path(words).map(|path| Command::Request(Op::AddWatch { path, mode: mode as i32 }))
}

fn remove_watches(words: &mut Words) -> Result<Command, TextError> {
    let (mut kind, mut local) = (None, false);
    let mut options = |words: &mut Words| {
        while let Some(option) = option(words, &["-c", "-d", "-a", "-p", "-r", "-l"], &[])? {
            let meant = WatcherType::ALL.into_iter().find(|kind| kind.option() == option.text);
            if (meant.is_some() && kind.is_some()) || (meant.is_none() && local) {
                return Err(TextError::new(option.span, format!("`{}` does not go together with what stands before it", option.text)));
            }
            (kind, local) = (kind.or(meant), local || meant.is_none());
        }
        Ok(())
    };
    options(words)?;
    let path = path(words)?;
    // There zkCli says that they stand.
    options(words)?;
    let kind = kind.unwrap_or(WatcherType::Any);
    Ok(if local { Command::ForgetWatches { path, kind } } else { Command::Request(Op::RemoveWatches { path, kind }) })
}

/// `-v VERSION`, or any.
pub(super) fn version(words: &mut Words, later: &[&str]) -> Result<i32, TextError> {
    if option(words, &["-v"], later)?.is_none() {
        return Ok(-1);
    }
    let word = words.next("a version")?;
    let version = word.text.parse().ok().filter(|version| *version >= -1);
    version.ok_or_else(|| TextError::new(word.span.clone(), format!("`{}` is not a version", word.text)).with_help("a whole number; -1 is any"))
}

/// The next word if it begins with `-`: one of `known`, or an error. zkCli has those in `later` too.
pub(super) fn option(words: &mut Words, known: &[&str], later: &[&str]) -> Result<Option<Word>, TextError> {
    let Some(word) = words.next_if(|text| text.starts_with('-')).cloned() else { return Ok(None) };
    if known.contains(&word.text.as_str()) {
        return Ok(Some(word));
    }
    Err(if later.contains(&word.text.as_str()) {
        TextError::new(word.span, format!("the option `{}` needs the next version", word.text))
    } else {
        TextError::new(word.span, format!("unknown option `{}`", word.text))
    })
}

pub(super) fn path(words: &mut Words) -> Result<Path, TextError> {
    path_that(words, is_valid_path)
}

fn path_that(words: &mut Words, is_valid: impl Fn(&str) -> bool) -> Result<Path, TextError> {
    let word = words.next("a path (/a/b)")?;
    if is_valid(&word.text) {
        return Ok(word.text.as_str().into());
    }
    let help = "a path begins with `/`, ends without one, and has no empty, `.` or `..` part";
    Err(TextError::new(word.span.clone(), format!("`{}` is not a path", word.text)).with_help(help))
}

pub(super) fn data(words: &mut Words) -> Result<Bytes, TextError> {
    let word = words.next("the data")?;
    binary(word).unwrap_or_else(|| Ok(word.text.clone().into_bytes())).map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::super::Action;
    use super::*;

    #[test]
    fn every_example_is_of_its_command_and_in_canonical_form() {
        for known in COMMANDS {
            let line = format!("c1 {}", known.example);
            let action = Action::parse(&line).unwrap_or_else(|error| panic!("{line}: {error:?}"));
            assert_eq!(action.to_string(), line);
            assert!(known.example.starts_with(known.name) && known.form.starts_with(known.name));
            assert!(!LATER.contains(&known.name) && !SEVERAL.contains(&known.name));
        }
    }

    #[test]
    fn spellings_of_one_command() {
        for (spelling, canonical) in [
            ("c1 create -s -e /a", "c1 create -e -s /a"),
            ("c1  create  \"/a\" 'x'", "c1 create /a 'x'"),
            ("c1 create -s /q/", "c1 create -s /q/"),
            ("c1 create -t 500 -s /q", "c1 create -s -t 500 /q"),
            ("c1 create -c /q x auth::dc", "c1 create -c /q x auth::cd"),
            ("c1 create /q x world:anyone:rwcda", "c1 create /q x"),
            ("c1 ls -s -w /q", "c1 ls -s -w /q"),
            ("c1 getEphemerals", "c1 getEphemerals /"),
            ("c1 set /a 0x6869", "c1 set /a hi"),
            ("c1 set /a 0xFF00", "c1 set /a 0xff00"),
            ("c1 set /a \"0xff\"", "c1 set /a \"0xff\""),
            ("c1 set /a \"\"", "c1 set /a \"\""),
            ("c1 set /a -v", "c1 set /a -v"),
            ("c1 set -v -1 /a x", "c1 set /a x"),
            ("c12 delete -v 0 \"/a b\"", "c12 delete -v 0 \"/a b\""),
            ("c1 create /a 0x", "c1 create /a \"\""),
            ("c1 addWatch /a", "c1 addWatch -m PERSISTENT_RECURSIVE /a"),
            ("c1 removewatches /a", "c1 removewatches -a /a"),
            ("c1 removewatches -l /a", "c1 removewatches -a -l /a"),
            ("c1 removewatches -l -c /a", "c1 removewatches -c -l /a"),
            ("c1 removewatches /a -d", "c1 removewatches -d /a"),
            ("c1 multi create /a x  ; check -v -1 /b ; delete /c", "c1 multi create /a x ; check /b ; delete /c"),
            ("c1 create /a x;y", "c1 create /a \"x;y\""),
            ("c1 multi set /a \";\" ; set /a \"x;y\"", "c1 multi set /a \";\" ; set /a \"x;y\""),
            ("c1 multi create -s -e /a", "c1 multi create -e -s /a"),
            ("c1 multiRead ls /a ; get \"/a b\"", "c1 multiRead ls /a ; get \"/a b\""),
            ("c1 connect", "c1 connect"),
            ("c1 connect -i c2 s3", "c1 connect -i c2 s3"),
            ("c1 connect -i c2 -p 0x000102030405060708090A0B0C0D0E0F", "c1 connect -i c2 -p 0x000102030405060708090a0b0c0d0e0f"),
            ("c1 connect -i 0xFF -p 0x000102030405060708090a0b0c0d0e0f s1", "c1 connect -i 0xff -p 0x000102030405060708090a0b0c0d0e0f s1"),
            (
                "c1 connect -i 0xc800000000010000 -p 0x68686868686868686868686868686868",
                "c1 connect -i 0xc800000000010000 -p 0x68686868686868686868686868686868",
            ),
        ] {
            assert_eq!(Action::parse(spelling).map(|action| action.to_string()), Ok(canonical.into()), "{spelling}");
            assert_eq!(Action::parse(spelling), Action::parse(canonical));
        }
    }

    #[test]
    fn mistakes_point_at_the_word() {
        for (line, wrong, message) in [
            ("c1", "", "a command is missing"),
            ("c1 craete /a", "craete", "unknown client command `craete`"),
            ("c1 version", "version", "`version` needs the next version"),
            ("c1 setquota -n 3 /a", "setquota", "`setquota` is several requests, and a step is one"),
            ("c1 create -c -e /a", "-e", "`-e` and `-c` do not go together"),
            ("c1 create -t x /a", "x", "`x` is no time in milliseconds"),
            ("c1 setAcl /a world:anyone:rx", "world:anyone:rx", "`world:anyone:rx` is not an access list"),
            ("c1 get -s /a", "-s", "the option `-s` needs the next version"),
            ("c1 addWatch -m STANDARD /a", "STANDARD", "`STANDARD` is not a mode"),
            ("c1 removewatches -l -l /a", "-l", "`-l` does not go together with what stands before it"),
            ("c1 removewatches -d -c /a", "-c", "`-c` does not go together with what stands before it"),
            ("c1 create /a ; set /a x", ";", "`;` stands between the parts of a multi"),
            ("c1 multi create /a ; ; delete /a", ";", "a part is missing before this `;`"),
            ("c1 multi create /a ;", "", "a part is missing"),
            ("c1 multi create /a;delete /b", "/a;delete", "`;` between the parts of a multi has space on both sides"),
            ("c1 multi create /a ; get /a", "get", "`get` is no part of a multi"),
            ("c1 multi create ; delete /a", "", "a path (/a/b) is missing"),
            ("c1 multi set /a x y ; delete /a", "y", "`y` is too much"),
            ("c1 multi", "", "a part is missing"),
            ("c1 multiRead get /a ; check /a", "check", "`check` is no part of a multiRead"),
            ("c1 multiRead get /a ; ls -s /a", "ls", "this `ls` is no part of a multiRead"),
            ("c1 multiRead get -w /a", "get", "a multiRead sets no watches"),
            ("c1 check /a", "check", "`check` stands only in a multi"),
            ("c1 get -x /a", "-x", "unknown option `-x`"),
            ("c1 create -e -e /a", "-e", "`-e` stands twice"),
            ("c1 create", "", "a path (/a/b) is missing"),
            ("c1 create a", "a", "`a` is not a path"),
            ("c1 create /a/", "/a/", "`/a/` is not a path"),
            ("c1 create -s /a/../b", "/a/../b", "`/a/../b` is not a path"),
            ("c1 set /a", "", "the data is missing"),
            ("c1 set -v x /a y", "x", "`x` is not a version"),
            ("c1 set /a x y", "y", "`y` is too much"),
            ("c1 create /a 0xabc", "0xabc", "`0xabc` is not binary data"),
            ("c1 create \"/a", "\"/a", "this quote is never closed"),
            ("c1 connect c2", "c2", "`c2` is not a server"),
            ("c1 connect -i s2", "s2", "`s2` is neither a client nor the id of a session"),
            ("c1 connect -i c2 -p 0x00", "0x00", "`0x00` is not 16 bytes in hexadecimal"),
            ("c1 connect -i c2 -p secret", "secret", "`secret` is not 16 bytes in hexadecimal"),
            ("c1 connect -i 0x12", "0x12", "nobody is named who would know the password"),
            ("c01 close", "c01", "unknown verb `c01`"),
        ] {
            let error = Action::parse(line).expect_err(line);
            let at = error.span.clone();
            assert_eq!((&line[at.clone()], error.message.as_str()), (wrong, message), "{line}");
        }
    }
}
