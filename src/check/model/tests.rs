//! The model against what was recorded of a real server and what the reference says (data-model.md §2, §4, §5, §7, §9, §14).

use std::sync::Arc;

use super::*;
use crate::proto::{Answer, CreateForm, CreateMode, ErrorCode, Membership, Op, Txn};

const ME: SessionId = SessionId(7);

/// A tree, and a leader that decides as the model does.
struct Tree {
    model: Model,
    zxid: Zxid,
}

type Outcome = Result<Answer, ErrorCode>;

impl Tree {
    fn new() -> Tree {
        let config = Config { extended_types_enabled: true, ..Config::new(Membership::of(3, 0)) };
        let mut model = Model::new(&config);
        model.create_session(ME, 4_000);
        Tree { model, zxid: Zxid::new(1, 0) }
    }

    /// What comes of a write, and where its transaction is another than the model's.
    fn decided(&mut self, op: &Op, txn: &Txn) -> (Outcome, Option<Decided>) {
        self.zxid = Zxid(self.zxid.0 + 1);
        let write = Write { op, session: ME, zxid: self.zxid, time: i64::from(self.zxid.counter()) * 10 };
        let (result, difference) = self.model.write(&write, txn);
        (result, difference.map(|difference| difference.what))
    }

    /// A write that fails, as its leader says too.
    fn fails(&mut self, op: Op, code: ErrorCode) {
        assert_eq!(self.decided(&op, &Txn::Error { code }), (Err(code), None), "{op}");
    }

    fn create(&mut self, path: &str, made: &str, mode: CreateMode, parent_cversion: i32) -> Outcome {
        let ephemeral = mode.is_ephemeral();
        let op = Op::create(path.into(), None, Acl::open(), mode);
        let txn = Txn::Create { form: CreateForm::Create, path: made.into(), data: None, acl: Acl::open(), ephemeral, parent_cversion };
        let (result, difference) = self.decided(&op, &txn);
        assert_eq!(difference, None, "create {path}");
        result
    }

    fn plain(&mut self, path: &str, parent_cversion: i32) {
        assert_eq!(self.create(path, path, CreateMode::Persistent, parent_cversion), Ok(Answer::Created(path.into())));
    }

    fn delete(&mut self, path: &str) {
        let op = Op::Delete { path: path.into(), version: -1 };
        assert_eq!(self.decided(&op, &Txn::Delete { path: path.into(), container: false }), (Ok(Answer::Done), None));
    }

    fn stat(&self, path: &str) -> Stat {
        self.model.get(path).expect("it is there").stat()
    }
}

fn create(path: &str, mode: i32) -> Op {
    Op::create(path.into(), None, Acl::open(), CreateMode::numbered(mode))
}

fn set(path: &str, version: i32) -> (Op, Txn) {
    let data = || Some(Arc::from(*b"x"));
    (Op::SetData { path: path.into(), data: data(), version }, Txn::SetData { path: path.into(), data: data(), version: version + 1 })
}

#[test]
fn a_fresh_tree_looks_strange() {
    let tree = Tree::new();
    assert_eq!((tree.stat("/").cversion, tree.stat("/").num_children), (-1, 1));
    assert_eq!((tree.stat("/zookeeper").cversion, tree.stat("/zookeeper").num_children), (-2, 2));
    assert_eq!(tree.stat("/zookeeper/config").aversion, -1);
    assert_eq!(tree.model.read(&Op::GetAllChildrenNumber { path: "/".into() }, ME, None), Ok(Answer::Count(3)));
}

#[test]
fn what_clients_see_of_a_parent_counts_creates_and_deletes() {
    let mut tree = Tree::new();
    tree.plain("/p", 1);
    let made = tree.stat("/p");
    for (child, creates) in [("/p/a", 1), ("/p/b", 2), ("/p/c", 3)] {
        tree.plain(child, creates);
    }
    tree.delete("/p/b");
    let stat = tree.stat("/p");
    assert_eq!((stat.cversion, stat.num_children, stat.pzxid), (4, 2, tree.zxid));
    assert_eq!((stat.mzxid, stat.mtime, stat.version), (made.mzxid, made.mtime, 0));
    // The number is that of the creates.
    assert_eq!(tree.create("/p/n-", "/p/n-0000000003", CreateMode::PersistentSequential, 4), Ok(Answer::Created("/p/n-0000000003".into())));
}

