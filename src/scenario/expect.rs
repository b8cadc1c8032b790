//! From the key `expect` to expectations that can be met together.

use std::collections::{BTreeMap, BTreeSet};

use super::checker::Checker;
use super::clients::valid_path;
use super::file::{ExpectFile, PatternText, StateName, TreeFile, VerdictFile};
use super::problem::Path;
use super::steps::{Cast, members, pattern};
use super::{EventPattern, Expect, ExpectedTree, LeaderIs, Outcome, StateIs, WorkloadPlan};
use crate::bugs::Bug;
use crate::check::{CATALOGUE, Invariant, Verdict};
use crate::proto::{Epoch, LearnerType, NodeId, PeerState, Round, ServerId};
use crate::sim::action::text::{TextError, Word, binary, one_of};

pub(super) fn read(checker: &mut Checker, cast: &Cast, workloads: &BTreeMap<String, WorkloadPlan>, file: &ExpectFile) -> Expect {
    let place = Path::root().key("expect");
    let expect = Expect {
        verdict: verdict(checker, &place.key("verdict"), file.verdict.as_ref()),
        saw: patterns(checker, cast, &place.key("saw"), &file.saw),
        not_saw: patterns(checker, cast, &place.key("not_saw"), &file.not_saw),
        leader: file.leader.as_ref().and_then(|name| leader(checker, cast, &place.key("leader"), name)),
        states: states(checker, cast, &place.key("states"), file),
        round: file.round.map(|round| Round(i64::from(round))),
        epoch: file.epoch.map(|epoch| Epoch(i64::from(epoch))),
        time_to_leader: file.time_to_leader.as_ref().and_then(|text| checker.span(&place.key("time_to_leader"), text)),
        leaders_max: file.leaders_max,
        tree: file.tree.as_ref().map(|file| tree(checker, &place.key("tree"), file)).unwrap_or_default(),
        acked_min: file.acked_min.clone(),
    };
    acked_by_somebody(checker, &place.key("acked_min"), workloads, file);
    agree_on_events(checker, &place, file, &expect);
    agree_on_leader(checker, &place, &expect);
    agree_on_roles(checker, cast, &place, &expect);
    expect
}

fn verdict(checker: &mut Checker, place: &Path, file: Option<&VerdictFile>) -> BTreeSet<Outcome> {
    let (names, listed) = match file {
        None => return BTreeSet::from([Outcome::Pass]),
        Some(VerdictFile::One(name)) => (std::slice::from_ref(name), false),
        Some(VerdictFile::AnyOf(names)) => (names.as_slice(), true),
    };
    if names.is_empty() {
        checker.wrong(place, "no verdict is ever right", "name at least one");
    }
    let mut outcomes = BTreeSet::new();
    for (index, name) in names.iter().enumerate() {
        let place = if listed { place.index(index) } else { place.clone() };
        match Outcome::named(name) {
            Some(outcome) if !outcomes.insert(outcome) => checker.wrong(&place, format!("`{name}` stands twice"), ""),
            Some(_) => {}
            None => {
                let all = ["pass", "stuck"].into_iter().chain(CATALOGUE.iter().flat_map(|info| [info.name, info.code]));
                checker.wrong(&place, format!("no verdict is called `{name}`"), one_of(name, all));
            }
        }
    }
    outcomes
}

impl Outcome {
    /// `pass`, `stuck`, or an invariant by name or code.
    pub fn named(name: &str) -> Option<Outcome> {
        match name {
            "pass" => Some(Outcome::Pass),
            "stuck" => Some(Outcome::Stuck),
            _ => Invariant::named(name).map(Outcome::Violation),
        }
    }

    /// As [`Verdict::name`] has it.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Pass => "pass",
            Outcome::Stuck => "stuck",
            Outcome::Violation(invariant) => invariant.info().name,
        }
    }

    /// Whether a run that came to `verdict` ended this way.
    pub fn is(self, verdict: &Verdict) -> bool {
        self.name() == verdict.name()
    }
}

fn patterns(checker: &mut Checker, cast: &Cast, place: &Path, texts: &[PatternText]) -> Vec<EventPattern> {
    let mut patterns = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let place = place.index(index);
        let Some(pattern) = pattern(checker, cast, &place, &text.0) else { continue };
        if patterns.contains(&pattern) {
            checker.wrong(&place, format!("`{pattern}` stands twice"), "");
        }
        patterns.push(pattern);
    }
    patterns
}

fn tree(checker: &mut Checker, place: &Path, file: &TreeFile) -> ExpectedTree {
    let mut tree = ExpectedTree::default();
    for (path, text) in &file.present {
        let place = place.key("present").key(path);
        valid_path(checker, &place, path);
        if let Some(data) = checker.text(&place, data(text)) {
            tree.present.insert(path.as_str().into(), data.into());
        }
    }
    for (key, paths, set) in [("exists", &file.exists, &mut tree.exists), ("absent", &file.absent, &mut tree.absent)] {
        for (index, path) in paths.iter().enumerate() {
            let place = place.key(key).index(index);
            valid_path(checker, &place, path);
            if !set.insert(path.as_str().into()) {
                checker.wrong(&place, format!("`{path}` stands twice"), "");
            }
        }
    }
    for (index, path) in file.absent.iter().enumerate() {
        if file.present.contains_key(path) || file.exists.contains(path) {
            checker.wrong(&place.key("absent").index(index), format!("`{path}` must be there, as the same file says"), "");
        }
    }
    tree
}

