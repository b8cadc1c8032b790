//! What is told of the changes of a transaction while it is applied. Source: the calls of `triggerWatch` in `DataTree`.

use super::data_tree::DataTree;

/// Somebody who wants to know what becomes of the tree, change by change: a multi has one for each part, the end of a session one for each of
/// its ephemerals.
pub trait Observer {
    /// The node is there now.
    fn created(&mut self, _tree: &DataTree, _path: &str) {}

    /// The node, if it is there, is about to go.
    fn deletes(&mut self, _tree: &DataTree, _path: &str) {}

    /// The node has new data now, or the same anew.
    fn data_set(&mut self, _tree: &DataTree, _path: &str) {}
}

/// Nobody.
impl Observer for () {}
