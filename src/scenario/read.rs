//! From bytes to a scenario: JSON, then shape, then meaning, with as many problems told at once as make sense.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::checker::Checker;
use super::document::Document;
use super::file::{ClockFile, ScenarioFile, ServerFile, StartFile, TimingFile};
use super::problem::{Path, Problem};
use super::schema::schema;
use super::{Ensemble, Scenario, ServerStart, clients, ensemble, expect, shape, steps};
use crate::bugs::{AS_SHIPPED, Bug, Bugs, CATALOGUE, RELEASE};
use crate::proto::{Epoch, Micros, ServerId, Zxid};
use crate::sim::Timing;
use crate::sim::action::text::one_of;
use crate::sim::action::{DRIFT_PPM_MAX, Percent, Shift};

static SCHEMA: LazyLock<serde_json::Value> = LazyLock::new(schema);

impl Scenario {
    /// Reads a scenario file. The problems are in the order of their places.
    pub fn read(bytes: &[u8]) -> Result<Scenario, Vec<Problem>> {
        let source = std::str::from_utf8(bytes).map_err(|error| vec![not_text(error.valid_up_to())])?;
        let document = Document::read(source).map_err(|problem| vec![problem])?;
        let (fitting, misshapen) = shape::fit(&document, &SCHEMA);
        let mut checker = Checker { document: &document, misshapen, problems: Vec::new() };
        let scenario = fitting.and_then(|fitting| typed(&mut checker, fitting)).and_then(|file| meaning(&mut checker, &file));
        match scenario {
            Some(scenario) if checker.misshapen.is_empty() && checker.problems.is_empty() => Ok(scenario),
            _ => {
                let mut problems = checker.misshapen;
                problems.append(&mut checker.problems);
                problems.sort_by_key(|problem| problem.span.start);
                Err(problems)
            }
        }
    }
}

fn not_text(valid_up_to: usize) -> Problem {
    let message = format!("not a text: byte {valid_up_to} is not UTF-8");
    Problem { place: Path::root(), span: valid_up_to..valid_up_to + 1, message, help: Some("save the file as UTF-8".into()) }
}

/// What has the shape of the schema has the types that the schema was derived from.
fn typed(checker: &mut Checker, fitting: serde_json::Value) -> Option<ScenarioFile> {
    let file = serde_json::from_value(fitting);
    file.map_err(|error| checker.wrong(&Path::root(), format!("not a scenario: {error}"), "")).ok()
}

fn meaning(checker: &mut Checker, file: &ScenarioFile) -> Option<Scenario> {
    let root = Path::root();
    if file.title.trim().is_empty() {
        checker.wrong(&root.key("title"), "the title is empty", "say in one line what happens");
    }
    if file.title.contains(char::is_control) {
        checker.wrong(&root.key("title"), "the title is more than one line of plain text", "`why` and `notes` have room for more");
    }
    let run = checker.time(&root.key("run"), &file.run);
    if run == Some(Micros::ZERO) {
        checker.wrong(&root.key("run"), "a run of no time shows nothing", "");
    }
    let recover_within = file.recover_within.as_ref().and_then(|text| checker.time(&root.key("recover_within"), text));
    if file.recover == Some(false) && recover_within.is_some() {
        checker.wrong_key(&root.key("recover_within"), "nothing recovers: `recover` is false", "leave one of them out");
    }
    let mut timing = timing(checker, &file.timing);
    timing.loss_ppm = file.timing.loss.as_ref().map_or(0, |text| loss(checker, text));
    let bugs = bugs(checker, &file.bugs);
    let ensemble = ensemble::read(checker, &file.ensemble)?;
    let servers = servers(checker, file, &ensemble, run);
    let clients::Clients { clients, workloads } = clients::read(checker, file, &servers, run);
    let cast = steps::Cast { config: &ensemble.config, servers: &servers, clients: &clients, bugs };
    if timing.loss_ppm > 0 && ensemble.config.election_alg != 0 {
        checker.wrong(&root.key("timing").key("loss"), "there are no datagrams that could get lost", steps::DATAGRAMS);
    }
    let steps = steps::read(checker, &cast, &file.steps, run);
    let expect = expect::read(checker, &cast, &workloads, &file.expect);
    Some(Scenario {
        title: file.title.clone(),
        why: file.why.clone(),
        source: file.source.clone(),
        notes: file.notes.clone(),
        seed: file.seed.unwrap_or(1),
        timing,
        bugs,
        steps,
        run: run?,
        recover: file.recover.unwrap_or(true),
        recover_within,
        expect,
        servers,
        clients,
        workloads,
        ensemble,
    })
}

fn timing(checker: &mut Checker, file: &TimingFile) -> Timing {
    let place = Path::root().key("timing");
    let mut timing = Timing::default();
    let disk = &mut timing.disk;
    let spans = [
        ("link", &file.link, &mut timing.link),
        ("stage", &file.stage, &mut timing.stage),
        ("read", &file.read, &mut disk.read),
        ("write", &file.write, &mut disk.write),
        ("fsync", &file.fsync, &mut disk.fsync),
        ("metadata", &file.metadata, &mut disk.metadata),
    ];
    for (key, text, span) in spans {
        let read = text.as_ref().and_then(|text| checker.span(&place.key(key), text));
        *span = read.unwrap_or(*span);
    }
    for (key, text, time) in [("retransmission", &file.retransmission, &mut timing.retransmission), ("restart", &file.restart, &mut timing.restart)] {
        let read = text.as_ref().and_then(|text| checker.time(&place.key(key), text));
        *time = read.unwrap_or(*time);
    }
    timing.window = file.window.unwrap_or(timing.window);
    timing.wakeups_per_instant = file.wakeups_per_instant.unwrap_or(timing.wakeups_per_instant);
    timing
}

