//! From the keys `clients` and `workloads` to clients that have something to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::checker::Checker;
use super::file::{ClientFile, ClientName, ConnectFile, MixFile, ScenarioFile, WorkersFile, WorkloadFile};
use super::problem::Path;
use super::steps::{Servers, members};
use super::{ClientStart, WorkloadPlan, read, rounds};
use crate::client::{Act, Hosts, Mix, Work, Workload};
use crate::proto::{Caller, Micros, NodeId, ServerId, is_valid_path};
use crate::sim::action::text::one_of;

/// Clients are numbered from 1 to this.
const CLIENT_MAX: u32 = 1_000;

/// Java's largest int of milliseconds.
const TIMEOUT_MAX: Micros = Micros::from_millis(i32::MAX as u64);

/// What clients and workloads come to.
pub(super) struct Clients {
    pub clients: BTreeMap<u32, ClientStart>,
    pub workloads: BTreeMap<String, WorkloadPlan>,
}

pub(super) fn read(checker: &mut Checker, file: &ScenarioFile, servers: &Servers, run: Option<Micros>) -> Clients {
    let mut clients = BTreeMap::new();
    for (name, file) in &file.clients {
        let place = Path::root().key("clients").key(&name.0);
        let start = client(checker, &place, file, servers, run);
        clients.extend(client_name(checker, &place, name).map(|number| (number, start)));
    }
    let mut workloads = BTreeMap::new();
    for (name, file) in &file.workloads {
        let place = Path::root().key("workloads").key(name);
        if let Some(plan) = workload(checker, &place, name, file, &mut clients, run) {
            workloads.insert(name.clone(), plan);
        }
    }
    if workloads.len() > Caller::WORKLOADS_MAX as usize {
        checker.wrong_key(&Path::root().key("workloads"), format!("{} workloads", workloads.len()), format!("at most {}", Caller::WORKLOADS_MAX));
    }
    Clients { clients, workloads }
}

fn client_name(checker: &mut Checker, place: &Path, name: &ClientName) -> Option<u32> {
    let number = number_of(&name.0);
    if number.is_none() {
        checker.wrong_key(place, format!("`{}` is not a client", name.0), format!("clients are called c1 to c{CLIENT_MAX}"));
    }
    number
}

fn number_of(name: &str) -> Option<u32> {
    match NodeId::parse(name).filter(|node| node.to_string() == name) {
        Some(NodeId::Client(number)) if (1..=CLIENT_MAX).contains(&number) => Some(number),
        _ => None,
    }
}

fn client(checker: &mut Checker, place: &Path, file: &ClientFile, servers: &Servers, run: Option<Micros>) -> ClientStart {
    let default = ClientStart::default();
    let (clock_offset, clock_drift_ppm) = read::clock(checker, &place.key("clock"), file.clock.as_ref());
    ClientStart {
        hosts: file.connect.as_ref().map_or(default.hosts, |connect| hosts(checker, &place.key("connect"), connect, servers)),
        timeout: file.timeout.as_ref().and_then(|text| timeout(checker, &place.key("timeout"), &text.0)).unwrap_or(default.timeout),
        read_only: file.read_only.unwrap_or(default.read_only),
        disable_auto_watch_reset: file.disable_auto_watch_reset.unwrap_or(false),
        start: read::start(checker, &place.key("start"), file.start.as_ref(), run),
        clock_offset,
        clock_drift_ppm,
    }
}

fn hosts(checker: &mut Checker, place: &Path, file: &ConnectFile, servers: &Servers) -> Hosts {
    let names = match file {
        ConnectFile::First(name) => return server(checker, place, name, servers).map_or(Hosts::Any, Hosts::From),
        ConnectFile::Only(names) => names,
    };
    if names.is_empty() {
        checker.wrong(place, "a client without any server", "name at least one, or leave `connect` out for all");
    }
    let mut listed = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let place = place.index(index);
        if names[..index].contains(name) {
            checker.wrong(&place, format!("{name} stands twice"), "");
        }
        listed.extend(server(checker, &place, name, servers));
    }
    if listed.is_empty() { Hosts::Any } else { Hosts::Only(listed) }
}

