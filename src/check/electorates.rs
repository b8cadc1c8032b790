//! E-7, and who may vote by whose list: the membership may change, and not everybody learns of it at once.
//!
//! A server is judged by the configuration that it has in force, and by the one that it saw proposed: that is what it asks. Whether it may have
//! a configuration in force at all is judged here: before the first server does, a quorum of it and a quorum of the one before must have it on
//! disk, so that whoever is elected later, by either, is bound by it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Invariant::{ConfigurationAgreed, DiskRecovers};
use super::electorate::Electorate;
use super::verdict::{Breach, Fact};
use crate::proto::{Membership, NodeId, ServerId};
use crate::trace::{Event, Note, What};

/// All electorates of a run.
#[derive(Clone, Debug)]
pub struct Electorates {
    /// That of the newest configuration in force anywhere.
    latest: Electorate,
    /// Versions that are, or were, in force; the last one is that of `latest`.
    agreed: BTreeSet<i64>,
    /// What each server has told of its own configuration; nobody tells anything where it cannot change.
    own: BTreeMap<ServerId, Own>,
    /// Who remembers each configuration that was proposed, and the event since which somebody does.
    remembered: BTreeMap<i64, (BTreeSet<ServerId>, u64)>,
}

#[derive(Clone, Debug)]
struct Own {
    current: Arc<Membership>,
    electorate: Electorate,
}

/// Whether an event tells of a configuration.
pub fn concerns(event: &Event) -> bool {
    let What::Note(note) = &event.what else { return false };
    matches!(note, Note::ConfigurationLoaded { .. } | Note::ConfigurationSeen { .. } | Note::ConfigurationActivated { .. } | Note::NotListed { .. })
}

impl Electorates {
    pub fn new(first: &Membership) -> Electorates {
        Electorates { latest: Electorate::new(first), agreed: BTreeSet::from([first.version]), own: BTreeMap::new(), remembered: BTreeMap::new() }
    }

    /// The electorate of the newest configuration in force anywhere.
    #[inline]
    pub const fn latest(&self) -> &Electorate {
        &self.latest
    }

    /// What a server goes by.
    #[inline]
    pub fn of(&self, server: ServerId) -> &Electorate {
        if self.own.is_empty() { &self.latest } else { self.own.get(&server).map_or(&self.latest, |own| &own.electorate) }
    }

    /// The same for whoever an event is about.
    #[inline]
    pub fn at(&self, node: Option<NodeId>) -> &Electorate {
        node.and_then(NodeId::as_server).map_or(&self.latest, |server| self.of(server))
    }

    /// Learns what a server has in force, or saw proposed.
    #[cold]
    pub fn observe(&mut self, event: &Event) -> Option<Breach> {
        let (me, note) = (event.node.and_then(NodeId::as_server)?, event.note()?);
        match note {
            Note::ConfigurationLoaded { current, next } => self.holds(me, current, next.as_deref()),
            Note::ConfigurationSeen { config } => {
                self.remembers(me, config.version, event.n);
                let current = self.own.get(&me).map(|own| own.current.clone())?;
                self.holds(me, &current, Some(config).filter(|next| next.version > current.version).map(|next| &**next));
            }
            Note::ConfigurationActivated { config } => {
                let breach = self.not_agreed(me, config, event);
                if self.agreed.last().is_none_or(|latest| config.version > *latest) {
                    self.latest = Electorate::new(config);
                }
                self.agreed.insert(config.version);
                self.holds(me, config, None);
                return breach;
            }
            // D-1: others count on it, for it has agreed to be one of them.
            Note::NotListed { .. } if self.own.get(&me).is_some_and(|own| own.electorate.lists(me)) => {
                let listed = Fact::new(event.n, format!("{me} has a configuration on its disk that lists it"));
                return Some((DiskRecovers, [listed, Fact::new(event.n, event.to_string())]));
            }
            _ => {}
        }
        None
    }

    fn holds(&mut self, me: ServerId, current: &Arc<Membership>, next: Option<&Membership>) {
        self.own.insert(me, Own { current: current.clone(), electorate: Electorate::changing_to(current, next) });
    }

    /// One file: what it held before is forgotten.
    fn remembers(&mut self, me: ServerId, version: i64, event: u64) {
        for (by, _) in self.remembered.values_mut() {
            by.remove(&me);
        }
        self.remembered.entry(version).or_insert_with(|| (BTreeSet::new(), event)).0.insert(me);
    }

