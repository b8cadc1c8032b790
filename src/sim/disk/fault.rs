//! What can go wrong with a disk, and its text form in the action grammar: `disk s1 FAULT`.

use std::fmt;

use crate::proto::Span;

use super::file_role::FileRole;
use super::timing::OpClass;

/// A fault of one disk. Parse and print are inverse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// Flips `bits` (1 to 64) adjacent bits on the medium and in memory, once. At a drawn place when `byte` is `None`.
    Rot { file: FileRole, byte: Option<u64>, bits: u32 },
    /// Operations of this kind answer [`crate::proto::DiskError::Io`]; on any file when `file` is `None`.
    Fail { what: Failing, file: Option<FileRole>, times: Times },
    /// No more than `room` further bytes fit, counted in pages of 4 KiB. Deleting files makes room.
    Full { room: u64 },
    /// A time drawn from `span` on top of the usual latency, of one class of operations or of all.
    Slow { class: Option<OpClass>, span: Span },
    /// The next write to the file answers success and lands elsewhere.
    Misdirect { file: FileRole, landing: Landing },
    /// From now on what is not synced survives a power loss in any combination, out of order.
    Loose,
    /// The next power loss tears the file (every file when `None`) at a sector, if its unsynced bytes lie in two or more.
    Tear { file: Option<FileRole> },
    /// All faults end.
    Behave,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// Load and, when no file is named, List.
    Read,
    /// Everything that changes a file: write, create, rename, truncate, delete. Nothing is changed.
    Write,
    /// Sync. What it was to write is lost (see [`crate::proto::DiskError::Io`]).
    Fsync,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// The next so many operations, 1 or more.
    Next(u32),
    ForEver,
}

/// Where a misdirected write lands. Only bytes that exist are overwritten: the place must lie within its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landing {
    /// On another sector of the same file, drawn.
    Drawn,
    /// At this byte of the same file.
    Byte(u64),
    /// At the same byte of another file.
    File(FileRole),
}

/// Every form of a fault with what it does, for help texts.
pub const DISK_FAULTS: [(&str, &str); 10] = [
    ("rot FILE [@byte:N] [BITS]", "flips bits of a file, at a drawn place or at byte N"),
    ("fail-read [FILE] [N | for ever]", "the next N reads fail (1 when not said)"),
    ("fail-write [FILE] [N | for ever]", "the next N changes of a file fail and change nothing"),
    ("fail-fsync [FILE] [N | for ever]", "the next N fsyncs fail, and what they were to make durable never will be"),
    ("full [BYTES]", "no more than BYTES further bytes fit (0 when not said)"),
    ("slow [read|write|fsync|metadata] TIME[..TIME]", "operations take that much longer"),
    ("misdirect FILE [@byte:N | to FILE]", "the next write to a file lands elsewhere"),
    ("loose", "unsynced changes survive a power loss in any combination"),
    ("tear [FILE]", "the next power loss tears unsynced bytes at a sector"),
    ("behave", "all faults of this disk end"),
];

impl DiskFault {
    /// Reads the text form; the error says what is wrong with it and what would be right, without naming the place.
    pub fn parse(text: &str) -> Result<DiskFault, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let Some((verb, rest)) = words.split_first() else {
            return Err(format!("no disk fault given; {}", the_faults()));
        };
        let fault = match *verb {
            "rot" => parse_rot(rest),
            "fail-read" => parse_fail(Failing::Read, rest),
            "fail-write" => parse_fail(Failing::Write, rest),
            "fail-fsync" => parse_fail(Failing::Fsync, rest),
            "full" => parse_full(rest),
            "slow" => parse_slow(rest),
            "misdirect" => parse_misdirect(rest),
            "loose" => nothing_more(rest).map(|()| DiskFault::Loose),
            "tear" => parse_tear(rest),
            "behave" => nothing_more(rest).map(|()| DiskFault::Behave),
            _ => return Err(format!("no disk fault `{verb}`; {}", the_faults())),
        };
        fault.map_err(|problem| match DISK_FAULTS.iter().find(|(form, _)| form.split(' ').next() == Some(*verb)) {
            Some((form, _)) => format!("{problem}; the form is `{form}`"),
            None => problem,
        })
    }
}

