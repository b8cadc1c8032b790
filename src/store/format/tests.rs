//! What is written reads back; what a crash or a bad sector makes of it is told apart; fuzzy snapshots heal.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use super::*;
use crate::bugs::{Bug, Bugs};
use crate::proto::jute::JuteError;
use crate::proto::{Acl, AclList, Bytes, CONFIG_NODE, CreateForm, FileImage, Path, Proposal, SessionId, Txn, TxnHeader, Zxid};
use crate::tree::{Database, Owner, parent_of};

/// Changes as a leader decides them, so that applying them makes sense: what it cannot do, it makes an error of.
struct Leader {
    database: Database,
    log: Vec<Arc<Proposal>>,
}

/// What somebody wants; the leader decides.
#[derive(Clone, Debug)]
enum Wish {
    Create {
        form: u8,
        path: &'static str,
        ephemeral: bool,
        perms: i32,
    },
    Delete(&'static str),
    Set(&'static str, u8),
    SetAcl(&'static str, i32),
    Open,
    Close,
    /// In one transaction.
    Both(Box<[Wish; 2]>),
}

const SESSIONS: [SessionId; 2] = [SessionId(0x100), SessionId(0x200)];

fn acl(perms: i32) -> AclList {
    Arc::new([Acl { perms, scheme: "world".into(), id: "anyone".into() }])
}

impl Leader {
    fn new() -> Leader {
        let mut database = Database::new(500);
        database.last_processed = Zxid::new(1, 0);
        Leader { database, log: Vec::new() }
    }

    fn grant(&mut self, session: SessionId, wish: &Wish) {
        let zxid = Zxid(self.database.last_processed.0 + 1);
        let header = TxnHeader { session, cxid: 1, zxid, time: 1_700_000_000_000 + i64::from(zxid.counter()) };
        let txn = self.prepare(session, wish).unwrap_or(Txn::Error { code: crate::proto::ErrorCode::BadArguments });
        let proposal = Proposal::new(header, txn);
        let _ = self.database.apply(&proposal);
        self.log.push(proposal);
    }

    /// The second wish with the first one granted.
    fn prepare_both(&self, session: SessionId, [first, second]: &[Wish; 2]) -> Option<Txn> {
        let first = self.prepare(session, first)?;
        let mut ahead = Leader { database: self.database.clone(), log: Vec::new() };
        let header = TxnHeader { session, cxid: 1, zxid: Zxid(self.database.last_processed.0 + 1), time: 0 };
        let _ = ahead.database.apply(&Proposal::new(header, first.clone()));
        Some(Txn::Multi([first, ahead.prepare(session, second)?].into()))
    }

    fn prepare(&self, session: SessionId, wish: &Wish) -> Option<Txn> {
        if let Wish::Both(both) = wish {
            return self.prepare_both(session, both);
        }
        let tree = self.database.tree();
        let alive = || self.database.sessions().contains_key(&session).then_some(());
        Some(match *wish {
            Wish::Both(_) => unreachable!("they are prepared one after the other"),
            Wish::Create { form, path, ephemeral, perms } => {
                let parent = tree.get(parent_of(path))?;
                if tree.get(path).is_some() || matches!(parent.owner(), Owner::Session(_)) {
                    return None;
                }
                if ephemeral {
                    alive()?;
                }
                let form = [CreateForm::Create, CreateForm::Create2, CreateForm::Container, CreateForm::Ttl(1000)][usize::from(form % 4)];
                let ephemeral = ephemeral && matches!(form, CreateForm::Create | CreateForm::Create2);
                let parent_cversion = parent.stat.cversion + 1;
                Txn::Create { form, path: path.into(), data: Some(Bytes::from([form_byte(form)])), acl: acl(perms), ephemeral, parent_cversion }
            }
            Wish::Delete(path) => {
                tree.get(path).filter(|node| node.children.is_empty())?;
                Txn::Delete { path: path.into(), container: false }
            }
            Wish::Set(path, byte) => {
                let version = tree.get(path)?.stat.version + 1;
                Txn::SetData { path: path.into(), data: Some(Bytes::from([byte])), version }
            }
            Wish::SetAcl(path, perms) => {
                let version = tree.get(path)?.stat.aversion + 1;
                Txn::SetAcl { path: path.into(), acl: acl(perms), version }
            }
            Wish::Open => Txn::CreateSession { timeout: 4000 },
            Wish::Close => {
                alive()?;
                Txn::CloseSession { paths: Some(tree.ephemerals(session).cloned().collect()) }
            }
        })
    }
}

fn form_byte(form: CreateForm) -> u8 {
    match form {
        CreateForm::Create => 0,
        CreateForm::Create2 => 1,
        CreateForm::Container => 2,
        CreateForm::Ttl(_) => 3,
    }
}

fn wish() -> impl Strategy<Value = (SessionId, Wish)> {
    let path = || prop::sample::select(&["/a", "/a", "/b", "/b", "/a/x", "/a/y", "/a/x/1", "/b/x"][..]);
    let change = prop_oneof![
        6 => (0..4u8, path(), any::<bool>(), prop::sample::select(&[1, 2, 31][..])).prop_map(|(form, path, ephemeral, perms)| Wish::Create { form, path, ephemeral, perms }),
        4 => path().prop_map(Wish::Delete),
        2 => (path(), any::<u8>()).prop_map(|(path, byte)| Wish::Set(path, byte)),
        2 => (path(), prop::sample::select(&[1, 2, 31][..])).prop_map(|(path, perms)| Wish::SetAcl(path, perms)),
    ]
    .boxed();
    let part = || change.clone().prop_filter("no part of a multi", |wish| !matches!(wish, Wish::SetAcl(..)));
    let both = (part(), part()).prop_map(|(first, second)| Wish::Both(Box::new([first, second])));
    let wish = prop_oneof![14 => change, 3 => both, 2 => Just(Wish::Open), 1 => Just(Wish::Close)];
    (prop::sample::select(&SESSIONS[..]), wish)
}

fn wishes(count: usize) -> impl Strategy<Value = Vec<(SessionId, Wish)>> {
    prop::collection::vec(wish(), 0..count)
}

/// Everything that can be seen, to compare more than a digest.
fn content(database: &Database) -> impl PartialEq + std::fmt::Debug + use<> {
    let nodes: Vec<_> = database
        .tree()
        .nodes()
        .map(|(path, node)| (path.to_owned(), node.data.clone(), node.stat, database.tree().acls().list(node.acl), node.children.clone()))
        .collect();
    let ephemerals: Vec<_> =
        database.tree().ephemeral_owners().map(|owner| (owner, database.tree().ephemerals(owner).cloned().collect::<Vec<_>>())).collect();
    let indexed: Vec<Path> = database.tree().containers().chain(database.tree().ttls()).cloned().collect();
    (nodes, ephemerals, indexed, database.sessions().clone())
}

/// All that the walker gives, as one file.
fn drain(walker: &mut SnapshotWalker, database: &Database, nodes: usize) -> Vec<u8> {
    std::iter::from_fn(|| walker.next(database, nodes)).flat_map(|chunk| chunk.to_vec()).collect()
}

fn snapshot(database: &Database) -> Vec<u8> {
    drain(&mut SnapshotWalker::new(database), database, usize::MAX)
}

fn read(bytes: &[u8], zxid: Zxid) -> Result<Database, SnapshotError> {
    read_snapshot(&FileImage::from(bytes), zxid, 500)
}

fn log_of(proposals: &[Arc<Proposal>]) -> Vec<u8> {
    proposals.iter().fold(LOG_HEADER.to_vec(), |mut bytes, proposal| {
        bytes.extend_from_slice(&proposal.record);
        bytes
    })
}

/// Changes before, during and after a snapshot; of those during it each few come before so many nodes are written.
#[derive(Clone, Debug)]
struct Story {
    before: Vec<(SessionId, Wish)>,
    during: Vec<(Vec<(SessionId, Wish)>, usize)>,
    after: Vec<(SessionId, Wish)>,
}

fn story() -> impl Strategy<Value = Story> {
    let during = prop::collection::vec((wishes(6), 1..3usize), 0..8);
    (wishes(20), during, wishes(10)).prop_map(|(before, during, after)| Story { before, during, after })
}

impl Story {
    /// The snapshot with the log replayed over it, and the database that it was taken from.
    fn heal(&self, bugs: Bugs) -> (Database, Database) {
        let mut leader = Leader::new();
        self.before.iter().for_each(|(session, wish)| leader.grant(*session, wish));
        let mut walker = SnapshotWalker::new(&leader.database);
        let mut file = Vec::new();
        for (wishes, nodes) in &self.during {
            wishes.iter().for_each(|(session, wish)| leader.grant(*session, wish));
            file.extend(walker.next(&leader.database, *nodes).iter().flat_map(|chunk| chunk.to_vec()));
        }
        file.extend(drain(&mut walker, &leader.database, 1));
        self.after.iter().for_each(|(session, wish)| leader.grant(*session, wish));
        let mut healed = read(&file, walker.zxid()).expect("what we wrote");
        for proposal in leader.log.iter().filter(|proposal| proposal.zxid() > walker.zxid()) {
            let _ = healed.apply_again(proposal, bugs);
        }
        (healed, leader.database)
    }
}

/// A replay with one of its rules broken does not heal: the property above can fail.
#[test]
fn broken_replays_do_not_heal() {
    for bug in [Bug::Zk3249, Bug::OrphanedChild] {
        let config = ProptestConfig { cases: 10_000, failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let heals = |story: Story| {
            let (healed, leader) = story.heal([bug].into_iter().collect());
            if healed.digest() == leader.digest() { Ok(()) } else { Err(TestCaseError::fail("another tree")) }
        };
        assert!(runner.run(&story(), heals).is_err(), "{bug} does no harm");
    }
}

/// A history with some of everything.
fn varied() -> Leader {
    let mut leader = Leader::new();
    let [one, other] = SESSIONS;
    leader.grant(one, &Wish::Open);
    leader.grant(other, &Wish::Open);
    for (path, form, ephemeral) in [("/a", 0, false), ("/a/x", 2, false), ("/a/x/1", 3, false), ("/a/y", 1, true), ("/b", 0, false)] {
        leader.grant(one, &Wish::Create { form, path, ephemeral, perms: i32::from(form) });
    }
    leader.grant(other, &Wish::Set("/a", 9));
    leader.grant(other, &Wish::SetAcl("/b", 4));
    leader.grant(other, &Wish::Close);
    leader
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn snapshots_read_back(wishes in wishes(40), nodes in 1..9usize) {
        let mut leader = Leader::new();
        wishes.iter().for_each(|(session, wish)| leader.grant(*session, wish));
        let mut walker = SnapshotWalker::new(&leader.database);
        let file = drain(&mut walker, &leader.database, nodes);
        prop_assert!(is_complete_snapshot(&FileImage::from(&file[..])));
        let database = read(&file, walker.zxid()).expect("what we wrote");
        prop_assert_eq!((database.digest(), database.last_processed), (leader.database.digest(), leader.database.last_processed));
        prop_assert_eq!(content(&database), content(&leader.database));
        prop_assert_eq!(&file, &snapshot(&leader.database), "the chunks do not show");
        let stream = drain(&mut SnapshotWalker::stream(&leader.database), &leader.database, nodes);
        prop_assert_eq!(content(&read_stream(&stream, Zxid(7), 500).expect("what we sent")), content(&database));
    }

    /// A snapshot taken while the tree changes, and the transactions after its name: the state at the end of those, exactly. (That this can
    /// fail is tried below.)
    #[test]
    fn fuzzy_snapshots_heal(story in story()) {
        let (healed, leader) = story.heal(Bugs::NONE);
        prop_assert_eq!(content(&healed), content(&leader));
        prop_assert_eq!((healed.digest(), healed.last_processed), (leader.digest(), leader.last_processed));
    }

    /// Damage is found, or does no harm; it never makes another database.
    #[test]
    fn a_damaged_snapshot_is_never_another_database(at in any::<prop::sample::Index>(), bit in 0..8u32, cut in any::<prop::sample::Index>()) {
        let database = varied().database;
        let file = snapshot(&database);
        let mut flipped = file.clone();
        flipped[at.index(file.len())] ^= 1 << bit;
        for damaged in [&flipped[..], &file[..cut.index(file.len())]] {
            if let Ok(read) = read(damaged, database.last_processed) {
                prop_assert_eq!(content(&read), content(&database));
            }
        }
    }

    #[test]
    fn logs_read_back(wishes in wishes(40), padding in prop::option::of(12..10_000u64)) {
        let mut leader = Leader::new();
        wishes.iter().for_each(|(session, wish)| leader.grant(*session, wish));
        let bytes = log_of(&leader.log);
        let mut image = FileImage::from(&bytes[..]);
        image.set_len(bytes.len() as u64 + padding.unwrap_or(0));
        let mut records = read_log(&image).expect("a log");
        let mut at = LOG_HEADER.len() as u64;
        for proposal in &leader.log {
            prop_assert_eq!(records.next(), Some(LogRecord::Txn { at, proposal: proposal.clone() }));
            at += proposal.record.len() as u64;
            prop_assert_eq!(records.position(), at);
        }
        prop_assert_eq!(records.next(), None);
        prop_assert_eq!(records.position(), bytes.len() as u64);
    }

    /// A flipped bit is an error or the end, never another transaction.
    #[test]
    fn a_damaged_log_is_never_another_history(at in any::<prop::sample::Index>(), bit in 0..8u32) {
        let leader = varied();
        let mut bytes = log_of(&leader.log);
        *at.get_mut(&mut bytes[..]) ^= 1 << bit;
        let image = FileImage::from(&bytes[..]);
        let records = read_log(&image).map(Iterator::collect).unwrap_or_else(|_| Vec::new());
        for (record, proposal) in records.iter().zip(&leader.log) {
            match record {
                LogRecord::Txn { proposal: read, .. } => prop_assert_eq!(read, proposal),
                _ => break,
            }
        }
    }
}

/// The table of storage reference §6.5, on a log of two records.
#[test]
fn how_a_log_ends() {
    let leader = varied();
    let [first, second] = [&leader.log[0], &leader.log[1]];
    let whole = log_of(&leader.log[..2]);
    let at = (LOG_HEADER.len() + first.record.len()) as u64;
    let end = whole.len();
    // `Ok` of the place and the way it ends, `Err` of what the second record breaks.
    let outcome = |bytes: &[u8]| {
        let image = FileImage::from(bytes);
        let read: Vec<LogRecord> = read_log(&image)?.collect();
        let expected = [LogRecord::Txn { at: 16, proposal: first.clone() }, LogRecord::Txn { at, proposal: second.clone() }];
        let same = read.iter().zip(&expected).take_while(|(read, expected)| read == expected).count();
        Ok::<_, LogError>((same, read.get(same).cloned()))
    };
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = whole.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let second_at = at as usize;
    let tail = |why| Ok((1, Some(LogRecord::Tail { at, why })));
    let broken = |why| Ok((1, Some(LogRecord::Broken { at, why })));
    let unknown_type = {
        let mut payload = second.payload().to_vec();
        payload[28..32].copy_from_slice(&99i32.to_be_bytes());
        let checksum = i64::from(adler2::adler32_slice(&payload)).to_be_bytes();
        let mut record = [&checksum[..], &(payload.len() as i32).to_be_bytes(), &payload].concat();
        record.push(0x42);
        [&whole[..second_at], &record].concat()
    };
    type Ending = Result<(usize, Option<LogRecord>), LogError>;
    let table: [(&str, Vec<u8>, Ending); 17] = [
        ("whole", whole.clone(), Ok((2, None))),
        ("zeros behind it", [&whole[..], &[0; 100]].concat(), Ok((2, None))),
        ("cut behind a record", whole[..second_at].to_vec(), Ok((1, None))),
        ("cut within the head of a record", whole[..second_at + 7].to_vec(), tail(LogTail::Cut)),
        ("cut within the payload", whole[..end - 5].to_vec(), tail(LogTail::Cut)),
        ("cut before the end byte", whole[..end - 1].to_vec(), tail(LogTail::Cut)),
        ("the end byte is still zero", with(end - 1, &[0]), tail(LogTail::Torn)),
        ("the rest of the record is still zero", with(end - 9, &[0; 9]), tail(LogTail::Torn)),
        ("the length is still zero", with(second_at + 8, &[0; 4]), Ok((1, None))),
        ("the middle is lost, the end is there", with(second_at + 20, &[0; 4]), broken(LogError::Checksum)),
        ("a negative length", with(second_at + 8, &[0xff; 4]), broken(LogError::BadLength(-1))),
        ("a length over all limits", with(second_at + 8, &[0, 0x20, 0, 0]), broken(LogError::BadLength(0x20_0000))),
        ("a transaction that nobody knows", unknown_type, broken(LogError::Undecodable(JuteError::UnknownType(99)))),
        ("another magic", with(0, b"ZKSN"), Err(LogError::BadMagic(*b"ZKSN"))),
        ("cut within the header", whole[..15].to_vec(), Err(LogError::HeaderCut)),
        ("empty", Vec::new(), Err(LogError::HeaderCut)),
        ("another version", with(4, &[0, 0, 0, 9]), Ok((2, None))),
    ];
    for (what, bytes, expected) in table {
        assert_eq!(outcome(&bytes), expected, "{what}");
    }
}

#[test]
fn logs_grow_in_steps() {
    const STEP: u64 = 64 << 20;
    let table = [
        ((16, 16, STEP), 67_108_880),
        ((67_104_783, 67_108_880, STEP), 67_108_880),
        ((67_104_784, 67_108_880, STEP), 67_108_880 + STEP),
        ((100, 16, 64), 128),
        ((16, 16, 0), 16),
        ((70_000, 65_552, 65_536), 131_072),
    ];
    for ((position, known, step), expected) in table {
        assert_eq!(padded_size(position, known, step), expected, "{position} of {known} by {step}");
    }
}

#[test]
fn names_read_back() {
    let zxid = Zxid::new(1, 0xa);
    assert_eq!((&*log_name(zxid), &*snapshot_name(zxid)), ("version-2/log.10000000a", "version-2/snapshot.10000000a"));
    assert_eq!(
        (log_zxid(&log_name(zxid)), snapshot_zxid(&snapshot_name(zxid)), snapshot_zxid("snapshot.0")),
        (Some(zxid), Some(zxid), Some(Zxid::ZERO))
    );
    for other in ["log.", "log.x", "log.1.tmp", "snapshot.1", "log.-1", "catalog.1", "log.fffffffffffffffff", "version-2"] {
        assert_eq!(log_zxid(other), None, "{other}");
    }
    assert_eq!((snapshot_zxid("snapshot.1.tmp"), snapshot_zxid("snapshot.1.gz")), (None, None));
}

#[test]
fn older_releases_end_their_snapshots_earlier() {
    let database = varied().database;
    let file = snapshot(&database);
    // Each seal is a checksum and the string "/": 13 bytes. The digest takes 20, the last zxid 8.
    let (third, second) = (8 + 13, 20 + 13);
    for end in [file.len() - third, file.len() - third - second] {
        let read = read(&file[..end], database.last_processed).expect("an older format");
        assert_eq!(content(&read), content(&database));
    }
    for end in [file.len() - 1, file.len() - third - 1, file.len() - third - second - 1] {
        assert!(read(&file[..end], database.last_processed).is_err(), "cut at {end}");
        assert!(!is_complete_snapshot(&FileImage::from(&file[..end])));
    }
}

#[test]
fn what_is_no_snapshot_says_why() {
    let database = varied().database;
    let file = snapshot(&database);
    assert_eq!(read(b"ZKLG", Zxid::ZERO).map(drop), Err(SnapshotError::BadMagic));
    assert_eq!(read(&file[..40], Zxid::ZERO).map(drop), Err(SnapshotError::Malformed { at: 36, why: JuteError::Short }));
    let mut flipped = file.clone();
    // The last byte of a name: the structure stays whole.
    let at = file.windows(2).position(|pair| pair == b"/b").expect("a node") + 1;
    flipped[at] = b'c';
    assert!(matches!(read(&flipped, Zxid::ZERO), Err(SnapshotError::Checksum { .. })));
    let stream = drain(&mut SnapshotWalker::stream(&database), &database, 3);
    assert_eq!(read_stream(&stream[..stream.len() - 1], Zxid::ZERO, 500).map(drop), Err(SnapshotError::BadSignature));
}

#[test]
fn a_node_that_is_gone_when_its_turn_comes_is_left_out() {
    let mut leader = varied();
    let mut walker = SnapshotWalker::new(&leader.database);
    let mut file: Vec<u8> = walker.next(&leader.database, 2).expect("the root and /a").to_vec();
    leader.grant(SESSIONS[0], &Wish::Close);
    leader.grant(SESSIONS[0], &Wish::Delete("/a/x/1"));
    leader.grant(SESSIONS[0], &Wish::Delete("/a/x"));
    file.extend(drain(&mut walker, &leader.database, 1));
    let fuzzy = read(&file, walker.zxid()).expect("what we wrote");
    let paths: Vec<_> = fuzzy.tree().nodes().map(|(path, _)| path).collect();
    assert_eq!(paths, ["/", "/a", "/b", "/zookeeper", CONFIG_NODE, "/zookeeper/quota"]);
    assert_eq!(fuzzy.sessions().get(&SESSIONS[0]), Some(&4000), "the sessions are those of the beginning");
    assert_eq!(fuzzy.last_processed, Zxid::new(1, 10));
}
