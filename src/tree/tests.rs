//! The rules of the data-model reference, and that replay does no harm.

mod quotas;

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::bugs::{Bug, Bugs};
use crate::proto::{Acl, AclList, Answer, CONFIG_NODE, CreateForm, ErrorCode, Path, Proposal, SessionId, Stat, Txn, TxnHeader, Zxid};

const SESSION: SessionId = SessionId(0x100);

fn proposal(zxid: i64, txn: Txn) -> Arc<Proposal> {
    Proposal::new(TxnHeader { session: SESSION, cxid: 1, zxid: Zxid(zxid), time: 1000 + zxid }, txn)
}

fn create(path: &str, form: CreateForm, ephemeral: bool, parent_cversion: i32) -> Txn {
    let acl = DataTree::new().acls().list(OPEN_ACL).expect("the open list");
    Txn::Create { form, path: path.into(), data: Some(b"x"[..].into()), acl, ephemeral, parent_cversion }
}

fn plain(path: &str, parent_cversion: i32) -> Txn {
    create(path, CreateForm::Create, false, parent_cversion)
}

fn delete(path: &str) -> Txn {
    Txn::Delete { path: path.into(), container: false }
}

/// A database after these transactions, with zxids from 1 on.
fn after(txns: &[Txn]) -> Database {
    let mut database = Database::new(500);
    for (index, txn) in txns.iter().enumerate() {
        let _ = database.apply(&proposal(index as i64 + 1, txn.clone()));
    }
    database
}

fn stat(database: &Database, path: &str) -> Stat {
    database.tree().get(path).expect("the node").stat()
}

/// The digest made anew, from what can be seen.
fn recomputed(database: &Database) -> u64 {
    let mut tree = DataTree::bare();
    for (number, list) in database.tree().acls().lists() {
        tree.acls_mut().put(number, list.clone());
    }
    for (path, node) in database.tree().nodes() {
        assert!(tree.restore(path.into(), node.data.clone(), node.acl, node.stat), "{path} comes before its parent");
    }
    Database::of(tree, database.sessions().clone(), Zxid::ZERO, 0).digest()
}

#[test]
fn an_empty_tree_is_as_zookeeper_shows_it() {
    let database = Database::new(500);
    let seen: Vec<_> = database.tree().nodes().map(|(path, node)| (path, node.stat().cversion, node.stat().num_children)).collect();
    assert_eq!(seen, [("/", -1, 1), ("/zookeeper", -2, 2), (CONFIG_NODE, 0, 0), ("/zookeeper/quota", 0, 0)]);
    let config = database.tree().get(CONFIG_NODE).expect("the configuration");
    assert_eq!((config.stat.aversion, database.tree().acls().list(config.acl).expect("a list")[0].perms), (-1, 1));
}

#[test]
fn a_create_is_counted_by_its_parent() {
    let database = after(&[plain("/a", 1), plain("/a/b", 1), plain("/a/c", 2), delete("/a/b")]);
    let a = stat(&database, "/a");
    assert_eq!((a.cversion, a.num_children, a.pzxid, a.mzxid, a.version), (3, 1, Zxid(4), Zxid(1), 0));
    let c = stat(&database, "/a/c");
    let expected = Stat { czxid: Zxid(3), mzxid: Zxid(3), pzxid: Zxid(3), ctime: 1003, mtime: 1003, data_length: 1, ..Stat::default() };
    assert_eq!(c, expected);
}

#[test]
fn set_data_and_set_acl_change_what_they_should() {
    let list: AclList = Arc::new([Acl { perms: 1, scheme: "digest".into(), id: "ann:x".into() }]);
    let set = Txn::SetData { path: "/a".into(), data: None, version: 7 };
    let database = after(&[plain("/a", 1), set, Txn::SetAcl { path: "/a".into(), acl: list.clone(), version: 3 }]);
    let a = stat(&database, "/a");
    assert_eq!((a.version, a.mzxid, a.mtime, a.data_length), (7, Zxid(2), 1002, 0));
    assert_eq!((a.aversion, a.czxid, a.ctime, a.pzxid), (3, Zxid(1), 1001, Zxid(1)));
    let node = database.tree().get("/a").expect("the node");
    assert_eq!(database.tree().acls().list(node.acl), Some(list));
    assert_eq!(node.data, None);
}

