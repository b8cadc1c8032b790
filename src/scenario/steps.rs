//! From the keys of `steps` to steps: every verb and name known, every time possible.

use std::collections::BTreeMap;

use super::checker::Checker;
use super::clients::help_on_clients;
use super::file::{RepeatFile, StepFile};
use super::problem::Path;
use super::{ClientStart, EventPattern, Repeat, ServerStart, Step, Trigger, returns};
use crate::bugs::Bugs;
use crate::proto::{Command, Config, LearnerType, Micros, NodeId, Op, ServerId};
use crate::sim::Action;
use crate::sim::action::{Role, Who, joining};

/// Help for a loss of datagrams where none are sent.
pub(super) const DATAGRAMS: &str = "only `electionAlg` 0 sends datagrams; connections lose nothing";

/// Whom steps and expectations may name.
pub(super) struct Cast<'a> {
    pub config: &'a Config,
    pub servers: &'a Servers,
    pub clients: &'a BTreeMap<u32, ClientStart>,
    pub bugs: Bugs,
}

impl Cast<'_> {
    pub fn has(&self, id: ServerId) -> bool {
        self.servers.contains_key(&id)
    }

    fn count(&self, role: LearnerType) -> usize {
        self.config.membership.members.values().filter(|member| member.role == role).count()
    }
}

/// All servers of a scenario.
pub(super) type Servers = BTreeMap<ServerId, ServerStart>;

/// Help that lists them.
pub(super) fn members(servers: &Servers) -> String {
    let names: Vec<_> = servers.keys().map(ServerId::to_string).collect();
    format!("its servers are {}", names.join(", "))
}

/// The steps, without those that are wrong.
pub(super) fn read(checker: &mut Checker, cast: &Cast, file: &[StepFile], run: Option<Micros>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut earliest = Micros::ZERO;
    for (index, step) in file.iter().enumerate() {
        let place = Path::root().key("steps").index(index);
        let action = action(checker, cast, &place.key("do"), &step.action);
        if let (Some(text), Some(action)) = (&step.returns, &action) {
            returns::check(checker, &place.key("returns"), action, text);
        }
        let trigger = trigger(checker, cast, &place, step);
        if trigger == Some(Trigger::Reply) && !index.checked_sub(1).is_some_and(|above| asks(&file[above].action)) {
            let message = "nothing is answered: the step above asks no client for anything";
            checker.wrong(&place.key("after"), message, "a time, such as \"20ms\", or a request of a client above");
        }
        let repeat = step.repeat.as_ref().and_then(|file| repeat(checker, &place, file, trigger.as_ref()));
        if let Some(trigger) = &trigger {
            earliest = possible_from(checker, &place, trigger, repeat, earliest, run);
        }
        if let (Some(trigger), Some(action)) = (trigger, action) {
            let (note, optional, returns) = (step.note.clone(), step.optional.unwrap_or(false), step.returns.clone());
            steps.push(Step { trigger, action, note, optional, repeat, returns });
        }
    }
    steps
}

/// Whether the line is a request of a client. One that cannot be read might be.
fn asks(line: &str) -> bool {
    Action::parse(line).map_or(true, |action| {
        matches!(action, Action::Client { command: Command::Request(_) | Command::ForgetWatches { .. } | Command::Recipe(_), .. })
    })
}

fn action(checker: &mut Checker, cast: &Cast, place: &Path, line: &str) -> Option<Action> {
    let action = checker.text(place, Action::parse(line))?;
    for who in action.names() {
        known(checker, cast, place, who);
    }
    match &action {
        Action::Start(Who::Node(node)) => {
            let (key, starts) = match node {
                NodeId::Server(id) => ("servers", cast.servers.get(id).is_some_and(|server| server.start.is_some())),
                NodeId::Client(number) => ("clients", cast.clients.get(number).is_some_and(|client| client.start.is_some())),
            };
            if starts {
                checker.wrong(place, format!("{node} starts by itself"), format!("`{key}.{node}.start` must be false, or use `restart {node}`"));
            }
        }
        Action::Wipe(who @ Who::Node(NodeId::Client(_))) | Action::Disk { who: who @ Who::Node(NodeId::Client(_)), .. } => {
            checker.wrong(place, format!("{who} is a client: it has no disk"), "");
        }
        Action::Client { command: Command::Request(Op::Reconfig(change)), .. } => {
            for id in joining(change).filter(|id| !cast.has(*id)) {
                checker.wrong(place, format!("the ensemble has no server {id} that could join"), "name it under `ensemble.joining`");
            }
        }
        Action::Lose { .. } if cast.config.election_alg != 0 => {
            checker.wrong(place, "there are no datagrams that could get lost", DATAGRAMS);
        }
        _ => {}
    }
    Some(action)
}

