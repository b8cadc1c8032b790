//! From a scenario back to a file: the generator, the shrinker and `zoolab new` write what people read and edit.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::clients::rate;
use super::file::{
    ClientFile, ClientName, ClockFile, ConnectFile, EnsembleFile, ExpectFile, MembersFile, MixFile, PatternText, RepeatFile, RoleName, ScenarioFile,
    ServerFile, ServerName, SpanText, StartFile, StateName, StepFile, TimeText, TimingFile, TreeFile, VerdictFile, VersionName, WorkersFile,
    WorkloadFile,
};
use super::settings::SETTINGS;
use super::{
    ClientStart, Ensemble, EventPattern, Expect, ExpectedTree, LeaderIs, Scenario, ServerStart, StateIs, Step, Trigger, WorkloadPlan, rounds,
};
use crate::client::{Act, Hosts, Work};
use crate::proto::{self, Config, Epoch, LearnerType, Membership, Micros, PeerState, ServerId, Span, Version, Zxid};
use crate::sim::Timing;
use crate::sim::action::{Percent, Shift};

impl Scenario {
    /// The file that reads back to an equal scenario, laid out for people: what fits on a line is on one line.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_value(self.to_file()).expect("a file has text keys and no floats");
        let mut text = String::new();
        lay_out(&json, 0, &mut text);
        text + "\n"
    }

    fn to_file(&self) -> ScenarioFile {
        let starts = self.servers.iter().filter(|(_, start)| **start != ServerStart::default());
        ScenarioFile {
            schema: None,
            title: self.title.clone(),
            why: self.why.clone(),
            source: self.source.clone(),
            notes: self.notes.clone(),
            seed: Some(self.seed),
            ensemble: ensemble(&self.ensemble),
            servers: starts.map(|(id, start)| (name(*id), server(start))).collect(),
            timing: timing(&self.timing),
            clients: self.clients.iter().map(|(number, start)| (ClientName(client_name(*number)), client(start))).collect(),
            workloads: self.workloads.iter().map(|(name, plan)| (name.clone(), workload(name, plan, self.run))).collect(),
            bugs: self.bugs.iter().map(|bug| bug.to_string()).collect(),
            steps: self.steps.iter().map(step).collect(),
            run: time(self.run),
            recover: (!self.recover).then_some(false),
            recover_within: self.recover_within.map(|time| TimeText(time.to_string())),
            expect: expect(&self.expect),
        }
    }
}

fn ensemble(ensemble: &Ensemble) -> EnsembleFile {
    let membership = &ensemble.config.membership;
    let voters = membership.voters().count() as u32;
    let observers = membership.members.len() as u32 - voters;
    let roles = |membership: &Membership| membership.members.iter().map(|(id, member)| (*id, member.role)).collect::<Vec<_>>();
    let numbered = roles(membership) == roles(&Membership::of(voters, observers));
    let role = |role| if role == LearnerType::Observer { RoleName::Observer } else { RoleName::Participant };
    let named = || membership.members.iter().map(|(id, member)| (name(*id), role(member.role))).collect();
    EnsembleFile {
        servers: Some(if numbered { MembersFile::Count(voters) } else { MembersFile::Named(named()) }),
        observers: Some(observers).filter(|observers| numbered && *observers > 0),
        joining: ensemble.joining.iter().map(|(id, joiner)| (name(*id), role(*joiner))).collect(),
        config: settings(&ensemble.config),
        zoo_cfg: None,
        version: (ensemble.config.version == Version::V3_8).then_some(VersionName::V3_8),
        supervise: ensemble.supervise.then_some(true),
    }
}

/// The settings that differ from their defaults, then groups and weights.
fn settings(config: &Config) -> Map<String, Value> {
    let default = Config::new(config.membership.clone());
    let different = SETTINGS.iter().filter(|setting| (setting.write)(config) != (setting.write)(&default));
    let mut settings: Map<_, _> = different.map(|setting| (setting.name.into(), (setting.write)(config))).collect();
    let mut groups: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for (id, member) in &config.membership.members {
        if let Some(group) = member.group {
            groups.entry(group).or_default().push(id.0.to_string());
        }
    }
    settings.extend(groups.into_iter().map(|(group, ids)| (format!("group.{group}"), ids.join(":").into())));
    let weighted = config.membership.members.iter().filter(|(_, member)| member.weight != 1);
    settings.extend(weighted.map(|(id, member)| (format!("weight.{}", id.0), member.weight.into())));
    settings
}