#[test]
fn the_opcode_decides_what_kind_of_node_it_is() {
    let owners = [
        (create("/n", CreateForm::Create, false, 1), 0, Owner::Nobody),
        (create("/n", CreateForm::Create2, true, 1), 0x100, Owner::Session(SESSION)),
        (create("/n", CreateForm::Container, false, 1), i64::MIN, Owner::Container),
        (create("/n", CreateForm::Ttl(600_000), false, 1), 0xff00_0000_0009_27c0_u64 as i64, Owner::Ttl(600_000)),
    ];
    for (txn, stored, owner) in owners {
        let mut database = after(&[txn]);
        let node = database.tree().get("/n").expect("the node");
        assert_eq!((node.stat.owner, node.owner()), (stored, owner));
        assert_eq!(node.stat().ephemeral_owner, if let Owner::Session(session) = owner { session } else { SessionId::NONE });
        let indexed =
            |database: &Database| (database.tree().ephemerals(SESSION).count(), database.tree().containers().count(), database.tree().ttls().count());
        let expected = match owner {
            Owner::Nobody => (0, 0, 0),
            Owner::Session(_) => (1, 0, 0),
            Owner::Container => (0, 1, 0),
            Owner::Ttl(_) => (0, 0, 1),
        };
        assert_eq!(indexed(&database), expected);
        assert_eq!(database.apply(&proposal(2, delete("/n"))), Ok(Answer::Done));
        assert_eq!(indexed(&database), (0, 0, 0));
    }
}

#[test]
fn closing_a_session_takes_its_ephemerals() {
    let ephemeral = |path, cversion| create(path, CreateForm::Create, true, cversion);
    let open = [Txn::CreateSession { timeout: 4000 }, ephemeral("/a", 1), ephemeral("/b", 2), ephemeral("/c", 3), plain("/d", 4)];
    // What the list forgot goes too, and what is named twice or gone does no harm.
    for paths in [None, Some(["/c", "/a", "/c", "/gone"].map(Path::from).into())] {
        let mut database = after(&open);
        assert_eq!(database.sessions().get(&SESSION), Some(&4000));
        assert_eq!(database.apply(&proposal(6, Txn::CloseSession { paths })), Ok(Answer::Done));
        assert_eq!(database.tree().get("/").expect("the root").children.iter().map(|path| &**path).collect::<Vec<_>>(), ["/d", "/zookeeper"]);
        assert!(database.sessions().is_empty() && database.tree().ephemeral_owners().next().is_none());
        assert_eq!(stat(&database, "/").pzxid, Zxid(6));
        assert_eq!(recomputed(&database), database.digest());
    }
}

#[test]
fn a_multi_is_all_or_nothing() {
    let set = |version| Txn::SetData { path: "/m".into(), data: None, version };
    let mut database = after(&[Txn::Multi([plain("/m", 1), plain("/m/a", 1), set(1), Txn::Check { path: "/m".into(), version: 1 }].into())]);
    assert_eq!((stat(&database, "/m").version, stat(&database, "/m/a").czxid, database.last_processed), (1, Zxid(1), Zxid(1)));
    let code = |code| Txn::Error { code };
    let failed = [code(ErrorCode::Ok), code(ErrorCode::NodeExists), code(ErrorCode::RuntimeInconsistency)];
    let before = database.digest();
    let told = |codes: &[ErrorCode]| Ok(Answer::RolledBack(codes.into()));
    let answer = database.apply(&proposal(2, Txn::Multi(failed.into())));
    assert_eq!(answer, told(&[ErrorCode::Ok, ErrorCode::NodeExists, ErrorCode::RuntimeInconsistency]));
    let answer = database.apply(&proposal(3, Txn::Multi([set(9), code(ErrorCode::BadVersion), set(10)].into())));
    assert_eq!(answer, told(&[ErrorCode::Ok, ErrorCode::BadVersion, ErrorCode::RuntimeInconsistency]));
    assert_eq!((database.digest(), database.last_processed), (before, Zxid(3)), "a failed write takes a zxid and does nothing else");
}

