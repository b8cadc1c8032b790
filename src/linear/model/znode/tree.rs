//! What a part of the tree holds, and what a request makes of it (data-model reference §2, §4, §5).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use imbl::OrdMap;

use super::action::{Failure, Mode, Refusal, Reply, Request};
use crate::linear::hash::hash;

/// Nodes by path. A clone shares everything.
#[derive(Clone, Debug, Eq)]
pub struct Tree {
    nodes: OrdMap<Arc<str>, Node>,
    /// Sum over the nodes, kept up to date: a state is hashed at every step.
    sum: u64,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Node {
    data: Option<Arc<str>>,
    version: i32,
    /// Children ever created, where the numbers of sequential ones come from it.
    creates: i32,
    /// The session whose end takes it.
    owner: Option<u64>,
}

/// What every tree begins with.
const FIXED: [&str; 4] = ["/", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"];

impl Tree {
    pub(super) fn new() -> Tree {
        let mut tree = Tree { nodes: OrdMap::new(), sum: 0 };
        for path in FIXED {
            tree.put(path.into(), Node { data: None, version: 0, creates: 0, owner: None });
        }
        tree
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    fn put(&mut self, path: Arc<str>, node: Node) {
        self.sum = self.sum.wrapping_add(hash(&(&*path, &node)));
        if let Some(before) = self.nodes.insert(path.clone(), node) {
            self.sum = self.sum.wrapping_sub(hash(&(&*path, &before)));
        }
    }

    fn take(&mut self, path: &str) {
        if let Some(before) = self.nodes.remove(path) {
            self.sum = self.sum.wrapping_sub(hash(&(path, &before)));
        }
    }

    fn get(&self, path: &str) -> Result<&Node, Refusal> {
        self.nodes.get(path).ok_or(Refusal::NoNode)
    }

    /// Names of the children, in order.
    fn children(&self, path: &str) -> impl Iterator<Item = &str> {
        let below: String = if path == "/" { "/".into() } else { format!("{path}/") };
        let after = self.nodes.range::<std::ops::RangeFrom<Arc<str>>, _>(Arc::from(below.as_str())..);
        let length = below.len();
        let names = after.map(|(path, _)| &**path).take_while(move |path| path.starts_with(&below)).map(move |path| &path[length..]);
        names.filter(|name| !name.is_empty() && !name.contains('/'))
    }

    /// Carries a request out. On failure nothing has changed.
    pub(super) fn carry_out(&mut self, request: &Request) -> Result<Reply, Failure> {
        match request {
            Request::Multi(parts) => {
                let before = self.clone();
                let mut replies = Vec::with_capacity(parts.len());
                for (at, part) in parts.iter().enumerate() {
                    match self.single(part) {
                        Ok(reply) => replies.push(reply),
                        Err(code) => {
                            *self = before;
                            return Err(Failure { code, part: Some(at) });
                        }
                    }
                }
                Ok(Reply::Parts(replies))
            }
            single => self.single(single).map_err(|code| Failure { code, part: None }),
        }
    }

    fn single(&mut self, request: &Request) -> Result<Reply, Refusal> {
        match request {
            Request::Given { path, data, version } => {
                self.put(path.clone(), Node { data: data.clone(), version: *version, creates: 0, owner: None });
                Ok(Reply::Done)
            }
            Request::Create { path, data, mode } => self.create(path, data, *mode),
            Request::Delete { path, version } => {
                let node = self.get(path)?;
                fits(node.version, *version)?;
                if self.children(path).next().is_some() {
                    return Err(Refusal::NotEmpty);
                }
                self.take(path);
                Ok(Reply::Done)
            }
            Request::Set { path, data, version } => {
                let node = self.get(path)?;
                fits(node.version, *version)?;
                let next = node.version.wrapping_add(1);
                let node = Node { data: data.clone(), version: next, ..node.clone() };
                self.put(path.clone(), node);
                Ok(Reply::Version(Some(next)))
            }
            Request::Check { path, version } => fits(self.get(path)?.version, *version).map(|()| Reply::Done),
            Request::Get { path } => self.get(path).map(|node| Reply::Data(node.data.clone(), Some(node.version))),
            Request::Exists { path } => self.get(path).map(|node| Reply::Version(Some(node.version))),
            Request::Children { path } => {
                self.get(path)?;
                Ok(Reply::Children(self.children(path).map(Arc::from).collect()))
            }
            Request::Close { session } => {
                let owned: Vec<Arc<str>> = self.nodes.iter().filter(|(_, node)| node.owner == Some(*session)).map(|(path, _)| path.clone()).collect();
                owned.iter().for_each(|path| self.take(path));
                Ok(Reply::Done)
            }
            // None stands in another.
            Request::Multi(_) => Ok(Reply::Done),
        }
    }

    fn create(&mut self, path: &Arc<str>, data: &Option<Arc<str>>, mode: Mode) -> Result<Reply, Refusal> {
        let above: Arc<str> = parent(path).into();
        let parent = self.get(&above)?;
        let number = parent.creates;
        let made: Arc<str> = if mode.sequential { format!("{path}{number:010}").into() } else { path.clone() };
        if self.nodes.contains_key(&made) {
            return Err(Refusal::NodeExists);
        }
        if parent.owner.is_some() {
            return Err(Refusal::NoChildrenForEphemerals);
        }
        if mode.counted {
            let parent = Node { creates: number.wrapping_add(1), ..parent.clone() };
            self.put(above, parent);
        }
        self.put(made.clone(), Node { data: data.clone(), version: 0, creates: 0, owner: mode.owner });
        Ok(Reply::Created(made))
    }
}

fn fits(version: i32, expected: i32) -> Result<(), Refusal> {
    if expected == -1 || expected == version { Ok(()) } else { Err(Refusal::BadVersion) }
}

/// The path above; the root above those right below it.
pub fn parent(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => &path[..at],
    }
}

impl PartialEq for Tree {
    fn eq(&self, other: &Tree) -> bool {
        self.sum == other.sum && self.nodes == other.nodes
    }
}

impl Hash for Tree {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.sum);
    }
}

/// `/a "x" v1, /b v0`: without what every tree has.
impl fmt::Display for Tree {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        const SHOWN: usize = 8;
        let mut nodes = self.nodes.iter().filter(|(path, node)| !FIXED.contains(&&***path) || node.version > 0);
        for (at, (path, node)) in nodes.by_ref().take(SHOWN).enumerate() {
            write!(out, "{}{path}", if at > 0 { ", " } else { "" })?;
            if let Some(data) = &node.data {
                write!(out, " {data:?}")?;
            }
            write!(out, " v{}", node.version)?;
        }
        match nodes.count() {
            0 if self.nodes.len() == FIXED.len() => out.write_str("no node"),
            0 => Ok(()),
            more => write!(out, " and {more} more"),
        }
    }
}
