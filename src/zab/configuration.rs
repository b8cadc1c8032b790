//! The two configurations of a server: the one in force, and the last that was proposed. Source: `QuorumPeer.getQuorumVerifier`,
//! `getLastSeenQuorumVerifier`, `setQuorumVerifier`, `setLastSeenQuorumVerifier`.
//!
//! A configuration is proposed like any transaction, and remembered on disk by everybody who is to acknowledge it, before the transaction is
//! logged: whoever then leads must complete it. While the two differ, both have to agree to everything: to votes, to a leader, to commits.

use std::sync::Arc;

use crate::actor::Cx;
use crate::proto::{DiskError, DiskReply, Membership, Txn};
use crate::store::{ConfigFiles, ConfigProgress, OnDisk};
use crate::trace::Note;

#[derive(Clone, Debug)]
pub struct Configuration {
    current: Arc<Membership>,
    /// Never older than `current`, but for a moment: one that was proposed in vain gives way to what a new leader says.
    last_seen: Arc<Membership>,
    /// What the files say, as far as that is certain: the version of the one in force, and the last one seen.
    on_disk: (i64, Arc<Membership>),
    files: ConfigFiles,
}

impl Configuration {
    pub fn new(first: &Membership) -> Configuration {
        let first = Arc::new(first.clone());
        Configuration { current: first.clone(), last_seen: first.clone(), on_disk: (first.version, first), files: ConfigFiles::default() }
    }

    pub const fn current(&self) -> &Arc<Membership> {
        &self.current
    }

    pub const fn last_seen(&self) -> &Arc<Membership> {
        &self.last_seen
    }

    /// The one that was proposed and is not in force yet, as far as this server knows.
    pub fn next(&self) -> Option<&Arc<Membership>> {
        Some(&self.last_seen).filter(|next| next.version > self.current.version)
    }

    /// Takes over what the disk holds, and tells so.
    pub fn boot(&mut self, cx: &mut Cx, on_disk: OnDisk) {
        if let Some(current) = on_disk.current {
            self.current = Arc::new(current);
        }
        self.last_seen = on_disk.next.map(Arc::new).filter(|next| next.version > self.current.version).unwrap_or_else(|| self.current.clone());
        self.on_disk = (self.current.version, self.last_seen.clone());
        cx.note(Note::ConfigurationLoaded { current: self.current.clone(), next: self.next().cloned() });
    }

    /// A configuration was proposed, or a new leader says which one was last. True while it is being written down: nothing that rests upon it
    /// may happen before.
    pub fn see(&mut self, cx: &mut Cx, proposed: &Arc<Membership>) -> bool {
        if proposed.version == self.last_seen.version {
            return false;
        }
        // Once its own proposal is written over, the one in force must be remembered as such.
        if self.on_disk.0 < self.current.version && !self.files.is_writing() {
            self.files.write_current(cx, &self.current, false);
        }
        self.last_seen = proposed.clone();
        self.files.write_next(cx, proposed);
        true
    }

    /// A configuration is in force. The one before it, unless that is no older.
    ///
    /// Nobody waits for the file: a server that dies before has the proposal on its disk, and asks both until it hears better.
    pub fn activate(&mut self, cx: &mut Cx, config: &Arc<Membership>) -> Option<Arc<Membership>> {
        if config.version <= self.current.version {
            return None;
        }
        cx.note(Note::ConfigurationActivated { config: config.clone() });
        let before = std::mem::replace(&mut self.current, config.clone());
        if self.last_seen.version < config.version {
            self.last_seen = config.clone();
        }
        self.files.write_current(cx, config, self.next().is_none());
        Some(before)
    }

    /// Whether its files are being written: a server joins the thread that writes before it looks for a leader.
    pub fn is_writing(&self) -> bool {
        self.files.is_writing()
    }

    /// For `DiskTag::Config`.
    pub fn on_disk(&mut self, cx: &mut Cx, outcome: Result<DiskReply, DiskError>) -> ConfigProgress {
        let progress = self.files.on_disk(cx, outcome);
        match progress {
            ConfigProgress::Seen(version) if self.last_seen.version == version => {
                self.on_disk.1 = self.last_seen.clone();
                cx.note(Note::ConfigurationSeen { config: self.last_seen.clone() });
            }
            ConfigProgress::InForce(version) => self.on_disk.0 = version,
            // It must be told again: memory remembers no more than the disk.
            ConfigProgress::Failed(_) => {
                self.last_seen = [&self.current, &self.on_disk.1].into_iter().max_by_key(|seen| seen.version).unwrap_or(&self.current).clone();
            }
            ConfigProgress::Seen(_) | ConfigProgress::Continues => {}
        }
        progress
    }
}

