//! The simulated ensemble against what a real one answered: our own recordings, in `tests/data/oracle`.

mod mutation;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mutation::{KINDS, Kind, Mutant, mutate};
use zoolab::conform::{Difference, Options, Transcript, replay};
use zoolab::sim::Stream;

/// At least so many.
const MUTANTS: usize = 60;

/// One of the recorded transcripts.
struct Recorded {
    name: String,
    text: String,
}

/// All of one folder, by name.
fn recorded(folder: &str) -> Vec<Recorded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/oracle").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).expect("a folder of transcripts").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let name = |file: &Path| file.file_name().expect("a name").to_string_lossy().into_owned();
    files.iter().map(|file| Recorded { name: name(file), text: fs::read_to_string(file).expect("a readable transcript") }).collect()
}

fn play(text: &str, shake: Option<u64>) -> Option<Difference> {
    let transcript = Transcript::read(text).unwrap_or_else(|flaw| panic!("{flaw}"));
    replay(&transcript, Options { version: None, shake })
}

/// Does the same with everything, on a few threads; the results are in order.
fn each<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let share = all.len().div_ceil(4).max(1);
    std::thread::scope(|scope| {
        let work = &work;
        let parts: Vec<_> = all.chunks(share).map(|part| scope.spawn(move || part.iter().map(work).collect::<Vec<R>>())).collect();
        parts.into_iter().flat_map(|part| part.join().expect("a replay never panics")).collect()
    })
}

/// What a person must look at when it is not as expected.
fn told(name: &str, difference: &Difference) -> String {
    let fields: Vec<String> = difference.fields().iter().map(|field| field.place.clone()).collect();
    format!("{name}, line {}: {}: {:?} {}", difference.line, difference.request, difference.got, fields.join(", "))
}

#[test]
fn a_real_ensemble_would_have_answered_the_same() {
    let (recorded, more) = (recorded("transcripts"), recorded("more"));
    assert_eq!((recorded.len(), more.len()), (141, 133));
    let all: Vec<Recorded> = recorded.into_iter().chain(more).collect();
    let differences = all.iter().zip(each(&all, |one| play(&one.text, None)));
    let problems: Vec<String> = differences.filter_map(|(one, difference)| Some(told(&one.name, &difference?))).collect();
    assert!(problems.is_empty(), "{} transcripts\n{}", problems.len(), problems.join("\n"));
}

/// A check that cannot fail is none: one value of a transcript is changed, and that very line must differ.
#[test]
fn whatever_is_changed_is_found_at_its_line() {
    let parts = recorded("transcripts");
    let mut stream = Stream::named(4, "mutations");
    let mutants: Vec<(String, Mutant)> = (0..MUTANTS * 2)
        .filter_map(|turn| {
            let kind = KINDS[turn % KINDS.len()];
            let (name, mutant) = mutant_of(&parts, kind, &mut stream)?;
            Some((name, mutant))
        })
        .collect();
    let kinds: BTreeSet<Kind> = mutants.iter().map(|(_, mutant)| mutant.kind).collect();
    assert!(mutants.len() >= MUTANTS, "{} mutants", mutants.len());
    assert!(kinds.len() == KINDS.len(), "only {kinds:?}");
    let problems: Vec<String> = mutants
        .iter()
        .zip(each(&mutants, |(_, mutant)| play(&mutant.text, None)))
        .filter(|((_, mutant), difference)| difference.as_ref().map(|difference| difference.line) != Some(mutant.line))
        .map(|((name, mutant), difference)| format!("{name}: {:?} in line {}: {:?}", mutant.kind, mutant.line, difference.map(|it| it.line)))
        .collect();
    assert!(problems.is_empty(), "{} mutants live\n{}", problems.len(), problems.join("\n"));
}

/// The first part, beginning at one that is drawn, that such a mutation is possible in.
fn mutant_of(parts: &[Recorded], kind: Kind, stream: &mut Stream) -> Option<(String, Mutant)> {
    let first = stream.below(parts.len() as u64) as usize;
    let mut round = parts.iter().cycle().skip(first).take(parts.len());
    round.find_map(|part| mutate(&part.text, kind, stream).map(|mutant| (part.name.clone(), mutant)))
}

/// Faults change no answer, and hide none that is wrong. One seed for each: all with twenty is a step of `.ci/run`.
#[test]
fn faults_between_requests_change_no_answer() {
    let mut stream = Stream::named(5, "shaken mutations");
    let parts: Vec<(u64, Recorded)> = (1..).zip(recorded("transcripts")).collect();
    let wrong = each(&parts, |(seed, part)| play(&part.text, Some(*seed)).map(|difference| told(&part.name, &difference)));
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} replays\n{}", wrong.len(), wrong.join("\n"));
    let (seed, part) = parts.last().expect("something to shake");
    let mutant = mutate(&part.text, Kind::Number, &mut stream).expect("every line has a number");
    assert_eq!(play(&mutant.text, Some(*seed)).map(|difference| difference.line), Some(mutant.line));
}

/// Until 3.9 the ways of watching one path overwrite each other, and an event that is hidden uses up a watch that its client still believes in: after
/// a fault the servers know what they knew, not what the clients would tell them.
#[test]
fn faults_do_not_mend_what_a_client_and_its_server_see_differently() {
    let names = ["hand-persistent-with-standard", "hand-recursive-nested", "hand-watch-event-acl", "hand-watch-mode-change"];
    let parts: Vec<Recorded> = recorded("transcripts").into_iter().filter(|part| names.iter().any(|name| part.name.starts_with(name))).collect();
    assert_eq!(parts.len(), names.len());
    let shaken: Vec<(u64, &Recorded)> = parts.iter().flat_map(|part| (1..=6).map(move |seed| (seed, part))).collect();
    let wrong = each(&shaken, |(seed, part)| play(&part.text, Some(*seed)).map(|difference| told(&part.name, &difference)));
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} replays\n{}", wrong.len(), wrong.join("\n"));
}
