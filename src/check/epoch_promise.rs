//! E-4: epochs are promises, and promises are kept.
//!
//! `acceptedEpoch` is the largest epoch that a server has promised to a leader: it will follow no leader of a smaller one, and no other
//! leader of the same. Because any two quorums share a server, an epoch then has one leader. `currentEpoch` is the epoch whose history it
//! adopted, and is never ahead. Both are worth as much as the disk they are on, so what counts here is durable: the notes of completed
//! writes, what a boot read back, and, for what was told to others, the packets that the kernel saw leaving.
//!
//! - A learner that answers LEADERINFO with its currentEpoch (not "already promised") makes a promise.
//! - A leader that sends LEADERINFO has made one to itself.
//!
//! A disk that is wiped on purpose releases its server. Faults that damage an epoch file are beyond what ZooKeeper promises to survive;
//! where a scenario does so, this check tells what came of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::verdict::{Fact, Facts};
use crate::proto::{ConnId, Epoch, NodeId, Packet, QuorumData, QuorumKind, ServerId, Zxid};
use crate::trace::{EpochFile, Event, Note, Record, What};

/// All promises of a run.
#[derive(Clone, Debug, Default)]
pub struct EpochPromise {
    servers: BTreeMap<ServerId, Arc<Promises>>,
}

/// What one server has on disk and has told.
#[derive(Clone, Debug, Default)]
struct Promises {
    /// `None` until its first boot, when nothing can be held against it.
    accepted: Option<Durable>,
    current: Option<Durable>,
    /// The LEADERINFO that it received last.
    offer: Option<Offer>,
    /// To whom each epoch was promised, and by which event.
    told: BTreeMap<Epoch, (ServerId, u64)>,
    /// The disk was emptied since the last start.
    wiped: bool,
}

/// The value of an epoch file, and the event since which it is known to be durable.
#[derive(Clone, Copy, Debug)]
struct Durable {
    epoch: Epoch,
    event: u64,
}

#[derive(Clone, Copy, Debug)]
struct Offer {
    conn: ConnId,
    leader: ServerId,
    epoch: Epoch,
}

impl EpochPromise {
    pub fn check(&mut self, event: &Event) -> Option<Facts> {
        match &event.what {
            What::Record(Record::Action { action }) => self.on_wipe(action, true),
            // An action is recorded before it is tried.
            What::Record(Record::ActionFailed { action, .. }) => self.on_wipe(action, false),
            _ => {}
        }
        let me = event.node.and_then(NodeId::as_server)?;
        if !is_about_epochs(event) {
            return None;
        }
        let promises = Arc::make_mut(self.servers.entry(me).or_default());
        match &event.what {
            What::Record(Record::Started { .. }) => {
                // What it writes and reads from now on is all that it knows.
                if promises.wiped {
                    *promises = Promises::default();
                }
                None
            }
            What::Note(Note::Booted { zxid, current_epoch, accepted_epoch, .. }) => {
                promises.on_boot(me, event.n, *zxid, *current_epoch, *accepted_epoch)
            }
            What::Note(Note::EpochWritten { file, epoch }) => promises.on_written(me, event.n, *file, *epoch),
            What::Record(Record::Delivered { from, conn, packet }) => {
                promises.on_delivered(from.as_server()?, *conn, packet);
                None
            }
            What::Record(Record::Sent { conn, packet, .. }) => promises.on_sent(me, event.n, *conn, packet),
            _ => None,
        }
    }

    /// `wipe s2` empties the disk of a server that is down: it may promise anew when it boots.
    fn on_wipe(&mut self, action: &str, wiped: bool) {
        for server in action.strip_prefix("wipe ").into_iter().flat_map(str::split_whitespace).filter_map(ServerId::parse) {
            if let Some(promises) = self.servers.get_mut(&server) {
                Arc::make_mut(promises).wiped = wiped;
            }
        }
    }
}

/// Whether [`Promises`] changes or is judged by it: most events are not, and must not cost a copy of what is shared.
fn is_about_epochs(event: &Event) -> bool {
    match &event.what {
        What::Note(note) => matches!(note, Note::Booted { .. } | Note::EpochWritten { .. }),
        What::Record(Record::Sent { packet, .. } | Record::Delivered { packet, .. }) => {
            matches!(packet, Packet::Quorum { kind: QuorumKind::LeaderInfo | QuorumKind::AckEpoch, .. })
        }
        What::Record(Record::Started { .. }) => true,
        What::Record(_) => false,
    }
}

