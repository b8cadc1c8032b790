//! Watches: who is told what, and when. Watches reference §2, §4 to §7.

use std::sync::Arc;

use super::bench::{Bench, config, zxid};
use crate::proto::ask::{children, create, delete, exists, get, persistent, recursive, set, watch_children, watch_data, watch_exists};
use crate::proto::{
    Acl, Config, ConnId, CreateForm, CreateMode, EventType, Micros, Op, Path, SessionId, SetWatches, Txn, Version, WatcherType, Zxid,
};
use crate::server::pipeline::Kind;
use crate::tree::Database;

fn node(path: &str) -> Op {
    create(path, CreateMode::Persistent)
}

fn made(path: &str) -> Txn {
    Txn::Create { form: CreateForm::Create, path: path.into(), data: None, acl: Acl::open(), ephemeral: false, parent_cversion: -1 }
}

fn gone(path: &str) -> Txn {
    Txn::Delete { path: path.into(), container: false }
}

fn filled(path: &str) -> Txn {
    Txn::SetData { path: path.into(), data: None, version: 1 }
}

/// A leader with a client that writes, and another that watches.
struct Stage {
    bench: Bench,
    writer: ConnId,
    watcher: ConnId,
}

impl Stage {
    fn new(nodes: &[&str]) -> Stage {
        Stage::of(Version::V3_9, nodes)
    }

    fn of(version: Version, nodes: &[&str]) -> Stage {
        let config = Config { version, ..config() };
        let mut bench = Bench::over(Kind::Leader, config, Database::new(500), Micros::from_millis(50));
        let ((writer, _), (watcher, _)) = (bench.client(), bench.client());
        let mut stage = Stage { bench, writer, watcher };
        nodes.iter().for_each(|path| stage.writes(node(path)));
        stage
    }

    /// The other client's request, which succeeds.
    fn writes(&mut self, op: Op) {
        let told = self.bench.does(self.writer, op.clone());
        assert!(told == "Ok" || told.starts_with('/'), "{op}: {told}");
    }

    /// The watcher's request.
    fn asks(&mut self, op: Op) -> String {
        self.bench.does(self.watcher, op)
    }

    /// What the watcher was told since.
    fn told(&mut self) -> Vec<String> {
        self.bench.heard(self.watcher)
    }

    /// A transaction of nobody here.
    fn applies(&mut self, txn: Txn) {
        let next = Zxid(self.bench.db.last_processed.0 + 1);
        self.bench.commits(next, SessionId::NONE, 0, txn);
        self.bench.settle();
    }
}

