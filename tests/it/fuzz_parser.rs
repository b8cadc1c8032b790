//! No input makes the readers panic, and what they accept they can print and read again.
//!
//! `ZOOLAB_FUZZ_CASES` sets the number of cases of each property (2000 unless set).

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use zoolab::conform::Transcript;
use zoolab::linear::{self, AnyHistory, Options, Verdict};
use zoolab::scenario::{EventPattern, Scenario, render, starter, zoo_cfg};
use zoolab::sim::Action;

fn config() -> ProptestConfig {
    let cases = std::env::var("ZOOLAB_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2000);
    // The failing input is printed, and becomes a file in tests/bad.
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Reads a file as the command line does: a scenario that prints and reads back, or problems that can be shown.
fn read(bytes: &[u8]) {
    match Scenario::read(bytes) {
        Ok(scenario) => {
            let text = scenario.to_json();
            assert_eq!(Scenario::read(text.as_bytes()).as_ref(), Ok(&scenario), "{text}");
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            let source = String::from_utf8_lossy(bytes);
            assert!(render(&problems, "fuzz.json", &source, true).contains("error"));
        }
    }
}

/// Files to begin with: the starter, and everything in `scenarios/` and `tests/bad`.
fn seeds() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![starter("fuzz").into_bytes()];
    for folder in ["scenarios", "tests/bad"] {
        let Ok(entries) = fs::read_dir(root.join(folder)) else { continue };
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        files.extend(paths.iter().map(|path| fs::read(path).expect("a readable file")));
    }
    files
}

/// A transcript to begin with.
const TRANSCRIPT: &str = include_str!("../data/oracle/transcripts/hand-create-bad-flags.jsonl");

/// Histories to begin with, one of each model.
const HISTORIES: [&str; 2] = [
    r#"{"id":0,"p":4,"f":"read","in":null,"out":{"value":null},"call":0,"ret":1}
{"id":1,"p":1,"f":"write","in":1,"out":{"done":true},"call":2,"ret":6}
{"id":2,"p":2,"f":"cas","in":[2,4],"out":{"done":false},"call":3,"ret":8}
{"id":3,"p":3,"f":"cas","in":[1,2],"out":null,"call":4,"ret":null}
{"id":4,"p":4,"f":"read","in":null,"out":{"unknown":true},"call":5,"ret":7}
"#,
    r#"{"id":0,"p":0,"f":"append","in":{"key":"3","value":"x"},"out":{"done":true},"call":0,"ret":4}
{"id":1,"p":1,"f":"get","in":{"key":"3"},"out":{"value":"x"},"call":1,"ret":6}
{"id":2,"p":6,"f":"put","in":{"key":"10","value":"6.2;"},"out":null,"call":2,"ret":null}
"#,
];

/// A change at a place of the file, given as a share of its length.
#[derive(Clone, Debug)]
enum Mutation {
    Replace(usize, u8),
    Insert(usize, String),
    Delete(usize, usize),
    Copy(usize, usize, usize),
}

/// Pieces that mean something to some reader.
const PIECES: [&str; 40] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "-1",
    "1e999",
    "18446744073709551616",
    "\\u0000",
    "\\ud83d\\ude00",
    "é",
    "\u{feff}",
    "s1",
    "s9",
    "leader",
    " | ",
    " -> ",
    "99999999999h",
    "1us",
    "0.0001%",
    "#2",
    "=",
    "\"steps\": [],",
    "\"at\": \"1s\"",
    "restart all",
    "\\n",
    "server.1=a:1:2",
    "c1 ",
    "c1 set -v 1 /a 0xff",
    "\"returns\": \"Ok\",",
    "\"after\": \"reply\"",
    "\"clients\": { \"c1\": {} },",
    "\"workloads\": { \"w\": { \"rate\": \"3/s\" } },",
    "\"tree\": { \"present\": { \"/a\": \"0x00\" } },",
    "connect s1",
    "/a/b",
];

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<usize>();
    prop_oneof![
        (at, any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (at, proptest::sample::select(&PIECES[..])).prop_map(|(at, piece)| Mutation::Insert(at, piece.into())),
        (at, any::<String>()).prop_map(|(at, text)| Mutation::Insert(at, text)),
        (at, 1..40usize).prop_map(|(at, length)| Mutation::Delete(at, length)),
        (at, at, 1..80usize).prop_map(|(from, to, length)| Mutation::Copy(from, to, length)),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    let within = |at: usize, bytes: &Vec<u8>| at % (bytes.len() + 1);
    let range = |at: usize, length: usize, bytes: &Vec<u8>| {
        let start = within(at, bytes);
        start..(start + length).min(bytes.len())
    };
    match mutation {
        Mutation::Replace(at, byte) => {
            let at = within(*at, bytes);
            bytes.splice(range(at, 1, bytes), [*byte]);
        }
        Mutation::Insert(at, text) => {
            let at = within(*at, bytes);
            bytes.splice(at..at, text.bytes());
        }
        Mutation::Delete(at, length) => {
            bytes.drain(range(*at, *length, bytes));
        }
        Mutation::Copy(from, to, length) => {
            let copied = bytes[range(*from, *length, bytes)].to_vec();
            let to = within(*to, bytes);
            bytes.splice(to..to, copied);
        }
    }
}

/// A line that begins like one of the grammar.
fn line() -> impl Strategy<Value = String> {
    let word = prop_oneof![proptest::sample::select(&PIECES[..]).prop_map(String::from), "[a-z0-9.=#%|>-]{0,8}", any::<String>()];
    let verb = proptest::sample::select(
        &[
            "",
            "crash ",
            "pause s1 for ",
            "partition ",
            "cut s1 -> ",
            "clock s1 jump ",
            "disk s1 ",
            "fire ",
            "c1 create ",
            "c1 set -v 1 ",
            "c1 get ",
            "s1 ",
            "established ",
        ][..],
    );
    (verb, proptest::collection::vec(word, 0..6)).prop_map(|(verb, words)| format!("{verb}{}", words.join(" ")))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes);
    }

    #[test]
    fn texts_are_read(text in any::<String>()) {
        read(text.as_bytes());
        read(format!("{{ \"title\": {text} }}").as_bytes());
    }

    #[test]
    fn mutated_files_are_read(index in any::<prop::sample::Index>(), mutations in proptest::collection::vec(mutation(), 0..8)) {
        thread_local! {
            static SEEDS: Vec<Vec<u8>> = seeds();
        }
        let mut bytes = SEEDS.with(|seeds| seeds[index.index(seeds.len())].clone());
        for mutation in &mutations {
            mutate(&mut bytes, mutation);
        }
        read(&bytes);
    }

    /// A flaw names a line that is there.
    #[test]
    fn transcripts_are_read(mutations in proptest::collection::vec(mutation(), 1..4)) {
        let mut bytes = TRANSCRIPT.as_bytes().to_vec();
        mutations.iter().for_each(|mutation| mutate(&mut bytes, mutation));
        let text = String::from_utf8_lossy(&bytes);
        if let Err(flaw) = Transcript::read(&text) {
            prop_assert!((1..=text.lines().count().max(1)).contains(&flaw.line), "{}", flaw);
        }
    }

    /// A flaw names a line that is there; what is read can be judged.
    #[test]
    fn histories_are_read(which in 0..2usize, mutations in proptest::collection::vec(mutation(), 1..4)) {
        let mut bytes = HISTORIES[which].as_bytes().to_vec();
        mutations.iter().for_each(|mutation| mutate(&mut bytes, mutation));
        let text = String::from_utf8_lossy(&bytes);
        let verdict = match AnyHistory::read(&text, None) {
            Ok(AnyHistory::Register(history)) => linear::check(&history, &Options::default()).verdict,
            Ok(AnyHistory::Kv(history)) => linear::check(&history, &Options::default()).verdict,
            Ok(AnyHistory::Znode(history)) => linear::check(&history, &Options::default()).verdict,
            Err(flaw) => {
                prop_assert!((1..=text.lines().count().max(1)).contains(&flaw.line), "{}", flaw);
                return Ok(());
            }
        };
        let decided = !matches!(verdict, Verdict::Unknown { .. });
        prop_assert!(decided, "{text}");
    }

    #[test]
    fn lines_are_read(line in line()) {
        match Action::parse(&line) {
            Ok(action) => prop_assert_eq!(Action::parse(&action.to_string()), Ok(action)),
            Err(error) => prop_assert!(line.get(error.span.clone()).is_some(), "{:?}", error),
        }
        match EventPattern::parse(&line) {
            Ok(pattern) => prop_assert_eq!(EventPattern::parse(&pattern.to_string()), Ok(pattern)),
            Err(error) => prop_assert!(line.get(error.span.clone()).is_some(), "{:?}", error),
        }
    }

    #[test]
    fn zoo_cfgs_are_read(lines in proptest::collection::vec(line(), 0..6)) {
        let text = lines.join("\n");
        let (properties, errors) = zoo_cfg::properties(&text);
        for property in properties {
            prop_assert_eq!(text.get(property.key_span), Some(property.key.as_str()));
            prop_assert_eq!(text.get(property.value_span), Some(property.value.as_str()));
            let _ = zoo_cfg::server_role(&property.value);
        }
        for error in errors {
            prop_assert!(text.get(error.span).is_some());
        }
    }
}
