//! How long the search for linearizations takes, by groups of histories with known verdicts, beside the plain search of the textbook.
//!
//! ```text
//! cargo bench --bench linear              all groups with their bars
//! cargo bench --bench linear -- kv_c50    only histories whose name holds this, one line each
//! ```
//!
//! | group | histories | bar |
//! | --- | --- | --- |
//! | `etcd` | 52 of a register under faults, public | 5 ms in all |
//! | `gen` | 56 of ours (`tests/data/histories`), up to 10,000 operations | 120 ms in all |
//! | `kv` | 4 of a map, public; in one a part is hopeless for a plain search and another plainly bad | 300 ms in all |
//!
//! One core, after reading the file; a history counts with the best of its rounds. The textbook ([`textbook`]) gives up where it would
//! remember too much, and its time then counts as it is. That the verdicts are right is asserted; a bar is told, and a slow machine no defect.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a benchmark reads files and the machine's clock")]
#![allow(clippy::float_arithmetic, reason = "times decide nothing here")]
#![allow(clippy::print_stdout, reason = "the report")]

#[path = "../common/mod.rs"]
#[allow(dead_code, reason = "what measures a scenario")]
mod common;
mod textbook;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lzma_rust2::XzReader;
use mimalloc::MiMalloc;
use zoolab::linear::{AnyHistory, History, Model, Options, Verdict, check};

/// That of the program.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const ROUNDS: u32 = 5;

/// Configurations that the textbook may remember of one part: a few hundred MiB.
const TEXTBOOK_MAX: usize = 2_000_000;

struct Group {
    name: &'static str,
    /// Where its files are, if they are there.
    folder: Option<PathBuf>,
    bar: Duration,
}

/// Of all histories of a group.
#[derive(Default)]
struct Sum {
    histories: u32,
    operations: usize,
    ours: Duration,
    configurations: u64,
    textbook: Duration,
    given_up: u32,
}

fn main() {
    // `cargo bench` itself adds words that begin with a dash.
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let groups = [
        Group { name: "etcd", folder: shared(), bar: Duration::from_millis(5) },
        Group { name: "gen", folder: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/histories")), bar: Duration::from_millis(120) },
        Group { name: "kv", folder: shared(), bar: Duration::from_millis(300) },
    ];
    let mut sums: Vec<Option<(Vec<AnyHistory>, Sum)>> = groups.iter().map(|group| group.measure(only.as_deref())).collect();
    let peak = common::peak_kib();
    println!("{:<6}{:>10}{:>12}{:>16}{:>12}{:>12}      {:>12}", "group", "histories", "operations", "configurations", "search", "bar", "textbook");
    for (group, measured) in groups.iter().zip(&mut sums) {
        match measured {
            Some((histories, sum)) => {
                histories.iter().for_each(|history| sum.add_textbook(history));
                sum.tell(group);
            }
            None => println!("{:<6}not measured: no folder shared/histories (ZOOLAB_SHARED says where)", group.name),
        }
    }
    println!("memory: {peak} KiB resident at most before the textbook ran, bar 1 GB");
}

impl Group {
    /// Reads its histories and checks each, if they are there.
    fn measure(&self, only: Option<&str>) -> Option<(Vec<AnyHistory>, Sum)> {
        let folder = self.folder.as_ref()?;
        let index = fs::read_to_string(folder.join("index.tsv")).expect("an index");
        let mut sum = Sum::default();
        let mut histories = Vec::new();
        for row in index.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>()) {
            if row[0].starts_with(&format!("{}_", self.name)) && only.is_none_or(|only| row[0].contains(only)) {
                let history = read(&folder.join(row[0]));
                match &history {
                    AnyHistory::Register(history) => sum.add(row[0], row[5], history, only.is_some()),
                    AnyHistory::Kv(history) => sum.add(row[0], row[5], history, only.is_some()),
                    AnyHistory::Znode(history) => sum.add(row[0], row[5], history, only.is_some()),
                }
                histories.push(history);
            }
        }
        Some((histories, sum))
    }
}

impl Sum {
    fn add<M: Model>(&mut self, file: &str, verdict: &str, history: &History<M>, tell: bool) {
        let mut best = Duration::MAX;
        let mut configurations = 0;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let checked = check(history, &Options::default());
            best = best.min(start.elapsed());
            let found = match checked.verdict {
                Verdict::Ok { .. } => "ok",
                Verdict::Illegal { .. } => "illegal",
                Verdict::Unknown { .. } => "unknown",
            };
            assert_eq!(found, verdict, "{file}");
            configurations = checked.configurations;
        }
        if tell {
            println!("{file:<34}{:>8} operations{configurations:>10} configurations{:>14}", history.operations.len(), millis(best));
        }
        self.histories += 1;
        self.operations += history.operations.len();
        self.ours += best;
        self.configurations += configurations;
    }

    fn add_textbook(&mut self, history: &AnyHistory) {
        let start = Instant::now();
        let decided = match history {
            AnyHistory::Register(history) => by_textbook(history),
            AnyHistory::Kv(history) => by_textbook(history),
            AnyHistory::Znode(history) => by_textbook(history),
        };
        self.textbook += start.elapsed();
        self.given_up += u32::from(decided.is_none());
    }

    fn tell(&self, group: &Group) {
        let Sum { histories, operations, ours, configurations, textbook, given_up } = self;
        let holds = if *ours <= group.bar { "pass" } else { "FAIL" };
        let given_up = if *given_up == 0 { String::new() } else { format!(", {given_up} given up") };
        let [ours, bar, textbook] = [*ours, group.bar, *textbook].map(millis);
        println!("{:<6}{histories:>10}{operations:>12}{configurations:>16}{ours:>12}{bar:>12}  {holds}{textbook:>12}{given_up}", group.name);
    }
}

/// One part after the other, up to the first that is not linearizable. Once: it is slow enough to be measured so.
fn by_textbook<M: Model>(history: &History<M>) -> Option<bool> {
    for (_, part) in history.parts() {
        if !textbook::is_linearizable(history, &part, TEXTBOOK_MAX)? {
            return Some(false);
        }
    }
    Some(true)
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn read(path: &Path) -> AnyHistory {
    let bytes = fs::read(path).expect("a readable file");
    let mut text = String::new();
    if path.extension().is_some_and(|extension| extension == "xz") {
        XzReader::new(&bytes[..], true).read_to_string(&mut text).expect("a file of xz");
    } else {
        text = String::from_utf8(bytes).expect("text");
    }
    AnyHistory::read(&text, None).unwrap_or_else(|flaw| panic!("{}, {flaw}", path.display()))
}

/// The histories that are not ours, as `tests/it/shared.rs` finds them.
fn shared() -> Option<PathBuf> {
    let named = std::env::var_os("ZOOLAB_SHARED").map(PathBuf::from);
    let near = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(1).map(|above| above.join("shared"));
    named.into_iter().chain(near).map(|folder| folder.join("histories")).find(|folder| folder.is_dir())
}
