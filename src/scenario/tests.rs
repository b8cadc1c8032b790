use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::bugs::{AS_SHIPPED, Bug, CATALOGUE};
use crate::check;
use crate::client::{Act, Line, Mix, Work};
use crate::proto::{Member, Membership};

fn read(text: &str) -> Scenario {
    Scenario::read(text.as_bytes()).unwrap_or_else(|problems| panic!("{}", render(&problems, "test.json", text, false)))
}

/// Every key there is, with a value that differs from its default.
const EVERYTHING: &str = r#"{
  "$schema": "scenario.schema.json",
  "title": "Everything", "why": "because", "source": "nowhere", "notes": "none", "seed": 18446744073709551615,
  "ensemble": {
    "servers": 4, "observers": 2, "joining": { "s7": "observer" }, "version": "3.8", "supervise": true,
    "config": {
      "tickTime": 200, "initLimit": 11, "syncLimit": "6", "connectToLearnerMasterLimit": 3, "electionAlg": 0,
      "fastleader.minNotificationInterval": 100, "zookeeper.fastleader.maxNotificationInterval": 1000, "cnxTimeout": 400,
      "quorumCnxnTimeoutMs": 900, "leaderConnectDelayDuringRetryMs": 50, "leader.maxTimeToWaitForEpoch": 0, "observer.election.DelayMs": 10,
      "minSessionTimeout": 300, "maxSessionTimeout": 5000, "snapCount": 50, "commitLogCount": 20, "snapshotSizeFactor": "0.5", "forceSnapshotSync": true,
      "preAllocSize": 64, "forceSync": "no", "maxBatchSize": 10, "autopurge.snapRetainCount": 4, "autopurge.purgeInterval": "10s",
      "reconfigEnabled": true, "db.autocreate": false, "snapshot.trust.empty": "true", "leaderServes": "no", "testingonly.initialZxid": 4294967000,
      "group.1": "1:2", "group.2": "3:4", "weight.3": 2, "weight.4": 0
    }
  },
  "servers": {
    "s1": { "last": "4:9", "epoch": 5, "acceptedEpoch": 6, "start": "250ms", "peerType": "observer", "clock": { "offset": "-5s", "drift_ppm": -200 } },
    "s4": { "last": "-1", "start": false }
  },
  "timing": {
    "link": "2ms..3ms", "stage": "5us", "read": "1us", "write": "2us", "fsync": "7ms", "metadata": "3us", "retransmission": "20s", "restart": "3s", "wakeups_per_instant": 9, "window": 65536, "loss": "2.5%"
  },
  "clients": {
    "c1": { "connect": "s3", "timeout": "4s", "canBeReadOnly": true },
    "c2": { "connect": ["s2", "s1"], "start": "100ms", "clock": { "offset": "1s", "drift_ppm": 100 } },
    "c10": { "start": false, "disable_auto_watch_reset": true }
  },
  "workloads": {
    "mixed": {
      "clients": ["c10", "c1"], "count": 1000, "rate": "100/s", "start": "1s", "until": "6s", "keys": 5, "prefix": "/a/b", "size": 100, "optional": true,
      "mix": { "create": 1, "delete": 2, "set": 3, "get": 4, "stat": 5, "ls": 6, "sync": 7 }
    },
    "rounds": { "clients": ["c1"], "do": ["lock acquire /locks/a", "sleep 20ms", "lock release /locks/a"], "rate": "5/s", "optional": true },
    "sets": { "clients": 2 },
    "plain": {}
  },
  "bugs": ["zk-1419", "3.9.5"],
  "steps": [
    { "at": "1s", "do": "lose s1 s2 10%", "note": "a note" },
    { "after": "10ms", "do": "pause follower 2 for 1s", "optional": true, "repeat": { "times": 3, "every": "100ms" } },
    { "when": "s2 vote_changed to.leader=s3 #2", "do": "start s4", "repeat": { "times": 2 } },
    { "when": "leading", "do": "crash leader" },
    { "when": "c1 connected", "do": "c1 create -e \"/a b\" 0x00ff", "returns": "/a b" },
    { "after": "reply", "do": "c1 get \"/a b\"", "returns": "ConnectionLoss", "repeat": { "times": 3 } },
    { "when": "c2 expired", "do": "c2 connect s1" },
    { "when": "c2 returned result=Ok call=3", "do": "start c10" }
  ],
  "run": "8s", "recover": true, "recover_within": "9s",
  "expect": {
    "verdict": ["pass", "E-1"], "saw": ["s3 leading", "established #2"], "not_saw": ["established #3"], "leader": "s3", "states": { "s3": "LEADING", "s4": "down" },
    "round": 2, "epoch": 5, "time_to_leader": "0us..2s", "leaders_max": 2, "acked_min": { "mixed": 10 },
    "tree": { "present": { "/a": "x y", "/b": "0xff", "/c": "0x30783030" }, "exists": ["/"], "absent": ["/lost", "/gone"] }
  }
}"#;

