//! The table alone: who is told, and what is left.

use super::{Column, Watches};
use crate::proto::{AddWatchMode, ConnId, EventType, Version, WatcherType};

const fn conn(slot: u32) -> ConnId {
    ConnId { slot, generation: 1 }
}

const NOBODY: [u32; 0] = [];

/// The slots of those who are told.
fn fire(watches: &mut Watches, column: Column, kind: EventType, path: &str) -> Vec<u32> {
    watches.fire(column, kind, path).into_iter().map(|conn| conn.slot).collect()
}

fn changed(watches: &mut Watches, path: &str) -> Vec<u32> {
    fire(watches, Column::Data, EventType::NodeDataChanged, path)
}

fn children_changed(watches: &mut Watches, path: &str) -> Vec<u32> {
    fire(watches, Column::Child, EventType::NodeChildrenChanged, path)
}

#[test]
fn a_standard_watch_fires_once_for_each_client_and_in_its_column() {
    let mut watches = Watches::new(Version::V3_9);
    for client in [2, 1, 2] {
        watches.add(conn(client), &"/a".into(), Column::Data);
    }
    watches.add(conn(3), &"/a".into(), Column::Child);
    assert_eq!(changed(&mut watches, "/b"), NOBODY);
    assert_eq!(changed(&mut watches, "/a"), [1, 2]);
    assert_eq!(changed(&mut watches, "/a"), NOBODY);
    assert_eq!(children_changed(&mut watches, "/a"), [3]);
    assert!(watches.is_empty(), "{watches:?}");
}

#[test]
fn persistent_watches_stay_and_recursive_ones_reach_down() {
    for version in [Version::V3_8, Version::V3_9] {
        let mut watches = Watches::new(version);
        watches.add_persistent(conn(1), &"/a".into(), AddWatchMode::Persistent);
        watches.add_persistent(conn(2), &"/a".into(), AddWatchMode::PersistentRecursive);
        watches.add_persistent(conn(3), &"/".into(), AddWatchMode::PersistentRecursive);
        for _ in 0..2 {
            assert_eq!(changed(&mut watches, "/a"), [1, 2, 3]);
            assert_eq!(changed(&mut watches, "/a/b"), [2, 3]);
            assert_eq!(changed(&mut watches, "/ab"), [3]);
            assert_eq!(children_changed(&mut watches, "/a"), [1], "{version:?}: recursive watches are not told of lists");
            assert_eq!(children_changed(&mut watches, "/a/b"), NOBODY);
        }
        for client in 1..=3 {
            watches.remove_watcher(conn(client));
        }
        assert!(watches.is_empty() && watches.recursive == 0 && watches.by_path.is_empty(), "{watches:?}");
    }
}

/// Until 3.9 a read on a path with a persistent watch degrades it, in the column of the read.
#[test]
fn modes_add_up_since_3_9() {
    for (version, stays) in [(Version::V3_8, false), (Version::V3_9, true)] {
        let mut watches = Watches::new(version);
        watches.add_persistent(conn(1), &"/a".into(), AddWatchMode::Persistent);
        watches.add(conn(1), &"/a".into(), Column::Data);
        assert_eq!(changed(&mut watches, "/a"), [1]);
        assert_eq!(changed(&mut watches, "/a").len(), usize::from(stays));
        assert_eq!(children_changed(&mut watches, "/a"), [1], "the other column is as it was");
        watches.add_persistent(conn(1), &"/r".into(), AddWatchMode::PersistentRecursive);
        watches.add(conn(1), &"/r".into(), Column::Data);
        assert_eq!(watches.recursive, 1);
        assert_eq!(fire(&mut watches, Column::Data, EventType::NodeDeleted, "/r/x").len(), usize::from(stays));
        let from_the_list = fire(&mut watches, Column::Child, EventType::NodeDeleted, "/r/x");
        assert_eq!(from_the_list.len(), usize::from(!stays), "it stood in both columns");
    }
}

#[test]
fn each_kind_takes_away_its_own() {
    use WatcherType as W;
    let all = |version| {
        let mut watches = Watches::new(version);
        watches.add_persistent(conn(1), &"/a".into(), AddWatchMode::Persistent);
        watches.add_persistent(conn(1), &"/r".into(), AddWatchMode::PersistentRecursive);
        watches.add(conn(1), &"/d".into(), Column::Data);
        watches.add(conn(1), &"/c".into(), Column::Child);
        watches
    };
    let table = [
        (Version::V3_9, "/d", [W::Data, W::Any].as_slice()),
        (Version::V3_9, "/c", &[W::Children, W::Any]),
        (Version::V3_9, "/a", &[W::Persistent, W::Any]),
        (Version::V3_9, "/r", &[W::PersistentRecursive, W::Any]),
        (Version::V3_9, "/none", &[]),
        (Version::V3_8, "/d", &[W::Data, W::Any]),
        (Version::V3_8, "/c", &[W::Children, W::Any]),
        (Version::V3_8, "/a", &[W::Data, W::Children, W::Any]),
        (Version::V3_8, "/r", &[W::Data, W::Children, W::Any]),
    ];
    for (version, path, kinds) in table {
        for kind in W::ALL {
            let until_3_8 = matches!(kind, W::Children | W::Data | W::Any);
            if version == Version::V3_8 && !until_3_8 {
                continue;
            }
            let mut watches = all(version);
            let found = kinds.contains(&kind);
            assert_eq!(watches.contains(conn(1), path, kind), found, "{version:?} {path} {kind:?}");
            assert_eq!(watches.contains(conn(2), path, kind), found && version == Version::V3_8, "somebody else's, {version:?} {path} {kind:?}");
            assert!(!watches.remove(conn(2), path, kind));
            assert_eq!(watches.remove(conn(1), path, kind), found, "{version:?} {path} {kind:?}");
            assert!(!watches.remove(conn(1), path, kind), "once");
        }
    }
    let mut watches = all(Version::V3_9);
    for path in ["/a", "/r", "/d", "/c"] {
        assert!(watches.remove(conn(1), path, W::Any));
    }
    assert!(watches.is_empty() && watches.recursive == 0, "{watches:?}");
}

/// Half of a persistent watch, until 3.9.
#[test]
fn a_kind_may_take_away_half_of_a_persistent_watch() {
    let mut watches = Watches::new(Version::V3_8);
    watches.add_persistent(conn(1), &"/a".into(), AddWatchMode::Persistent);
    assert!(watches.remove(conn(1), "/a", WatcherType::Data));
    assert_eq!(changed(&mut watches, "/a"), NOBODY);
    assert_eq!(children_changed(&mut watches, "/a"), [1]);
}
