//! The search for linearizations: against known verdicts, the textbook, and every order there is.

mod generate;
#[path = "../../benches/linear/textbook.rs"]
mod textbook;

use std::fs;
use std::io::Read;
use std::path::Path;

use generate::{Chance, Shape};
use zoolab::linear::{
    AnyHistory, Checked, Content, History, Limit, Model, Operation, Options, Register, RegisterAction, Rules, Verdict, check, explain, replay,
};

use zoolab::check::Operations;
use zoolab::scenario::{Run, RunOptions};

use crate::{shared, stories};

/// A file of histories with a known verdict.
struct Row {
    file: String,
    operations: usize,
    verdict: String,
    history: AnyHistory,
}

/// Those of `folder`, whose name begins so.
fn rows(folder: &Path, prefixes: &[&str]) -> Vec<Row> {
    let index = fs::read_to_string(folder.join("index.tsv")).unwrap();
    let rows = index.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|row| prefixes.iter().any(|prefix| row[0].starts_with(prefix)))
        .map(|row| {
            let history = generate::read(&text(&folder.join(row[0])));
            Row { file: row[0].into(), operations: row[2].parse().unwrap(), verdict: row[5].into(), history }
        })
        .collect()
}

fn text(path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    if path.extension().is_none_or(|extension| extension != "xz") {
        return String::from_utf8(bytes).unwrap();
    }
    let mut text = String::new();
    lzma_rust2::XzReader::new(&bytes[..], false).read_to_string(&mut text).unwrap();
    text
}

fn name(checked: &Checked) -> &'static str {
    match checked.verdict {
        Verdict::Ok { .. } => "ok",
        Verdict::Illegal { .. } => "illegal",
        Verdict::Unknown { .. } => "unknown",
    }
}

fn verdict(history: &AnyHistory, options: &Options) -> &'static str {
    match history {
        AnyHistory::Register(history) => name(&check(history, options)),
        AnyHistory::Kv(history) => name(&check(history, options)),
        AnyHistory::Znode(history) => name(&check(history, options)),
    }
}

fn operations(history: &AnyHistory) -> usize {
    match history {
        AnyHistory::Register(history) => history.operations.len(),
        AnyHistory::Kv(history) => history.operations.len(),
        AnyHistory::Znode(history) => history.operations.len(),
    }
}

fn verdicts_are_right(rows: &[Row], count: usize) {
    assert_eq!(rows.len(), count);
    for Row { file, operations: told, verdict: known, history } in rows {
        // A read that told nothing is an operation of the file and none of the history.
        assert!((told * 9 / 10..=*told).contains(&operations(history)), "{file}");
        for signed in [false, true] {
            let options = Options { signed, budget: 200_000, ..Options::default() };
            assert_eq!(verdict(history, &options), known, "{file}, signed: {signed}");
        }
    }
}

#[test]
fn generated_histories_have_their_verdicts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/histories");
    verdicts_are_right(&rows(&folder, &["gen_"]), 56);
}

#[test]
fn public_histories_have_their_verdicts() {
    let Some(folder) = shared::shared("histories") else { return };
    verdicts_are_right(&rows(&folder, &["etcd_"]), 52);
    verdicts_are_right(&rows(&folder, &["kv_"]), 4);
}

/// What the plain search may remember of one history.
const PLAIN: usize = 100_000;

/// Each rule alone, all but it, and keys that are hashes.
fn variants() -> Vec<(String, Options)> {
    type Switch = fn(&mut Rules) -> &mut bool;
    let switches: [(&str, Switch); 8] = [
        ("pure_first", |rules| &mut rules.pure_first),
        ("twins", |rules| &mut rules.twins),
        ("idle", |rules| &mut rules.idle),
        ("needed", |rules| &mut rules.needed),
        ("early_stop", |rules| &mut rules.early_stop),
        ("foresight", |rules| &mut rules.foresight),
        ("memory", |rules| &mut rules.memory),
        ("unique", |rules| &mut rules.unique),
    ];
    let options = |rules| Options { rules, budget: 300_000, ..Options::default() };
    let mut variants = vec![
        ("all".to_string(), options(Rules::ALL)),
        ("signed".to_string(), Options { signed: true, ..options(Rules::ALL) }),
        ("memory alone".to_string(), options(Rules { memory: true, ..Rules::NONE })),
    ];
    for (name, switch) in switches {
        let (mut without, mut alone) = (Rules::ALL, Rules { memory: true, ..Rules::NONE });
        *switch(&mut without) = false;
        *switch(&mut alone) = true;
        // These two do nothing without it.
        alone.early_stop |= matches!(name, "idle" | "needed");
        variants.push((format!("without {name}"), options(without)));
        variants.push((format!("{name} alone"), options(alone)));
    }
    variants
}

