//! Access lists by number: nodes and snapshots name a list by its number. Source: `ReferenceCountedACLCache`.

use std::sync::Arc;

use imbl::OrdMap;

use crate::proto::state_digest::{OPEN_LIST, is_open, of_list};
use crate::proto::{Acl, AclList};

/// The number of the list that lets everybody do everything (`OPEN_UNSAFE_ACL_ID`). It is in no table.
pub const OPEN_ACL: i64 = -1;

/// The number of a list that is not known, until the transaction is replayed that gave it. See [`AclTable::list`].
pub const UNKNOWN_ACL: i64 = i64::MIN;

/// All other lists that nodes have. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct AclTable {
    lists: OrdMap<i64, Entry>,
    numbers: OrdMap<AclList, i64>,
    /// The largest number ever given; none is given twice.
    last: i64,
}

#[derive(Clone, Debug)]
struct Entry {
    list: AclList,
    /// Hash of its content.
    hash: u64,
    /// Nodes that have it. A list without any is dropped.
    users: u64,
}

impl AclTable {
    /// The list with this number. `None` for one that a fuzzy snapshot's table lacks: it was written before the node was made, and replaying
    /// that transaction brings it (ZOOKEEPER-4846).
    pub fn list(&self, number: i64) -> Option<AclList> {
        if number == OPEN_ACL { Some(open_acl()) } else { self.lists.get(&number).map(|entry| entry.list.clone()) }
    }

    /// All lists with their numbers, as a snapshot has them.
    pub fn lists(&self) -> impl ExactSizeIterator<Item = (i64, &AclList)> {
        self.lists.iter().map(|(number, entry)| (*number, &entry.list))
    }

    /// A list from a snapshot's table. Nobody uses it yet: [`AclTable::drop_unused`] after the nodes are read.
    pub fn put(&mut self, number: i64, list: AclList) {
        self.last = self.last.max(number);
        self.numbers.insert(list.clone(), number);
        self.lists.insert(number, Entry { hash: of_list(&list), list, users: 0 });
    }

    /// Forgets what no node uses. Source: `purgeUnused`.
    pub fn drop_unused(&mut self) {
        let unused: Vec<i64> = self.lists.iter().filter(|(_, entry)| entry.users == 0).map(|(number, _)| *number).collect();
        unused.into_iter().for_each(|number| self.forget(number));
    }

    /// One more node has this list: its number and hash.
    pub(super) fn take(&mut self, list: &AclList) -> (i64, u64) {
        if is_open(list) {
            return (OPEN_ACL, OPEN_LIST);
        }
        let number = self.numbers.get(list).copied().unwrap_or_else(|| {
            self.put(self.last + 1, list.clone());
            self.last
        });
        self.take_number(number)
    }

    /// One more node of a snapshot has the list of this number. One that the table lacks becomes [`UNKNOWN_ACL`]: its number may be given to
    /// another list before the node gets its own.
    pub(super) fn take_number(&mut self, number: i64) -> (i64, u64) {
        match self.lists.get_mut(&number) {
            Some(entry) => {
                entry.users += 1;
                (number, entry.hash)
            }
            None if number == OPEN_ACL => (OPEN_ACL, OPEN_LIST),
            None => (UNKNOWN_ACL, 1),
        }
    }

    /// One node less has this list.
    pub(super) fn release(&mut self, number: i64) {
        if number == OPEN_ACL {
            return;
        }
        if let Some(entry) = self.lists.get_mut(&number) {
            entry.users = entry.users.saturating_sub(1);
            if entry.users == 0 {
                self.forget(number);
            }
        }
    }

    fn forget(&mut self, number: i64) {
        if let Some(entry) = self.lists.remove(&number) {
            self.numbers.remove(&entry.list);
        }
    }
}

/// `OPEN_ACL_UNSAFE`.
fn open_acl() -> AclList {
    Arc::new([Acl { perms: 31, scheme: "world".into(), id: "anyone".into() }])
}