fn loss(checker: &mut Checker, text: &str) -> u32 {
    let percent = Percent::parse(text).ok_or_else(|| format!("`{text}` is not a percentage: 0% to 100%, with at most four decimals"));
    checker.plain(&Path::root().key("timing").key("loss"), percent).map_or(0, |percent| percent.ppm)
}

fn bugs(checker: &mut Checker, names: &[String]) -> Bugs {
    let mut on: Vec<Bug> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let place = Path::root().key("bugs").index(index);
        if names[..index].iter().any(|earlier| earlier.eq_ignore_ascii_case(name)) {
            checker.wrong(&place, format!("`{name}` stands twice"), "");
        }
        match Bug::named(name) {
            Some(bug) => on.push(bug),
            None if name == RELEASE => on.extend(AS_SHIPPED),
            None => {
                let help = one_of(name, CATALOGUE.iter().map(|info| info.name).chain([RELEASE]));
                checker.wrong(&place, format!("no known bug is called `{name}`"), help);
            }
        }
    }
    on.into_iter().collect()
}

fn servers(checker: &mut Checker, file: &ScenarioFile, ensemble: &Ensemble, run: Option<Micros>) -> BTreeMap<ServerId, ServerStart> {
    let ids = ensemble.config.membership.members.keys().chain(ensemble.joining.keys());
    let mut servers: BTreeMap<_, _> = ids.map(|id| (*id, ServerStart::default())).collect();
    for (name, file) in &file.servers {
        let place = Path::root().key("servers").key(&name.0);
        let Some(id) = checker.server_name(&place, name) else { continue };
        if !servers.contains_key(&id) {
            checker.wrong_key(&place, format!("the ensemble has no server {id}"), steps::members(&servers));
            continue;
        }
        let start = server(checker, &place, file, run);
        servers.insert(id, start);
    }
    servers
}

fn server(checker: &mut Checker, place: &Path, file: &ServerFile, run: Option<Micros>) -> ServerStart {
    let last = file.last.as_ref().and_then(|text| {
        let zxid = Zxid::parse(text).filter(|zxid| *zxid != Zxid::NONE);
        checker.plain(&place.key("last"), zxid.ok_or_else(|| format!("`{text}` is not a zxid: epoch:counter in decimal (4:10), or -1")))
    });
    let last = last.unwrap_or(Zxid::ZERO);
    let epoch = |checker: &mut Checker, key: &str, number: u32| {
        let epoch = i32::try_from(number).map(|epoch| Epoch(i64::from(epoch)));
        checker.plain(&place.key(key), epoch.map_err(|_| format!("`{number}` is not an epoch: at most {}", i32::MAX)))
    };
    let of_last = if last == Zxid::UNTRUSTED { Epoch(0) } else { last.epoch() };
    let current_epoch = file.epoch.and_then(|number| epoch(checker, "epoch", number)).unwrap_or(of_last);
    let accepted_epoch = file.accepted_epoch.and_then(|number| epoch(checker, "acceptedEpoch", number)).unwrap_or(current_epoch);
    let (clock_offset, clock_drift_ppm) = clock(checker, &place.key("clock"), file.clock.as_ref());
    ServerStart {
        last,
        current_epoch,
        accepted_epoch,
        start: start(checker, &place.key("start"), file.start.as_ref(), run),
        peer_type: file.peer_type.map(ensemble::role_of),
        clock_offset,
        clock_drift_ppm,
    }
}

/// Offset of the wall clock and drift of both.
pub(super) fn clock(checker: &mut Checker, place: &Path, file: Option<&ClockFile>) -> (Shift, i32) {
    let clock = file.cloned().unwrap_or_default();
    let offset = clock.offset.as_ref().and_then(|text| checker.plain(&place.key("offset"), Shift::parse(text)));
    let drift_ppm = clock.drift_ppm.unwrap_or(0);
    if !(-DRIFT_PPM_MAX..=DRIFT_PPM_MAX).contains(&drift_ppm) {
        let message = format!("a clock that drifts by {drift_ppm} ppm is not one");
        checker.wrong(&place.key("drift_ppm"), message, format!("allowed: -{DRIFT_PPM_MAX} to {DRIFT_PPM_MAX}"));
    }
    (offset.unwrap_or_default(), drift_ppm)
}

/// When a process starts; `None`: not before a step starts it.
pub(super) fn start(checker: &mut Checker, place: &Path, file: Option<&StartFile>, run: Option<Micros>) -> Option<Micros> {
    let Some(file) = file else { return Some(Micros::ZERO) };
    match file {
        StartFile::Switch(false) => return None,
        StartFile::Switch(true) => checker.wrong(place, "`true` says nothing about when", "a time, or false for one that a step starts"),
        StartFile::At(text) => {
            let time = checker.time(place, text);
            if let (Some(time), Some(run)) = (time, run)
                && time >= run
            {
                checker.wrong(place, format!("the run ends at {run}, before this one starts"), "");
            }
            return time.or(Some(Micros::ZERO));
        }
    }
    Some(Micros::ZERO)
}
