use proptest::prelude::*;

use super::*;
use crate::proto::{Acl, Bytes, Claim, Claimed, Command, CreateMode, NodeId, Op, PACKET_KINDS, Path, ServerId, SessionId, Timer, WatcherType};

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![
        (1..i64::MAX).prop_map(Who::server),
        (1..u32::MAX).prop_map(|client| Who::Node(NodeId::Client(client))),
        Just(Who::Role(Role::Leader)),
        (1..u32::MAX).prop_map(|nth| Who::Role(Role::Follower(nth))),
        (1..u32::MAX).prop_map(|nth| Who::Role(Role::Observer(nth))),
        (1..u32::MAX).prop_map(|nth| Who::Role(Role::Looking(nth))),
    ]
}

fn two() -> impl Strategy<Value = (Who, Who)> {
    (who(), who()).prop_filter("nobody has a link to itself", |(one, other)| one != other)
}

fn link() -> impl Strategy<Value = Link> {
    (two(), any::<bool>()).prop_map(|((from, to), both_ways)| Link { from, to, both_ways })
}

fn time() -> impl Strategy<Value = Micros> {
    prop_oneof![any::<u64>(), 0..10_000_000u64].prop_map(Micros)
}

fn span() -> impl Strategy<Value = Span> {
    (time(), time()).prop_map(|(one, other)| Span::new(one.min(other), one.max(other)))
}

fn packet() -> impl Strategy<Value = Option<&'static str>> {
    proptest::option::of(proptest::sample::select(&PACKET_KINDS[..]))
}

/// At least two groups of nobody twice: the nodes s1, s2, … dealt out.
fn groups() -> impl Strategy<Value = Vec<Vec<Who>>> {
    proptest::collection::vec(1..4usize, 2..5).prop_map(|sizes| {
        let mut number = 0;
        let mut next = || {
            number += 1;
            Who::server(number)
        };
        sizes.into_iter().map(|size| (0..size).map(|_| next()).collect()).collect()
    })
}

fn clock_change() -> impl Strategy<Value = ClockChange> {
    prop_oneof![
        (-i64::MAX..=i64::MAX).prop_map(|micros| ClockChange::Jump(Shift(micros))),
        (-DRIFT_PPM_MAX..=DRIFT_PPM_MAX).prop_map(|ppm| ClockChange::Drift { ppm }),
    ]
}

/// One of each form; the disk's own tests know the rest.
fn disk_fault() -> impl Strategy<Value = DiskFault> {
    const TEXTS: [&str; 7] =
        ["rot log.newest @byte:17 3", "fail-fsync currentEpoch for ever", "full 4096", "slow fsync 1ms..2ms", "loose", "tear", "behave"];
    proptest::sample::select(&TEXTS[..]).prop_map(|text| DiskFault::parse(text).expect("a disk fault"))
}

