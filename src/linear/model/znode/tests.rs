//! What the tree says to single requests, and how histories fall into parts.

use super::*;

fn create(path: &str) -> Request {
    Request::Create { path: path.into(), data: None, mode: Mode::default() }
}

fn numbered(path: &str) -> Request {
    Request::Create { path: path.into(), data: None, mode: Mode { sequential: true, owner: None, counted: true } }
}

fn owned(path: &str, session: u64) -> Request {
    Request::Create { path: path.into(), data: None, mode: Mode::new(false, Some(session)) }
}

fn set(path: &str, data: &str, version: i32) -> Request {
    Request::Set { path: path.into(), data: Some(data.into()), version }
}

fn delete(path: &str) -> Request {
    Request::Delete { path: path.into(), version: -1 }
}

fn list(path: &str) -> Request {
    Request::Children { path: path.into() }
}

/// What each request comes to after those before it, in words.
fn told(requests: &[Request]) -> Vec<String> {
    let mut tree = Tree::new();
    let text = |outcome: Result<Reply, Failure>| outcome.map_or_else(|failure| failure.to_string(), |reply| reply.to_string());
    requests.iter().map(|request| text(tree.carry_out(request))).collect()
}

#[test]
fn requests_come_to_what_they_come_to_in_a_tree() {
    let get = |path: &str| Request::Get { path: path.into() };
    let requests = [create("/a"), create("/a"), create("/b/c"), set("/a", "x", -1), set("/a", "y", 0), set("/a", "y", 1), get("/a"), get("/b")];
    assert_eq!(told(&requests), ["/a", "NodeExists", "NoNode", "v1", "BadVersion", "v2", "\"y\" v2", "NoNode"]);
    let requests = [create("/a"), create("/a/b"), create("/a-b"), list("/a"), delete("/a"), delete("/a/b"), delete("/a"), list("/")];
    assert_eq!(told(&requests), ["/a", "/a/b", "/a-b", "[b]", "NotEmpty", "done", "done", "[a-b, zookeeper]"]);
    let requests = [create("/q"), numbered("/q/n-"), delete("/q/n-0000000000"), numbered("/q/n-"), list("/q")];
    assert_eq!(told(&requests), ["/q", "/q/n-0000000000", "done", "/q/n-0000000001", "[n-0000000001]"]);
    let requests = [owned("/e", 7), create("/e/x"), owned("/f", 8), Request::Close { session: 7 }, list("/")];
    assert_eq!(told(&requests), ["/e", "NoChildrenForEphemerals", "/f", "done", "[f, zookeeper]"]);
}

#[test]
fn a_multi_is_carried_out_as_a_whole_or_not_at_all() {
    let check = |version| Request::Check { path: "/a".into(), version };
    let requests =
        [create("/a"), Request::Multi(vec![set("/a", "x", 0), check(1)]), Request::Multi(vec![delete("/a"), create("/a"), check(5)]), list("/")];
    assert_eq!(told(&requests), ["/a", "v1; done", "BadVersion in part 3", "[a, zookeeper]"]);
}

#[test]
fn equal_trees_are_equal_however_they_came_about() {
    let after = |requests: &[Request]| {
        let mut tree = Tree::new();
        requests.iter().for_each(|request| drop(tree.carry_out(request)));
        tree
    };
    assert_eq!(after(&[create("/a"), create("/b")]), after(&[create("/b"), create("/c"), create("/a"), delete("/c")]));
    assert_ne!(after(&[create("/a")]), after(&[create("/a"), set("/a", "", -1)]));
    assert_eq!(after(&[create("/a"), set("/a", "x", -1), create("/b")]).to_string(), "/a \"x\" v1, /b v0");
}

/// The parts that a history of these requests, none answered, falls into.
fn parts(requests: &[Request]) -> Vec<String> {
    let operation =
        |(id, request): (u64, &Request)| Operation { id, process: id, call: id, ret: None, action: ZnodeAction::new(request.clone(), None) };
    let mut operations: Vec<_> = (0..).zip(requests).map(operation).collect();
    Znode::prepare(&mut operations);
    operations.iter().map(|operation| operation.action.part.to_string()).collect()
}

#[test]
fn what_has_nothing_to_do_with_each_other_is_apart() {
    assert_eq!(parts(&[create("/a"), set("/b", "x", -1), delete("/a")]), ["/a", "/b", "/a"]);
    assert_eq!(parts(&[create("/a"), create("/a/b"), create("/c/d")]), ["/a", "/a", "/c/d"], "nobody makes /c");
    assert_eq!(parts(&[set("/a", "x", -1), set("/a/b", "y", -1)]), ["/a", "/a/b"], "nobody makes or deletes /a");
    assert_eq!(parts(&[list("/"), create("/a"), create("/b")]), ["/", "/", "/"]);
    assert_eq!(parts(&[numbered("/q/n-"), set("/q/n-0000000000", "x", -1), create("/q/n-0000000001/x"), create("/r")]), ["/q", "/q", "/q", "/r"]);
    assert_eq!(parts(&[owned("/a", 7), owned("/b", 7), owned("/c", 8), Request::Close { session: 7 }]), ["/a", "/a", "/c", "/a"]);
    assert_eq!(parts(&[Request::Multi(vec![create("/a"), create("/b")]), delete("/b"), delete("/c")]), ["/a", "/a", "/c"]);
}