/// Every row of the table, for every kind of watch: on `/p/n`, on its parent, and on what is above.
#[test]
fn the_trigger_table() {
    let made = ("create", node("/p/n"), vec!["/p"]);
    let changed = ("set", set("/p/n", "y", -1), vec!["/p", "/p/n"]);
    let deleted = ("delete", delete("/p/n", -1), vec!["/p", "/p/n"]);
    /// The change, how and where it is watched, and what is told.
    type Row<'a> = (&'a (&'a str, Op, Vec<&'a str>), fn(&str) -> Op, &'a str, &'a [&'a str]);
    let table: [Row; 33] = [
        (&made, watch_exists, "/p/n", &["NodeCreated /p/n"]),
        (&made, watch_children, "/p", &["NodeChildrenChanged /p"]),
        (&made, watch_data, "/p", &[]),
        (&made, watch_exists, "/p", &[]),
        (&made, persistent, "/p/n", &["NodeCreated /p/n"]),
        (&made, persistent, "/p", &["NodeChildrenChanged /p"]),
        (&made, persistent, "/", &[]),
        (&made, recursive, "/p/n", &["NodeCreated /p/n"]),
        (&made, recursive, "/p", &["NodeCreated /p/n"]),
        (&made, recursive, "/", &["NodeCreated /p/n"]),
        (&changed, watch_exists, "/p/n", &["NodeDataChanged /p/n"]),
        (&changed, watch_data, "/p/n", &["NodeDataChanged /p/n"]),
        (&changed, watch_children, "/p/n", &[]),
        (&changed, watch_children, "/p", &[]),
        (&changed, watch_data, "/p", &[]),
        (&changed, persistent, "/p/n", &["NodeDataChanged /p/n"]),
        (&changed, persistent, "/p", &[]),
        (&changed, recursive, "/p/n", &["NodeDataChanged /p/n"]),
        (&changed, recursive, "/p", &["NodeDataChanged /p/n"]),
        (&changed, recursive, "/", &["NodeDataChanged /p/n"]),
        (&changed, recursive, "/zookeeper", &[]),
        (&deleted, watch_exists, "/p/n", &["NodeDeleted /p/n"]),
        (&deleted, watch_data, "/p/n", &["NodeDeleted /p/n"]),
        (&deleted, watch_children, "/p/n", &["NodeDeleted /p/n"]),
        (&deleted, watch_children, "/p", &["NodeChildrenChanged /p"]),
        (&deleted, watch_children, "/", &[]),
        (&deleted, watch_data, "/p", &[]),
        (&deleted, persistent, "/p/n", &["NodeDeleted /p/n"]),
        (&deleted, persistent, "/p", &["NodeChildrenChanged /p"]),
        (&deleted, persistent, "/", &[]),
        (&deleted, recursive, "/p/n", &["NodeDeleted /p/n"]),
        (&deleted, recursive, "/p", &["NodeDeleted /p/n"]),
        (&deleted, recursive, "/", &["NodeDeleted /p/n"]),
    ];
    for version in [Version::V3_8, Version::V3_9] {
        for ((change, op, nodes), watch, path, events) in &table {
            let mut stage = Stage::of(version, nodes);
            stage.asks(watch(path));
            stage.writes(op.clone());
            assert_eq!(stage.told(), *events, "{version:?}: {change} under {}", watch(path));
        }
    }
}

#[test]
fn what_is_no_change_of_a_node_fires_nothing() {
    let mut stage = Stage::new(&["/p", "/p/n"]);
    for op in [persistent("/p/n"), persistent("/p"), recursive("/")] {
        stage.asks(op);
    }
    for txn in [
        Txn::SetAcl { path: "/p/n".into(), acl: Acl::open(), version: 1 },
        Txn::Check { path: "/p/n".into(), version: 1 },
        Txn::CreateSession { timeout: 1_000 },
        Txn::Error { code: crate::proto::ErrorCode::NoNode },
        gone("/p/none"),
        Txn::Multi(Arc::new([filled("/p/n"), Txn::Error { code: crate::proto::ErrorCode::NoNode }])),
    ] {
        stage.applies(txn.clone());
        assert!(stage.told().is_empty(), "{txn}");
    }
    for (op, error) in [(set("/p/n", "y", 7), "BadVersion"), (node("/p/n"), "NodeExists"), (delete("/p", -1), "NotEmpty")] {
        assert_eq!(stage.bench.does(stage.writer, op), error);
        assert!(stage.told().is_empty());
    }
}

#[test]
fn one_notification_for_each_registration() {
    let mut stage = Stage::new(&["/a"]);
    for op in [watch_data("/a"), watch_data("/a"), watch_exists("/a")] {
        stage.asks(op);
    }
    stage.writes(set("/a", "y", -1));
    stage.writes(set("/a", "z", -1));
    assert_eq!(stage.told(), ["NodeDataChanged /a"]);
    stage.asks(persistent("/a"));
    stage.writes(set("/a", "y", -1));
    stage.writes(set("/a", "z", -1));
    assert_eq!(stage.told(), ["NodeDataChanged /a", "NodeDataChanged /a"]);
}

#[test]
fn who_watches_data_and_children_hears_once_that_the_node_is_gone() {
    for version in [Version::V3_8, Version::V3_9] {
        let mut stage = Stage::of(version, &["/a"]);
        for op in [watch_data("/a"), watch_children("/a"), recursive("/")] {
            stage.asks(op);
        }
        stage.writes(delete("/a", -1));
        assert_eq!(stage.told(), ["NodeDeleted /a"]);
        stage.writes(node("/a"));
        assert_eq!(stage.told(), ["NodeCreated /a"], "both watches are used up");
    }
}

#[test]
fn the_node_comes_before_the_list_that_it_is_in() {
    let mut stage = Stage::new(&[]);
    for op in [watch_exists("/a"), watch_children("/")] {
        stage.asks(op);
    }
    stage.writes(node("/a"));
    assert_eq!(stage.told(), ["NodeCreated /a", "NodeChildrenChanged /"]);
    for op in [watch_children("/"), watch_data("/a")] {
        stage.asks(op);
    }
    stage.writes(delete("/a", -1));
    assert_eq!(stage.told(), ["NodeDeleted /a", "NodeChildrenChanged /"]);
}

/// The event is on its way before the answer, and before anything that shows the change.
#[test]
fn events_come_before_what_shows_the_change() {
    let mut stage = Stage::new(&["/a"]);
    stage.asks(watch_data("/a"));
    stage.bench.ask(stage.watcher, 5, set("/a", "own", -1));
    stage.bench.ask(stage.watcher, 6, get("/a"));
    stage.bench.settle();
    for proposal in stage.bench.proposed() {
        stage.bench.commit(proposal);
    }
    stage.bench.settle();
    assert_eq!(stage.told(), ["NodeDataChanged /a", "5: Ok", "6: own"]);
}

#[test]
fn reads_that_fail_watch_nothing_but_for_a_node_that_is_not_there() {
    let mut stage = Stage::new(&[]);
    for op in [watch_data("/a"), watch_children("/a"), watch_exists("/a\0")] {
        stage.asks(op);
    }
    stage.writes(node("/a"));
    assert!(stage.told().is_empty());
    let nobody: crate::proto::AclList = Arc::new([Acl { perms: 2, ..Acl::open()[0].clone() }]);
    stage.applies(Txn::SetAcl { path: "/a".into(), acl: nobody, version: 1 });
    assert_eq!(stage.asks(watch_data("/a")), "NoAuth");
    stage.applies(Txn::SetAcl { path: "/a".into(), acl: Acl::open(), version: 2 });
    stage.writes(set("/a", "y", -1));
    assert!(stage.told().is_empty());
}

/// CVE-2024-23944.
#[test]
fn an_event_that_may_not_be_read_is_not_told_and_uses_the_watch_up() {
    let mut stage = Stage::new(&["/a", "/a/b"]);
    for op in [watch_data("/a/b"), watch_children("/a"), watch_exists("/a/b")] {
        stage.asks(op);
    }
    let nobody: crate::proto::AclList = Arc::new([Acl { perms: 30, ..Acl::open()[0].clone() }]);
    stage.applies(Txn::SetAcl { path: "/a/b".into(), acl: nobody, version: 1 });
    stage.writes(set("/a/b", "y", -1));
    assert!(stage.told().is_empty());
    stage.applies(Txn::SetAcl { path: "/a/b".into(), acl: Acl::open(), version: 2 });
    stage.writes(set("/a/b", "z", -1));
    assert!(stage.told().is_empty(), "it is used up");
    stage.writes(delete("/a/b", -1));
    assert_eq!(stage.told(), ["NodeChildrenChanged /a"], "the parent may be read");
}

#[test]
fn a_multi_fires_part_by_part() {
    let mut stage = Stage::new(&["/a"]);
    for op in [recursive("/"), watch_children("/a"), watch_exists("/a/x")] {
        stage.asks(op);
    }
    stage.applies(Txn::Multi(Arc::new([made("/a/x"), filled("/a"), gone("/a/x"), filled("/a")])));
    let told = ["NodeCreated /a/x", "NodeChildrenChanged /a", "NodeDataChanged /a", "NodeDeleted /a/x", "NodeDataChanged /a"];
    assert_eq!(stage.told(), told);
}

/// Created and gone within one transaction: all that is heard is that it came.
#[test]
fn an_exists_watch_over_create_and_delete_in_one_multi() {
    let mut stage = Stage::new(&[]);
    stage.asks(watch_exists("/a"));
    stage.applies(Txn::Multi(Arc::new([made("/a"), gone("/a")])));
    assert_eq!(stage.told(), ["NodeCreated /a"]);
    assert_eq!(stage.asks(exists("/a")), "NoNode");
}

#[test]
fn the_end_of_a_session_fires_for_each_of_its_ephemerals() {
    let mut stage = Stage::new(&["/p"]);
    for name in ["/p/b", "/p/a"] {
        stage.writes(create(name, CreateMode::Ephemeral));
    }
    for op in [persistent("/p"), watch_data("/p/a")] {
        stage.asks(op);
    }
    stage.writes(Op::CloseSession);
    assert_eq!(stage.told(), ["NodeDeleted /p/a", "NodeChildrenChanged /p", "NodeChildrenChanged /p"]);
}

#[test]
fn watches_go_with_their_connection() {
    let mut stage = Stage::new(&["/a"]);
    for op in [watch_data("/a"), recursive("/")] {
        stage.asks(op);
    }
    let watcher = stage.watcher;
    stage.bench.act(|pipeline, cx, _| pipeline.on_closed(cx, watcher));
    stage.bench.act(|pipeline, _, _| assert!(pipeline.connections.watches.is_empty()));
    stage.writes(set("/a", "y", -1));
    assert!(stage.told().is_empty());
}

#[test]
fn events_tell_their_zxid_since_3_9() {
    for (version, told) in [(Version::V3_8, Zxid(-1)), (Version::V3_9, zxid(4))] {
        let mut stage = Stage::of(version, &["/a"]);
        stage.asks(watch_data("/a"));
        stage.writes(set("/a", "y", -1));
        let events = stage.bench.events(stage.watcher);
        assert_eq!(events.iter().map(|event| (event.kind, event.zxid)).collect::<Vec<_>>(), [(EventType::NodeDataChanged, told)]);
    }
}

#[test]
fn watches_are_added_looked_for_and_taken_away() {
    let mut stage = Stage::new(&["/a"]);
    let remove = |kind| Op::RemoveWatches { path: "/a".into(), kind };
    let check = |kind| Op::CheckWatches { path: "/a".into(), kind };
    for (op, answer) in [
        (check(WatcherType::Any), "NoWatcher"),
        (remove(WatcherType::Data), "NoWatcher"),
        (Op::AddWatch { path: "/a".into(), mode: 7 }, "MarshallingError"),
        (persistent("/a"), "Ok"),
        (watch_data("/a"), "x"),
        (check(WatcherType::Data), "Ok"),
        (check(WatcherType::Children), "NoWatcher"),
        (check(WatcherType::Persistent), "Ok"),
        (remove(WatcherType::Children), "NoWatcher"),
        (remove(WatcherType::Data), "Ok"),
        (check(WatcherType::Data), "NoWatcher"),
        (check(WatcherType::Any), "Ok"),
        (remove(WatcherType::Any), "Ok"),
        (check(WatcherType::Any), "NoWatcher"),
    ] {
        assert_eq!(stage.asks(op.clone()), answer, "{op}");
    }
    stage.writes(set("/a", "y", -1));
    assert!(stage.told().is_empty());
}

/// Every row of the table of `setWatches`, for a client that has seen all up to the creation of `/old`.
#[test]
fn a_client_that_comes_back_hears_what_it_has_missed() {
    let again = |list: usize, path: &str, seen| {
        let mut lists: [Arc<[Path]>; 5] = Default::default();
        lists[list] = Arc::new([path.into()]);
        let [data, exist, child, persistent, recursive] = lists;
        Op::SetWatches(Arc::new(SetWatches { relative_zxid: seen, data, exist, child, persistent, recursive }))
    };
    let (data, exist, child, persistent, recursive) = (0, 1, 2, 3, 4);
    // The sessions took 1:1 and 1:2.
    let seen = zxid(4);
    let nodes = ["/p", "/old", "/new", "/p/new"];
    // What is heard at once, and what of a change after it.
    let table: [(usize, &str, &[&str], bool); 13] = [
        (data, "/gone", &["NodeDeleted /gone"], false),
        (data, "/new", &["NodeDataChanged /new"], false),
        (data, "/old", &[], true),
        (exist, "/new", &["NodeCreated /new"], false),
        (exist, "/old", &["NodeCreated /old"], false),
        (exist, "/gone", &[], true),
        (child, "/gone", &["NodeDeleted /gone"], false),
        (child, "/p", &["NodeChildrenChanged /p"], false),
        (child, "/old", &[], true),
        (persistent, "/new", &[], true),
        (persistent, "/gone", &[], true),
        (recursive, "/new", &[], true),
        (recursive, "/gone", &[], true),
    ];
    for (list, path, at_once, watched) in table {
        let mut stage = Stage::new(&nodes);
        stage.bench.ask(stage.watcher, 7, again(list, path, seen));
        stage.bench.settle();
        let mut expected: Vec<String> = at_once.iter().map(|event| (*event).to_string()).collect();
        expected.push("7: Ok".into());
        assert_eq!(stage.told(), expected, "list {list}, {path}");
        let change = match (list, path) {
            (_, "/gone") => node(path),
            (2, _) => node(&format!("{path}/child")),
            _ => set(path, "y", -1),
        };
        stage.writes(change.clone());
        assert_eq!(stage.told().len(), usize::from(watched), "list {list}, {path}: {change}");
    }
    let mut stage = Stage::new(&nodes);
    stage.bench.ask(stage.watcher, 7, again(child, "/p", zxid(9)));
    stage.bench.settle();
    assert_eq!(stage.told(), ["7: Ok"], "who has seen it need not hear it");
    assert!(stage.bench.events(stage.watcher).is_empty());
    assert_eq!(stage.asks(children("/p")), "[new]");
}

/// A learner tells its own clients of what others commit.
#[test]
fn a_follower_fires_when_it_applies() {
    let mut bench = Bench::new(Kind::Follower);
    let (conn, _) = bench.client();
    bench.ask(conn, 1, watch_exists("/a"));
    bench.settle();
    let next = Zxid(bench.db.last_processed.0 + 1);
    bench.commits(next, SessionId(77), 5, made("/a"));
    bench.settle();
    assert_eq!(bench.heard(conn), ["1: NoNode", "NodeCreated /a"]);
}