/// Holds every variant against the plain search; how many verdicts were ok, how many illegal, how many were compared for each variant.
fn compare<M: Model>(seeds: u64, make: impl Fn(&mut Chance, &Shape) -> History<M>) -> (u32, u32, Vec<(String, u32)>) {
    let variants = variants();
    let mut decided: Vec<(String, u32)> = variants.iter().map(|(name, _)| (name.clone(), 0)).collect();
    let (mut ok, mut illegal) = (0, 0);
    for seed in 0..seeds {
        let mut chance = Chance(seed);
        let shape = generate::shape(&mut chance);
        let history = make(&mut chance, &shape);
        let plain: Option<bool> =
            history.parts().iter().map(|(_, part)| textbook::is_linearizable(&history, part, PLAIN)).try_fold(true, |all, part| Some(all & part?));
        let Some(plain) = plain else { continue };
        *(if plain { &mut ok } else { &mut illegal }) += 1;
        for ((name, options), (_, decided)) in variants.iter().zip(&mut decided) {
            match (&check(&history, options).verdict, plain) {
                (Verdict::Ok { .. }, true) | (Verdict::Illegal { .. }, false) => *decided += 1,
                (Verdict::Unknown { .. }, _) => {}
                (verdict, _) => panic!("seed {seed}, {name}: {verdict:?}, and the plain search says {plain}: {shape:?}"),
            }
        }
    }
    (ok, illegal, decided)
}

fn enough((ok, illegal, decided): (u32, u32, Vec<(String, u32)>)) {
    assert!(ok >= 200 && illegal >= 150, "{ok} ok, {illegal} illegal");
    for (name, decided) in decided {
        assert!(decided >= 500, "{name}: only {decided} compared");
    }
}

#[test]
fn no_rule_changes_a_verdict_of_a_register() {
    enough(compare(800, generate::register_history));
}

#[test]
fn no_rule_changes_a_verdict_of_a_map() {
    enough(compare(800, generate::kv_history));
}

#[test]
fn no_rule_changes_a_verdict_of_a_tree() {
    enough(compare(900, generate::znode_history));
}

/// Reads and writes of unique values alone: those that are decided by sorting, and by a search if they may not be.
#[test]
fn unique_values_are_judged_as_by_searching() {
    let (sorted, searched) = (Options::default(), Options { rules: Rules { unique: false, ..Rules::ALL }, ..Options::default() });
    let (mut ok, mut illegal, mut unsearched) = (0, 0, 0);
    for seed in 0..2000 {
        let mut chance = Chance(seed);
        let shape = generate::shape(&mut chance);
        let history = generate::unique_history(&mut chance, &shape);
        let (one, other) = (check(&history, &sorted), check(&history, &searched));
        assert_eq!(name(&one), name(&other), "seed {seed}: {history:?}");
        *(if name(&one) == "ok" { &mut ok } else { &mut illegal }) += 1;
        unsearched += u32::from(one.configurations == 0);
    }
    assert!(ok >= 500 && illegal >= 500 && unsearched == ok, "{ok} ok, {illegal} illegal, {unsearched} without a search");
}

/// A hundred writers at once and a read of each value in their order, over and over: too wide for a search that tries what comes first.
#[test]
fn unique_values_need_no_search_however_wide() {
    let operation = |id, call, ret, action| Operation { id, process: id, call, ret: Some(ret), action };
    let count = 5000_u64;
    let writers = (0..count).map(|id| operation(id, id, 2 * count + id, RegisterAction::Write(id as i64)));
    let reads = (0..count / 2).map(|n| operation(count + n, count + 2 * n, count + 2 * n + 1, RegisterAction::Read(Content(Some((n * 2) as i64)))));
    let history: History<Register> = History::new(writers.chain(reads).collect());
    let checked = check(&history, &Options::default());
    assert_eq!((name(&checked), checked.configurations), ("ok", 0));
}

#[test]
fn small_histories_are_judged_as_by_trying_every_order() {
    let (mut ok, mut illegal) = (0, 0);
    for seed in 0..4000 {
        let history = generate::nonsense(&mut Chance(seed));
        let truth = generate::brute_force(&history);
        *(if truth { &mut ok } else { &mut illegal }) += 1;
        let (_, part) = history.parts().remove(0);
        assert_eq!(textbook::is_linearizable(&history, &part, PLAIN), Some(truth), "seed {seed}: the textbook");
        for (name, options) in variants() {
            assert_eq!(name_of(truth), self::name(&check(&history, &options)), "seed {seed}, {name}");
        }
    }
    assert!(ok >= 500 && illegal >= 500, "{ok} ok, {illegal} illegal");
}

fn name_of(linearizable: bool) -> &'static str {
    if linearizable { "ok" } else { "illegal" }
}

/// More operations at once than a word has bits: 50 writers of 0 and 50 of 1 are under way while a reader sees the value change, again and
/// again. Each change takes a writer, so the 101st is one too many.
#[test]
fn wide_histories_are_judged() {
    for (changes, known) in [(100, "ok"), (101, "illegal")] {
        let operation = |id, call, ret, action| Operation { id, process: id, call, ret: Some(ret), action };
        let writers = (0..100).map(|id| operation(id, id, 1000 + id, RegisterAction::Write((id % 2) as i64)));
        let reads = (0..changes).map(|n| operation(100 + n, 100 + 2 * n, 101 + 2 * n, RegisterAction::Read(Content(Some((n % 2) as i64)))));
        let history: History<Register> = History { operations: writers.chain(reads).collect() };
        assert_eq!(name(&check(&history, &Options::default())), known);
    }
}