impl fmt::Display for DiskFault {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            DiskFault::Rot { file, byte, bits } => {
                write!(out, "rot {file}")?;
                byte.map_or(Ok(()), |byte| write!(out, " @byte:{byte}"))?;
                if *bits == 1 { Ok(()) } else { write!(out, " {bits}") }
            }
            DiskFault::Fail { what, file, times } => {
                out.write_str(match what {
                    Failing::Read => "fail-read",
                    Failing::Write => "fail-write",
                    Failing::Fsync => "fail-fsync",
                })?;
                write_optional(out, file)?;
                match times {
                    Times::Next(1) => Ok(()),
                    Times::Next(times) => write!(out, " {times}"),
                    Times::ForEver => write!(out, " for ever"),
                }
            }
            DiskFault::Full { room: 0 } => write!(out, "full"),
            DiskFault::Full { room } => write!(out, "full {room}"),
            DiskFault::Slow { class: None, span } => write!(out, "slow {span}"),
            DiskFault::Slow { class: Some(class), span } => write!(out, "slow {} {span}", class.word()),
            DiskFault::Misdirect { file, landing: Landing::Drawn } => write!(out, "misdirect {file}"),
            DiskFault::Misdirect { file, landing: Landing::Byte(byte) } => write!(out, "misdirect {file} @byte:{byte}"),
            DiskFault::Misdirect { file, landing: Landing::File(other) } => write!(out, "misdirect {file} to {other}"),
            DiskFault::Loose => write!(out, "loose"),
            DiskFault::Tear { file } => {
                write!(out, "tear")?;
                write_optional(out, file)
            }
            DiskFault::Behave => write!(out, "behave"),
        }
    }
}

fn write_optional(out: &mut fmt::Formatter, file: &Option<FileRole>) -> fmt::Result {
    file.as_ref().map_or(Ok(()), |file| write!(out, " {file}"))
}

fn the_faults() -> String {
    let verbs: Vec<&str> = DISK_FAULTS.iter().filter_map(|(form, _)| form.split(' ').next()).collect();
    format!("the faults are {}", verbs.join(", "))
}

fn nothing_more(rest: &[&str]) -> Result<(), String> {
    rest.first().map_or(Ok(()), |word| Err(format!("`{word}` is one word too many")))
}

fn one_more_at_most<'a>(rest: &[&'a str]) -> Result<Option<&'a str>, String> {
    nothing_more(rest.get(1..).unwrap_or_default())?;
    Ok(rest.first().copied())
}

fn parse_rot(rest: &[&str]) -> Result<DiskFault, String> {
    let (file, rest) = parse_file(rest)?;
    let (byte, rest) = match rest {
        [place, rest @ ..] if place.starts_with('@') => (Some(parse_place(place)?), rest),
        _ => (None, rest),
    };
    let bits = one_more_at_most(rest)?.map_or(Ok(1), |bits| parse_number(bits, "number of bits", 1..=64))? as u32;
    Ok(DiskFault::Rot { file, byte, bits })
}

fn parse_fail(what: Failing, rest: &[&str]) -> Result<DiskFault, String> {
    let is_times = |word: &str| word == "for" || word.bytes().all(|byte| byte.is_ascii_digit());
    let (file, rest) = match rest {
        [word, rest @ ..] if !is_times(word) => (Some(FileRole::parse(word)?), rest),
        _ => (None, rest),
    };
    let times = match rest {
        ["for", "ever"] => Times::ForEver,
        ["for", ..] => return Err("after `for` comes `ever` and nothing more".into()),
        _ => Times::Next(one_more_at_most(rest)?.map_or(Ok(1), |times| parse_number(times, "number of times", 1..=u64::from(u32::MAX)))? as u32),
    };
    Ok(DiskFault::Fail { what, file, times })
}

fn parse_full(rest: &[&str]) -> Result<DiskFault, String> {
    let room = one_more_at_most(rest)?.map_or(Ok(0), |room| parse_number(room, "number of bytes", 0..=u64::MAX))?;
    Ok(DiskFault::Full { room })
}

