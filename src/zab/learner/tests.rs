use super::*;
use crate::actor::Draw;
use crate::bugs::Bugs;
use crate::proto::{DiskOp, DiskReply, FileImage, FileName, Membership, NodeId};
use crate::store::{format, history};
use crate::tree::Database;

const LEADER: ServerId = ServerId(2);

fn conn(slot: u32) -> ConnId {
    ConnId { slot, generation: 0 }
}

struct Zeros;

impl Draw for Zeros {
    fn below(&mut self, _bound: u64) -> u64 {
        0
    }
}

/// A learner that has told its leader of a history up to 1:30, with what it has asked for since the last look.
struct Desk {
    learner: Learner,
    replica: Replica,
    effects: Vec<Effect>,
    bugs: Bugs,
    now: Micros,
}

impl Desk {
    fn with(bugs: Bugs) -> Desk {
        let config = Arc::new(Config::new(Membership::of(3, 0)));
        let mut replica = Replica::blank(config.clone());
        let mut database = Database::new(500);
        database.last_processed = Zxid::new(1, 30);
        replica.replace(database);
        replica.epochs.accepted = Epoch(2);
        let mut effects = Vec::new();
        let mut draws = Zeros;
        let mut cx = Cx::new(NodeId::server(3), Micros::ZERO, Micros::ZERO, bugs, &mut draws, &mut effects);
        let learner = Learner::start(&mut cx, ServerId(3), config, LEADER, LearnerType::Participant);
        let mut desk = Desk { learner, replica, effects, bugs, now: Micros::ZERO };
        desk.registers(conn(1));
        desk
    }

    fn step(&mut self, act: impl FnOnce(&mut Learner, &mut Cx, &mut Replica)) {
        let mut draws = Zeros;
        let mut cx = Cx::new(NodeId::server(3), self.now, self.now, self.bugs, &mut draws, &mut self.effects);
        act(&mut self.learner, &mut cx, &mut self.replica);
    }

    fn registers(&mut self, conn: ConnId) {
        self.step(|learner, cx, replica| learner.on_connected(cx, replica, conn));
        self.packet(QuorumKind::LeaderInfo, Epoch(2).first_zxid());
    }

    fn packet(&mut self, kind: QuorumKind, zxid: Zxid) {
        self.step(|learner, cx, replica| learner.on_packet(cx, replica, kind, zxid, QuorumData::Empty));
    }

    fn events(&mut self) -> Vec<RoleEvent> {
        std::iter::from_fn(|| self.learner.next_event()).collect()
    }

    /// The disk answers until it is asked for nothing more.
    fn disk(&mut self, files: &[(FileName, Vec<u8>)]) {
        loop {
            let asked = self.effects.drain(..).find_map(|effect| if let Effect::Disk { op, .. } = effect { Some(op) } else { None });
            let reply = match asked {
                None => return,
                Some(DiskOp::List) => DiskReply::Listed(files.iter().map(|(file, bytes)| (file.clone(), bytes.len() as u64)).collect()),
                Some(DiskOp::Load { file }) => {
                    let (_, bytes) = files.iter().find(|(name, _)| *name == file).expect("it is listed");
                    DiskReply::Loaded(FileImage::from(&bytes[..]))
                }
                Some(op) => panic!("the disk stays as it is, but: {op}"),
            };
            let before = self.effects.len();
            self.step(|learner, cx, replica| learner.on_truncation(cx, replica, Ok(reply)));
            if !self.effects[before..].iter().any(|effect| matches!(effect, Effect::Disk { .. })) {
                return;
            }
        }
    }

    /// What was last told of the own history.
    fn told(&self) -> Option<Zxid> {
        self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Send { packet: Packet::Quorum { kind: QuorumKind::AckEpoch, zxid, .. }, .. } => Some(*zxid),
            _ => None,
        })
    }
}

#[test]
fn nobody_leaves_while_logs_are_cut() {
    let mut desk = Desk::with(Bugs::NONE);
    assert_eq!(desk.told(), Some(Zxid::new(1, 30)));
    desk.packet(QuorumKind::Trunc, Zxid::new(1, 5));
    assert!(desk.learner.is_truncating());
    desk.now = Micros::from_secs(60);
    desk.step(|learner, cx, _| learner.on_read_timeout(cx));
    desk.step(|learner, _, _| learner.on_closed());
    assert_eq!(desk.events(), []);
}

/// The timer runs from an earlier packet than the last one, and then for what is left of the time.
#[test]
fn a_leader_that_was_heard_of_has_the_rest_of_its_time() {
    let mut desk = Desk::with(Bugs::NONE);
    let limit = desk.learner.config.init_time();
    desk.now = Micros(7_000);
    desk.packet(QuorumKind::Diff, Zxid::new(1, 30));
    desk.now = limit;
    desk.effects.clear();
    desk.step(|learner, cx, _| learner.on_read_timeout(cx));
    assert!(matches!(desk.effects[..], [Effect::Arm { timer: Timer::LeaderRead, after: Micros(7_000) }]), "{:?}", desk.effects);
    assert_eq!(desk.events(), []);
    desk.now += Micros(7_000);
    desk.step(|learner, cx, _| learner.on_read_timeout(cx));
    assert_eq!(desk.events(), [RoleEvent::Leave(LookingReason::LeaderSilent)]);
}

/// The snapshot of 1:10 is the oldest that there is.
#[test]
fn who_cannot_be_cut_back_asks_for_everything() {
    let files = history::files(Zxid::new(1, 30));
    assert!(files.iter().any(|(file, _)| *file == format::snapshot_name(Zxid::new(1, 10))));
    let mut desk = Desk::with(Bugs::NONE);
    desk.effects.clear();
    desk.packet(QuorumKind::Trunc, Zxid::new(1, 5));
    desk.disk(&files);
    assert_eq!(desk.events(), []);
    let closed = desk.effects.iter().position(|effect| matches!(effect, Effect::Close(closed) if *closed == conn(1)));
    let dialled = desk.effects.iter().position(|effect| matches!(effect, Effect::Dial { to: LEADER, port: Port::Quorum, .. }));
    assert!(closed.is_some() && closed < dialled, "{:?}", desk.effects);
    desk.registers(conn(2));
    assert_eq!(desk.told(), Some(Zxid::UNTRUSTED));

    let mut shipped = Desk::with(Bugs::from_iter([Bug::UnreachableTruncation]));
    shipped.effects.clear();
    shipped.packet(QuorumKind::Trunc, Zxid::new(1, 5));
    shipped.disk(&files);
    assert_eq!(shipped.events(), [RoleEvent::Exit(crate::zab::EXIT_QUORUM_PACKET_ERROR)]);
}