fn stage() -> impl Strategy<Value = Stage> {
    (proptest::sample::select(Stage::NAMES), 1..i64::MAX)
        .prop_map(|(name, peer)| Stage::named(name, ServerId(peer)).expect("every name is of a stage"))
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![
        two().prop_map(|(from, to)| Choice::Message { from, to }),
        (who(), proptest::sample::select(Timer::NAMES)).prop_map(|(who, timer)| Choice::Timer { who, timer }),
        (who(), stage()).prop_map(|(who, stage)| Choice::Stage { who, stage }),
        who().prop_map(|who| Choice::Disk { who }),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        who().prop_map(Action::Crash),
        who().prop_map(Action::PowerLoss),
        who().prop_map(|who| Action::Restart(Whom::One(who))),
        Just(Action::Restart(Whom::All)),
        who().prop_map(Action::Start),
        who().prop_map(Action::Wipe),
        (who(), proptest::option::of(time())).prop_map(|(who, lasting)| Action::Pause { who, lasting }),
        who().prop_map(Action::Resume),
        groups().prop_map(Action::Partition),
        Just(Action::Heal),
        Just(Action::Quiet),
        (link(), proptest::option::of(time())).prop_map(|(link, lasting)| Action::Cut { link, lasting }),
        link().prop_map(Action::Mend),
        (link(), packet()).prop_map(|(link, packet)| Action::Hold { link, packet }),
        (link(), packet()).prop_map(|(link, packet)| Action::Release { link, packet }),
        two().prop_map(|(one, other)| Action::Reset(one, other)),
        (link(), span()).prop_map(|(link, latency)| Action::Slow { link, latency }),
        (link(), 0..=1_000_000u32).prop_map(|(link, ppm)| Action::Lose { link, ppm }),
        (who(), clock_change()).prop_map(|(who, change)| Action::Clock { who, change }),
        (who(), disk_fault()).prop_map(|(who, fault)| Action::Disk { who, fault }),
        choice().prop_map(Action::Fire),
        ((1..u32::MAX), command()).prop_map(|(client, command)| Action::Client { who: Who::Node(NodeId::Client(client)), command }),
    ]
}

/// Whatever a user can type: paths of any letters that ZooKeeper takes, data of any bytes.
fn command() -> impl Strategy<Value = Command> {
    let path = || proptest::collection::vec("[a-z|;>\"\\\\ ä0-9-]{1,8}", 1..4).prop_map(|names| Path::from(format!("/{}", names.join("/"))));
    let data = || {
        let text = any::<String>().prop_map(String::into_bytes);
        prop_oneof![text, proptest::collection::vec(any::<u8>(), 0..9), Just(b"0xff".to_vec()), Just(b";".to_vec())].prop_map(Bytes::from)
    };
    let version = || prop_oneof![Just(-1), 0..i32::MAX];
    let mode = proptest::sample::select(
        &[CreateMode::Persistent, CreateMode::PersistentSequential, CreateMode::Ephemeral, CreateMode::EphemeralSequential][..],
    );
    let write = prop_oneof![
        (path(), proptest::option::of(data()), mode).prop_map(|(path, data, mode)| Op::create(path, data, Acl::open(), mode)),
        (path(), data(), version()).prop_map(|(path, data, version)| Op::SetData { path, data: Some(data), version }),
        (path(), version()).prop_map(|(path, version)| Op::Delete { path, version }),
    ];
    let check = (path(), version()).prop_map(|(path, version)| Op::Check { path, version });
    let part = prop_oneof![4 => write.clone(), 1 => check];
    let read =
        prop_oneof![path().prop_map(|path| Op::GetData { path, watch: false }), path().prop_map(|path| Op::GetChildren { path, watch: false }),];
    let kind = proptest::sample::select(&WatcherType::ALL[..]);
    let op = prop_oneof![
        write,
        proptest::collection::vec(part, 1..5).prop_map(|parts| Op::Multi(parts.into())),
        proptest::collection::vec(read, 1..5).prop_map(|parts| Op::MultiRead(parts.into())),
        (path(), any::<bool>()).prop_map(|(path, watch)| Op::GetData { path, watch }),
        (path(), any::<bool>()).prop_map(|(path, watch)| Op::Exists { path, watch }),
        (path(), any::<bool>()).prop_map(|(path, watch)| Op::GetChildren { path, watch }),
        (path(), 0..2).prop_map(|(path, mode)| Op::AddWatch { path, mode }),
        (path(), kind.clone()).prop_map(|(path, kind)| Op::RemoveWatches { path, kind }),
        path().prop_map(|path| Op::Sync { path }),
        Just(Op::CloseSession),
    ];
    let server = proptest::option::of((1..i64::MAX).prop_map(ServerId));
    let password = any::<[u8; 16]>;
    let claim = prop_oneof![
        (1..u32::MAX, proptest::option::of(password())).prop_map(|(number, password)| Claim { of: Claimed::Client(number), password }),
        (any::<i64>(), password()).prop_map(|(id, password)| Claim { of: Claimed::Session(SessionId(id)), password: Some(password) }),
    ];
    prop_oneof![
        8 => op.prop_map(Command::Request),
        1 => (path(), kind).prop_map(|(path, kind)| Command::ForgetWatches { path, kind }),
        1 => (server, proptest::option::of(claim)).prop_map(|(server, claim)| Command::Connect { server, claim }),
    ]
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(action in action()) {
        prop_assert_eq!(Action::parse(&action.to_string()), Ok(action));
    }

    /// What is read, however it is spelt, is printed in a form that reads the same.
    #[test]
    fn printing_is_canonical(line in "(crash|pause|cut|slow|clock|fire|lose|partition|disk|c1 create|c1 set|c1 multi|c1 multi set /a x ; delete) [a-z0-9 |;>%./\"-]{0,30}") {
        if let Ok(action) = Action::parse(&line) {
            prop_assert_eq!(Action::parse(&action.to_string()), Ok(action));
        }
    }
}