/// Whether `who` can be somebody in this scenario.
fn known(checker: &mut Checker, cast: &Cast, place: &Path, who: Who) {
    // Where the membership may change, anybody may become anything.
    let count = |role| if cast.config.reconfig_enabled { cast.servers.len() } else { cast.count(role) };
    let role = |nth: u32, role: LearnerType| usize::try_from(nth).is_ok_and(|nth| nth <= count(role));
    let fits = match who {
        Who::Node(NodeId::Server(id)) if cast.has(id) => true,
        Who::Node(NodeId::Server(id)) => return checker.wrong(place, format!("the ensemble has no server {id}"), members(cast.servers)),
        Who::Node(NodeId::Client(number)) => return known_client(checker, cast, place, number),
        Who::Role(Role::Leader) => true,
        Who::Role(Role::Follower(nth)) => role(nth.saturating_add(1), LearnerType::Participant),
        Who::Role(Role::Observer(nth)) => role(nth, LearnerType::Observer),
        Who::Role(Role::Looking(nth)) => usize::try_from(nth).is_ok_and(|nth| nth <= cast.servers.len()),
    };
    if !fits {
        let (voters, observers) = (cast.count(LearnerType::Participant), cast.count(LearnerType::Observer));
        checker.wrong(place, format!("nobody can ever be `{who}`"), format!("the ensemble has {voters} voters and {observers} observers"));
    }
}

fn known_client(checker: &mut Checker, cast: &Cast, place: &Path, number: u32) {
    if !cast.clients.contains_key(&number) {
        let name = format!("c{number}");
        checker.wrong(place, format!("there is no client {name}"), help_on_clients(&name, cast.clients));
    }
}

fn trigger(checker: &mut Checker, cast: &Cast, place: &Path, step: &StepFile) -> Option<Trigger> {
    match (&step.at, &step.after, &step.when) {
        (Some(time), None, None) => checker.time(&place.key("at"), time).map(Trigger::At),
        (None, Some(text), None) if text.0 == "reply" => Some(Trigger::Reply),
        (None, Some(time), None) => checker.time(&place.key("after"), time).map(Trigger::After),
        (None, None, Some(pattern)) => self::pattern(checker, cast, &place.key("when"), &pattern.0).map(Trigger::When),
        (None, None, None) => {
            checker.wrong(place, "the step does not say when", "exactly one of `at`, `after`, `when`");
            None
        }
        _ => {
            checker.wrong(place, "the step says more than once when", "exactly one of `at`, `after`, `when`");
            None
        }
    }
}

/// A pattern of events of known nodes.
pub(super) fn pattern(checker: &mut Checker, cast: &Cast, place: &Path, text: &str) -> Option<EventPattern> {
    let pattern = checker.text(place, EventPattern::parse(text))?;
    if let Some(node) = pattern.node {
        known(checker, cast, place, Who::Node(node));
    }
    Some(pattern)
}

fn repeat(checker: &mut Checker, place: &Path, file: &RepeatFile, trigger: Option<&Trigger>) -> Option<Repeat> {
    let place = place.key("repeat");
    let every = match &file.every {
        Some(text) => Some(checker.time(&place.key("every"), text)?),
        None => None,
    };
    if every.is_none() && matches!(trigger, Some(Trigger::At(_) | Trigger::After(_))) {
        checker.wrong(
            &place,
            "`every` is missing: a time comes only once",
            "without `every` only a step with `when` or `after`: reply repeats, each time for another event",
        );
        return None;
    }
    Some(Repeat { times: file.times, every })
}

/// The earliest time at which the step after this one can fire. Checks that this one can fire at all.
fn possible_from(checker: &mut Checker, place: &Path, trigger: &Trigger, repeat: Option<Repeat>, earliest: Micros, run: Option<Micros>) -> Micros {
    let (key, fires) = match trigger {
        Trigger::At(time) => ("at", *time),
        Trigger::After(time) => ("after", earliest + *time),
        Trigger::When(_) => ("when", earliest),
        Trigger::Reply => ("after", earliest),
    };
    if fires < earliest {
        checker.wrong(
            &place.key(key),
            format!("{fires} is before the step above can have fired"),
            format!("steps run in the order of the file: {earliest} at the earliest"),
        );
        return earliest;
    }
    let again = repeat.map_or(Micros::ZERO, |repeat| repeat.every.unwrap_or(Micros::ZERO).times(u64::from(repeat.times) - 1));
    let last = fires + again;
    if let Some(run) = run.filter(|run| last >= *run) {
        let what = if fires < run { "the last repetition" } else { "the step" };
        checker.wrong(&place.key(key), format!("{what} comes at {last}, when the run is over"), format!("the run ends at {run}"));
    }
    last
}
