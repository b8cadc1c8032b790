//! Who thought of holding what, from when to when.

use super::{Case, Told};
use crate::proto::{Path, Recipe, RecipeVerb, SessionId, Zxid};
use crate::trace::{Note, Record, What};

/// One client's belief that it holds something.
pub struct Belief<'a> {
    pub granted: &'a Told,
    pub recipe: Recipe,
    pub path: &'a Path,
    pub node: &'a Path,
    pub token: Zxid,
    pub seen: Zxid,
    /// The event with which the client stopped believing; `None`: it still does.
    pub until: Option<u64>,
}

impl Belief<'_> {
    pub fn session(&self) -> SessionId {
        self.granted.session
    }

    /// The event with which it ended, or lost its ground: its session has ended, or its client has deleted the node. What a client believes
    /// that has not heard of it yet is no fault of its own. If somebody else deletes the node it holds on, unless the recipe allows for that.
    pub fn grounded_until(&self, case: &Case) -> u64 {
        let chronicle = case.chronicle;
        let end = chronicle.made_by(self.node, self.token).and_then(|life| life.died);
        let node = end.filter(|end| end.by == self.session() || may_break(case, end.by, self.path)).map(|end| end.when.event);
        let session = chronicle.end_of(self.session()).map(|end| end.event);
        [self.until, node, session].into_iter().flatten().min().unwrap_or(u64::MAX)
    }

    /// `c2 holds the lock /a with /a/lock-0000000001`.
    pub fn told(&self) -> String {
        format!("c{} holds the {} {} with {}", self.granted.client, self.recipe, self.path, self.node)
    }
}

/// Whether this session has asked to take the lock from its holder.
fn may_break(case: &Case, session: SessionId, path: &Path) -> bool {
    case.told.iter().any(|told| match &told.what {
        What::Note(Note::RecipeCalled { what, .. }) => told.session == session && what.verb == RecipeVerb::LockBreak && what.path == *path,
        _ => false,
    })
}

/// All beliefs, in the order in which they began.
pub fn all<'a>(case: &Case<'a>) -> Vec<Belief<'a>> {
    let mut beliefs: Vec<Belief> = Vec::new();
    for told in case.told {
        match &told.what {
            What::Note(Note::Granted { recipe, path, node, token, seen }) => {
                beliefs.push(Belief { granted: told, recipe: *recipe, path, node, token: *token, seen: *seen, until: None });
            }
            What::Note(Note::LetGo { node, .. }) => end(&mut beliefs, told, Some(node)),
            What::Record(Record::Crashed | Record::PowerLost { .. } | Record::Exited { .. }) => end(&mut beliefs, told, None),
            _ => {}
        }
    }
    beliefs
}

/// A client stops believing that it holds something, or anything.
fn end(beliefs: &mut [Belief], told: &Told, of: Option<&Path>) {
    let open = beliefs.iter_mut().filter(|belief| belief.granted.client == told.client && belief.until.is_none());
    open.filter(|belief| of.is_none_or(|node| belief.node == node)).for_each(|belief| belief.until = Some(told.event));
}