impl Promises {
    fn on_boot(&mut self, me: ServerId, event: u64, zxid: Zxid, current: Epoch, accepted: Epoch) -> Option<Facts> {
        let (had_accepted, had_current) =
            (self.accepted.replace(Durable { epoch: accepted, event }), self.current.replace(Durable { epoch: current, event }));
        self.offer = None;
        let forgotten = |file: &str, had: Option<Durable>, has: Epoch| {
            let had = had.filter(|had| had.epoch > has)?;
            let boots = Fact::new(event, format!("{me} boots with {file} {has}"));
            Some([Fact::new(had.event, format!("{me} had {file} {} on disk", had.epoch)), boots])
        };
        forgotten("acceptedEpoch", had_accepted, accepted)
            .or_else(|| forgotten("currentEpoch", had_current, current))
            .or_else(|| {
                (zxid.epoch() > current).then(|| {
                    let history = Fact::new(event, format!("the history of {me} ends at {zxid}"));
                    [history, Fact::new(event, format!("{me} boots with currentEpoch {current}"))]
                })
            })
            .or_else(|| self.current_is_ahead(me))
    }

    fn on_written(&mut self, me: ServerId, event: u64, file: EpochFile, epoch: Epoch) -> Option<Facts> {
        let (name, durable) = match file {
            EpochFile::AcceptedEpoch => ("acceptedEpoch", &mut self.accepted),
            EpochFile::CurrentEpoch => ("currentEpoch", &mut self.current),
        };
        match durable.replace(Durable { epoch, event }) {
            Some(had) if had.epoch > epoch => {
                let writes = Fact::new(event, format!("{me} writes {name} {epoch}"));
                Some([Fact::new(had.event, format!("{me} had {name} {} on disk", had.epoch)), writes])
            }
            _ => self.current_is_ahead(me),
        }
    }

    /// The later of the two writes is the one to blame.
    fn current_is_ahead(&self, me: ServerId) -> Option<Facts> {
        let (accepted, current) = (self.accepted?, self.current?);
        if current.epoch <= accepted.epoch {
            return None;
        }
        let mut facts = [
            Fact::new(accepted.event, format!("{me} has acceptedEpoch {} on disk", accepted.epoch)),
            Fact::new(current.event, format!("{me} has currentEpoch {} on disk", current.epoch)),
        ];
        facts.sort_by_key(|fact| fact.event);
        Some(facts)
    }

    fn on_delivered(&mut self, from: ServerId, conn: ConnId, packet: &Packet) {
        if let Packet::Quorum { kind: QuorumKind::LeaderInfo, zxid, .. } = packet {
            self.offer = Some(Offer { conn, leader: from, epoch: zxid.epoch() });
        }
    }

    fn on_sent(&mut self, me: ServerId, event: u64, conn: ConnId, packet: &Packet) -> Option<Facts> {
        match packet {
            Packet::Quorum { kind: QuorumKind::LeaderInfo, zxid, .. } => self.judge_telling(me, event, zxid.epoch(), &format!("{me} proposes it")),
            Packet::Quorum { kind: QuorumKind::AckEpoch, data: QuorumData::CurrentEpoch(Some(_)), .. } => {
                let offer = self.offer.filter(|offer| offer.conn == conn)?;
                let broken = self.judge_promise(me, event, offer);
                self.told.entry(offer.epoch).or_insert((offer.leader, event));
                broken
            }
            _ => None,
        }
    }

    fn judge_promise(&self, me: ServerId, event: u64, offer: Offer) -> Option<Facts> {
        let Offer { leader, epoch, .. } = offer;
        let promises = format!("{me} promises epoch {epoch} to {leader}");
        if let Some((other, since)) = self.told.get(&epoch).filter(|(other, _)| *other != leader) {
            return Some([Fact::new(*since, format!("{me} promised epoch {epoch} to {other}")), Fact::new(event, promises)]);
        }
        let larger = self.accepted.filter(|accepted| accepted.epoch > epoch);
        if let Some(accepted) = larger {
            return Some([Fact::new(accepted.event, format!("{me} has acceptedEpoch {} on disk", accepted.epoch)), Fact::new(event, promises)]);
        }
        self.judge_telling(me, event, epoch, &promises)
    }