    fn not_agreed(&self, me: ServerId, config: &Membership, event: &Event) -> Option<Breach> {
        if self.agreed.contains(&config.version) {
            return None;
        }
        let nobody = (BTreeSet::new(), event.n);
        let (by, since) = self.remembered.get(&config.version).unwrap_or(&nobody);
        let lacks = match (self.latest.is_quorum(by), Electorate::new(config).is_quorum(by)) {
            (true, true) => return None,
            (false, _) => "the configuration before it",
            (true, false) => "its own",
        };
        let names: Vec<String> = by.iter().map(ServerId::to_string).collect();
        let on = if names.is_empty() { "nobody's disk".into() } else { format!("the disks of no more than {}", names.join(", ")) };
        let remembered = Fact::new(*since, format!("configuration {config} is on {on}, which is no quorum of {lacks}"));
        Some((ConfigurationAgreed, [remembered, Fact::new(event.n, format!("{me} takes it for agreed: {event}"))]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::{Story, vote};
    use crate::check::{Invariant, Violation};
    use crate::proto::PeerState::{Leading, Looking};
    use crate::proto::Zxid;
    use crate::trace::ElectedBy::Silence;

    /// s3, s4 and s5, by 1:7.
    fn next() -> Arc<Membership> {
        let mut next = Membership::of(5, 0).with_version(Zxid::new(1, 7));
        next.members.retain(|id, _| id.0 >= 3);
        Arc::new(next)
    }

    /// Three servers, and two that wait, have their lists; these remember the next one.
    fn remembered_by(servers: &[i64]) -> Story {
        let mut story = Story::of(3);
        for server in 1..=5 {
            story.notes(server, Note::ConfigurationLoaded { current: Arc::new(Membership::of(3, 0)), next: None });
        }
        for server in servers {
            story.notes(*server, Note::ConfigurationSeen { config: next() });
        }
        story
    }

    fn activated_after(servers: &[i64]) -> Option<Violation> {
        let mut story = remembered_by(servers);
        story.notes(3, Note::ConfigurationActivated { config: next() });
        story.violation().cloned()
    }

    #[test]
    fn two_quorums_agree_before_a_configuration_is_in_force() {
        assert_eq!(activated_after(&[2, 3, 4]), None);
        for (servers, lacks) in [(&[1, 2, 3][..], "its own"), (&[3, 4, 5], "the configuration before it"), (&[], "the configuration before it")] {
            let violation = activated_after(servers).expect("nobody agreed");
            assert_eq!(violation.invariant, ConfigurationAgreed);
            assert!(violation.facts[0].text.ends_with(lacks), "{violation}");
        }
    }

    #[test]
    fn who_remembers_another_one_has_forgotten_the_first() {
        let mut story = remembered_by(&[2, 3, 4]);
        story.notes(4, Note::ConfigurationSeen { config: Arc::new(Membership::of(3, 0).with_version(Zxid::new(2, 0))) });
        story.notes(3, Note::ConfigurationActivated { config: next() });
        story.breaks(ConfigurationAgreed);
    }

    #[test]
    fn who_is_needed_starts() {
        let mut story = remembered_by(&[2, 3, 4]);
        story.notes(1, Note::ConfigurationActivated { config: next() }).notes(1, Note::NotListed { config: next() });
        assert_eq!(story.violation(), None, "s1 has been taken out");
        story.notes(5, Note::NotListed { config: Arc::new(Membership::of(3, 0)) });
        assert_eq!(story.violation(), None, "s5 has not heard that it is taken in");
        story.notes(4, Note::NotListed { config: Arc::new(Membership::of(3, 0)) });
        story.breaks(DiskRecovers);
    }

    #[test]
    fn others_may_follow_once_it_is_agreed() {
        let mut story = remembered_by(&[2, 3, 4]);
        story.notes(3, Note::ConfigurationActivated { config: next() }).notes(1, Note::ConfigurationActivated { config: next() });
        assert_eq!(story.violation(), None);
    }

    /// s2 has heard of the next configuration and asks both; s1 has not.
    #[test]
    fn each_server_asks_by_its_own_list() {
        let elected = |server: i64| {
            let mut story = remembered_by(&[2]);
            let vote = vote(server, 0, 0);
            story.looks(server, 1, vote).hears(server, 3, Looking, 1, vote).elects(server, Leading, 1, vote, &[3, server], Silence);
            story
        };
        assert_eq!(elected(1).violation(), None);
        elected(2).breaks(Invariant::LeaderHasQuorum);
    }
}
