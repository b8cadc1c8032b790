//! The table of verbs: what the parser knows, and what `zoolab help steps` prints.

use std::fmt::Write;

use super::super::disk::DISK_FAULTS;
use super::client::COMMANDS;
use super::parse::{self, Words};
use super::text::TextError;
use super::{Action, Choice, ClockChange, Who, Whom};
use crate::proto::{ServerId, Stage, Timer};

/// One row: a verb with all that is to be said of it.
pub(super) struct Verb {
    pub name: &'static str,
    pub form: &'static str,
    /// One sentence.
    pub what: &'static str,
    pub example: &'static str,
    /// Reads what follows the verb.
    pub take: fn(&mut Words) -> Result<Action, TextError>,
}

/// The names of all verbs.
pub fn verb_names() -> impl Iterator<Item = &'static str> {
    VERBS.iter().map(|verb| verb.name)
}

pub(super) const VERBS: &[Verb] = &[
    Verb {
        name: "crash",
        form: "crash NODE",
        what: "The process dies; what it sent still arrives, what it wrote stays in the page cache.",
        example: "crash leader",
        take: |words| Who::take(words).map(Action::Crash),
    },
    Verb {
        name: "power-loss",
        form: "power-loss NODE",
        what: "The machine dies: unsynced data is lost, kept or torn, and peers hear nothing.",
        example: "power-loss s2",
        take: |words| Who::take(words).map(Action::PowerLoss),
    },
    Verb {
        name: "restart",
        form: "restart NODE | restart all",
        what: "A server that is down, or every one that ran before, starts again from its disk.",
        example: "restart all",
        take: |words| if words.next_is("all") { Ok(Action::Restart(Whom::All)) } else { Who::take(words).map(|who| Action::Restart(Whom::One(who))) },
    },
    Verb {
        name: "start",
        form: "start NODE",
        what: "A server whose `start` is false boots for the first time.",
        example: "start s5",
        take: |words| Who::take(words).map(Action::Start),
    },
    Verb {
        name: "wipe",
        form: "wipe NODE",
        what: "The disk of a server that is down is emptied.",
        example: "wipe s2",
        take: |words| Who::take(words).map(Action::Wipe),
    },
    Verb {
        name: "pause",
        form: "pause NODE [for TIME]",
        what: "The process stalls, as in a long garbage collection; its inputs wait.",
        example: "pause s3 for 3s",
        take: |words| Ok(Action::Pause { who: Who::take(words)?, lasting: parse::lasting(words)? }),
    },
    Verb { name: "resume", form: "resume NODE", what: "Ends a pause.", example: "resume s3", take: |words| Who::take(words).map(Action::Resume) },
    Verb {
        name: "partition",
        form: "partition NODE.. | NODE.. [| NODE..]",
        what: "Cuts every link between nodes of different groups, both ways.",
        example: "partition s1 s2 | s3 s4 s5",
        take: |words| parse::groups(words).map(Action::Partition),
    },
    Verb { name: "heal", form: "heal", what: "Mends all links, ends all pauses, releases all holds.", example: "heal", take: |_| Ok(Action::Heal) },
    Verb {
        name: "quiet",
        form: "quiet",
        what: "Heals, starts whoever is not running, and disks behave.",
        example: "quiet",
        take: |_| Ok(Action::Quiet),
    },
    Verb {
        name: "cut",
        form: "cut NODE -> NODE [for TIME] | cut NODE NODE [for TIME]",
        what: "What is sent from the first to the second (without the arrow: both ways) waits until the link is mended.",
        example: "cut s1 -> s2 for 500ms",
        take: |words| Ok(Action::Cut { link: parse::link(words)?, lasting: parse::lasting(words)? }),
    },
    Verb {
        name: "mend",
        form: "mend NODE -> NODE | mend NODE NODE",
        what: "Ends `cut`, `slow` and `lose` on a link.",
        example: "mend s1 -> s2",
        take: |words| parse::link(words).map(Action::Mend),
    },
    Verb {
        name: "hold",
        form: "hold NODE -> NODE [PACKET] | hold NODE NODE [PACKET]",
        what: "The next packet of this kind (or of any) waits, and what follows on its connection waits behind it.",
        example: "hold s3 -> s1 NEWLEADER",
        take: |words| Ok(Action::Hold { link: parse::link(words)?, packet: parse::packet(words)? }),
    },
    Verb {
        name: "release",
        form: "release NODE -> NODE [PACKET] | release NODE NODE [PACKET]",
        what: "Ends a hold.",
        example: "release s3 -> s1 NEWLEADER",
        take: |words| Ok(Action::Release { link: parse::link(words)?, packet: parse::packet(words)? }),
    },
    Verb {
        name: "reset",
        form: "reset NODE NODE",
        what: "All connections between the two break; what was under way is lost.",
        example: "reset s1 leader",
        take: |words| parse::pair(words).map(|(one, other)| Action::Reset(one, other)),
    },
    Verb {
        name: "slow",
        form: "slow NODE -> NODE SPAN | slow NODE NODE SPAN",
        what: "Messages on the link take a time within the span, until it is mended.",
        example: "slow s1 s2 100ms..300ms",
        take: |words| Ok(Action::Slow { link: parse::link(words)?, latency: parse::span(words)? }),
    },
    Verb {
        name: "lose",
        form: "lose NODE -> NODE PERCENT% | lose NODE NODE PERCENT%",
        what: "Datagrams (`electionAlg 0`) get lost on the link, until it is mended.",
        example: "lose s1 -> s2 30%",
        take: |words| Ok(Action::Lose { link: parse::link(words)?, ppm: parse::percent(words)? }),
    },
    Verb {
        name: "clock",
        form: "clock NODE jump TIME | clock NODE drift NUMBERppm",
        what: "The wall clock jumps forwards or backwards, or both clocks run at another pace.",
        example: "clock s2 jump -5s",
        take: clock,
    },
    Verb {
        name: "disk",
        form: "disk NODE FAULT",
        what: "A fault of the server's disk, from the list below.",
        example: "disk s1 fail-fsync",
        take: |words| Ok(Action::Disk { who: Who::take(words)?, fault: parse::disk_fault(words)? }),
    },
    Verb {
        name: "fire",
        form: "fire NODE -> NODE | fire timer NODE TIMER | fire stage NODE STAGE | fire disk NODE",
        what: "Something that is pending happens now: the next message of a link, a timer, a stage, a disk operation.",
        example: "fire timer s1 election_poll",
        take: |words| choice(words).map(Action::Fire),
    },
];

