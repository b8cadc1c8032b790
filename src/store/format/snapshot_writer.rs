//! Writes a snapshot of the live database, a few nodes at a time. Source: `FileSnap.serialize`, `DataTree.serialize`, `SnapStream.sealStream`;
//! storage reference §5.

use adler2::Adler32;

use crate::proto::jute::Writer;
use crate::proto::{Bytes, Path, Zxid};
use crate::tree::{Database, Znode};

/// Magic `ZKSN`, version 2, dbid -1.
pub(super) const SNAPSHOT_HEADER: [u8; 16] = *b"ZKSN\0\0\0\x02\xff\xff\xff\xff\xff\xff\xff\xff";

/// The word that a leader's snapshot ends with, so that the learner knows it has all of it.
pub(super) const SIGNATURE: &str = "BenWasHere";

/// The version of the digest that is not there.
const DIGEST_VERSION: i32 = 2;

/// A snapshot under way.
///
/// It is fuzzy: sessions and access lists are those of its beginning, each node is as it is when its turn comes, and its children those that it
/// has then. Replaying the transactions after the zxid of its beginning repairs it.
#[derive(Clone, Debug)]
pub struct SnapshotWalker {
    zxid: Zxid,
    /// Nodes still to visit, the next one last.
    open: Vec<Path>,
    /// What is written before the nodes, until it was handed out.
    begun: Writer,
    target: Target,
    finished: bool,
}

#[derive(Clone, Debug)]
enum Target {
    /// A file: checksum of everything so far.
    File(Adler32),
    /// A learner.
    Stream,
}

impl SnapshotWalker {
    /// Begins a snapshot file, to be called [`super::snapshot_name`] of [`SnapshotWalker::zxid`].
    pub fn new(database: &Database) -> SnapshotWalker {
        let mut begun = Writer::default();
        begun.raw(&SNAPSHOT_HEADER);
        SnapshotWalker::begin(database, begun, Target::File(Adler32::new()))
    }

    /// Begins what a leader sends after SNAP: the same without header and checksums. Source: `ZKDatabase.serializeSnapshot`.
    pub fn stream(database: &Database) -> SnapshotWalker {
        SnapshotWalker::begin(database, Writer::default(), Target::Stream)
    }

    fn begin(database: &Database, mut begun: Writer, target: Target) -> SnapshotWalker {
        begun.length(database.sessions().len());
        for (session, timeout) in database.sessions() {
            begun.long(session.0);
            begun.int(*timeout);
        }
        let lists = database.tree().acls().lists();
        begun.length(lists.len());
        for (number, list) in lists {
            begun.long(number);
            begun.acl(list);
        }
        SnapshotWalker { zxid: database.last_processed, open: vec!["/".into()], begun, target, finished: false }
    }

    /// What the database had applied when the snapshot began: its name.
    pub const fn zxid(&self) -> Zxid {
        self.zxid
    }

    /// Whether the last bytes were handed out: without them no reader takes the rest for a snapshot.
    pub const fn is_finished(&self) -> bool {
        self.finished
    }

    /// The next bytes, with at most `nodes` nodes in them (at least one is visited); `None` after the last.
    pub fn next(&mut self, database: &Database, nodes: usize) -> Option<Bytes> {
        if self.finished {
            return None;
        }
        let mut out = std::mem::take(&mut self.begun);
        for _ in 0..nodes.max(1) {
            let Some(path) = self.open.pop() else { break };
            // A node that is gone is left out, with all that was below it.
            if let Some(node) = database.tree().get(&path) {
                write_node(&mut out, &path, node);
                self.open.extend(node.children.iter().rev().cloned());
            }
        }
        if self.open.is_empty() {
            self.finish(database, &mut out);
        } else {
            self.count(out.bytes());
        }
        Some(out.into_bytes().into())
    }

    /// The mark after the last node; for a file also the digest (none) and the zxid that the tree has now, each part with its seal.
    fn finish(&mut self, database: &Database, out: &mut Writer) {
        self.finished = true;
        out.string("/");
        let Target::File(_) = self.target else {
            out.string(SIGNATURE);
            return;
        };
        let mut counted = self.seal(out, 0);
        out.long(0);
        out.int(DIGEST_VERSION);
        out.long(0);
        counted = self.seal(out, counted);
        out.long(database.last_processed.0);
        self.seal(out, counted);
    }

    /// Writes the checksum of everything before it, of `out` the bytes from `counted` on; returns how many of `out` are counted now.
    fn seal(&mut self, out: &mut Writer, counted: usize) -> usize {
        self.count(&out.bytes()[counted..]);
        let counted = out.len();
        if let Target::File(checksum) = &self.target {
            out.long(i64::from(checksum.checksum()));
            out.string("/");
        }
        counted
    }

    fn count(&mut self, bytes: &[u8]) {
        if let Target::File(checksum) = &mut self.target {
            checksum.write_slice(bytes);
        }
    }
}

/// Path, data, number of the access list, stat. The root's path is empty: "/" would end the tree.
fn write_node(out: &mut Writer, path: &str, node: &Znode) {
    out.string(if path == "/" { "" } else { path });
    out.buffer(node.data.as_deref());
    out.long(node.acl);
    out.long(node.stat.czxid.0);
    out.long(node.stat.mzxid.0);
    out.long(node.stat.ctime);
    out.long(node.stat.mtime);
    out.int(node.stat.version);
    out.int(node.stat.cversion);
    out.int(node.stat.aversion);
    out.long(node.stat.owner);
    out.long(node.stat.pzxid.0);
}