#[test]
fn a_node_made_twice_raises_its_parents_cversion_only_by_plain_creates() {
    let list: AclList = Arc::new([Acl { perms: 2, scheme: "world".into(), id: "anyone".into() }]);
    for (form, cversion, pzxid) in [(CreateForm::Create, 5, Zxid(3)), (CreateForm::Create2, 1, Zxid(2)), (CreateForm::Container, 1, Zxid(2))] {
        let mut database = after(&[plain("/a", 1), plain("/a/b", 1)]);
        let again = Txn::Create { form, path: "/a/b".into(), data: None, acl: list.clone(), ephemeral: false, parent_cversion: 5 };
        assert_eq!(database.apply(&proposal(3, again)), Err(ErrorCode::NodeExists));
        let (parent, node) = (database.tree().get("/a").expect("a").clone(), database.tree().get("/a/b").expect("b"));
        assert_eq!((parent.stat.cversion, parent.stat.pzxid), (cversion, pzxid), "{form:?}");
        assert_eq!((database.tree().acls().list(node.acl).as_ref(), node.stat.aversion), (Some(&list), 0), "it has the list of the second");
        assert_eq!((node.stat.czxid, node.data.as_deref()), (Zxid(2), Some(&b"x"[..])), "and else is the first");
        assert_eq!(recomputed(&database), database.digest());
    }
}

#[test]
fn a_delete_of_nothing_still_moves_the_parents_pzxid() {
    let mut database = after(&[plain("/a", 1)]);
    assert_eq!(database.apply(&proposal(9, delete("/a/b"))), Err(ErrorCode::NoNode));
    assert_eq!(stat(&database, "/a").pzxid, Zxid(9));
    assert_eq!(database.apply(&proposal(3, delete("/a/c"))), Err(ErrorCode::NoNode));
    assert_eq!(stat(&database, "/a").pzxid, Zxid(9), "never back");
    assert_eq!(database.apply(&proposal(10, delete("/b/c"))), Err(ErrorCode::NoNode));
    assert_eq!(database.apply(&proposal(11, plain("/b/c", 1))), Err(ErrorCode::NoNode));
}

#[test]
fn a_cversion_never_goes_back_and_counts_by_itself_when_told_none() {
    let database = after(&[plain("/a", 1), plain("/a/b", 5), plain("/a/c", 3), plain("/a/d", -1)]);
    let a = database.tree().get("/a").expect("a");
    assert_eq!((a.stat.cversion, a.stat.pzxid, a.children.len()), (6, Zxid(4), 3));
}

#[test]
fn lists_are_numbered_while_nodes_use_them() {
    let list = |perms| -> AclList { Arc::new([Acl { perms, scheme: "world".into(), id: "anyone".into() }]) };
    let with = |path: &str, perms, cversion| Txn::Create {
        form: CreateForm::Create,
        path: path.into(),
        data: None,
        acl: list(perms),
        ephemeral: false,
        parent_cversion: cversion,
    };
    let numbers = |database: &Database| database.tree().acls().lists().map(|(number, _)| number).collect::<Vec<_>>();
    let mut database = after(&[with("/a", 2, 1), with("/b", 2, 2), with("/c", 31, 3), with("/d", 4, 4)]);
    assert_eq!(numbers(&database), [1, 2, 3], "the configuration's, one for two nodes, none for the open list");
    for (zxid, path) in [(5, "/a"), (6, "/b"), (7, "/c")] {
        let _ = database.apply(&proposal(zxid, delete(path)));
    }
    assert_eq!(numbers(&database), [1, 3]);
    let _ = database.apply(&proposal(8, with("/e", 2, 5)));
    assert_eq!(numbers(&database), [1, 3, 4], "no number is given twice");
}

