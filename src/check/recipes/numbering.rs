//! no number is given twice, and whoever is given one later has a larger one.

use std::collections::BTreeMap;

use super::{Case, Told};
use crate::check::Invariant::UniqueIds;
use crate::check::verdict::{Fact, Violation};
use crate::proto::{Path, SessionId, Zxid};
use crate::trace::{Note, What};

pub fn check(case: &Case) -> Option<Violation> {
    let mut given: BTreeMap<&Path, Vec<(Zxid, i64, &Told)>> = BTreeMap::new();
    for told in case.told {
        if let What::Note(Note::Numbered { path, id, czxid }) = &told.what {
            given.entry(path).or_default().push((*czxid, *id, told));
        }
    }
    given.into_iter().find_map(|(path, mut given)| {
        given.sort_by_key(|(czxid, _, told)| (*czxid, told.event));
        let repeats = |pair: &&[(Zxid, i64, &Told)]| pair[1].1 <= pair[0].1 && !is_made_anew(case, path, pair[0].0, pair[1].0);
        let pair = given.windows(2).find(repeats)?;
        let fact = |(czxid, id, told): &(Zxid, i64, &Told)| Fact::new(told.event, format!("c{} is given {id} of {path} at {czxid}", told.client));
        let later = if pair[0].2.event > pair[1].2.event { pair[0].2 } else { pair[1].2 };
        Some(later.breaks(UniqueIds, [fact(&pair[0]), fact(&pair[1])]))
    })
}

/// Whether somebody has deleted the node that counts between the two, on his own responsibility: servers do it only to containers.
fn is_made_anew(case: &Case, path: &Path, earlier: Zxid, later: Zxid) -> bool {
    let ends = case.chronicle.lives_of(path).filter_map(|life| life.died);
    ends.filter(|end| (earlier..later).contains(&end.when.zxid)).any(|end| end.by != SessionId::NONE)
}
