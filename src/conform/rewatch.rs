//! The requests that give a new connection the watches of an old one, as the server had them.
//!
//! A client that comes back registers again what it believes to be watched. Its server may know better: until 3.9 the ways of watching one path
//! overwrote each other, and an event that a client may not see uses up a watch without its knowledge. A fault must not mend that.

use std::sync::Arc;

use crate::proto::{Op, Path, SetWatches, Version, WatcherType, Zxid};
use crate::server::{Modes, Watch};

/// In this order. `seen`: what has happened so far; nothing of it is told again.
pub fn requests(version: Version, table: &[Watch], seen: Zxid, exists: impl Fn(&str) -> bool) -> Vec<Op> {
    let list =
        |is_meant: &dyn Fn(&Watch) -> bool| table.iter().filter(|watch| is_meant(watch)).map(|watch| watch.path.clone()).collect::<Arc<[Path]>>();
    let none = || Arc::from([]);
    let stays = |mode| move |watch: &Watch| watch.data.has(mode) || watch.child.has(mode);
    let always = SetWatches {
        relative_zxid: seen,
        data: none(),
        exist: none(),
        child: none(),
        persistent: list(&stays(Modes::PERSISTENT)),
        recursive: list(&stays(Modes::RECURSIVE)),
    };
    // Until 3.9 these take the place of the others, where there are both.
    let once = SetWatches {
        relative_zxid: seen,
        data: list(&|watch| watch.data.has(Modes::STANDARD) && exists(&watch.path)),
        exist: list(&|watch| watch.data.has(Modes::STANDARD) && !exists(&watch.path)),
        child: list(&|watch| watch.child.has(Modes::STANDARD)),
        persistent: none(),
        recursive: none(),
    };
    let sets = [always, once].into_iter().filter(|watches| watches.count() > 0).map(|watches| Op::SetWatches(Arc::new(watches)));
    let halves = table.iter().filter(|_| version == Version::V3_8).filter_map(half);
    sets.chain(halves).collect()
}

/// Until 3.9 a persistent watch can lose one of its halves: a standard one that took its place is used up, or it was taken away.
fn half(watch: &Watch) -> Option<Op> {
    let stays = |modes: Modes| modes.has(Modes::PERSISTENT.with(Modes::RECURSIVE));
    let kind = match (watch.data.is_empty(), watch.child.is_empty()) {
        (true, false) if stays(watch.child) => WatcherType::Data,
        (false, true) if stays(watch.data) => WatcherType::Children,
        _ => return None,
    };
    Some(Op::RemoveWatches { path: watch.path.clone(), kind })
}
