//! Paths as small numbers, so that the model compares words and not text.
//!
//! A path keeps its number for ever, whether a node stands there or not.

use xxhash_rust::xxh64::xxh64;

use crate::proto::Path;

/// The number of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathId(pub u32);

impl PathId {
    pub const ROOT: PathId = PathId(0);
    /// No path at all.
    pub const NONE: PathId = PathId(u32::MAX);

    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// All paths that were ever named, with the path above each.
#[derive(Clone, Debug)]
pub struct Paths {
    known: Vec<Known>,
    /// Open addressing over a power of two: the number of a path plus one, or zero.
    table: Vec<u32>,
}

#[derive(Clone, Debug)]
struct Known {
    path: Path,
    hash: u64,
    parent: PathId,
}

impl Paths {
    /// The root alone.
    pub fn new() -> Paths {
        let mut paths = Paths { known: Vec::new(), table: vec![0; 64] };
        paths.add("/".into(), hash_of("/"), PathId::NONE);
        paths
    }

    #[inline]
    pub fn path(&self, id: PathId) -> &Path {
        &self.known[id.index()].path
    }

    /// The path above; [`PathId::NONE`] above the root.
    #[inline]
    pub fn parent(&self, id: PathId) -> PathId {
        self.known[id.index()].parent
    }

    /// The number of a path that was named before.
    #[inline]
    pub fn find(&self, path: &str) -> Option<PathId> {
        self.look_up(path, hash_of(path))
    }

    /// The number of a path. Those above it get theirs first.
    #[inline]
    pub fn intern(&mut self, path: &Path) -> PathId {
        let hash = hash_of(path);
        match self.look_up(path, hash) {
            Some(id) => id,
            None => self.intern_new(path.clone(), hash),
        }
    }

    #[cold]
    fn intern_new(&mut self, path: Path, hash: u64) -> PathId {
        let parent = match path.rfind('/') {
            None | Some(0) => PathId::ROOT,
            Some(at) => match self.find(&path[..at]) {
                Some(parent) => parent,
                None => self.intern(&Path::from(&path[..at])),
            },
        };
        self.add(path, hash, parent)
    }

    fn look_up(&self, path: &str, hash: u64) -> Option<PathId> {
        let mask = self.table.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let found = self.table[slot].checked_sub(1)?;
            let known = &self.known[found as usize];
            if known.hash == hash && *known.path == *path {
                return Some(PathId(found));
            }
            slot = (slot + 1) & mask;
        }
    }

    fn add(&mut self, path: Path, hash: u64, parent: PathId) -> PathId {
        if (self.known.len() + 1) * 2 > self.table.len() {
            self.grow();
        }
        let id = self.known.len() as u32;
        self.known.push(Known { path, hash, parent });
        place(&mut self.table, hash, id);
        PathId(id)
    }

    #[cold]
    fn grow(&mut self) {
        let mut table = vec![0; self.table.len() * 4];
        for (id, known) in (0..).zip(&self.known) {
            place(&mut table, known.hash, id);
        }
        self.table = table;
    }
}

fn place(table: &mut [u32], hash: u64, id: u32) {
    let mask = table.len() - 1;
    let mut slot = hash as usize & mask;
    while table[slot] != 0 {
        slot = (slot + 1) & mask;
    }
    table[slot] = id + 1;
}

#[inline]
fn hash_of(path: &str) -> u64 {
    xxh64(path.as_bytes(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_keeps_its_number() {
        let mut paths = Paths::new();
        let ids: Vec<PathId> = (0..1000).map(|number| paths.intern(&format!("/a/b{}/c{number}", number % 7).into())).collect();
        for (number, id) in ids.iter().enumerate() {
            let path: Path = format!("/a/b{}/c{number}", number % 7).into();
            assert_eq!((paths.intern(&path), paths.path(*id)), (*id, &path));
            assert_eq!(&**paths.path(paths.parent(*id)), &format!("/a/b{}", number % 7));
        }
        assert_eq!((paths.find("/a"), paths.find("/b")), (Some(paths.parent(paths.parent(ids[0]))), None));
        assert_eq!(paths.parent(paths.find("/a").expect("it was named")), PathId::ROOT);
    }
}