#[test]
fn errors_come_in_zookeepers_order() {
    let mut tree = Tree::new();
    tree.plain("/a", 1);
    tree.plain("/a/b", 1);
    tree.create("/e", "/e", CreateMode::Ephemeral, 2).expect("the session lives");
    tree.fails(create("/e/x", 0), ErrorCode::NoChildrenForEphemerals);
    tree.fails(create("/a", 9), ErrorCode::BadArguments);
    tree.fails(create("/a", 5), ErrorCode::BadArguments);
    tree.fails(create("/a", 0), ErrorCode::NodeExists);
    tree.fails(create("/none/x", 0), ErrorCode::NoNode);
    tree.fails(create("/.", 0), ErrorCode::BadArguments);
    tree.fails(Op::create("/none/x".into(), None, Arc::new([]), CreateMode::Persistent), ErrorCode::InvalidAcl);
    tree.fails(Op::Delete { path: "/zookeeper".into(), version: -1 }, ErrorCode::BadArguments);
    tree.fails(Op::Delete { path: "/a".into(), version: 3 }, ErrorCode::BadVersion);
    tree.fails(Op::Delete { path: "/a".into(), version: -1 }, ErrorCode::NotEmpty);
    tree.fails(Op::Delete { path: "/none/x".into(), version: -1 }, ErrorCode::NoNode);
    tree.fails(Op::SetData { path: "/a/".into(), data: None, version: -1 }, ErrorCode::BadArguments);
    tree.fails(Op::SetData { path: "/none".into(), data: None, version: 3 }, ErrorCode::NoNode);
    tree.fails(set("/a", 7).0, ErrorCode::BadVersion);
    tree.fails(Op::SetAcl { path: "/a".into(), acl: Acl::open(), version: 1 }, ErrorCode::BadVersion);
    tree.fails(Op::DeleteContainer { path: "/e".into() }, ErrorCode::BadVersion);
}

#[test]
fn the_operation_decides_what_is_made() {
    let mut tree = Tree::new();
    for (at, (form, mode, owner)) in [
        (CreateForm::Create, 4, Owner::Nobody),
        (CreateForm::Container, 0, Owner::Container),
        (CreateForm::Ttl(500), 5, Owner::Ttl(500)),
        (CreateForm::Create2, 1, Owner::Session(ME)),
    ]
    .into_iter()
    .enumerate()
    {
        let path = Path::from(format!("/{at}"));
        let op = Op::Create { form, path: path.clone(), data: None, acl: Acl::open(), mode: CreateMode::numbered(mode) };
        let (ephemeral, parent_cversion) = (owner == Owner::Session(ME), at as i32 + 1);
        let txn = Txn::Create { form, path: path.clone(), data: None, acl: Acl::open(), ephemeral, parent_cversion };
        assert_eq!(tree.decided(&op, &txn).1, None, "{op}");
        assert_eq!(tree.model.get(&path).map(|node| node.owner), Some(owner));
        // Only sessions are told of.
        assert_eq!(tree.stat(&path).ephemeral_owner, if ephemeral { ME } else { SessionId::NONE });
    }
}

#[test]
fn the_same_bytes_count_and_lists_count_apart() {
    let mut tree = Tree::new();
    tree.plain("/a", 1);
    for version in 0..2 {
        let (op, txn) = set("/a", version);
        assert_eq!(tree.decided(&op, &txn).1, None);
    }
    let written = tree.stat("/a");
    assert_eq!((written.version, written.mzxid, written.data_length), (2, tree.zxid, 1));
    let list = Op::SetAcl { path: "/a".into(), acl: Acl::open(), version: 0 };
    assert_eq!(tree.decided(&list, &Txn::SetAcl { path: "/a".into(), acl: Acl::open(), version: 1 }).1, None);
    assert_eq!(tree.stat("/a"), Stat { aversion: 1, ..written });
}

fn multi(parts: &[Op]) -> Op {
    Op::Multi(parts.into())
}

