//! A data directory with every kind of transaction in it, made by our own writers.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use zoolab::proto::{Acl, AclList, CreateForm, ErrorCode, Path as NodePath, Proposal, SessionId, Txn, TxnHeader, Zxid};
use zoolab::store::format::{LOG_HEADER, SnapshotWalker, log_name, snapshot_name};
use zoolab::tree::Database;

const ANN: SessionId = SessionId(0x100000000000001);
const BOB: SessionId = SessionId(0x200000000000001);

/// Logs grow to this.
const PADDED: u64 = 64 << 10;

/// Writes `myid` and `version-2`: two logs, a snapshot of nothing, a fuzzy one, and one of the end of the first log.
pub fn varied(folder: &Path) {
    fs::create_dir_all(folder.join("version-2")).unwrap();
    fs::write(folder.join("myid"), "1\n").unwrap();
    for epoch in ["acceptedEpoch", "currentEpoch"] {
        fs::write(folder.join("version-2").join(epoch), "1").unwrap();
    }
    let history = history();
    let (first, second) = history.split_at(history.len() - 6);
    let mut database = Database::new(500);
    write(folder, &snapshot_name(Zxid::ZERO), &whole(&database));

    // One is begun in the middle of the first log, and goes on while transactions are applied.
    let mut fuzzy = None;
    for (index, proposal) in first.iter().enumerate() {
        if index == 8 {
            fuzzy = Some((SnapshotWalker::new(&database), Vec::new()));
        }
        let _ = database.apply(proposal);
        if let Some((walker, bytes)) = &mut fuzzy {
            bytes.extend(walker.next(&database, 1).iter().flat_map(|chunk| chunk.to_vec()));
        }
    }
    let (mut walker, mut bytes) = fuzzy.expect("it was begun");
    bytes.extend(rest(&mut walker, &database));
    write(folder, &snapshot_name(walker.zxid()), &bytes);
    for part in [first, second] {
        write_log(folder, part);
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    fs::write(folder.join(name), bytes).unwrap();
}

fn write_log(folder: &Path, proposals: &[Arc<Proposal>]) {
    let records = proposals.iter().flat_map(|proposal| proposal.record.iter().copied());
    let name = log_name(proposals[0].zxid());
    write(folder, &name, &LOG_HEADER.into_iter().chain(records).collect::<Vec<_>>());
    fs::OpenOptions::new().write(true).open(folder.join(&*name)).unwrap().set_len(PADDED).unwrap();
}

fn whole(database: &Database) -> Vec<u8> {
    rest(&mut SnapshotWalker::new(database), database)
}

fn rest(walker: &mut SnapshotWalker, database: &Database) -> Vec<u8> {
    std::iter::from_fn(|| walker.next(database, 3)).flat_map(|chunk| chunk.to_vec()).collect()
}

/// All transactions, with consecutive zxids from 1:1 on.
fn history() -> Vec<Arc<Proposal>> {
    let txns = transactions();
    let proposal = |(index, (session, txn)): (usize, (SessionId, Txn))| {
        let zxid = Zxid::new(1, index as u32 + 1);
        Proposal::new(TxnHeader { session, cxid: index as i32, zxid, time: 1_700_000_000_000 + 1000 * index as i64 }, txn)
    };
    txns.into_iter().enumerate().map(proposal).collect()
}

fn acl(entries: &[(i32, &str, &str)]) -> AclList {
    entries.iter().map(|(perms, scheme, id)| Acl { perms: *perms, scheme: (*scheme).into(), id: (*id).into() }).collect()
}

fn transactions() -> Vec<(SessionId, Txn)> {
    let open = || acl(&[(31, "world", "anyone")]);
    let secret = || acl(&[(1, "world", "anyone"), (31, "digest", "ann:RYbu6l5aZwqon8VWmkcGvezdzfc=")]);
    let create = |form, path: &str, data: Option<&[u8]>, acl, ephemeral, parent_cversion| Txn::Create {
        form,
        path: path.into(),
        data: data.map(Into::into),
        acl,
        ephemeral,
        parent_cversion,
    };
    let node = |path: &str, parent_cversion| create(CreateForm::Create, path, Some(b"x"), open(), false, parent_cversion);
    let set = |path: &str, data: Option<&[u8]>, version| Txn::SetData { path: path.into(), data: data.map(Into::into), version };
    let delete = |path: &str, container| Txn::Delete { path: path.into(), container };
    let error = |code| Txn::Error { code };
    vec![
        (ANN, Txn::CreateSession { timeout: 40_000 }),
        (BOB, Txn::CreateSession { timeout: 30_000 }),
        (ANN, node("/a", 1)),
        (ANN, create(CreateForm::Create2, "/a/测试", Some("数据".as_bytes()), secret(), false, 1)),
        (ANN, create(CreateForm::Container, "/box", None, open(), false, 2)),
        (BOB, create(CreateForm::Ttl(600_000), "/ttl", Some(b""), open(), false, 3)),
        (BOB, create(CreateForm::Create, "/a/e0000000001", Some(b"eph"), open(), true, 2)),
        (ANN, create(CreateForm::Create2, "/mine", Some(b"eph"), open(), true, 4)),
        (ANN, node("/box/in", 1)),
        (ANN, set("/a", Some(&[b'y'; 100]), 1)),
        (ANN, set("/a/测试", None, 1)),
        (BOB, error(ErrorCode::BadVersion)),
        (BOB, Txn::SetAcl { path: "/box/in".into(), acl: secret(), version: 1 }),
        (ANN, delete("/box/in", false)),
        (SessionId::NONE, delete("/box", true)),
        (ANN, Txn::Multi([node("/m", 5), node("/m/1", 1), set("/m", Some(b"2"), 1), Txn::Check { path: "/m".into(), version: 1 }].into())),
        (ANN, Txn::Multi([error(ErrorCode::Ok), error(ErrorCode::NodeExists), error(ErrorCode::RuntimeInconsistency)].into())),
        (BOB, Txn::CloseSession { paths: Some([NodePath::from("/a/e0000000001")].into()) }),
        (ANN, node("/m/2", 2)),
        (ANN, set("/m/2", Some(b"late"), 1)),
        (BOB, Txn::Reconfig { path: "/zookeeper/config".into(), data: Some(b"version=100000000"[..].into()), version: -1 }),
        (ANN, delete("/m/1", false)),
        (ANN, create(CreateForm::Create, "/a/ephemeral", None, secret(), true, 3)),
    ]
}
