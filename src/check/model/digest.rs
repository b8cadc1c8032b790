//! The digest of the model's database, to be held against those of servers.

use super::{Model, Node, Owner};
use crate::check::model::rules;
use crate::proto::state_digest::{self, NodeWords};

/// `ephemeralOwner` of a container (data-model reference §4).
const CONTAINER: i64 = i64::MIN;

/// The top byte of that of a node with a time to live.
const TTL: i64 = 0xff << 56;

impl Model {
    /// Sum over nodes and sessions, without the nodes that servers write for themselves.
    pub fn digest(&self) -> u64 {
        let nodes = (0..).zip(&self.nodes).filter_map(|(id, node)| Some((&**self.path(super::PathId(id)), node.as_deref()?)));
        let counted = nodes.filter(|(path, _)| *path != rules::CONFIG && !rules::is_counted(path));
        let nodes = counted.map(|(path, node)| node.digest(path)).fold(0, u64::wrapping_add);
        self.sessions.iter().map(|(session, timeout)| state_digest::of_session(*session, *timeout)).fold(nodes, u64::wrapping_add)
    }
}

impl Node {
    fn digest(&self, path: &str) -> u64 {
        state_digest::of_node(&NodeWords {
            path: state_digest::of_path(path),
            data: state_digest::of_data(self.data.as_deref()),
            acl: state_digest::of_list(&self.acl),
            czxid: self.czxid,
            mzxid: self.mzxid,
            pzxid: self.pzxid,
            ctime: self.ctime,
            mtime: self.mtime,
            version: self.version,
            cversion: self.creates,
            aversion: self.aversion,
            owner: match self.owner {
                Owner::Nobody => 0,
                Owner::Session(session) => session.0,
                Owner::Container => CONTAINER,
                Owner::Ttl(millis) => TTL | millis,
            },
        })
    }
}