#[test]
fn a_multi_is_done_whole_or_not_at_all() {
    let mut tree = Tree::new();
    tree.plain("/a", 1);
    let before = (tree.stat("/"), tree.stat("/a"));
    let (write, written) = set("/a", 0);
    let child = Txn::Create { form: CreateForm::Create, path: "/a/b".into(), data: None, acl: Acl::open(), ephemeral: false, parent_cversion: 1 };
    let parts = [write, create("/a/b", 0), Op::Check { path: "/a".into(), version: 0 }, Op::Delete { path: "/a/b".into(), version: -1 }];
    let error = |code| Txn::Error { code };
    let txns = [written, child, error(ErrorCode::BadVersion), error(ErrorCode::RuntimeInconsistency)];
    let (result, difference) = tree.decided(&multi(&parts), &Txn::Multi(txns.into()));
    let codes = [ErrorCode::Ok, ErrorCode::Ok, ErrorCode::BadVersion, ErrorCode::RuntimeInconsistency];
    assert_eq!((result, difference), (Ok(Answer::RolledBack(codes.into())), None));
    assert_eq!((tree.stat("/"), tree.stat("/a")), before);
    assert!(tree.model.get("/a/b").is_none());
    // Parts see those before them.
    let [version, child] = [set("/a", 0), set("/a", 1)];
    let (result, difference) = tree.decided(&multi(&[version.0, child.0]), &Txn::Multi([version.1, child.1].into()));
    assert_eq!((tree.stat("/a").version, difference), (2, None));
    assert!(matches!(result, Ok(Answer::Parts(parts)) if parts.iter().all(Result::is_ok)));
    tree.fails(multi(&[Op::SetAcl { path: "/a".into(), acl: Acl::open(), version: -1 }]), ErrorCode::MarshallingError);
}

#[test]
fn a_delete_in_a_multi_that_fails_is_taken_back() {
    let mut tree = Tree::new();
    tree.plain("/p", 1);
    tree.plain("/p/a", 1);
    tree.plain("/p/b", 2);
    let before = tree.stat("/p");
    let gone = Txn::Delete { path: "/p/a".into(), container: false };
    let parts = [Op::Delete { path: "/p/a".into(), version: -1 }, create("/p/b", 0)];
    let (_, difference) = tree.decided(&multi(&parts), &Txn::Multi([gone, Txn::Error { code: ErrorCode::NodeExists }].into()));
    assert_eq!((difference, tree.stat("/p")), (None, before));
    let names = Ok(Answer::Children(["a".into(), "b".into()].into()));
    assert_eq!(tree.model.read(&Op::GetChildren { path: "/p".into(), watch: false }, ME, None), names);
}

#[test]
fn the_nodes_of_a_session_go_with_it_and_no_others() {
    let mut tree = Tree::new();
    tree.plain("/p", 1);
    for (path, creates) in [("/p/a", 1), ("/p/b", 2)] {
        tree.create(path, path, CreateMode::Ephemeral, creates).expect("the session lives");
    }
    let paths = |paths: &[&str]| Txn::CloseSession { paths: Some(paths.iter().map(|path| Path::from(*path)).collect()) };
    let mut other = Tree { model: tree.model.clone(), zxid: tree.zxid };
    assert_eq!(other.decided(&Op::CloseSession, &paths(&["/p/a"])).1, Some(Decided::Ephemerals));
    assert_eq!(tree.decided(&Op::CloseSession, &paths(&["/p/b", "/p/a"])), (Ok(Answer::Done), None));
    assert_eq!((tree.stat("/p").num_children, tree.stat("/p").pzxid), (0, tree.zxid));
    // A leader that has not applied the end may still count the children.
    let mut behind = Tree { model: tree.model.clone(), zxid: tree.zxid };
    behind.fails(Op::Delete { path: "/p".into(), version: -1 }, ErrorCode::NotEmpty);
    tree.delete("/p");
    let late = Op::create("/late".into(), None, Acl::open(), CreateMode::Ephemeral);
    let txn = Txn::Create { form: CreateForm::Create, path: "/late".into(), data: None, acl: Acl::open(), ephemeral: true, parent_cversion: 2 };
    assert_eq!(tree.decided(&late, &txn).1, Some(Decided::Ephemerals));
}

#[test]
fn each_decision_is_made_again() {
    let mut tree = Tree::new();
    tree.plain("/a", 1);
    let made = |path: &str, parent_cversion, ephemeral| Txn::Create {
        form: CreateForm::Create,
        path: path.into(),
        data: None,
        acl: Acl::open(),
        ephemeral,
        parent_cversion,
    };
    let sequential = create("/n-", 2);
    for (op, txn, what) in [
        (create("/a", 0), made("/a", 2, false), Decided::Outcome),
        (create("/b", 0), Txn::Error { code: ErrorCode::NodeExists }, Decided::Outcome),
        (sequential.clone(), made("/n-0000000002", 2, false), Decided::SequentialName),
        (create("/c", 0), made("/c", 9, false), Decided::Version),
        (create("/d", 0), made("/d", 4, true), Decided::Content),
        (set("/a", 5).0, set("/a", 5).1, Decided::VersionGuard),
        (set("/a", 0).0, set("/a", 3).1, Decided::Version),
        (create("/none/x", 0), made("/none/x", 1, false), Decided::Shape),
        (Op::CloseSession, Txn::Error { code: ErrorCode::NoNode }, Decided::Outcome),
    ] {
        assert_eq!(tree.decided(&op, &txn).1, Some(what), "{op}");
    }
    // What the tree does not tell is believed.
    tree.fails(sequential, ErrorCode::SessionExpired);
    tree.fails(Op::CloseSession, ErrorCode::SessionMoved);
}