/// The configuration that a transaction proposes, if it does.
pub fn proposed_by(txn: &Txn) -> Option<Arc<Membership>> {
    let Txn::Reconfig { data: Some(data), .. } = txn else { return None };
    std::str::from_utf8(data).ok().and_then(|text| Membership::parse(text).ok()).map(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::{Draw, Effect};
    use crate::bugs::Bugs;
    use crate::proto::{DiskOp, Micros, NodeId, Zxid};

    struct NoChance;

    impl Draw for NoChance {
        fn below(&mut self, _: u64) -> u64 {
            unreachable!("nothing is drawn here")
        }
    }

    /// Of 1:`counter`, with so many voters.
    fn list(counter: u32, voters: u32) -> Arc<Membership> {
        Arc::new(Membership::of(voters, 0).with_version(Zxid::new(1, counter)))
    }

    fn act<R>(step: impl FnOnce(&mut Cx) -> R) -> (R, Vec<Effect>) {
        let (mut effects, mut chance) = (Vec::new(), NoChance);
        let mut cx = Cx::new(NodeId::server(1), Micros::ZERO, Micros::ZERO, Bugs::NONE, &mut chance, &mut effects);
        let result = step(&mut cx);
        (result, effects)
    }

    /// The disk does what it is asked for, until that is an operation on `broken`. Names of the files that were put in place.
    fn settles(configuration: &mut Configuration, mut effects: Vec<Effect>, broken: Option<&str>) -> Vec<String> {
        let mut renamed = Vec::new();
        while let Some(op) = effects.into_iter().find_map(|effect| if let Effect::Disk { op, .. } = effect { Some(op) } else { None }) {
            let fails = broken.is_some_and(|broken| op.to_string().contains(broken));
            if let (DiskOp::Rename { to, .. }, false) = (&op, fails) {
                renamed.push(to.replace("conf/zoo.cfg", ""));
            }
            let outcome = if fails { Err(DiskError::Io) } else { Ok(DiskReply::Done) };
            effects = act(|cx| configuration.on_disk(cx, outcome)).1;
        }
        renamed
    }

    #[test]
    fn what_is_proposed_is_asked_beside_what_is_in_force() {
        let mut configuration = Configuration::new(&list(0, 3));
        let (writes, effects) = act(|cx| configuration.see(cx, &list(5, 4)));
        assert!(writes && configuration.next() == Some(&list(5, 4)));
        assert_eq!(settles(&mut configuration, effects, None), [".dynamic.next"]);
        assert!(!act(|cx| configuration.see(cx, &list(5, 4))).0, "it is there already");
        let (before, effects) = act(|cx| configuration.activate(cx, &list(5, 4)));
        assert_eq!((before, configuration.next()), (Some(list(0, 3)), None));
        assert_eq!(settles(&mut configuration, effects, None), [".dynamic.100000005", ""]);
        assert_eq!(act(|cx| configuration.activate(cx, &list(4, 9))).0, None, "an older one");
    }

    /// A leader that knows better.
    #[test]
    fn what_was_proposed_in_vain_gives_way() {
        let mut configuration = Configuration::new(&list(0, 3));
        let effects = act(|cx| configuration.see(cx, &list(5, 4))).1;
        settles(&mut configuration, effects, None);
        let (writes, effects) = act(|cx| configuration.see(cx, &list(0, 3)));
        assert!(writes && configuration.next().is_none());
        assert_eq!(settles(&mut configuration, effects, None), [".dynamic.next"]);
    }

    #[test]
    fn what_did_not_reach_the_disk_is_not_remembered() {
        let mut configuration = Configuration::new(&list(0, 3));
        let effects = act(|cx| configuration.see(cx, &list(5, 4))).1;
        assert_eq!(settles(&mut configuration, effects, Some("sync")), [""; 0]);
        assert_eq!(configuration.next(), None);
        assert!(act(|cx| configuration.see(cx, &list(5, 4))).0, "it is written the next time");
    }

    #[test]
    fn the_proposal_that_came_into_force_is_not_written_over_before_that_is_on_disk() {
        let mut configuration = Configuration::new(&list(0, 3));
        let effects = act(|cx| configuration.see(cx, &list(5, 4))).1;
        settles(&mut configuration, effects, None);
        let effects = act(|cx| configuration.activate(cx, &list(5, 4))).1;
        settles(&mut configuration, effects, Some("100000005"));
        let effects = act(|cx| configuration.see(cx, &list(7, 5))).1;
        assert_eq!(settles(&mut configuration, effects, None), [".dynamic.100000005", "", ".dynamic.next"]);
    }
}