/// Bytes in hexadecimal behind `0x`, or the text itself.
fn data(text: &str) -> Result<Vec<u8>, TextError> {
    let word = Word { text: text.into(), span: 0..text.len(), quoted: false };
    binary(&word).unwrap_or_else(|| Ok(word.text.into_bytes()))
}

fn acked_by_somebody(checker: &mut Checker, place: &Path, workloads: &BTreeMap<String, WorkloadPlan>, file: &ExpectFile) {
    for name in file.acked_min.keys().filter(|name| !workloads.contains_key(*name)) {
        let known = workloads.keys().map(String::as_str);
        let help = if workloads.is_empty() { "`workloads` names none".into() } else { one_of(name, known) };
        checker.wrong_key(&place.key(name), format!("no workload is called `{name}`"), help);
    }
}

fn leader(checker: &mut Checker, cast: &Cast, place: &Path, name: &str) -> Option<LeaderIs> {
    if name == "none" {
        return Some(LeaderIs::Nobody);
    }
    let id = NodeId::parse(name).and_then(NodeId::as_server).filter(|id| cast.has(*id));
    if id.is_none() {
        checker.wrong(place, format!("`{name}` is not a server of the ensemble"), format!("{}; or `none`", members(cast.servers)));
    }
    id.map(LeaderIs::Server)
}

fn states(checker: &mut Checker, cast: &Cast, place: &Path, file: &ExpectFile) -> BTreeMap<ServerId, StateIs> {
    let mut states = BTreeMap::new();
    for (name, state) in &file.states {
        let place = place.key(&name.0);
        let Some(id) = checker.server_name(&place, name) else { continue };
        if !cast.has(id) {
            checker.wrong_key(&place, format!("the ensemble has no server {id}"), members(cast.servers));
        }
        states.insert(id, StateIs::from(*state));
    }
    states
}

impl From<StateName> for StateIs {
    fn from(name: StateName) -> StateIs {
        match name {
            StateName::Looking => StateIs::Up(PeerState::Looking),
            StateName::Following => StateIs::Up(PeerState::Following),
            StateName::Leading => StateIs::Up(PeerState::Leading),
            StateName::Observing => StateIs::Up(PeerState::Observing),
            StateName::Down => StateIs::Down,
        }
    }
}

/// What must be seen cannot also be forbidden: as often, or more often than is allowed.
fn agree_on_events(checker: &mut Checker, place: &Path, file: &ExpectFile, expect: &Expect) {
    if expect.not_saw.len() != file.not_saw.len() {
        return;
    }
    for (index, forbidden) in expect.not_saw.iter().enumerate() {
        let same = |seen: &&EventPattern| (seen.node, seen.kind, &seen.fields) == (forbidden.node, forbidden.kind, &forbidden.fields);
        if let Some(seen) = expect.saw.iter().filter(same).find(|seen| seen.nth >= forbidden.nth) {
            checker.wrong(&place.key("not_saw").index(index), format!("`{forbidden}` contradicts `saw`, which wants `{seen}`"), "");
        }
    }
}

/// The keys that speak of the last leader must not contradict each other.
fn agree_on_leader(checker: &mut Checker, place: &Path, expect: &Expect) {
    let nobody = expect.leader == Some(LeaderIs::Nobody);
    let wants = [("round", expect.round.is_some()), ("epoch", expect.epoch.is_some()), ("time_to_leader", expect.time_to_leader.is_some())];
    for (key, given) in wants {
        if given && nobody {
            checker.wrong_key(&place.key(key), format!("`{key}` is about a leader and contradicts `leader`: none"), "");
        }
        if given && expect.leaders_max == Some(0) {
            checker.wrong_key(&place.key(key), format!("`{key}` is about a leader and contradicts `leaders_max`: 0"), "");
        }
    }
    let leading = StateIs::Up(PeerState::Leading);
    for (id, state) in &expect.states {
        let place = place.key("states").key(&id.to_string());
        match expect.leader {
            Some(LeaderIs::Server(leader)) if leader == *id && *state != leading => {
                checker.wrong(&place, format!("contradicts `leader`: {leader} would be LEADING"), "");
            }
            Some(LeaderIs::Nobody) if *state == leading => checker.wrong(&place, "contradicts `leader`: none", ""),
            _ => {}
        }
    }
    if let (Some(LeaderIs::Server(_)), Some(0)) = (expect.leader, expect.leaders_max) {
        checker.wrong(&place.key("leaders_max"), "contradicts `leader`: at least one leader is established then", "");
    }
}

/// Observers neither lead nor follow, voters never observe; unless the membership may change, or the bug that confuses the two is on.
fn agree_on_roles(checker: &mut Checker, cast: &Cast, place: &Path, expect: &Expect) {
    if cast.bugs.has(Bug::Zk764) || cast.config.reconfig_enabled {
        return;
    }
    let observes = |id: &ServerId| cast.config.membership.members.get(id).is_some_and(|member| member.role == LearnerType::Observer);
    if let Some(LeaderIs::Server(id)) = expect.leader.filter(|leader| matches!(leader, LeaderIs::Server(id) if observes(id))) {
        checker.wrong(&place.key("leader"), format!("{id} is an observer and never leads"), "");
    }
    for (id, state) in expect.states.iter().filter(|(id, _)| cast.has(**id)) {
        let wrong = match state {
            StateIs::Up(PeerState::Leading | PeerState::Following) => observes(id),
            StateIs::Up(PeerState::Observing) => !observes(id),
            StateIs::Up(PeerState::Looking) | StateIs::Down => false,
        };
        if wrong {
            let role = if observes(id) { "an observer" } else { "a participant" };
            checker.wrong(&place.key("states").key(&id.to_string()), format!("{id} is {role} and never in this state"), "");
        }
    }
}