#[test]
fn lists_that_shut_somebody_out_leave_the_decision_to_others() {
    let mut tree = Tree::new();
    tree.plain("/a", 1);
    let digest: AclList = Arc::new([Acl { perms: 31, scheme: "digest".into(), id: "u:hash".into() }]);
    tree.fails(set("/a", 0).0, ErrorCode::SessionMoved);
    assert_eq!(tree.decided(&set("/a", 0).0, &Txn::Error { code: ErrorCode::NoAuth }).1, Some(Decided::Outcome), "anybody may");
    let list = Op::SetAcl { path: "/a".into(), acl: digest.clone(), version: -1 };
    assert_eq!(tree.decided(&list, &Txn::SetAcl { path: "/a".into(), acl: digest, version: 1 }).1, None);
    tree.fails(set("/a", 1).0, ErrorCode::NoAuth);
    let read = |told: Outcome| tree.model.agrees(&Op::GetData { path: "/a".into(), watch: false }, ME, &told);
    let node = tree.model.get("/a").expect("it is there");
    let data = Answer::Data { data: node.data.clone(), stat: node.stat() };
    assert!(read(Err(ErrorCode::NoAuth)) && read(Ok(data)) && !read(Err(ErrorCode::NoNode)));
    let told = |id: &str| Ok(Answer::Acl { acl: Arc::new([Acl { perms: 31, scheme: "digest".into(), id: id.into() }]), stat: tree.stat("/a") });
    let list = Op::GetAcl { path: "/a".into() };
    assert!(
        tree.model.agrees(&list, ME, &told("u:x")) && tree.model.agrees(&list, ME, &told("u:hash")) && !tree.model.agrees(&list, ME, &told("v:x"))
    );
}

#[test]
fn reads_are_told_the_tree() {
    let mut tree = Tree::new();
    for (path, creates) in [("/p", 1), ("/p/a", 1), ("/p/b", 2), ("/p/b/c", 1)] {
        tree.plain(path, creates);
    }
    tree.create("/p/e", "/p/e", CreateMode::Ephemeral, 3).expect("the session lives");
    let children = |names: &[&str]| Ok(Answer::Children(names.iter().map(|name| Path::from(*name)).collect()));
    let list = Op::GetChildren { path: "/p".into(), watch: false };
    for (names, fits) in [
        (&["a", "b", "e"][..], true),
        (&["e", "a", "b"], true),
        (&["a", "b"], false),
        (&["a", "b", "b"], false),
        (&["a", "b", "c"], false),
        (&["a", "b", "b/c"], false),
    ] {
        assert_eq!(tree.model.agrees(&list, ME, &children(names)), fits, "{names:?}");
    }
    let agrees = |op: Op, told: Outcome| tree.model.agrees(&op, ME, &told);
    assert!(agrees(Op::GetAllChildrenNumber { path: "/p".into() }, Ok(Answer::Count(4))));
    assert!(agrees(Op::GetEphemerals { prefix: "/p".into() }, Ok(Answer::Ephemerals(["/p/e".into()].into()))));
    assert!(agrees(Op::Exists { path: "/p/x".into(), watch: false }, Err(ErrorCode::NoNode)));
    assert!(agrees(Op::Exists { path: "/\0".into(), watch: false }, Err(ErrorCode::BadArguments)));
    assert!(!agrees(Op::Exists { path: "/p".into(), watch: false }, Ok(Answer::Stat(Stat::default()))));
    let parts = [Op::GetData { path: "/none".into(), watch: false }, list];
    let told = [Err(ErrorCode::NoNode), children(&["a", "b", "e"])];
    assert!(agrees(Op::MultiRead(parts.into()), Ok(Answer::Parts(told.into()))));
}
