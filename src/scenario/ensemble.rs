//! From the keys of `ensemble` to members and their configuration.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use super::Ensemble;
use super::checker::{Checker, SERVER_MAX};
use super::file::{EnsembleFile, MembersFile, RoleName, VersionName};
use super::problem::Path;
use super::settings::{SETTINGS, WITHOUT_EFFECT};
use super::zoo_cfg::{properties, server_role};
use crate::proto::{Config, LearnerType, Member, Membership, Micros, ServerId, Version};
use crate::trace::nearest;

/// A setting as it was given, in `config` or in a zoo.cfg.
struct Given {
    name: String,
    value: String,
    place: Path,
    name_span: Range<usize>,
    value_span: Range<usize>,
    in_zoo_cfg: bool,
}

/// The ensemble, or `None` when nobody can be said to be in it.
pub(super) fn read(checker: &mut Checker, file: &EnsembleFile) -> Option<Ensemble> {
    let place = Path::root().key("ensemble");
    let given = given(checker, &place, file);
    let mut config = Config::new(members(checker, &place, file, &given)?);
    if file.zoo_cfg.is_some() {
        // ZooKeeper's own default, when the file does not say; config's 2000 ms is the sample file's.
        config.tick_time = Micros::from_millis(3000);
        required(checker, &place, &given);
    }
    groups(checker, &mut config.membership, &given);
    for setting in &given {
        apply(checker, &mut config, setting);
    }
    session_limits(checker, &config, &given);
    config.version = if file.version == Some(VersionName::V3_8) { Version::V3_8 } else { Version::V3_9 };
    let joining = joining(checker, &place.key("joining"), file, &config);
    Some(Ensemble { config, joining, supervise: file.supervise.unwrap_or(false) })
}

/// Servers that are no members yet.
fn joining(checker: &mut Checker, place: &Path, file: &EnsembleFile, config: &Config) -> BTreeMap<ServerId, LearnerType> {
    let mut joining = BTreeMap::new();
    if !file.joining.is_empty() && !config.reconfig_enabled {
        checker.wrong(place, "nobody can join: the membership cannot change", "set `reconfigEnabled` in `config` to true");
    }
    for (name, role) in &file.joining {
        let place = place.key(&name.0);
        match checker.server_name(&place, name) {
            Some(id) if config.membership.members.contains_key(&id) => checker.wrong_key(&place, format!("{id} is a member already"), ""),
            Some(id) => drop(joining.insert(id, role_of(*role))),
            None => {}
        }
    }
    joining
}

/// All settings, those of the zoo.cfg first, each name once.
fn given(checker: &mut Checker, place: &Path, file: &EnsembleFile) -> Vec<Given> {
    let mut all = Vec::new();
    if let Some(text) = &file.zoo_cfg {
        let place = place.key("zoo.cfg");
        let (properties, errors) = properties(text);
        for error in errors {
            checker.text::<()>(&place, Err(error));
        }
        let span = |inner: &Range<usize>| checker.document.text_span(&place, inner);
        all.extend(properties.into_iter().map(|property| Given {
            name_span: span(&property.key_span),
            value_span: span(&property.value_span),
            name: property.key,
            value: property.value,
            place: place.clone(),
            in_zoo_cfg: true,
        }));
    }
    for (name, value) in &file.config {
        let place = place.key("config").key(name);
        let value = value.as_str().map_or_else(|| Value::to_string(value), String::from);
        let (name_span, value_span) = (checker.document.key_span(&place), checker.document.span(&place));
        all.push(Given { name: name.clone(), value, place, name_span, value_span, in_zoo_cfg: false });
    }
    for setting in &mut all {
        if let Some(name) = setting.name.strip_prefix("zookeeper.") {
            setting.name = name.into();
        }
    }
    let mut once: Vec<Given> = Vec::new();
    for setting in all {
        if once.iter().any(|earlier| earlier.name == setting.name) {
            checker.wrong_at(&setting.place, setting.name_span, format!("`{}` is set twice", setting.name), "");
        } else {
            once.push(setting);
        }
    }
    once
}