fn clock(words: &mut Words) -> Result<Action, TextError> {
    let who = Who::take(words)?;
    let change = match parse::name_of(words, "a change of a clock", &["jump", "drift"])? {
        "jump" => ClockChange::Jump(parse::shift(words)?),
        _ => ClockChange::Drift { ppm: parse::ppm(words)? },
    };
    Ok(Action::Clock { who, change })
}

fn choice(words: &mut Words) -> Result<Choice, TextError> {
    if words.next_is("timer") {
        return Ok(Choice::Timer { who: Who::take(words)?, timer: parse::name_of(words, "a timer", Timer::NAMES)? });
    }
    if words.next_is("stage") {
        return Ok(Choice::Stage { who: Who::take(words)?, stage: stage(words)? });
    }
    if words.next_is("disk") {
        return Ok(Choice::Disk { who: Who::take(words)? });
    }
    let link = parse::one_way(words)?;
    Ok(Choice::Message { from: link.from, to: link.to })
}

fn stage(words: &mut Words) -> Result<Stage, TextError> {
    let name = parse::name_of(words, "a stage", Stage::NAMES)?;
    let of = |peer| Stage::named(name, peer).expect("it is one of the names");
    match of(ServerId::NOBODY).peer() {
        Some(_) => parse::server(words).map(of),
        None => Ok(of(ServerId::NOBODY)),
    }
}

/// The grammar of steps with an example for every verb, as `zoolab help steps` prints it.
pub fn grammar_help() -> String {
    let mut help = String::from(INTRODUCTION);
    for verb in VERBS {
        let _ = write!(help, "\n  {}\n      {}\n      {}\n", verb.form, verb.what, verb.example);
    }
    help.push_str(CLIENTS);
    for known in COMMANDS {
        let _ = write!(help, "\n  CLIENT {}\n      {}\n      c1 {}\n", known.form, known.what, known.example);
    }
    help.push_str("\nFaults of a disk (FILE is one such as log.newest or currentEpoch):\n\n");
    for (form, what) in DISK_FAULTS {
        let _ = writeln!(help, "  disk NODE {form}\n      {what}");
    }
    help
}

const INTRODUCTION: &str = "\
A step is an action with a time or a condition:

  { \"at\": \"3s\", \"do\": \"crash leader\" }              at a time of the run
  { \"after\": \"20ms\", \"do\": \"restart s3\" }           so long after the step above
  { \"when\": \"s2 established\", \"do\": \"crash s1\" }    as soon as an event matches

NODE is a server (s1), a client (c1) or a role, resolved when the step runs:
leader, follower N, observer N, looking N (the Nth by id, from 1). TIME is a
number with a unit: us, ms, s, min, h. SPAN is TIME..TIME or one TIME. PACKET is
a kind of packet, such as NOTIFICATION or LEADERINFO.
";

const CLIENTS: &str = "
What clients are told, in the words of zkCli. Requests are answered later, and
do not wait for each other. PATH and DATA are words, or texts in quotes
(\\\" \\\\ \\n \\t \\0 are escapes); DATA that begins with 0x is bytes in
hexadecimal. A step's `returns` is the answer that it must get: Ok, a path, the
data, [a, b] for children, or the name of an error. A step with
\"after\": \"reply\" waits for the answer to the step above:

  { \"at\": \"1s\", \"do\": \"c1 create /a x\", \"returns\": \"/a\" }
  { \"after\": \"reply\", \"do\": \"c1 get /a\", \"returns\": \"x\" }
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_of_its_verb_and_in_canonical_form() {
        for verb in VERBS {
            let action = Action::parse(verb.example).unwrap_or_else(|error| panic!("{}: {error:?}", verb.example));
            assert_eq!(action.to_string(), verb.example);
            assert!(verb.example.starts_with(verb.name) && verb.form.starts_with(verb.name));
            assert!(grammar_help().contains(verb.example));
        }
    }
}