/// A budget that does not do says so; the same budget always says the same.
#[test]
fn budgets_are_kept_to() {
    let shape = Shape { operations: 300, processes: 8, values: 2, lost: 0, wrong: 0 };
    let history = generate::register_history(&mut Chance(3), &shape);
    let of = |budget| check(&history, &Options { budget, ..Options::default() });
    assert_eq!(name(&of(1_000_000)), "ok");
    let short = of(20);
    assert!(matches!(short.verdict, Verdict::Unknown { widest: 8, never_returned: 0, .. }), "{short:?}");
    assert!(short.configurations <= 20 + 1 && short == of(20), "{short:?}");
    let tight = check(&history, &Options { rules: Rules { memory: true, ..Rules::NONE }, memory: 1, ..Options::default() });
    assert!(matches!(tight.verdict, Verdict::Unknown { exhausted: Limit::Memory, .. }), "{tight:?}");
}

/// The witness of ok is replayed when it is found; here, that replaying finds what is wrong with one.
#[test]
fn wrong_witnesses_are_refused() {
    let history = generate::register_history(&mut Chance(5), &Shape { operations: 30, processes: 3, values: 3, lost: 0, wrong: 0 });
    let Verdict::Ok { witness } = check(&history, &Options::default()).verdict else { panic!("an object that answers rightly") };
    let (part, order) = (history.parts().remove(0).1, &witness[0].operations);
    assert_eq!(replay(&history, &part, order), Ok(()));
    let refused = |order: &[usize]| replay(&history, &part, order).is_err();
    assert!(refused(&order[1..]) && refused(&order[..29]), "missing");
    assert!(refused(&[&order[..], &order[29..]].concat()), "twice");
    let mut reversed = order.clone();
    reversed.reverse();
    assert!(refused(&reversed), "out of time");
    let swaps = (0..29).filter(|at| {
        let mut swapped = order.clone();
        swapped.swap(*at, at + 1);
        refused(&swapped)
    });
    assert!(swaps.count() >= 10, "neighbours swapped");
}

/// What a report shows is illegal by itself, and the prefix explains what it holds.
#[test]
fn cores_contradict_themselves() {
    let mut seen = 0;
    for seed in 0..300 {
        let mut chance = Chance(seed);
        let shape = Shape { wrong: 10, ..generate::shape(&mut chance) };
        let history = generate::register_history(&mut chance, &shape);
        let Verdict::Illegal { part, longest } = check(&history, &Options::default()).verdict else { continue };
        seen += 1;
        let explanation = explain(&history, &part, &longest);
        let core: Vec<u64> = explanation.core.iter().map(|told| told.id).collect();
        let kept = history.operations.iter().filter(|operation| core.contains(&operation.id)).cloned().collect();
        let core: History<Register> = History { operations: kept };
        assert_eq!(name(&check(&core, &Options::default())), "illegal", "seed {seed}: {explanation:?}");
        assert_eq!(explanation.prefix.len(), longest.len());
        assert!(!explanation.candidates.is_empty(), "seed {seed}");
    }
    assert!(seen >= 100, "{seen}");
}

/// Runs of ours as their clients saw them: what they wrote and were answered has an order, in every story without its bugs.
#[test]
fn clients_of_stories_see_what_is_linearizable() {
    let (mut operations, mut undecided) = (0, Vec::new());
    for story in stories::names() {
        let scenario = stories::read(&story);
        let (_, events) = Run::new(scenario.clone(), RunOptions { no_bugs: true, keep_events: true, ..RunOptions::default() }).finish();
        let history = Operations::of(&scenario.ensemble.config, &events).client_history();
        operations += history.operations.len();
        match check(&history, &Options { budget: 1_000_000, ..Options::default() }).verdict {
            Verdict::Ok { .. } => {}
            Verdict::Illegal { part, longest } => panic!("{story}: {:#?}", explain(&history, &part, &longest)),
            Verdict::Unknown { part, .. } => undecided.push((story, part.name)),
        }
    }
    assert!(operations > 2_000, "only {operations} operations");
    assert!(undecided.len() <= 3, "{undecided:?}");
}

/// What clients can tell of a bug they tell; what they cannot, only zxids do.
#[test]
fn clients_can_tell_some_bugs_and_others_not() {
    let verdict = |story: &str| {
        let scenario = stories::read(story);
        let (_, events) = Run::new(scenario.clone(), RunOptions { keep_events: true, ..RunOptions::default() }).finish();
        let operations = Operations::of(&scenario.ensemble.config, &events);
        assert!(operations.violation.is_some(), "{story}");
        name(&check(&operations.client_history(), &Options::default()))
    };
    for story in
        ["mutant_deletes_parents", "mutant_forwards_twice", "mutant_ignores_versions", "mutant_numbers_children_left", "mutant_version_stands"]
    {
        assert_eq!(verdict(story), "illegal", "{story}");
    }
    for story in ["mutant_answers_with_older_zxid", "mutant_closes_in_its_clients_name"] {
        assert_eq!(verdict(story), "ok", "{story}");
    }
}