#[test]
fn the_ring_keeps_the_newest() {
    let mut database = Database::new(3);
    assert_eq!((database.min_committed(), database.max_committed()), (None, None));
    for zxid in 1..=5 {
        let _ = database.apply(&proposal(zxid, plain(&format!("/n{zxid}"), zxid as i32)));
    }
    let kept = |database: &Database| database.committed().map(|proposal| proposal.zxid().0).collect::<Vec<_>>();
    assert_eq!((kept(&database), database.min_committed(), database.max_committed()), (vec![3, 4, 5], Some(Zxid(3)), Some(Zxid(5))));
    assert_eq!(database.gap_before(Zxid(6)), None);
    assert_eq!(database.gap_before(Zxid(7)), Some(Zxid(5)), "6 is missing");
    assert_eq!(database.gap_before(Zxid::new(1, 9)), None, "an epoch may begin anywhere");
    let before = database.clone();
    let _ = database.apply(&proposal(4, plain("/again", 1)));
    assert_eq!((kept(&database), database.last_processed), (vec![3, 4, 5], Zxid(5)), "what is not newer is applied, and not kept again");
    let _ = database.apply(&proposal(6, delete("/again")));
    assert_eq!((kept(&before), kept(&database)), (vec![3, 4, 5], vec![4, 5, 6]), "a clone keeps its own");
    database.clear();
    assert_eq!((database.digest(), database.last_processed, database.max_committed()), (Database::new(3).digest(), Zxid::ZERO, None));
    let _ = database.apply(&proposal(7, plain("/a", 1)));
    assert_eq!(kept(&database), [7], "it keeps as many as before");
}

#[test]
fn known_bugs_lose_the_ring_and_run_ahead() {
    let mut database = Database::new(3);
    let bugs = |bug| [bug].into_iter().collect::<Bugs>();
    let _ = database.apply_synced(&proposal(1, plain("/a", 1)), bugs(Bug::Zk4925));
    assert_eq!((database.max_committed(), database.last_processed), (None, Zxid(1)));
    let _ = database.apply_synced(&proposal(2, plain("/b", 2)), Bugs::NONE);
    assert_eq!(database.max_committed(), Some(Zxid(2)));
    database.announce(Zxid(3), Bugs::NONE);
    assert_eq!(database.last_processed, Zxid(2));
    database.announce(Zxid(3), bugs(Bug::Zk1090));
    assert_eq!(database.last_processed, Zxid(3));
}

#[test]
fn zk_1367_changes_the_tree_and_not_the_sessions() {
    let only = |bug: &[Bug]| bug.iter().copied().collect::<Bugs>();
    let history = [Txn::CreateSession { timeout: 4000 }, create("/e", CreateForm::Create, true, 1)];
    let close = Txn::CloseSession { paths: Some(Arc::new(["/e".into()])) };
    let (mut right, mut wrong) = (after(&history), after(&history));
    let _ = right.apply_synced(&proposal(3, close.clone()), Bugs::NONE);
    let _ = wrong.apply_synced(&proposal(3, close), only(&[Bug::Zk1367]));
    assert_eq!([&right, &wrong].map(|it| (it.tree().get("/e").is_some(), it.sessions().len())), [(false, 0), (false, 1)]);
    assert_ne!(right.digest(), wrong.digest());
    let _ = wrong.apply_synced(&proposal(4, Txn::CreateSession { timeout: 9 }), only(&[Bug::Zk1367, Bug::Zk4925]));
    assert_eq!(wrong.sessions().get(&SESSION), Some(&4000));
    assert_eq!((wrong.last_processed, wrong.digest()), (Zxid(4), recomputed(&wrong)));
}