fn parse_slow(rest: &[&str]) -> Result<DiskFault, String> {
    let class = rest.first().and_then(|word| OpClass::ALL.into_iter().find(|class| class.word() == *word));
    if let ([word, _], None) = (rest, class) {
        return Err(format!("`{word}` is not a class of operations"));
    }
    let span = one_more_at_most(&rest[usize::from(class.is_some())..])?.ok_or("how much slower is missing")?;
    Ok(DiskFault::Slow { class, span: Span::parse(span)? })
}

fn parse_misdirect(rest: &[&str]) -> Result<DiskFault, String> {
    let (file, rest) = parse_file(rest)?;
    let landing = match rest {
        ["to", rest @ ..] => {
            let (other, rest) = parse_file(rest)?;
            nothing_more(rest)?;
            Landing::File(other)
        }
        _ => one_more_at_most(rest)?.map_or(Ok(Landing::Drawn), |place| parse_place(place).map(Landing::Byte))?,
    };
    Ok(DiskFault::Misdirect { file, landing })
}

fn parse_tear(rest: &[&str]) -> Result<DiskFault, String> {
    Ok(DiskFault::Tear { file: one_more_at_most(rest)?.map(FileRole::parse).transpose()? })
}

fn parse_file<'a, 'b>(rest: &'a [&'b str]) -> Result<(FileRole, &'a [&'b str]), String> {
    let (file, rest) = rest.split_first().ok_or("the file is missing")?;
    Ok((FileRole::parse(file)?, rest))
}

/// `@byte:N`. A zxid (`@1:3`) would have to be looked up in a log.
fn parse_place(word: &str) -> Result<u64, String> {
    let place = word.strip_prefix('@').ok_or_else(|| format!("`{word}` is not a place in a file: @byte:N"))?;
    match place.strip_prefix("byte:") {
        Some(number) => parse_number(number, "byte", 0..=u64::MAX),
        None if crate::proto::Zxid::parse(place).is_some() => {
            Err(format!("`{word}` is the place of a transaction, and finding it needs the next version; give a byte, @byte:N"))
        }
        None => Err(format!("`{word}` is not a place in a file: @byte:N")),
    }
}