fn server(start: &ServerStart) -> ServerFile {
    let of_last = if start.last == Zxid::UNTRUSTED { Epoch(0) } else { start.last.epoch() };
    let epoch = |epoch: Epoch, default: Epoch| (epoch != default).then(|| u32::try_from(epoch.0).expect("epochs are positive ints"));
    ServerFile {
        last: (start.last != Zxid::ZERO).then(|| start.last.to_string()),
        epoch: epoch(start.current_epoch, of_last),
        accepted_epoch: epoch(start.accepted_epoch, start.current_epoch),
        start: first_start(start.start),
        peer_type: start.peer_type.map(|role| if role == LearnerType::Observer { RoleName::Observer } else { RoleName::Participant }),
        clock: clock(start.clock_offset, start.clock_drift_ppm),
    }
}

fn first_start(start: Option<Micros>) -> Option<StartFile> {
    match start {
        None => Some(StartFile::Switch(false)),
        Some(Micros::ZERO) => None,
        Some(at) => Some(StartFile::At(time(at))),
    }
}

fn clock(offset: Shift, drift_ppm: i32) -> Option<ClockFile> {
    let clock = ClockFile { offset: (offset.0 != 0).then(|| offset.to_string()), drift_ppm: Some(drift_ppm).filter(|ppm| *ppm != 0) };
    Some(clock).filter(|clock| *clock != ClockFile::default())
}

fn client_name(number: u32) -> String {
    format!("c{number}")
}

fn client(start: &ClientStart) -> ClientFile {
    ClientFile {
        connect: match &start.hosts {
            Hosts::Any => None,
            Hosts::From(server) => Some(ConnectFile::First(server.to_string())),
            Hosts::Only(servers) => Some(ConnectFile::Only(servers.iter().map(ServerId::to_string).collect())),
        },
        timeout: (start.timeout != ClientStart::default().timeout).then(|| time(start.timeout)),
        read_only: start.read_only.then_some(true),
        disable_auto_watch_reset: start.disable_auto_watch_reset.then_some(true),
        start: first_start(start.start),
        clock: clock(start.clock_offset, start.clock_drift_ppm),
    }
}

fn workload(name: &str, plan: &WorkloadPlan, run: Micros) -> WorkloadFile {
    let load = &plan.load;
    let file = WorkloadFile {
        clients: Some(WorkersFile::Named(plan.clients.iter().map(|number| client_name(*number)).collect())),
        count: load.count,
        rate: load.every.map(rate),
        start: (load.start != Micros::ZERO).then(|| time(load.start)),
        until: (load.until != run).then(|| time(load.until)),
        optional: plan.optional.then_some(true),
        ..WorkloadFile::default()
    };
    match &load.work {
        Work::Rounds(lines) => WorkloadFile { lines: Some(lines.iter().map(rounds::written).collect()), ..file },
        Work::Mix(work) => WorkloadFile {
            mix: (work.acts != [(Act::Set, 1)]).then(|| mix(&work.acts)),
            keys: Some(work.keys).filter(|keys| *keys != 10),
            prefix: (*work.prefix != format!("/{name}")).then(|| work.prefix.to_string()),
            size: Some(work.size).filter(|size| *size != 0),
            ..file
        },
    }
}

fn mix(weights: &[(Act, u32)]) -> MixFile {
    let mut mix = MixFile::default();
    for (act, weight) in weights {
        let place = match act {
            Act::Create => &mut mix.create,
            Act::Delete => &mut mix.delete,
            Act::Set => &mut mix.set,
            Act::Get => &mut mix.get,
            Act::Stat => &mut mix.stat,
            Act::Ls => &mut mix.ls,
            Act::Sync => &mut mix.sync,
        };
        *place = Some(*weight);
    }
    mix
}

fn timing(timing: &Timing) -> TimingFile {
    let default = Timing::default();
    let span = |span: Span, default: Span| (span != default).then(|| SpanText(span.to_string()));
    let different = |one: Micros, default: Micros| (one != default).then(|| time(one));
    TimingFile {
        link: span(timing.link, default.link),
        stage: span(timing.stage, default.stage),
        read: span(timing.disk.read, default.disk.read),
        write: span(timing.disk.write, default.disk.write),
        fsync: span(timing.disk.fsync, default.disk.fsync),
        metadata: span(timing.disk.metadata, default.disk.metadata),
        retransmission: different(timing.retransmission, default.retransmission),
        restart: different(timing.restart, default.restart),
        wakeups_per_instant: Some(timing.wakeups_per_instant).filter(|number| *number != default.wakeups_per_instant),
        window: Some(timing.window).filter(|bytes| *bytes != default.window),
        loss: (timing.loss_ppm != 0).then(|| Percent { ppm: timing.loss_ppm }.to_string()),
    }
}

