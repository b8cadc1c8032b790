//! Requests to a tree of znodes, and what they are answered.

use std::fmt;
use std::sync::Arc;

/// A request with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ZnodeAction {
    /// The independent part of the tree that it is about, by its first path: found out for a whole history.
    pub(super) part: Arc<str>,
    pub request: Request,
    /// `None`: nobody knows.
    pub told: Option<Result<Reply, Failure>>,
}

/// What is asked. A version of -1 matches any.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Request {
    /// Before anything happened there was this node.
    Given {
        path: Arc<str>,
        data: Option<Arc<str>>,
        version: i32,
    },
    Create {
        path: Arc<str>,
        data: Option<Arc<str>>,
        mode: Mode,
    },
    Delete {
        path: Arc<str>,
        version: i32,
    },
    Set {
        path: Arc<str>,
        data: Option<Arc<str>>,
        version: i32,
    },
    /// Changes nothing, but the node must be there in this version.
    Check {
        path: Arc<str>,
        version: i32,
    },
    Get {
        path: Arc<str>,
    },
    Exists {
        path: Arc<str>,
    },
    Children {
        path: Arc<str>,
    },
    /// A session ends, and its nodes go.
    Close {
        session: u64,
    },
    /// All or nothing.
    Multi(Vec<Request>),
}

/// How a node is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mode {
    pub sequential: bool,
    /// The session of an ephemeral.
    pub owner: Option<u64>,
    /// Its parent numbers children: found out for a whole history.
    pub(super) counted: bool,
}

/// An answer of success. What is `None` was not told.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reply {
    Done,
    Created(Arc<str>),
    Version(Option<i32>),
    Data(Option<Arc<str>>, Option<i32>),
    /// Names, in order.
    Children(Vec<Arc<str>>),
    Parts(Vec<Reply>),
}

/// An answer of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Failure {
    pub code: Refusal,
    /// Of a multi: the part that is to blame.
    pub part: Option<usize>,
}

/// What the tree itself refuses. Other errors have nothing to do with it, and change nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    NoNode,
    NodeExists,
    BadVersion,
    NotEmpty,
    NoChildrenForEphemerals,
}

impl Refusal {
    pub const ALL: [Refusal; 5] = [Refusal::NoNode, Refusal::NodeExists, Refusal::BadVersion, Refusal::NotEmpty, Refusal::NoChildrenForEphemerals];

    /// As ZooKeeper calls it.
    pub fn name(self) -> &'static str {
        match self {
            Refusal::NoNode => "NoNode",
            Refusal::NodeExists => "NodeExists",
            Refusal::BadVersion => "BadVersion",
            Refusal::NotEmpty => "NotEmpty",
            Refusal::NoChildrenForEphemerals => "NoChildrenForEphemerals",
        }
    }
}

impl Mode {
    pub fn new(sequential: bool, owner: Option<u64>) -> Mode {
        Mode { sequential, owner, counted: false }
    }
}

impl ZnodeAction {
    pub fn new(request: Request, told: Option<Result<Reply, Failure>>) -> ZnodeAction {
        ZnodeAction { part: "".into(), request, told }
    }
}

impl Request {
    /// Its parts; of what is no multi, itself.
    pub fn parts(&self) -> &[Request] {
        if let Request::Multi(parts) = self { parts } else { std::slice::from_ref(self) }
    }

    pub(super) fn parts_mut(&mut self) -> &mut [Request] {
        if let Request::Multi(parts) = self { parts } else { std::slice::from_mut(self) }
    }

    /// The node that it is about; a sequential one without its number.
    pub fn path(&self) -> Option<&Arc<str>> {
        match self {
            Request::Given { path, .. }
            | Request::Create { path, .. }
            | Request::Delete { path, .. }
            | Request::Set { path, .. }
            | Request::Check { path, .. }
            | Request::Get { path }
            | Request::Exists { path }
            | Request::Children { path } => Some(path),
            Request::Close { .. } | Request::Multi(_) => None,
        }
    }

    /// Whether it never changes anything.
    pub fn is_read(&self) -> bool {
        match self {
            Request::Check { .. } | Request::Get { .. } | Request::Exists { .. } | Request::Children { .. } => true,
            Request::Multi(parts) => parts.iter().all(Request::is_read),
            _ => false,
        }
    }
}

impl Reply {
    /// Whether this may have been told of that: what was not told fits anything.
    pub fn fits(&self, actual: &Reply) -> bool {
        let same = |told: &Option<i32>, actual: &Option<i32>| told.is_none() || told == actual;
        match (self, actual) {
            (Reply::Done, _) => true,
            (Reply::Version(told), Reply::Version(actual)) => same(told, actual),
            (Reply::Data(data, told), Reply::Data(held, actual)) => data == held && same(told, actual),
            (Reply::Parts(told), Reply::Parts(actual)) => {
                told.len() == actual.len() && told.iter().zip(actual).all(|(told, actual)| told.fits(actual))
            }
            _ => self == actual,
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let data = |data: &Option<Arc<str>>| data.as_ref().map_or(String::new(), |data| format!(" {data:?}"));
        let guard = |version: &i32| if *version == -1 { String::new() } else { format!(" -v {version}") };
        match self {
            Request::Given { path, data: held, version } => write!(out, "there is {path}{} v{version}", data(held)),
            Request::Create { path, data: held, mode } => {
                let flags = format!("{}{}", if mode.owner.is_some() { " -e" } else { "" }, if mode.sequential { " -s" } else { "" });
                write!(out, "create{flags} {path}{}", data(held))
            }
            Request::Delete { path, version } => write!(out, "delete{} {path}", guard(version)),
            Request::Set { path, data: held, version } => write!(out, "set{} {path}{}", guard(version), data(held)),
            Request::Check { path, version } => write!(out, "check{} {path}", guard(version)),
            Request::Get { path } => write!(out, "get {path}"),
            Request::Exists { path } => write!(out, "stat {path}"),
            Request::Children { path } => write!(out, "ls {path}"),
            Request::Close { session } => write!(out, "end of session {session:#x}"),
            Request::Multi(parts) => {
                write!(out, "multi ")?;
                parts.iter().enumerate().try_for_each(|(at, part)| write!(out, "{}{part}", if at > 0 { "; " } else { "" }))
            }
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Reply::Done | Reply::Version(None) => write!(out, "done"),
            Reply::Created(path) => write!(out, "{path}"),
            Reply::Version(Some(version)) => write!(out, "v{version}"),
            Reply::Data(data, version) => {
                match data {
                    Some(data) => write!(out, "{data:?}")?,
                    None => write!(out, "null")?,
                }
                version.map_or(Ok(()), |version| write!(out, " v{version}"))
            }
            Reply::Children(names) => write!(out, "[{}]", names.join(", ")),
            Reply::Parts(parts) => parts.iter().enumerate().try_for_each(|(at, part)| write!(out, "{}{part}", if at > 0 { "; " } else { "" })),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}", self.code.name())?;
        self.part.map_or(Ok(()), |part| write!(out, " in part {}", part + 1))
    }
}

impl fmt::Display for ZnodeAction {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{}", self.request)?;
        match &self.told {
            None => write!(out, ": ?"),
            Some(Ok(Reply::Done)) => Ok(()),
            Some(Ok(reply)) => write!(out, ": {reply}"),
            Some(Err(failure)) => write!(out, ": {failure}"),
        }
    }
}
