//! The replicated state: a tree of znodes, the sessions, and the transactions applied last.
//!
//! Everything changes by transactions alone ([`Database::apply`]), so that equal histories make equal states; [`Database::digest`] says so.
//! `/zookeeper/config` is empty unless the membership may change (`reconfigEnabled`); real servers fill it anyhow.

mod acl_table;
mod apply;
mod committed;
mod data_tree;
mod database;
mod flaws;
mod observer;
mod path_map;
mod quota;
mod znode;

#[cfg(test)]
mod tests;

pub use acl_table::{AclTable, OPEN_ACL};
pub use data_tree::{DataTree, name_of, parent_of};
pub use database::Database;
pub use observer::Observer;
pub use path_map::PathMap;
pub use quota::{BYTE_HARD_LIMIT, BYTES, COUNT, COUNT_HARD_LIMIT, QUOTA, StatsTrack, limited_by, limits_of, stats_of};
pub use znode::{Owner, StoredStat, Znode};