#[test]
fn everything_can_be_said() {
    let scenario = read(EVERYTHING);
    assert_eq!(scenario.seed, u64::MAX);
    assert_eq!((scenario.ensemble.config.sync_limit, scenario.ensemble.config.election_alg), (6, 0));
    assert_eq!(scenario.ensemble.config.max_notification_interval, Micros::from_secs(1));
    assert!(scenario.ensemble.config.membership.is_hierarchical());
    assert_eq!(scenario.servers[&ServerId(1)].clock_offset, Shift(-5_000_000));
    assert_eq!((scenario.servers[&ServerId(4)].start, scenario.servers[&ServerId(4)].last), (None, Zxid::UNTRUSTED));
    assert_eq!(scenario.servers[&ServerId(2)], ServerStart::default());
    assert!(AS_SHIPPED.into_iter().chain([Bug::Zk1419]).all(|bug| scenario.bugs.has(bug)));
    assert_eq!(scenario.timing.loss_ppm, 25_000);
    let workers = |name: &str| scenario.workloads[name].clients.clone();
    assert_eq!((workers("mixed"), workers("plain"), workers("sets")), (vec![1, 10], vec![11], vec![12, 13]), "their own come after all others");
    assert_eq!(scenario.clients.keys().copied().collect::<Vec<_>>(), [1, 2, 10, 11, 12, 13]);
    let plain = &scenario.workloads["plain"].load;
    let Work::Mix(mix) = &plain.work else { panic!("requests") };
    assert_eq!((&*mix.prefix, mix.keys, plain.until), ("/plain", 10, Micros::from_secs(8)));
    assert!(matches!(&scenario.workloads["rounds"].load.work, Work::Rounds(lines) if lines[1] == Line::Sleep(Micros::from_millis(20))));
    assert_eq!(scenario.workloads["mixed"].load.every, Some(Micros::from_millis(10)));
    assert_eq!(scenario.expect.tree.present["/c"][..], *b"0x00");
    assert_eq!(scenario.expect.verdict, BTreeSet::from([Outcome::Pass, Outcome::Violation(Invariant::NoVoteCircle)]));
    assert_eq!(read(&scenario.to_json()), scenario);
}

/// [`EVERYTHING`] uses every key of the schema but `zoo.cfg`: a new key must be added there.
#[test]
fn the_schema_has_no_other_keys() {
    let mut keys = BTreeSet::new();
    collect_keys(&schema(), &mut keys);
    let used = |key: &String| EVERYTHING.contains(&format!("\"{key}\":"));
    let unused: Vec<_> = keys.iter().filter(|key| !used(key)).collect();
    assert_eq!(unused, ["zoo.cfg"]);
}

fn collect_keys(schema: &Value, keys: &mut BTreeSet<String>) {
    match schema {
        Value::Object(object) => {
            keys.extend(object.get("properties").and_then(Value::as_object).into_iter().flat_map(|known| known.keys().cloned()));
            object.values().for_each(|value| collect_keys(value, keys));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_keys(item, keys)),
        _ => {}
    }
}

#[test]
fn the_schema_takes_no_null_and_no_other_key() {
    fn walk(schema: &Value) {
        match schema {
            Value::Object(object) => {
                assert_ne!(object.get("type"), Some(&"null".into()));
                if object.contains_key("properties") {
                    assert_eq!(object.get("additionalProperties"), Some(&false.into()), "{object:?}");
                }
                object.values().for_each(walk);
            }
            Value::Array(items) => {
                assert!(!items.contains(&"null".into()), "{items:?}");
                items.iter().for_each(walk);
            }
            _ => {}
        }
    }
    walk(&schema());
}

