//! Requests as tests make them: to the point.

use super::{Acl, AddWatchMode, CreateMode, Op, WatcherType};

/// With one byte of data.
pub fn create(path: &str, mode: CreateMode) -> Op {
    Op::create(path.into(), Some(b"x".as_slice().into()), Acl::open(), mode)
}

pub fn set(path: &str, data: &str, version: i32) -> Op {
    Op::SetData { path: path.into(), data: Some(data.as_bytes().into()), version }
}

pub fn delete(path: &str, version: i32) -> Op {
    Op::Delete { path: path.into(), version }
}

pub fn get(path: &str) -> Op {
    Op::GetData { path: path.into(), watch: false }
}

pub fn exists(path: &str) -> Op {
    Op::Exists { path: path.into(), watch: false }
}

pub fn children(path: &str) -> Op {
    Op::GetChildren { path: path.into(), watch: false }
}

pub fn watch_data(path: &str) -> Op {
    Op::GetData { path: path.into(), watch: true }
}

pub fn watch_exists(path: &str) -> Op {
    Op::Exists { path: path.into(), watch: true }
}

pub fn watch_children(path: &str) -> Op {
    Op::GetChildren { path: path.into(), watch: true }
}

pub fn watch_always(path: &str, mode: AddWatchMode) -> Op {
    Op::AddWatch { path: path.into(), mode: mode as i32 }
}

pub fn persistent(path: &str) -> Op {
    watch_always(path, AddWatchMode::Persistent)
}

pub fn recursive(path: &str) -> Op {
    watch_always(path, AddWatchMode::PersistentRecursive)
}

pub fn unwatch(path: &str, kind: WatcherType) -> Op {
    Op::RemoveWatches { path: path.into(), kind }
}
