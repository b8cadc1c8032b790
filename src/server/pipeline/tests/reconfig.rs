//! Requests for another membership, and what is refused first. Data-model reference §5.1.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::bench::{Bench, config, zxid};
use crate::proto::ask::create;
use crate::proto::{CONFIG_NODE, Config, ConnId, CreateMode, Membership, Op, Reconfiguration, ServerId, Stage, Txn};
use crate::server::pipeline::{Kind, Output, ReconfigStanding};

const FIVE: &str = "server.5=s5:2888:3888:participant;2181";

fn leader(config: Config) -> (Bench, ConnId) {
    let mut bench = Bench::with(Kind::Leader, Config { reconfig_enabled: true, skip_acl: true, ..config });
    let (conn, _) = bench.client();
    (bench, conn)
}

/// s1 s2 s3 and the observer s4 are in force, and all but s4 keep up, with s5.
fn standing() -> ReconfigStanding {
    let last_seen = Arc::new(Membership::of(3, 1).with_version(zxid(0)));
    ReconfigStanding { current_version: last_seen.version, last_seen, synced: [1, 2, 3, 5].map(ServerId).into() }
}

fn joins(text: &str) -> Reconfiguration {
    Reconfiguration { joining: Some(text.into()), version: -1, ..Reconfiguration::default() }
}

fn leaves(text: &str) -> Reconfiguration {
    Reconfiguration { leaving: Some(text.into()), version: -1, ..Reconfiguration::default() }
}

fn all(text: &str) -> Reconfiguration {
    Reconfiguration { members: Some(text.into()), version: -1, ..Reconfiguration::default() }
}

/// What the leader makes of a request: the configuration that it proposes, or an error's name.
fn judged(bench: &mut Bench, conn: ConnId, change: Reconfiguration, standing: &ReconfigStanding) -> String {
    bench.ask(conn, 7, Op::Reconfig(Arc::new(change)));
    bench.stage(Stage::PrepRequestProcessor);
    assert_eq!(bench.outputs(), [Output::Reconfigure]);
    let (proposal, next) = bench.act(|pipeline, cx, db| pipeline.prepare_reconfig(cx, db, standing)).expect("it stopped there");
    bench.act(|pipeline, cx, _| pipeline.go_on_preparing(cx));
    match (&proposal.txn, next) {
        (Txn::Error { code }, None) => code.to_string(),
        (Txn::Reconfig { path, data: Some(data), version: -1 }, Some(next)) => {
            assert_eq!((&**path, &**data, next.version), (CONFIG_NODE, next.text().as_bytes(), proposal.zxid().0));
            next.to_string()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn errors_in_the_order_of_their_checks() {
    let (mut bench, conn) = leader(config());
    let under_way = ReconfigStanding { last_seen: Arc::new(Membership::of(3, 1).with_version(zxid(9))), ..standing() };
    let alone = ReconfigStanding { synced: BTreeSet::from([ServerId(1)]), ..standing() };
    let with_version = |change: Reconfiguration, version| Reconfiguration { version, ..change };
    let grouped = "server.1=s1:2888:3888,server.2=s2:2888:3888,server.3=s3:2888:3888,group.1=1:2:3";
    for (change, standing, expected) in [
        (with_version(joins("nonsense"), 7), &under_way, "ReconfigInProgress"),
        (with_version(joins("nonsense"), 7), &standing(), "BadVersion"),
        (joins("nonsense"), &standing(), "BadArguments"),
        (joins("5=s5:2888:3888"), &standing(), "BadArguments"),
        (leaves("s1"), &standing(), "MarshallingError"),
        (leaves("1,2"), &alone, "BadArguments"),
        (all("server.1=s1:2888:3888,server.4=s4:2888:3888:observer"), &standing(), "MarshallingError"),
        (all("server.1=s1:2888:3888"), &standing(), "BadArguments"),
        (joins(FIVE), &alone, "NewConfigNoQuorum"),
        (leaves("3"), &alone, "NewConfigNoQuorum"),
        (leaves("3"), &standing(), "1:12: s1 s2, s4 observes"),
        (with_version(joins(FIVE), zxid(0).0), &standing(), "1:13: s1 s2 s3 s5, s4 observes"),
        (all(grouped), &standing(), "1:14: s1 s2 s3"),
    ] {
        assert_eq!(judged(&mut bench, conn, change.clone(), standing), expected, "{change}");
    }
}

#[test]
fn a_hierarchy_is_changed_as_a_whole_only() {
    let (mut bench, conn) = leader(config());
    let mut grouped = Membership::of(3, 0);
    grouped.members.values_mut().for_each(|member| member.group = Some(1));
    let standing = ReconfigStanding { current_version: 0, last_seen: Arc::new(grouped), ..standing() };
    assert_eq!(judged(&mut bench, conn, joins(FIVE), &standing), "BadArguments");
}

#[test]
fn one_voter_is_enough_for_an_ensemble_that_never_stands_alone() {
    let (mut bench, conn) = leader(Config { standalone_enabled: false, ..config() });
    assert_eq!(judged(&mut bench, conn, leaves("2,3,4"), &standing()), "1:2: s1");
    assert_eq!(judged(&mut bench, conn, leaves("1,2,3"), &standing()), "BadArguments");
}

#[test]
fn only_who_may_write_the_configuration_may_change_it() {
    let mut bench = Bench::with(Kind::Leader, Config { reconfig_enabled: true, ..config() });
    let (conn, _) = bench.client();
    assert_eq!(judged(&mut bench, conn, leaves("3"), &standing()), "NoAuth");
    let mut bench = Bench::new(Kind::Leader);
    let (conn, _) = bench.client();
    assert_eq!(bench.does(conn, Op::Reconfig(Arc::new(leaves("3")))), "ReconfigDisabled");
}

/// The thread writes the configuration down before it proposes anything: what comes meanwhile waits.
#[test]
fn nothing_is_proposed_while_a_reconfiguration_is_judged() {
    let (mut bench, conn) = leader(config());
    bench.ask(conn, 1, Op::Reconfig(Arc::new(leaves("3"))));
    bench.ask(conn, 2, create("/a", CreateMode::Persistent));
    bench.stage(Stage::PrepRequestProcessor);
    assert_eq!(bench.outputs(), [Output::Reconfigure]);
    let (proposal, _) = bench.act(|pipeline, cx, db| pipeline.prepare_reconfig(cx, db, &standing())).expect("it stopped there");
    assert_eq!(bench.act(|pipeline, cx, db| pipeline.prepare_reconfig(cx, db, &standing())), None, "it is judged once");
    assert!(!bench.is_woken(Stage::PrepRequestProcessor));
    bench.act(|pipeline, cx, _| pipeline.go_on_preparing(cx));
    bench.stage(Stage::PrepRequestProcessor);
    assert_eq!(bench.proposed().iter().map(|next| next.zxid().0).collect::<Vec<_>>(), [proposal.zxid().0 + 1]);
}