#[test]
fn a_real_zoo_cfg_is_enough() {
    let zoo_cfg = "tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=/var/lib/zookeeper\nclientPort=2181\npeerType=participant\n\
                   server.1=zoo1:2888:3888\nserver.2=zoo2:2888:3888\nserver.7=zoo7:2888:3888:observer\n";
    let text = format!(r#"{{ "title": "t", "ensemble": {{ "zoo.cfg": {} }}, "run": "1s", "expect": {{}} }}"#, Value::from(zoo_cfg));
    let scenario = read(&text);
    let roles: Vec<_> = scenario.ensemble.config.membership.members.iter().map(|(id, member)| (id.0, member.role)).collect();
    assert_eq!(roles, [(1, LearnerType::Participant), (2, LearnerType::Participant), (7, LearnerType::Observer)]);
    assert_eq!(read(&scenario.to_json()), scenario);
}

#[test]
fn files_are_laid_out_for_people() {
    insta::assert_snapshot!(read(EVERYTHING).to_json());
}

#[test]
fn the_starter_is_a_scenario() {
    for name in ["mine", "with \"quotes\" and \\", ""] {
        let scenario = read(&starter(name));
        assert!(scenario.title.starts_with(name));
    }
}

#[test]
fn patterns_print_what_they_read() {
    for (text, canonical) in [
        ("s2 established", "s2 established"),
        ("elected state=LEADING", "leading"),
        ("s1 leading how=silence #2", "s1 leading how=silence #2"),
        ("looking_started", "looking"),
        ("s1 elected state=LOOKING", "s1 elected state=LOOKING"),
        ("\"boot_refused\" \"reason=a b\" #1", "boot_refused \"reason=a b\""),
        ("c1 session_expired", "c1 expired"),
        ("c2 returned \"result=[a, b]\"", "c2 returned \"result=[a, b]\""),
    ] {
        let pattern = EventPattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(pattern.to_string(), canonical);
        assert_eq!(EventPattern::parse(canonical), Ok(pattern));
    }
}

#[test]
fn patterns_match_notes_by_their_fields() {
    use crate::proto::{NodeId, Vote};
    use crate::trace::{Better, Event, Note, What};
    let vote = |leader| Vote { leader: ServerId(leader), zxid: Zxid::new(1, 4), epoch: Epoch(1) };
    let note = Note::VoteChanged { round: Round(3), sender: ServerId(1), from: vote(2).into(), to: vote(3).into(), because: Better::Id };
    let event = Event { n: 1, at: Micros::ZERO, node: Some(NodeId::server(2)), cause: None, what: What::Note(note) };
    for (text, matches) in [
        ("vote_changed", true),
        ("s2 vote_changed to.leader=s3 because=id round=3 to.zxid=1:4", true),
        ("s1 vote_changed", false),
        ("vote_changed to.leader=s2", false),
        ("vote_changed to.nothing=1", false),
        ("elected", false),
    ] {
        assert_eq!(EventPattern::parse(text).expect(text).matches(&event), matches, "{text}");
    }
    let quorum = Note::QuorumReached { round: Round(1), vote: vote(3).into(), supporters: vec![ServerId(1), ServerId(3)] };
    let event = Event { what: What::Note(quorum), ..event };
    assert!(EventPattern::parse("quorum_reached supporters=s1,s3").expect("a pattern").matches(&event));
}

fn span() -> impl Strategy<Value = Span> {
    (0..10_000_000u64, 0..10_000_000u64).prop_map(|(one, other)| Span::new(Micros(one.min(other)), Micros(one.max(other))))
}

fn membership() -> impl Strategy<Value = Membership> {
    let grouped = proptest::collection::vec((any::<bool>(), 0..3u32, 1..4u32), 1..12);
    prop_oneof![
        (1..8u32, 0..4u32).prop_map(|(voters, observers)| Membership::of(voters, observers)),
        (grouped, any::<bool>()).prop_map(|(members, hierarchical)| {
            let member = |(index, (observer, weight, group)): (usize, (bool, u32, u32))| {
                let role = if observer && index > 0 { LearnerType::Observer } else { LearnerType::Participant };
                let in_group = hierarchical && role == LearnerType::Participant;
                (ServerId(1 + 3 * index as i64), Member { role, weight: if in_group { weight } else { 1 }, group: in_group.then_some(group) })
            };
            Membership { version: 0, members: members.into_iter().enumerate().map(member).collect() }
        }),
    ]
}

fn config() -> impl Strategy<Value = Config> {
    (membership(), proptest::collection::vec(0..5_000i64, settings::SETTINGS.len())).prop_map(|(membership, values)| {
        let mut config = Config::new(membership);
        for (setting, value) in settings::SETTINGS.iter().zip(values) {
            // Most values suit most settings; the others keep their default.
            let _ = (setting.read)(&mut config, &value.to_string());
        }
        let (low, high) = config.session_limits();
        if low > high {
            (config.min_session_timeout, config.max_session_timeout) = (None, None);
        }
        config
    })
}

fn server_start() -> impl Strategy<Value = ServerStart> {
    let last = prop_oneof![Just(Zxid::UNTRUSTED), (0..9u32, any::<u32>()).prop_map(|(epoch, counter)| Zxid::new(epoch, counter))];
    let role = proptest::option::of(prop_oneof![Just(LearnerType::Participant), Just(LearnerType::Observer)]);
    (last, 0..9i64, 0..9i64, proptest::option::of(0..1_000u64), role, any::<i32>(), -500..500i32).prop_map(
        |(last, current, accepted, start, peer_type, offset, clock_drift_ppm)| ServerStart {
            last,
            current_epoch: Epoch(current),
            accepted_epoch: Epoch(accepted),
            start: start.map(Micros),
            peer_type,
            clock_offset: Shift(i64::from(offset)),
            clock_drift_ppm,
        },
    )
}

prop_compose! {
    fn client_start()(
        hosts in prop_oneof![Just(Hosts::Any), Just(Hosts::From(ServerId(1))), Just(Hosts::Only(vec![ServerId(1)]))],
        timeout in 1..100_000u64,
        disable_auto_watch_reset in any::<bool>(),
        start in proptest::option::of(0..1_000u64),
        offset in any::<i32>(),
        read_only in any::<bool>(),
        clock_drift_ppm in -500..500i32,
    ) -> ClientStart {
        let clock_offset = Shift(i64::from(offset));
        ClientStart {
            hosts,
            timeout: Micros::from_millis(timeout),
            read_only,
            disable_auto_watch_reset,
            start: start.map(Micros),
            clock_offset,
            clock_drift_ppm,
        }
    }
}

prop_compose! {
    fn plan()(
        name in "[a-z]{1,3}",
        clients in proptest::sample::subsequence(vec![1, 2, 4], 1..=3),
        (start, length) in (0..1_000u64, 1..60_000_000u64),
        count in proptest::option::of(1..9u64),
        rate in proptest::option::of(1..5_000u64),
        mix in proptest::sample::subsequence(Act::ALL.to_vec(), 1..=7),
        lines in proptest::option::of(Just(["sleep 5ms", "lock write /a \"x y\"", "set -v 3 /a x"])),
        weight in 1..9u32,
        (keys, size) in (1..99u32, 0..99u32),
        prefix in proptest::option::of("/[a-z/]{0,5}[a-z]"),
        optional in any::<bool>(),
    ) -> (String, WorkloadPlan) {
        let (start, until) = (Micros(start), Micros((start + length).min(60_000_000)));
        let prefix = prefix.map_or_else(|| format!("/{name}"), |prefix| prefix.replace("//", "/x"));
        let every = rate.map(|rate| Micros(1_000_000 / rate));
        let acts = mix.into_iter().map(|act| (act, weight)).collect();
        let work = match lines {
            Some(lines) => Work::Rounds(lines.iter().map(|text| rounds::line(text).expect("a line")).collect()),
            None => Work::Mix(Mix { acts, keys, prefix: prefix.as_str().into(), size }),
        };
        let load = Workload { name: name.as_str().into(), start, until, count, every, work };
        (name, WorkloadPlan { clients, load: Arc::new(load), optional })
    }
}

fn tree() -> impl Strategy<Value = ExpectedTree> {
    let data = prop_oneof![any::<String>().prop_map(String::into_bytes), proptest::collection::vec(any::<u8>(), 0..5), Just(b"0xf".to_vec())];
    (
        proptest::collection::btree_map("/p[a-z]{0,3}", data, 0..3),
        proptest::collection::btree_set("/e[a-z]{0,3}", 0..3),
        proptest::collection::btree_set("/a[a-z]{0,3}", 0..3),
    )
        .prop_map(|(present, exists, absent)| ExpectedTree {
            present: present.into_iter().map(|(path, data)| (path.as_str().into(), data.into())).collect(),
            exists: exists.iter().map(|path| path.as_str().into()).collect(),
            absent: absent.iter().map(|path| path.as_str().into()).collect(),
        })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let trigger = prop_oneof![
        (0..1_000u64).prop_map(|after| Trigger::After(Micros(after))),
        proptest::sample::select(&["s1 leading", "established #3", "vote_changed to.leader=s1"][..])
            .prop_map(|text| Trigger::When(EventPattern::parse(text).expect("a pattern"))),
    ];
    let action =
        proptest::sample::select(&["crash leader", "heal", "pause s1 for 5ms", "clock s1 drift -3ppm", "c1 get /a", "partition s1 | c1"][..])
            .prop_map(|text| Action::parse(text).expect("an action"));
    let repeat = proptest::option::of((2..9u32, 0..100u64).prop_map(|(times, every)| Repeat { times, every: Some(Micros(every)) }));
    let step = (trigger, action, proptest::option::of(any::<String>()), any::<bool>(), repeat);
    let step = (step, proptest::option::of(any::<String>())).prop_map(|((trigger, action, note, optional, repeat), answer)| {
        let returns = answer.filter(|_| matches!(action, Action::Client { .. }));
        Step { trigger, action, note, optional, repeat, returns }
    });
    (proptest::collection::vec(step, 0..6), any::<bool>()).prop_map(|(mut steps, replies)| {
        // A step can wait for a reply only if the one above asks for something.
        for at in 1..steps.len() {
            if replies && matches!(steps[at - 1].action, Action::Client { .. }) {
                steps[at].trigger = Trigger::Reply;
            }
        }
        steps
    })
}

fn expect() -> impl Strategy<Value = Expect> {
    let all: Vec<_> = ["pass", "stuck"].into_iter().chain(check::CATALOGUE.iter().map(|info| info.name)).collect();
    let verdict = proptest::sample::subsequence(all.clone(), 1..=all.len());
    (verdict, proptest::option::of(span()), proptest::option::of(1..9u32), tree()).prop_map(|(verdict, time_to_leader, leaders_max, tree)| Expect {
        verdict: verdict.into_iter().filter_map(Outcome::named).collect(),
        time_to_leader,
        leaders_max,
        leader: Some(LeaderIs::Server(ServerId(1))),
        tree,
        ..Expect::default()
    })
}

prop_compose! {
    fn scenario()(
        config in config(),
        title in "[a-zé\"]\\PC*",
        why in proptest::option::of(any::<String>()),
        seed in any::<u64>(),
        start in server_start(),
        client in client_start(),
        plans in proptest::collection::btree_map(Just(()), plan(), 0..2),
        spans in [span(), span()],
        loss_ppm in 0..=1_000_000u32,
        bugs in proptest::sample::subsequence(CATALOGUE.iter().map(|info| info.bug).collect::<Vec<_>>(), 0..4),
        steps in steps(),
        (supervise, recover) in any::<(bool, bool)>(),
        expect in expect(),
    ) -> Scenario {
        let mut servers: BTreeMap<_, _> = config.membership.members.keys().map(|id| (*id, ServerStart::default())).collect();
        servers.insert(ServerId(1), start);
        let clients = BTreeMap::from([(1, client.clone()), (2, ClientStart::default()), (4, client)]);
        let workloads: BTreeMap<_, _> = plans.into_values().collect();
        let mut expect = expect;
        expect.acked_min = workloads.keys().map(|name| (name.clone(), 7)).collect();
        let mut timing = Timing { link: spans[0], ..Timing::default() };
        timing.disk.read = spans[1];
        timing.loss_ppm = if config.election_alg == 0 { loss_ppm } else { 0 };
        Scenario {
            title, why, source: None, notes: None, seed, servers, clients, workloads, timing, bugs: bugs.into_iter().collect(), steps,
            ensemble: Ensemble { config, joining: BTreeMap::new(), supervise },
            run: Micros::from_secs(60), recover, recover_within: recover.then_some(Micros(1_500)), expect,
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(scenario in scenario()) {
        let text = scenario.to_json();
        match Scenario::read(text.as_bytes()) {
            Ok(read) => prop_assert_eq!(read, scenario),
            Err(problems) => prop_assert!(false, "{}", render(&problems, "written.json", &text, false)),
        }
    }
}