fn parse_number(word: &str, what: &str, allowed: std::ops::RangeInclusive<u64>) -> Result<u64, String> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let number = word.parse().ok().filter(|number| digits && allowed.contains(number));
    number.ok_or_else(|| match *allowed.end() {
        u64::MAX => format!("`{word}` is not a {what}, a whole number"),
        end => format!("`{word}` is not a {what}, {} to {end}", allowed.start()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_and_print_are_inverse() {
        let texts = [
            "rot log.newest",
            "rot snapshot.newest @byte:123",
            "rot version-2/currentEpoch @byte:0 64",
            "rot log.100000001 8",
            "fail-read",
            "fail-read snapshot.newest for ever",
            "fail-write currentEpoch.tmp 3",
            "fail-fsync",
            "fail-fsync 2",
            "fail-fsync for ever",
            "full",
            "full 65536",
            "slow 1s",
            "slow fsync 10ms..50ms",
            "misdirect log.newest",
            "misdirect log.newest @byte:16",
            "misdirect log.newest to acceptedEpoch",
            "loose",
            "tear",
            "tear log.newest",
            "behave",
        ];
        for text in texts {
            assert_eq!(DiskFault::parse(text).map(|fault| fault.to_string()).as_deref(), Ok(text));
        }
        for (long, short) in [("rot a 1", "rot a"), ("fail-read 1", "fail-read"), ("full 0", "full"), (" slow  5ms..5ms ", "slow 5ms")] {
            assert_eq!(DiskFault::parse(long), DiskFault::parse(short), "{long}");
            assert_eq!(DiskFault::parse(long).unwrap().to_string(), short);
        }
    }

    #[test]
    fn every_fault_is_in_the_help() {
        for (form, _) in DISK_FAULTS {
            let verb = form.split(' ').next().unwrap();
            let with_file = DiskFault::parse(&format!("{verb} log.newest"));
            let with_time = DiskFault::parse(&format!("{verb} 5ms"));
            assert!(DiskFault::parse(verb).is_ok() || with_file.is_ok() || with_time.is_ok(), "{form}");
        }
    }

    #[test]
    fn errors_say_what_would_be_right() {
        let errors = [
            "",
            "rott log.newest",
            "rot",
            "rot @byte:1",
            "rot log.newest @1:3",
            "rot log.newest @3",
            "rot log.newest @byte:x",
            "rot log.newest 65",
            "rot log.newest 1 2",
            "rot log.oldest",
            "fail-read log.newest 0",
            "fail-fsync for",
            "fail-fsync for ever 2",
            "full much",
            "slow",
            "slow fsync",
            "slow often 5ms",
            "slow 5ms 6ms",
            "misdirect",
            "misdirect a to",
            "misdirect a b",
            "loose now",
            "tear a b",
            "behave please",
        ]
        .map(|text| format!("{text:?}: {}", DiskFault::parse(text).unwrap_err()));
        insta::assert_snapshot!(errors.join("\n"), @r#"
        "": no disk fault given; the faults are rot, fail-read, fail-write, fail-fsync, full, slow, misdirect, loose, tear, behave
        "rott log.newest": no disk fault `rott`; the faults are rot, fail-read, fail-write, fail-fsync, full, slow, misdirect, loose, tear, behave
        "rot": the file is missing; the form is `rot FILE [@byte:N] [BITS]`
        "rot @byte:1": `@byte:1` is not a file: log.newest, snapshot.newest or a name such as currentEpoch; the form is `rot FILE [@byte:N] [BITS]`
        "rot log.newest @1:3": `@1:3` is the place of a transaction, and finding it needs the next version; give a byte, @byte:N; the form is `rot FILE [@byte:N] [BITS]`
        "rot log.newest @3": `@3` is not a place in a file: @byte:N; the form is `rot FILE [@byte:N] [BITS]`
        "rot log.newest @byte:x": `x` is not a byte, a whole number; the form is `rot FILE [@byte:N] [BITS]`
        "rot log.newest 65": `65` is not a number of bits, 1 to 64; the form is `rot FILE [@byte:N] [BITS]`
        "rot log.newest 1 2": `2` is one word too many; the form is `rot FILE [@byte:N] [BITS]`
        "rot log.oldest": `log.oldest` is not a file: after `log.` comes newest or a zxid in hexadecimal digits; the form is `rot FILE [@byte:N] [BITS]`
        "fail-read log.newest 0": `0` is not a number of times, 1 to 4294967295; the form is `fail-read [FILE] [N | for ever]`
        "fail-fsync for": after `for` comes `ever` and nothing more; the form is `fail-fsync [FILE] [N | for ever]`
        "fail-fsync for ever 2": after `for` comes `ever` and nothing more; the form is `fail-fsync [FILE] [N | for ever]`
        "full much": `much` is not a number of bytes, a whole number; the form is `full [BYTES]`
        "slow": how much slower is missing; the form is `slow [read|write|fsync|metadata] TIME[..TIME]`
        "slow fsync": how much slower is missing; the form is `slow [read|write|fsync|metadata] TIME[..TIME]`
        "slow often 5ms": `often` is not a class of operations; the form is `slow [read|write|fsync|metadata] TIME[..TIME]`
        "slow 5ms 6ms": `5ms` is not a class of operations; the form is `slow [read|write|fsync|metadata] TIME[..TIME]`
        "misdirect": the file is missing; the form is `misdirect FILE [@byte:N | to FILE]`
        "misdirect a to": the file is missing; the form is `misdirect FILE [@byte:N | to FILE]`
        "misdirect a b": `b` is not a place in a file: @byte:N; the form is `misdirect FILE [@byte:N | to FILE]`
        "loose now": `now` is one word too many; the form is `loose`
        "tear a b": `b` is one word too many; the form is `tear [FILE]`
        "behave please": `please` is one word too many; the form is `behave`
        "#);
    }
}
