//! What servers count of nodes that have a quota. Data-model reference §2, §11.

use proptest::test_runner::RngSeed;

use super::*;
use crate::tree::quota::{limits_of, stats_of};

/// The nodes that zkCli makes for a quota, limits before numbers. The parent's cversion is left to the tree.
fn quota(path: &str) -> Vec<Txn> {
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
    let above = ends.map(|end| plain(&format!("/zookeeper/quota{}", &path[..end]), -1));
    above.chain([plain(&limits_of(path), -1), plain(&stats_of(path), -1)]).collect()
}

fn data(database: &Database, path: &str) -> String {
    String::from_utf8_lossy(database.tree().get(path).and_then(|node| node.data.as_deref()).unwrap_or_default()).into()
}

fn set(path: &str, data: &str) -> Txn {
    Txn::SetData { path: path.into(), data: Some(data.as_bytes().into()), version: 1 }
}

#[test]
fn whatever_is_below_counts() {
    let mut txns = vec![plain("/a", 1), plain("/a/b", 1), plain("/ab", 2)];
    txns.extend(quota("/a"));
    let mut database = after(&txns);
    let seen = |database: &Database| data(database, &stats_of("/a"));
    assert_eq!(seen(&database), "count=2,bytes=2", "what is there already counts, the node itself too");
    let changes = [
        (plain("/a/c", 2), "count=3,bytes=3"),
        (plain("/ab/x", 1), "count=3,bytes=3"),
        (set("/a/c", "hello"), "count=3,bytes=7"),
        (set("/a/c", ""), "count=3,bytes=2"),
        (Txn::SetData { path: "/a".into(), data: None, version: 1 }, "count=3,bytes=1"),
        (set("/a/none", "hello"), "count=3,bytes=1"),
        (plain("/a/b", 9), "count=3,bytes=1"),
        (Txn::Multi([plain("/a/m", 3), set("/a/m", "12"), delete("/a/b")].into()), "count=3,bytes=2"),
        (create("/a/e", CreateForm::Create, true, 4), "count=4,bytes=3"),
        (Txn::CloseSession { paths: None }, "count=3,bytes=2"),
        (delete("/a/none"), "count=3,bytes=2"),
        (set(&stats_of("/a"), "count=100,bytes=1000"), "count=100,bytes=1000"),
        (plain("/a/d", 5), "count=101,bytes=1001"),
        (delete(&limits_of("/a")), "count=101,bytes=1001"),
        (delete("/a/d"), "count=101,bytes=1001"),
    ];
    for (zxid, (txn, expected)) in (10..).zip(changes) {
        let _ = database.apply(&proposal(zxid, txn.clone()));
        assert_eq!(seen(&database), expected, "{txn}");
        assert_eq!(recomputed(&database), database.digest());
    }
}

/// Nothing tells that the numbers changed but themselves.
#[test]
fn counting_is_no_change_of_the_node() {
    let mut database = after(&[vec![plain("/a", 1)], quota("/a")].concat());
    let before = stat(&database, &stats_of("/a"));
    let _ = database.apply(&proposal(9, plain("/a/b", 1)));
    assert_eq!(data(&database, &stats_of("/a")), "count=2,bytes=2");
    assert_eq!(stat(&database, &stats_of("/a")), Stat { data_length: 15, ..before });
    let digest = database.digest();
    let _ = database.apply(&proposal(10, set(&stats_of("/a"), "")));
    assert_eq!(database.digest(), digest, "it is in no digest");
    let _ = database.apply(&proposal(11, set(&limits_of("/a"), "")));
    assert_ne!(database.digest(), digest, "the limits are");
}

#[test]
fn the_deepest_quota_counts_and_no_other() {
    let history = [vec![plain("/a", 1), plain("/a/b", 1)], quota("/a"), quota("/a/b"), vec![plain("/a/b/c", 1), plain("/a/d", 2)]].concat();
    let mut database = after(&history);
    let seen = |database: &Database| [data(database, &stats_of("/a")), data(database, &stats_of("/a/b"))];
    assert_eq!(seen(&database), ["count=3,bytes=3", "count=2,bytes=2"], "a new quota takes nothing off the one above");
    let _ = database.apply(&proposal(20, delete("/a/b/c")));
    assert_eq!(seen(&database), ["count=3,bytes=3", "count=1,bytes=1"]);
}

#[test]
fn a_quota_without_its_numbers_and_one_of_the_root_do_no_harm() {
    let mut database = after(&[
        plain("/zookeeper/quota/zookeeper_limits", -1),
        plain("/zookeeper/quota/zookeeper_stats", -1),
        plain("/a", 1),
        plain("/zookeeper/quota/a", -1),
        plain(&limits_of("/a"), -1),
        plain("/a/b", 1),
    ]);
    assert_eq!(data(&database, "/zookeeper/quota/zookeeper_stats"), "x");
    assert!(database.tree().quota_over("/a/b").is_none());
    let _ = database.apply(&proposal(7, plain(&stats_of("/a"), -1)));
    assert_eq!(data(&database, &stats_of("/a")), "count=2,bytes=2");
    assert!(database.tree().quota_over("/a/b").is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    /// The numbers are those of what is there, whatever is applied, in whatever order, over whatever holds parts of it already. (Found when a
    /// deleted node's children were not counted off.) And whoever reads the tree as a snapshot has it counts the same.
    #[test]
    fn numbers_are_those_of_the_content(
        before in prop::collection::vec(any_change(), 0..10),
        changes in prop::collection::vec(any_change(), 0..40),
    ) {
        let database = after(&[before, quota("/a"), quota("/b"), changes].concat());
        let mut anew = database.tree().clone();
        anew.set_up_quotas();
        for path in ["/a", "/b"] {
            let below = |node: &&(&str, &Znode)| node.0 == path || node.0.starts_with(&format!("{path}/"));
            let nodes: Vec<_> = database.tree().nodes().collect();
            let bytes: usize = nodes.iter().filter(below).map(|(_, node)| node.data.as_ref().map_or(0, |data| data.len())).sum();
            let expected = format!("count={},bytes={bytes}", nodes.iter().filter(below).count());
            prop_assert_eq!(data(&database, &stats_of(path)), &*expected);
            prop_assert_eq!(anew.get(&stats_of(path)).and_then(|node| node.data.clone()), Some(expected.into_bytes().into()));
        }
    }
}