fn step(step: &Step) -> StepFile {
    let mut file = StepFile {
        action: step.action.to_string(),
        note: step.note.clone(),
        optional: step.optional.then_some(true),
        repeat: step.repeat.map(|repeat| RepeatFile { times: repeat.times, every: repeat.every.map(time) }),
        returns: step.returns.clone(),
        ..StepFile::default()
    };
    match &step.trigger {
        Trigger::At(at) => file.at = Some(time(*at)),
        Trigger::After(after) => file.after = Some(time(*after)),
        Trigger::Reply => file.after = Some(TimeText("reply".into())),
        Trigger::When(event) => file.when = Some(pattern(event)),
    }
    file
}

fn expect(expect: &Expect) -> ExpectFile {
    let verdicts: Vec<_> = expect.verdict.iter().map(|outcome| outcome.name().to_string()).collect();
    let state = |state: &StateIs| match state {
        StateIs::Up(PeerState::Looking) => StateName::Looking,
        StateIs::Up(PeerState::Following) => StateName::Following,
        StateIs::Up(PeerState::Leading) => StateName::Leading,
        StateIs::Up(PeerState::Observing) => StateName::Observing,
        StateIs::Down => StateName::Down,
    };
    ExpectFile {
        verdict: Some(match <[String; 1]>::try_from(verdicts) {
            Ok([one]) => VerdictFile::One(one),
            Err(several) => VerdictFile::AnyOf(several),
        }),
        saw: expect.saw.iter().map(pattern).collect(),
        not_saw: expect.not_saw.iter().map(pattern).collect(),
        leader: expect.leader.map(|leader| match leader {
            LeaderIs::Nobody => "none".into(),
            LeaderIs::Server(id) => id.to_string(),
        }),
        states: expect.states.iter().map(|(id, is)| (name(*id), state(is))).collect(),
        round: expect.round.map(|round| u32::try_from(round.0).expect("rounds are read as u32")),
        epoch: expect.epoch.map(|epoch| u32::try_from(epoch.0).expect("epochs are read as u32")),
        time_to_leader: expect.time_to_leader.map(|span| SpanText(span.to_string())),
        leaders_max: expect.leaders_max,
        tree: (expect.tree != ExpectedTree::default()).then(|| tree(&expect.tree)),
        acked_min: expect.acked_min.clone(),
    }
}

fn tree(tree: &ExpectedTree) -> TreeFile {
    let names = |paths: &BTreeSet<proto::Path>| paths.iter().map(ToString::to_string).collect();
    TreeFile {
        present: tree.present.iter().map(|(path, bytes)| (path.to_string(), data(bytes))).collect(),
        exists: names(&tree.exists),
        absent: names(&tree.absent),
    }
}

/// Text as text, anything else, and what would be taken for it, in hexadecimal.
fn data(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.starts_with("0x") => text.into(),
        _ => bytes.iter().fold(String::from("0x"), |text, byte| format!("{text}{byte:02x}")),
    }
}

fn name(id: ServerId) -> ServerName {
    ServerName(id.to_string())
}

fn time(time: Micros) -> TimeText {
    TimeText(time.to_string())
}

fn pattern(event: &EventPattern) -> PatternText {
    PatternText(event.to_string())
}

/// Columns that one line may have.
const WIDTH: usize = 140;

/// Writes a value at `indent`: on one line if it fits and is not the whole file, else one item a line.
fn lay_out(value: &Value, indent: usize, out: &mut String) {
    let line = one_line(value);
    let (open, close, items): (_, _, Vec<(String, &Value)>) = match value {
        Value::Object(object) => ('{', '}', object.iter().map(|(key, value)| (format!("{}: ", Value::from(key.as_str())), value)).collect()),
        Value::Array(array) => ('[', ']', array.iter().map(|value| (String::new(), value)).collect()),
        _ => return out.push_str(&line),
    };
    if items.is_empty() || (indent > 0 && indent + line.len() <= WIDTH) {
        return out.push_str(&line);
    }
    out.push(open);
    for (index, (key, value)) in items.iter().enumerate() {
        out.push_str(if index > 0 { ",\n" } else { "\n" });
        out.extend(std::iter::repeat_n(' ', indent + 2));
        out.push_str(key);
        lay_out(value, indent + 2, out);
    }
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
    out.push(close);
}

fn one_line(value: &Value) -> String {
    let join = |items: Vec<String>| items.join(", ");
    match value {
        Value::Object(object) if object.is_empty() => "{}".into(),
        Value::Object(object) => {
            format!("{{ {} }}", join(object.iter().map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), one_line(value))).collect()))
        }
        Value::Array(array) => format!("[{}]", join(array.iter().map(one_line).collect())),
        other => other.to_string(),
    }
}