fn server(checker: &mut Checker, place: &Path, name: &str, servers: &Servers) -> Option<ServerId> {
    let id = NodeId::parse(name).and_then(NodeId::as_server).filter(|id| servers.contains_key(id) && id.to_string() == name);
    if id.is_none() {
        checker.wrong(place, format!("`{name}` is not a server of the ensemble"), members(servers));
    }
    id
}

fn timeout(checker: &mut Checker, place: &Path, text: &str) -> Option<Micros> {
    let allowed = |time: Micros| time > Micros::ZERO && time <= TIMEOUT_MAX && time.0.is_multiple_of(1_000);
    let read = Micros::parse(text).and_then(|time| if allowed(time) { Ok(time) } else { Err(format!("`{text}` is not a session timeout")) });
    read.map_err(|message| checker.wrong(place, message, "whole milliseconds, at most 2147483647ms: \"4s\"")).ok()
}

fn workload(
    checker: &mut Checker,
    place: &Path,
    name: &str,
    file: &WorkloadFile,
    clients: &mut BTreeMap<u32, ClientStart>,
    run: Option<Micros>,
) -> Option<WorkloadPlan> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
        checker.wrong_key(place, format!("`{name}` is no name for a workload"), "letters, digits, `_` and `-`");
    }
    let workers = workers(checker, &place.key("clients"), file.clients.as_ref(), clients);
    let start = file.start.as_ref().and_then(|text| checker.time(&place.key("start"), text)).unwrap_or(Micros::ZERO);
    let until = match &file.until {
        Some(text) => checker.time(&place.key("until"), text)?,
        None => run?,
    };
    if start >= until {
        let key = if file.start.is_some() { "start" } else { "until" };
        checker.wrong(&place.key(key), format!("no time between {start}, when it starts, and {until}, when it ends"), "");
    }
    if let Some(run) = run.filter(|run| until > *run) {
        checker.wrong(&place.key("until"), format!("the run is over at {run}"), "");
    }
    let load = Workload {
        name: name.into(),
        start,
        until,
        count: file.count,
        every: file.rate.as_ref().and_then(|text| checker.plain(&place.key("rate"), interval(text))),
        work: work(checker, place, name, file),
    };
    Some(WorkloadPlan { clients: workers, load: Arc::new(load), optional: file.optional.unwrap_or(false) })
}

/// Requests of a mix, or rounds.
fn work(checker: &mut Checker, place: &Path, name: &str, file: &WorkloadFile) -> Work {
    if let Some(lines) = &file.lines {
        let given = [("mix", file.mix.is_some()), ("keys", file.keys.is_some()), ("prefix", file.prefix.is_some()), ("size", file.size.is_some())];
        for (key, _) in given.into_iter().filter(|(_, is_given)| *is_given) {
            checker.wrong_key(&place.key(key), format!("`{key}` says nothing about rounds"), "what a round asks is told by the lines of its `do`");
        }
        return Work::Rounds(rounds::read(checker, &place.key("do"), lines).into());
    }
    let default_prefix = format!("/{name}");
    let prefix = file.prefix.as_ref().unwrap_or(&default_prefix);
    if file.prefix.is_some() {
        valid_path(checker, &place.key("prefix"), prefix);
    }
    Work::Mix(Mix {
        acts: mix(checker, &place.key("mix"), file.mix.as_ref()),
        keys: file.keys.unwrap_or(10),
        prefix: prefix.as_str().into(),
        size: file.size.unwrap_or(0),
    })
}

/// Whether it names a node; told if not.
pub(super) fn valid_path(checker: &mut Checker, place: &Path, path: &str) {
    if !is_valid_path(path) {
        let help = "a path begins with `/`, ends without one, and has no empty, `.` or `..` part";
        checker.wrong(place, format!("`{path}` is not a path"), help);
    }
}

/// Numbers of clients that carry it out; those of its own join `clients`.
fn workers(checker: &mut Checker, place: &Path, file: Option<&WorkersFile>, clients: &mut BTreeMap<u32, ClientStart>) -> Vec<u32> {
    let names = match file {
        None => return own(checker, place, 1, clients),
        Some(WorkersFile::Count(count)) => return own(checker, place, *count, clients),
        Some(WorkersFile::Named(names)) => names,
    };
    if names.is_empty() {
        checker.wrong(place, "nobody carries it out", "name at least one client, or say how many");
    }
    let mut numbers = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let place = place.index(index);
        match number_of(name).filter(|number| clients.contains_key(number)) {
            None => checker.wrong(&place, format!("`{name}` is not one of the clients"), help_on_clients(name, clients)),
            Some(number) if numbers.contains(&number) => checker.wrong(&place, format!("{name} stands twice"), ""),
            Some(number) => numbers.push(number),
        }
    }
    numbers.sort_unstable();
    numbers
}