#[test]
fn spellings_of_one_action() {
    for (spelling, canonical) in [
        ("pause  follower for 1000ms", "pause follower 1 for 1s"),
        ("cut s1->s2", "cut s1 -> s2"),
        ("partition s1|s2 s3", "partition s1 | s2 s3"),
        ("partition leader | follower follower 2", "partition leader | follower 1 follower 2"),
        ("clock s2 jump +5s", "clock s2 jump 5s"),
        ("clock s2 drift +200 ppm", "clock s2 drift 200ppm"),
        ("lose s1 s2 12.50%", "lose s1 s2 12.5%"),
        ("disk s1  slow fsync 1000us ", "disk s1 slow fsync 1ms"),
        ("fire stage s1 send_worker s2", "fire stage s1 send_worker s2"),
    ] {
        assert_eq!(Action::parse(spelling).map(|action| action.to_string()), Ok(canonical.into()), "{spelling}");
    }
}

#[test]
fn mistakes_point_at_the_word() {
    for (line, wrong, message) in [
        ("", "", "an action is missing"),
        ("crahs s1", "crahs", "unknown verb `crahs`"),
        ("crash", "", "a node (s1) or a role (leader, follower 2) is missing"),
        ("crash s0", "s0", "`s0` is not a node"),
        ("crash s01", "s01", "`s01` is not a node"),
        ("crash s1 s2", "s2", "`s2` is too much"),
        ("pause s1 for 5", "5", "`5` is not a time: a number with a unit, one of us, ms, s, min, h (\"250ms\", \"1.5s\")"),
        ("pause follower 0", "0", "`0` is no position: holders of a role are counted from 1"),
        ("cut s1 s1", "s1 s1", "`s1` has no link to itself"),
        ("partition s1 s2", "", "a partition has at least two groups, with `|` between them"),
        ("partition s1 | s2 s1", "s1", "`s1` stands twice in this partition"),
        ("partition | s1", "|", "nobody stands on the left of this `|`"),
        ("partition s1 |", "", "a group of nodes is missing"),
        ("hold s1 -> s2 NEWLEDER", "NEWLEDER", "`NEWLEDER` is not a kind of packet"),
        ("lose s1 s2 101%", "101%", "`101%` is not a percentage"),
        ("clock s1 drift 2s", "2s", "`2s` is not a drift: a number and `ppm`"),
        ("clock s1 jump 99999999999h", "99999999999h", "`99999999999h` is too long a time"),
        ("fire s1 s2", "s1 s2", "a message goes one way: `->` is missing"),
        ("disk s1 full of it", "full of it", "`it` is one word too many; the form is `full [BYTES]`"),
    ] {
        let error = Action::parse(line).expect_err(line);
        assert_eq!((&line[error.span.clone()], error.message.as_str()), (wrong, message), "{line}");
    }
}