/// Who takes part, without groups.
fn members(checker: &mut Checker, place: &Path, file: &EnsembleFile, given: &[Given]) -> Option<Membership> {
    let listed = listed(checker, given);
    match (&file.servers, listed) {
        (Some(_), Some(_)) => {
            let message = "the servers are given twice: here and as server.N settings";
            checker.wrong_key(&place.key("servers"), message, "take one of them out");
            None
        }
        (Some(MembersFile::Count(voters)), None) => counted(checker, place, *voters, file.observers.unwrap_or(0)),
        (Some(MembersFile::Named(roles)), None) => {
            no_count(checker, place, file);
            let place = place.key("servers");
            if roles.is_empty() {
                checker.wrong(&place, "an ensemble of no servers", "name at least one: { \"s1\": \"participant\" }");
            }
            let mut members = BTreeMap::new();
            for (name, role) in roles {
                let id = checker.server_name(&place.key(&name.0), name);
                members.extend(id.map(|id| (id, member(role_of(*role)))));
            }
            with_voters(checker, &place, members)
        }
        (None, Some(members)) => {
            no_count(checker, place, file);
            let place = &given.iter().find(|setting| is_numbered(&setting.name, "server."))?.place;
            with_voters(checker, place, members)
        }
        (None, None) => {
            checker.wrong(place, "the ensemble has no servers", "`servers`: 3, or a `zoo.cfg` with server.N lines");
            None
        }
    }
}

/// The members of server.N settings; `None` when there are no such settings.
fn listed(checker: &mut Checker, given: &[Given]) -> Option<BTreeMap<ServerId, Member>> {
    let lines: Vec<_> = given.iter().filter(|setting| is_numbered(&setting.name, "server.")).collect();
    let mut members = BTreeMap::new();
    for line in &lines {
        let id = number(checker, line, "server.");
        if id.is_some_and(|id| !(1..=SERVER_MAX).contains(&id)) {
            checker.wrong_at(&line.place, line.name_span.clone(), format!("`{}` names no server", line.name), "server.1 to server.255");
        }
        match server_role(&line.value) {
            Ok(role) => members.extend(id.map(|id| (ServerId(id), member(role)))),
            Err(help) => checker.wrong_at(&line.place, line.value_span.clone(), format!("`{}` is not a server's address", line.value), help),
        }
    }
    (!lines.is_empty()).then_some(members)
}

fn counted(checker: &mut Checker, place: &Path, voters: u32, observers: u32) -> Option<Membership> {
    if voters == 0 {
        checker.wrong(&place.key("servers"), "an ensemble without voters elects nobody", "at least 1");
        return None;
    }
    if i64::from(voters) + i64::from(observers) > SERVER_MAX {
        checker.wrong(&place.key("servers"), "too many servers", format!("at most {SERVER_MAX}, observers included"));
        return None;
    }
    Some(Membership::of(voters, observers))
}

fn no_count(checker: &mut Checker, place: &Path, file: &EnsembleFile) {
    if file.observers.is_some() {
        checker.wrong_key(
            &place.key("observers"),
            "`observers` counts what the list of servers already names",
            "give them the role `observer` there",
        );
    }
}

fn with_voters(checker: &mut Checker, place: &Path, members: BTreeMap<ServerId, Member>) -> Option<Membership> {
    if !members.is_empty() && !members.values().any(|member| member.role == LearnerType::Participant) {
        checker.wrong(place, "an ensemble without voters elects nobody", "at least one server must be a participant");
        return None;
    }
    (!members.is_empty()).then_some(Membership { version: 0, members })
}

fn member(role: LearnerType) -> Member {
    Member { role, weight: 1, group: None }
}

pub(super) fn role_of(name: RoleName) -> LearnerType {
    match name {
        RoleName::Participant => LearnerType::Participant,
        RoleName::Observer => LearnerType::Observer,
    }
}

/// A quorum's zoo.cfg must say these; the sample file does.
fn required(checker: &mut Checker, place: &Path, given: &[Given]) {
    for name in ["initLimit", "syncLimit"] {
        if !given.iter().any(|setting| setting.name == name) {
            let place = place.key("zoo.cfg");
            checker.wrong_key(
                &place,
                format!("`{name}` is not set: ZooKeeper refuses to start a quorum without it"),
                format!("add a line such as `{name}=5`"),
            );
        }
    }
}

/// `group.G` and `weight.N`: every participant in exactly one group. Source: `QuorumHierarchical.parse`.
fn groups(checker: &mut Checker, membership: &mut Membership, given: &[Given]) {
    let groups: Vec<_> = given.iter().filter(|setting| is_numbered(&setting.name, "group.")).collect();
    let weights: Vec<_> = given.iter().filter(|setting| is_numbered(&setting.name, "weight.")).collect();
    for setting in &groups {
        group(checker, membership, setting);
    }
    for setting in &weights {
        weight(checker, membership, setting);
    }
    let Some(first) = groups.first().or(weights.first()) else { return };
    let outside: Vec<_> = membership.voters().filter(|id| membership.members[id].group.is_none()).map(|id| id.to_string()).collect();
    if !outside.is_empty() {
        let message = format!("{} in no group: with weights or groups every participant is in exactly one", outside.join(", "));
        checker.wrong_at(&first.place, first.name_span.clone(), message, "a group is written `group.1`: `1:2:3`");
    }
}

