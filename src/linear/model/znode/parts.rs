//! Which parts of a tree have nothing to do with each other in a history: no answer and no effect of a request in one depends on another.
//!
//! By joining paths (the project's checkers.md §6). A node is joined with its parent only if the parent comes or goes in the history: one
//! that always is, or never is, says the same at any time. A parent that is listed, or numbers its children, is joined with all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::action::{Reply, Request, ZnodeAction};
use super::tree::parent;
use crate::linear::history::Operation;

/// What is known of a history before its paths are joined.
#[derive(Default)]
struct Survey {
    /// Every path that a request names or is told.
    paths: BTreeSet<Arc<str>>,
    /// Those that are made or deleted by anybody, or may be.
    unsteady: BTreeSet<Arc<str>>,
    /// Parents of sequential nodes, and nodes whose children are listed.
    numbering: BTreeSet<Arc<str>>,
    listed: BTreeSet<Arc<str>>,
    /// The ephemerals of each session; a sequential one without its number stands for all below its parent.
    owned: BTreeMap<u64, Vec<Arc<str>>>,
}

/// Finds out the part of each operation, and what else depends on the whole history.
pub fn assign(operations: &mut [Operation<ZnodeAction>]) {
    let mut survey = Survey::default();
    for operation in operations.iter() {
        survey.learn(&operation.action);
    }
    survey.expect_numbered();
    let mut classes = Classes::default();
    survey.join(&mut classes);
    for operation in operations.iter() {
        let mut paths = survey.paths_of(&operation.action);
        if let Some(first) = paths.next() {
            paths.for_each(|path| classes.join(&first, &path));
        }
    }
    for operation in operations {
        let first = survey.paths_of(&operation.action).next();
        operation.action.part = first.map_or_else(|| "".into(), |path| classes.name(&path));
        for part in operation.action.request.parts_mut() {
            if let Request::Create { path, mode, .. } = part {
                mode.counted = survey.numbering.contains(parent(path));
            }
        }
    }
}

/// Requests with what each was told: of a multi only where all of it was.
fn with_replies(action: &ZnodeAction) -> impl Iterator<Item = (&Request, Option<&Reply>)> {
    let told = action.told.as_ref().and_then(|told| told.as_ref().ok());
    action.request.parts().iter().enumerate().map(move |(at, part)| {
        let reply = if let Some(Reply::Parts(replies)) = told { replies.get(at) } else { told };
        (part, reply)
    })
}

impl Survey {
    fn learn(&mut self, action: &ZnodeAction) {
        for (request, reply) in with_replies(action) {
            match request {
                Request::Create { path, mode, .. } => {
                    let made = if let Some(Reply::Created(made)) = reply { Some(made.clone()) } else { None };
                    let above: Arc<str> = parent(path).into();
                    if mode.sequential {
                        self.numbering.insert(above.clone());
                        self.paths.insert(above.clone());
                    }
                    let known = made.or_else(|| (!mode.sequential).then(|| path.clone()));
                    if let Some(session) = mode.owner {
                        self.owned.entry(session).or_default().push(known.clone().unwrap_or(above));
                    }
                    self.unsteady.extend(known.clone());
                    self.paths.extend(known);
                }
                Request::Delete { path, .. } | Request::Given { path, .. } => {
                    self.unsteady.insert(path.clone());
                    self.paths.insert(path.clone());
                }
                Request::Children { path } => {
                    self.listed.insert(path.clone());
                    self.paths.insert(path.clone());
                }
                other => self.paths.extend(other.path().cloned()),
            }
        }
    }

    /// Of a sequential create that was never answered nobody knows which node it made.
    fn expect_numbered(&mut self) {
        let above = |path: &Arc<str>| Arc::<str>::from(parent(path));
        let numbered = |path: &Arc<str>| self.numbering.contains(parent(path));
        let named = self.paths.iter().cloned().chain(self.paths.iter().map(above));
        let made: Vec<Arc<str>> = named.filter(numbered).collect();
        self.unsteady.extend(made.iter().cloned());
        self.paths.extend(made);
    }

    fn join(&self, classes: &mut Classes) {
        for path in self.paths.iter().filter(|path| ***path != *"/") {
            let above = parent(path);
            if self.unsteady.contains(above) || self.numbering.contains(above) || self.listed.contains(above) {
                classes.join(path, &above.into());
            }
        }
    }

    /// The paths that an operation is about: all of one part.
    fn paths_of(&self, action: &ZnodeAction) -> impl Iterator<Item = Arc<str>> {
        let of = |(request, reply): (&Request, Option<&Reply>)| -> Vec<Arc<str>> {
            match request {
                Request::Close { session } => self.owned.get(session).cloned().unwrap_or_default(),
                Request::Create { path, mode, .. } => {
                    let made = if let Some(Reply::Created(made)) = reply { Some(made.clone()) } else { None };
                    let above = mode.sequential.then(|| parent(path).into());
                    above.into_iter().chain(made.or_else(|| (!mode.sequential).then(|| path.clone()))).collect()
                }
                other => other.path().cloned().into_iter().collect(),
            }
        };
        with_replies(action).flat_map(of).collect::<Vec<_>>().into_iter()
    }
}

/// Paths that were joined: each knows one that stands for it, in the end the first of its class.
#[derive(Default)]
struct Classes {
    stands_for: BTreeMap<Arc<str>, Arc<str>>,
}

impl Classes {
    fn name(&self, path: &Arc<str>) -> Arc<str> {
        let mut at = path.clone();
        while let Some(next) = self.stands_for.get(&at) {
            at = next.clone();
        }
        at
    }

    fn join(&mut self, one: &Arc<str>, other: &Arc<str>) {
        let (one, other) = (self.name(one), self.name(other));
        if one != other {
            let (first, second) = if one < other { (one, other) } else { (other, one) };
            self.stands_for.insert(second, first);
        }
    }
}