    /// What is told must be durable.
    fn judge_telling(&self, me: ServerId, event: u64, epoch: Epoch, telling: &str) -> Option<Facts> {
        let accepted = self.accepted.filter(|accepted| accepted.epoch < epoch)?;
        let on_disk = format!("{me} has acceptedEpoch {} on disk and not yet {epoch}", accepted.epoch);
        Some([Fact::new(accepted.event, on_disk), Fact::new(event, telling)])
    }
}

#[cfg(test)]
mod tests {
    use crate::check::Invariant;
    use crate::check::tests::Story;
    use crate::trace::EpochFile::{AcceptedEpoch, CurrentEpoch};

    #[test]
    fn an_epoch_from_proposal_to_history() {
        let mut story = Story::of(3);
        story.boots(1, 4, 4).boots(3, 4, 4);
        story.writes(3, AcceptedEpoch, 5).offers(3, 1, 5).writes(1, AcceptedEpoch, 5).acks_epoch(1, 3, Some(4));
        story.writes(3, CurrentEpoch, 5).writes(1, CurrentEpoch, 5).establishes(3, 5, &[1, 3]);
        story.restarts(1).boots(1, 5, 5).offers(3, 1, 5).acks_epoch(1, 3, None);
        assert_eq!(story.violation(), None);
    }

    /// mutant-epoch-forgotten.
    #[test]
    fn a_promise_is_durable_before_it_is_told() {
        let mut story = Story::of(3);
        story.boots(1, 4, 4).boots(3, 5, 5).offers(3, 1, 5).acks_epoch(1, 3, Some(4));
        let violation = story.breaks(Invariant::EpochPromise);
        assert_eq!(violation.facts[0].text, "s1 has acceptedEpoch 4 on disk and not yet 5");
    }

    #[test]
    fn a_leader_promises_itself_first() {
        let mut story = Story::of(3);
        story.boots(3, 4, 4).sends_leader_info(3, 1, 5);
        story.breaks(Invariant::EpochPromise);
    }

    #[test]
    fn an_epoch_is_promised_to_one_leader() {
        let mut story = Story::of(5);
        story.boots(1, 4, 4).boots(2, 5, 5).boots(3, 5, 5).offers(3, 1, 5).writes(1, AcceptedEpoch, 5).acks_epoch(1, 3, Some(4));
        story.restarts(1).boots(1, 4, 5).offers(2, 1, 5).acks_epoch(1, 2, Some(4));
        let violation = story.breaks(Invariant::EpochPromise);
        assert_eq!(violation.facts[0].text, "s1 promised epoch 5 to s3");
    }

    #[test]
    fn no_promise_falls_below_an_earlier_one() {
        let mut story = Story::of(3);
        story.boots(1, 4, 6).boots(3, 5, 5).offers(3, 1, 5).acks_epoch(1, 3, Some(4));
        story.breaks(Invariant::EpochPromise);
    }

    #[test]
    fn files_never_go_back_and_current_never_leads() {
        for (file, epoch) in [(AcceptedEpoch, 5), (CurrentEpoch, 3), (CurrentEpoch, 7)] {
            let mut story = Story::of(3);
            story.boots(1, 4, 6).writes(1, file, epoch);
            story.breaks(Invariant::EpochPromise);
        }
    }

    #[test]
    fn a_disk_gives_back_what_it_took_unless_it_is_wiped() {
        for (current, accepted) in [(4, 4), (3, 5), (6, 5)] {
            let mut story = Story::of(3);
            story.boots(1, 4, 5).restarts(1).boots(1, current, accepted);
            story.breaks(Invariant::EpochPromise);
        }
        let mut story = Story::of(3);
        story.boots(1, 4, 5).action("wipe s1").restarts(1).boots(1, 0, 0).action("wipe s1").action_fails("wipe s1");
        assert_eq!(story.violation(), None);
        story.boots(1, 4, 5).restarts(1).boots(1, 0, 0);
        story.breaks(Invariant::EpochPromise);
    }

    #[test]
    fn the_history_is_not_ahead_of_its_epoch() {
        let mut story = Story::of(3);
        story.boots_from(1, (5, 1), 4, 5);
        story.breaks(Invariant::EpochPromise);
    }
}