/// A small world of paths, so that changes meet.
pub fn any_change() -> impl Strategy<Value = Txn> {
    let path = || prop::sample::select(&["/a", "/b", "/a/x", "/a/y", "/a/x/1", "/b/x"][..]);
    let form = prop_oneof![Just(CreateForm::Create), Just(CreateForm::Create2), Just(CreateForm::Container), Just(CreateForm::Ttl(1000))];
    let acl = (1..3).prop_map(|perms| -> AclList { Arc::new([Acl { perms, scheme: "world".into(), id: "anyone".into() }]) });
    let data = || prop::option::of(any::<u8>().prop_map(|byte| Arc::from([byte])));
    prop_oneof![
        4 => (path(), form, acl.clone(), data(), any::<bool>(), -1..9).prop_map(|(path, form, acl, data, ephemeral, parent_cversion)| {
            Txn::Create { form, path: path.into(), data, acl, ephemeral, parent_cversion }
        }),
        2 => path().prop_map(delete),
        2 => (path(), data(), any::<i32>()).prop_map(|(path, data, version)| Txn::SetData { path: path.into(), data, version }),
        1 => (path(), acl, any::<i32>()).prop_map(|(path, acl, version)| Txn::SetAcl { path: path.into(), acl, version }),
        1 => (1..100).prop_map(|timeout| Txn::CreateSession { timeout }),
        1 => Just(Txn::CloseSession { paths: None }),
    ]
}

proptest! {
    /// Whatever happens to the tree, the digest is that of what is in it.
    #[test]
    fn the_digest_is_that_of_the_content(changes in prop::collection::vec(any_change(), 0..40)) {
        let database = after(&changes);
        prop_assert_eq!(recomputed(&database), database.digest());
        let paths: Vec<_> = database.tree().nodes().map(|(path, _)| path.to_owned()).collect();
        prop_assert_eq!(paths.len(), database.tree().len());
        for path in &paths[1..] {
            prop_assert!(database.tree().get(parent_of(path)).is_some_and(|parent| parent.children.contains(&**path)), "{}", path);
        }
    }

    /// One difference anywhere shows.
    #[test]
    fn different_histories_have_different_digests(changes in prop::collection::vec(any_change(), 1..20), which in any::<prop::sample::Index>()) {
        let mut fewer = changes.clone();
        fewer.remove(which.index(changes.len()));
        let (one, other) = (after(&changes), after(&fewer));
        let content = |database: &Database| {
            let nodes: Vec<_> = database.tree().nodes().filter(|(path, _)| *path != CONFIG_NODE).map(|(path, node)| {
                (path.to_owned(), node.data.clone(), node.stat, database.tree().acls().list(node.acl))
            }).collect();
            (nodes, database.sessions().clone())
        };
        prop_assert_eq!(content(&one) == content(&other), one.digest() == other.digest());
    }
}

/// Replay over a fuzzy snapshot that holds a later node of the name, with its child.
#[test]
fn children_go_with_their_parent_and_are_made_again() {
    for (bugs, made, children) in [(Bugs::NONE, true, 1), (Bugs::from_iter([Bug::OrphanedChild]), false, 0)] {
        let mut database = after(&[plain("/a", 1), plain("/a/b", 1)]);
        let mut again = |zxid, txn| database.apply_again(&proposal(zxid, txn), bugs);
        assert_eq!(again(3, delete("/a")), Ok(Answer::Done));
        assert!(again(4, plain("/a", 1)).is_ok());
        assert_eq!(again(5, plain("/a/b", 1)).is_ok(), made);
        assert_eq!(stat(&database, "/a").num_children, children);
        assert!(database.tree().get("/a/b").is_some());
    }
}