fn group(checker: &mut Checker, membership: &mut Membership, setting: &Given) {
    let Some(group) = number(checker, setting, "group.").and_then(|group| u32::try_from(group).ok()) else { return };
    for text in setting.value.split(':') {
        let wrong = match text.trim().parse().ok().and_then(|id| membership.members.get_mut(&ServerId(id))) {
            None => format!("`{}` is not a server of the ensemble", text.trim()),
            Some(member) if member.role == LearnerType::Observer => format!("s{} is an observer: it has no say in any group", text.trim()),
            Some(member) if member.group.is_some() => format!("s{} is in two groups", text.trim()),
            Some(member) => {
                member.group = Some(group);
                continue;
            }
        };
        checker.wrong_at(&setting.place, setting.value_span.clone(), wrong, "a group is the numbers of its servers: `1:2:3`");
    }
}

fn weight(checker: &mut Checker, membership: &mut Membership, setting: &Given) {
    let Some(id) = number(checker, setting, "weight.") else { return };
    let Some(member) = membership.members.get_mut(&ServerId(id)) else {
        return checker.wrong_at(&setting.place, setting.name_span.clone(), format!("the ensemble has no server s{id}"), "");
    };
    match setting.value.parse::<u32>().ok().filter(|weight| *weight <= 1_000_000) {
        Some(weight) => member.weight = weight,
        None => checker.wrong_at(&setting.place, setting.value_span.clone(), format!("`{}` is not a weight", setting.value), "allowed: 0 to 1000000"),
    }
}

/// One setting that is not about members.
fn apply(checker: &mut Checker, config: &mut Config, setting: &Given) {
    let name = setting.name.as_str();
    if ["server.", "group.", "weight."].iter().any(|prefix| is_numbered(name, prefix)) {
        return;
    }
    if let Some(known) = SETTINGS.iter().find(|known| known.name == name) {
        if let Err(help) = (known.read)(config, &setting.value) {
            checker.wrong_at(&setting.place, setting.value_span.clone(), format!("`{}` is not a value of {name}", setting.value), help);
        }
        return;
    }
    let (message, help) = match name {
        // The server list of the same file says it too, and wins.
        "peerType" if setting.in_zoo_cfg => return,
        "peerType" => ("`peerType` belongs to one server".into(), "give it to that server: `servers.s1.peerType`".into()),
        _ if WITHOUT_EFFECT.contains(&name) && setting.in_zoo_cfg => return,
        _ if WITHOUT_EFFECT.contains(&name) => {
            (format!("`{name}` has no effect on what is simulated"), "a real `zoo.cfg` may have it, `config` may not".into())
        }
        _ => (format!("ZooKeeper has no setting `{name}`"), nearest_setting(name)),
    };
    checker.wrong_at(&setting.place, setting.name_span.clone(), message, help);
}

/// `QuorumPeerConfig.parseProperties`: the smaller limit must not be the larger one, as defaults either.
fn session_limits(checker: &mut Checker, config: &Config, given: &[Given]) {
    let (low, high) = config.session_limits();
    let Some(setting) = given.iter().find(|setting| matches!(setting.name.as_str(), "minSessionTimeout" | "maxSessionTimeout")) else { return };
    if low > high {
        let message = format!("no session timeout is at least {low} and at most {high}");
        checker.wrong_at(&setting.place, setting.value_span.clone(), message, "the defaults are 2 and 20 ticks");
    }
}

fn nearest_setting(name: &str) -> String {
    let names = SETTINGS.iter().map(|setting| setting.name);
    let all = names.clone().collect::<Vec<_>>().join(", ");
    match nearest(name, names.chain(WITHOUT_EFFECT.iter().copied())) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("settings that matter: {all}, group.N, weight.N"),
    }
}

fn is_numbered(name: &str, prefix: &str) -> bool {
    name.starts_with(prefix)
}

/// The number after the prefix; a problem when there is none.
fn number(checker: &mut Checker, setting: &Given, prefix: &str) -> Option<i64> {
    let digits = setting.name.strip_prefix(prefix)?;
    let number = digits.parse().ok().filter(|_| digits.len() <= 9 && digits.bytes().all(|byte| byte.is_ascii_digit()));
    if number.is_none() {
        checker.wrong_at(&setting.place, setting.name_span.clone(), format!("`{digits}` is not a number"), format!("the form is `{prefix}N`"));
    }
    number
}
