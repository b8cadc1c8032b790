//! Histories in which every written value is unique are decided without a search, by sorting (Gibbons and Korach, Testing shared memories, 1997).
//!
//! Then it is known which write each read has read, and a value with its write and reads must stand together in any order. Between the first
//! return of one of these and the last call of one the value must have been there: where the return comes first, that is a time which
//! belongs to this value alone (a *forward* zone). So no two such times may overlap, and what happened as a whole within that of another value
//! cannot stand anywhere. Otherwise the values, by the beginnings of their zones, are an order, which is replayed like any other witness.
//!
//! Only for objects whose every operation writes a value, whatever was there, or reads the one that is there ([`Model::access`]).

use std::collections::BTreeMap;

use super::model::{Access, Model};
use super::problem::{Op, Problem};

/// What is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// This is an order.
    Ok(Vec<Op>),
    Illegal,
}

/// A value with the operations that are about it.
#[derive(Debug)]
struct Cluster {
    /// It is there before anything happens.
    given: bool,
    write: Option<Op>,
    /// In the order of their calls.
    reads: Vec<Op>,
    /// The first return and the last call of them.
    returned: i64,
    called: i64,
}

/// Before everything.
const START: i64 = -1;

/// Decides a part, if it is of the kind.
pub fn decide<M: Model>(problem: &Problem<M>) -> Option<Decided> {
    let mut clusters = clusters(problem)?;
    // A write that never returned and that nobody has read need not have happened.
    clusters.retain(|cluster| !cluster.reads.is_empty() || cluster.write.is_some_and(|write| !problem.never_returned(write)));
    clusters.sort_by_key(|cluster| cluster.returned.min(cluster.called));
    let forward: Vec<&Cluster> = clusters.iter().filter(|cluster| cluster.is_forward()).collect();
    let overlap = forward.windows(2).any(|pair| pair[1].returned < pair[0].called);
    let is_within = |inner: &Cluster| {
        let begun = forward.partition_point(|outer| outer.returned < inner.called);
        begun > 0 && inner.returned < forward[begun - 1].called
    };
    let hidden = clusters.iter().any(|cluster| !cluster.is_forward() && is_within(cluster));
    if overlap || hidden || clusters.iter().any(|cluster| cluster.is_read_too_early(problem)) {
        return Some(Decided::Illegal);
    }
    Some(Decided::Ok(clusters.into_iter().flat_map(|cluster| cluster.write.into_iter().chain(cluster.reads)).collect()))
}

/// By value; `None` if some operation does something else, or two write the same.
fn clusters<M: Model>(problem: &Problem<M>) -> Option<Vec<Cluster>> {
    let first = M::value(&M::initial())?;
    let mut clusters: BTreeMap<M::Value, Cluster> = BTreeMap::new();
    for op in 0..problem.len() as Op {
        let (value, write) = match M::access(&problem.actions[problem.kind[op as usize] as usize])? {
            Access::Writes(value) => (value, true),
            Access::Reads(value) => (value, false),
        };
        let given = value == first;
        // It would not be unique.
        if given && write {
            return None;
        }
        let before = if given { START } else { i64::MAX };
        let cluster = clusters.entry(value).or_insert_with(|| Cluster { given, write: None, reads: Vec::new(), returned: before, called: START });
        if write {
            if cluster.write.replace(op).is_some() {
                return None;
            }
        } else {
            cluster.reads.push(op);
        }
        cluster.returned = cluster.returned.min(problem.ret[op as usize].into());
        cluster.called = cluster.called.max(problem.call[op as usize].into());
    }
    Some(clusters.into_values().collect())
}

impl Cluster {
    fn is_forward(&self) -> bool {
        self.returned < self.called
    }

    /// Whether it is read before it is written, or though it never is.
    fn is_read_too_early<M: Model>(&self, problem: &Problem<M>) -> bool {
        match self.write {
            Some(write) => self.reads.iter().any(|read| problem.ret[*read as usize] < problem.call[write as usize]),
            None => !self.given,
        }
    }
}