fn own(checker: &mut Checker, place: &Path, count: u32, clients: &mut BTreeMap<u32, ClientStart>) -> Vec<u32> {
    if count == 0 {
        checker.wrong(place, "nobody carries it out", "at least 1");
    }
    let first = clients.last_key_value().map_or(0, |(number, _)| *number) + 1;
    if count > CLIENT_MAX + 1 - first.min(CLIENT_MAX + 1) {
        checker.wrong(place, format!("{count} clients are too many"), format!("at most {CLIENT_MAX} altogether"));
        return Vec::new();
    }
    let numbers: Vec<u32> = (first..first + count).collect();
    clients.extend(numbers.iter().map(|number| (*number, ClientStart::default())));
    numbers
}

/// Help that lists the clients.
pub(super) fn help_on_clients(name: &str, clients: &BTreeMap<u32, ClientStart>) -> String {
    let names: Vec<String> = clients.keys().map(|number| format!("c{number}")).collect();
    if names.is_empty() { "`clients` names none: \"clients\": { \"c1\": {} }".into() } else { one_of(name, names.iter().map(String::as_str)) }
}

fn mix(checker: &mut Checker, place: &Path, file: Option<&MixFile>) -> Vec<(Act, u32)> {
    let Some(file) = file else { return vec![(Act::Set, 1)] };
    let weight = |act| match act {
        Act::Create => file.create,
        Act::Delete => file.delete,
        Act::Set => file.set,
        Act::Get => file.get,
        Act::Stat => file.stat,
        Act::Ls => file.ls,
        Act::Sync => file.sync,
    };
    let mix: Vec<(Act, u32)> = Act::ALL.into_iter().filter_map(|act| weight(act).filter(|weight| *weight > 0).map(|weight| (act, weight))).collect();
    if mix.is_empty() {
        checker.wrong(place, "nothing is ever asked", "one of the weights must be more than 0");
        return vec![(Act::Set, 1)];
    }
    mix
}

/// Units of a rate, each with its length.
const UNITS: [(&str, Micros); 3] = [("s", Micros::from_secs(1)), ("min", Micros::from_secs(60)), ("h", Micros::from_secs(3_600))];

/// Time between two of `100/s`, rounded down to the microsecond.
fn interval(text: &str) -> Result<Micros, String> {
    let wrong = || format!("`{text}` is not a rate: a whole number and a unit, at most 1000000/s: 100/s, 5/min, 1/h");
    let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
    let (_, length) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    let number = number.parse::<u64>().ok().filter(|_| number.bytes().all(|byte| byte.is_ascii_digit()));
    let between = number.and_then(|number| length.0.checked_div(number)).filter(|between| *between > 0);
    between.map(Micros).ok_or_else(wrong)
}

/// The rate with this interval.
pub(super) fn rate(interval: Micros) -> String {
    let (unit, length) = UNITS.iter().find(|(_, length)| interval <= *length).unwrap_or(&UNITS[2]);
    format!("{}/{unit}", length.0 / interval.0.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_read_back() {
        for (text, micros) in
            [("100/s", 10_000), ("3/s", 333_333), ("1/s", 1_000_000), ("7/min", 8_571_428), ("1/h", 3_600_000_000), ("60/min", 1_000_000)]
        {
            assert_eq!(interval(text), Ok(Micros(micros)), "{text}");
            assert_eq!(interval(&rate(Micros(micros))), Ok(Micros(micros)), "{text}");
        }
        for number in 1..2_000 {
            let between = interval(&format!("{number}/s")).expect("a rate");
            assert_eq!(interval(&rate(between)), Ok(between), "{number}");
        }
        for text in ["", "5", "0/s", "-1/s", "1.5/s", "1/ms", "1000001/s", "/s", "100 / s", "18446744073709551616/s"] {
            assert!(interval(text).is_err(), "{text}");
        }
    }
}
