//! From a scenario back to a file: the generator, the shrinker and `zoolab new` write what people read and edit.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::file::{
    ClockFile, EnsembleFile, ExpectFile, MembersFile, PatternText, RepeatFile, RoleName, ScenarioFile, ServerFile, ServerName, SpanText, StartFile,
    StateName, StepFile, TimeText, TimingFile, VerdictFile, VersionName,
};
use super::settings::SETTINGS;
use super::{Ensemble, EventPattern, Expect, LeaderIs, Scenario, ServerStart, StateIs, Step, Trigger, Version};
use crate::proto::{Config, Epoch, LearnerType, Membership, Micros, PeerState, ServerId, Span, Zxid};
use crate::sim::Timing;
use crate::sim::action::Percent;

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
            clients: BTreeMap::new(),
            workloads: BTreeMap::new(),
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
        config: settings(&ensemble.config),
        zoo_cfg: None,
        version: (ensemble.version == Version::V3_8).then_some(VersionName::V3_8),
        supervise: ensemble.supervise.then_some(true),
    }
}

/// The settings that differ from their defaults, then groups and weights.
fn settings(config: &Config) -> Map<String, Value> {
    let default = Config::new(config.membership.clone());
    let different = SETTINGS.iter().filter(|setting| (setting.write)(config) != (setting.write)(&default));
    let mut settings: Map<_, _> = different.map(|setting| (setting.name.into(), (setting.write)(config).into())).collect();
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
    let clock = ClockFile {
        offset: (start.clock_offset.0 != 0).then(|| start.clock_offset.to_string()),
        drift_ppm: Some(start.clock_drift_ppm).filter(|ppm| *ppm != 0),
    };
    ServerFile {
        last: (start.last != Zxid::ZERO).then(|| start.last.to_string()),
        epoch: epoch(start.current_epoch, of_last),
        accepted_epoch: epoch(start.accepted_epoch, start.current_epoch),
        start: match start.start {
            None => Some(StartFile::Switch(false)),
            Some(Micros::ZERO) => None,
            Some(at) => Some(StartFile::At(time(at))),
        },
        peer_type: start.peer_type.map(|role| if role == LearnerType::Observer { RoleName::Observer } else { RoleName::Participant }),
        clock: Some(clock).filter(|clock| *clock != ClockFile::default()),
    }
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
        ..StepFile::default()
    };
    match &step.trigger {
        Trigger::At(at) => file.at = Some(time(*at)),
        Trigger::After(after) => file.after = Some(time(*after)),
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
        tree: None,
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
