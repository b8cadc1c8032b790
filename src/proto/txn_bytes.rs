//! The bytes of a transaction: `TxnHeader`, then the record of its type; and the record of a log file around them.
//! Source: `SerializeUtils.deserializeTxn`, `FileTxnLog.append`, zookeeper.jute; storage reference §2.

use std::sync::Arc;

use super::jute::{JuteError, Reader, Writer};
use super::{CreateForm, ErrorCode, Path, SessionId, Txn, TxnHeader, Zxid};

/// The last byte of a log record, 'B': without it the record was not written to its end.
pub const END_OF_RECORD: u8 = 0x42;

/// Bytes of a log record before its payload: checksum and length.
pub const RECORD_HEAD: usize = 12;

/// Bytes of the `TxnHeader`.
const HEADER: usize = 32;

/// Bytes of a `TxnDigest`, version and sum of the tree: it may follow the transaction (3.6+). We write none, as with `digest.enabled=false`.
const DIGEST: usize = 12;

/// The log record of a transaction.
pub fn log_record(header: &TxnHeader, txn: &Txn) -> Vec<u8> {
    let mut out = Writer::with_capacity(RECORD_HEAD + HEADER + size_hint(txn) + 1);
    out.long(0);
    out.int(0);
    out.long(header.session.0);
    out.int(header.cxid);
    out.long(header.zxid.0);
    out.long(header.time);
    out.int(txn.number());
    write_txn(&mut out, txn);
    seal(out)
}

/// The log record of a payload that was read.
pub fn log_record_of(payload: &[u8]) -> Vec<u8> {
    let mut out = Writer::with_capacity(RECORD_HEAD + payload.len() + 1);
    out.long(0);
    out.int(0);
    out.raw(payload);
    seal(out)
}

/// Header and transaction of a payload. A digest may follow, but nothing else.
pub fn read_payload(payload: &[u8]) -> Result<(TxnHeader, Txn), JuteError> {
    let mut reader = Reader::new(payload);
    let header = TxnHeader { session: SessionId(reader.long()?), cxid: reader.int()?, zxid: Zxid(reader.long()?), time: reader.long()? };
    let number = reader.int()?;
    let txn = match number {
        -11 => read_close_session(&mut reader)?,
        14 => read_multi(&mut reader)?,
        _ => read_txn(&mut reader, number)?,
    };
    match reader.rest().len() {
        0 | DIGEST => Ok((header, txn)),
        bytes => Err(JuteError::Trailing(bytes)),
    }
}

/// Puts checksum and length before the payload and the end byte behind it.
fn seal(mut out: Writer) -> Vec<u8> {
    let payload = &out.bytes()[RECORD_HEAD..];
    let checksum = i64::from(adler2::adler32_slice(payload));
    let length = i32::try_from(payload.len()).expect("no transaction holds 2 GiB");
    out.patch(0, &checksum.to_be_bytes());
    out.patch(8, &length.to_be_bytes());
    out.byte(END_OF_RECORD);
    out.into_bytes()
}

/// About how many bytes the record of `txn` takes: too few cost a copy, nothing else.
fn size_hint(txn: &Txn) -> usize {
    match txn {
        Txn::Create { path, data, acl, .. } => 40 + path.len() + data.as_ref().map_or(0, |data| data.len()) + 40 * acl.len(),
        Txn::SetData { path, data, .. } | Txn::Reconfig { path, data, .. } => 12 + path.len() + data.as_ref().map_or(0, |data| data.len()),
        Txn::SetAcl { path, acl, .. } => 12 + path.len() + 40 * acl.len(),
        Txn::Delete { path, .. } | Txn::Check { path, .. } => 8 + path.len(),
        Txn::CloseSession { paths } => 4 + paths.iter().flat_map(|paths| paths.iter()).map(|path| 4 + path.len()).sum::<usize>(),
        Txn::Multi(txns) => 4 + txns.iter().map(|txn| 8 + size_hint(txn)).sum::<usize>(),
        Txn::CreateSession { .. } | Txn::Error { .. } => 4,
    }
}

fn write_txn(out: &mut Writer, txn: &Txn) {
    match txn {
        Txn::CreateSession { timeout } => out.int(*timeout),
        Txn::CloseSession { paths: None } => {}
        Txn::CloseSession { paths: Some(paths) } => {
            out.length(paths.len());
            paths.iter().for_each(|path| out.string(path));
        }
        Txn::Create { form, path, data, acl, ephemeral, parent_cversion } => {
            out.string(path);
            out.buffer(data.as_deref());
            out.acl(acl);
            match form {
                CreateForm::Create | CreateForm::Create2 => {
                    out.bool(*ephemeral);
                    out.int(*parent_cversion);
                }
                CreateForm::Container => out.int(*parent_cversion),
                CreateForm::Ttl(ttl) => {
                    out.int(*parent_cversion);
                    out.long(*ttl);
                }
            }
        }
        Txn::Delete { path, .. } => out.string(path),
        Txn::SetData { path, data, version } | Txn::Reconfig { path, data, version } => {
            out.string(path);
            out.buffer(data.as_deref());
            out.int(*version);
        }
        Txn::SetAcl { path, acl, version } => {
            out.string(path);
            out.acl(acl);
            out.int(*version);
        }
        Txn::Check { path, version } => {
            out.string(path);
            out.int(*version);
        }
        Txn::Error { code } => out.int(code.number()),
        Txn::Multi(txns) => {
            out.length(txns.len());
            for txn in txns.iter() {
                out.int(txn.number());
                out.nested(|out| write_txn(out, txn));
            }
        }
    }
}

/// A transaction that stands alone or within a multi.
fn read_txn(reader: &mut Reader, number: i32) -> Result<Txn, JuteError> {
    Ok(match number {
        -10 => Txn::CreateSession { timeout: reader.int()? },
        -1 => Txn::Error { code: reader.int().and_then(|code| ErrorCode::numbered(code).ok_or(JuteError::UnknownError(code)))? },
        1 | 15 | 19 | 21 => read_create(reader, number)?,
        2 | 20 => Txn::Delete { path: reader.string()?, container: number == 20 },
        5 => Txn::SetData { path: reader.string()?, data: reader.data()?, version: reader.int()? },
        7 => Txn::SetAcl { path: reader.string()?, acl: reader.acl()?, version: reader.int()? },
        13 => Txn::Check { path: reader.string()?, version: reader.int()? },
        16 => Txn::Reconfig { path: reader.string()?, data: reader.data()?, version: reader.int()? },
        _ => return Err(JuteError::UnknownType(number)),
    })
}

/// The four forms of create have different records.
fn read_create(reader: &mut Reader, number: i32) -> Result<Txn, JuteError> {
    let (path, data, acl) = (reader.string()?, reader.data()?, reader.acl()?);
    let ephemeral = matches!(number, 1 | 15) && reader.bool()?;
    // Logs of 3.3 and before (`CreateTxnV0`) end here: -1 lets the tree count by itself.
    let parent_cversion = if number == 1 && reader.rest().is_empty() { -1 } else { reader.int()? };
    let form = match number {
        1 => CreateForm::Create,
        15 => CreateForm::Create2,
        19 => CreateForm::Container,
        _ => CreateForm::Ttl(reader.long().and_then(|ttl| if (1..1 << 40).contains(&ttl) { Ok(ttl) } else { Err(JuteError::BadTtl(ttl)) })?),
    };
    Ok(Txn::Create { form, path, data, acl, ephemeral, parent_cversion })
}

/// Without a list before 3.6, or with `closeSessionTxn.enabled=false`, when a digest may follow at once.
fn read_close_session(reader: &mut Reader) -> Result<Txn, JuteError> {
    let bare = reader.clone();
    let paths = read_paths(reader);
    match (bare.rest().len(), paths) {
        (0, _) | (DIGEST, Err(_)) => {
            *reader = bare;
            Ok(Txn::CloseSession { paths: None })
        }
        (_, paths) => Ok(Txn::CloseSession { paths: Some(paths?) }),
    }
}

fn read_paths(reader: &mut Reader) -> Result<Arc<[Path]>, JuteError> {
    let count = reader.count(4)?;
    (0..count).map(|_| reader.string()).collect()
}

fn read_multi(reader: &mut Reader) -> Result<Txn, JuteError> {
    let count = reader.count(8)?;
    let part = |_| {
        let number = reader.int()?;
        let mut record = Reader::new(reader.buffer()?.unwrap_or_default());
        let txn = match number {
            -11 | -10 | 7 | 14 | 16 => Err(JuteError::MisplacedType(number)),
            _ => read_txn(&mut record, number),
        }?;
        if record.rest().is_empty() { Ok(txn) } else { Err(JuteError::Trailing(record.rest().len())) }
    };
    (0..count).map(part).collect::<Result<_, _>>().map(Txn::Multi)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::proto::{Acl, Proposal};
    use proptest::prelude::*;

    fn path() -> impl Strategy<Value = Path> {
        "(/[a-z\u{6d4b}]{1,3}){1,3}".prop_map(Path::from)
    }

    fn data() -> impl Strategy<Value = Option<Arc<[u8]>>> {
        prop::option::of(prop::collection::vec(any::<u8>(), 0..40).prop_map(Arc::from))
    }

    fn acl() -> impl Strategy<Value = Arc<[Acl]>> {
        let entry = (0..32, "[a-z]{0,6}", "[a-z:]{0,6}").prop_map(|(perms, scheme, id)| Acl { perms, scheme: scheme.into(), id: id.into() });
        prop::collection::vec(entry, 0..3).prop_map(Arc::from)
    }

    fn form() -> impl Strategy<Value = CreateForm> {
        prop_oneof![Just(CreateForm::Create), Just(CreateForm::Create2), Just(CreateForm::Container), (1..1i64 << 40).prop_map(CreateForm::Ttl)]
    }

    /// Any transaction that may be a part of a multi.
    fn part() -> impl Strategy<Value = Txn> {
        let create = (form(), path(), data(), acl(), any::<bool>(), any::<i32>()).prop_map(|(form, path, data, acl, ephemeral, parent_cversion)| {
            let ephemeral = ephemeral && matches!(form, CreateForm::Create | CreateForm::Create2);
            Txn::Create { form, path, data, acl, ephemeral, parent_cversion }
        });
        prop_oneof![
            create,
            (path(), any::<bool>()).prop_map(|(path, container)| Txn::Delete { path, container }),
            (path(), data(), any::<i32>()).prop_map(|(path, data, version)| Txn::SetData { path, data, version }),
            (path(), any::<i32>()).prop_map(|(path, version)| Txn::Check { path, version }),
            prop::sample::select(ErrorCode::ALL).prop_map(|code| Txn::Error { code }),
        ]
    }

    /// Any transaction.
    pub fn txn() -> impl Strategy<Value = Txn> {
        prop_oneof![
            4 => part(),
            1 => any::<i32>().prop_map(|timeout| Txn::CreateSession { timeout }),
            1 => prop::option::of(prop::collection::vec(path(), 0..3).prop_map(Arc::from)).prop_map(|paths| Txn::CloseSession { paths }),
            1 => (path(), data(), any::<i32>()).prop_map(|(path, data, version)| Txn::Reconfig { path, data, version }),
            1 => (path(), acl(), any::<i32>()).prop_map(|(path, acl, version)| Txn::SetAcl { path, acl, version }),
            1 => prop::collection::vec(part(), 0..4).prop_map(|parts| Txn::Multi(parts.into())),
        ]
    }

    pub fn header() -> impl Strategy<Value = TxnHeader> {
        (any::<i64>(), any::<i32>(), any::<i64>(), any::<i64>()).prop_map(|(session, cxid, zxid, time)| TxnHeader {
            session: SessionId(session),
            cxid,
            zxid: Zxid(zxid),
            time,
        })
    }

    proptest! {
        #[test]
        fn transactions_read_back(header in header(), txn in txn()) {
            let proposal = Proposal::new(header, txn);
            let read = Proposal::decode(proposal.payload()).expect("what we wrote");
            prop_assert_eq!(&read, &proposal);
        }

        /// Nothing that stands on a disk makes the reader panic, and what it accepts it understood.
        #[test]
        fn any_bytes_end_in_a_value_or_an_error(header in header(), txn in txn(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let mut payload = Proposal::new(header, txn).payload().to_vec();
            *at.get_mut(&mut payload[..]) = byte;
            payload.truncate(cut.index(payload.len() + 1));
            let _ = Proposal::decode(&payload);
        }
    }

    #[test]
    fn a_record_is_checksum_length_payload_and_end() {
        let header = TxnHeader { session: SessionId(0x10), cxid: 1, zxid: Zxid::new(1, 2), time: 3 };
        let proposal = Proposal::new(header, Txn::Delete { path: "/a".into(), container: false });
        let payload = [
            &[0, 0, 0, 0, 0, 0, 0, 0x10][..],
            &[0, 0, 0, 1],
            &[0, 0, 0, 1, 0, 0, 0, 2],
            &[0, 0, 0, 0, 0, 0, 0, 3],
            &[0, 0, 0, 2],
            &[0, 0, 0, 2, b'/', b'a'],
        ]
        .concat();
        assert_eq!(proposal.payload(), payload);
        let checksum = adler2::adler32_slice(&payload).to_be_bytes();
        assert_eq!(proposal.record[..12], [&[0; 4][..], &checksum, &[0, 0, 0, 38]].concat());
        assert_eq!(proposal.record.last(), Some(&END_OF_RECORD));
    }

    #[test]
    fn a_digest_may_follow() {
        let header = TxnHeader { session: SessionId(1), cxid: 1, zxid: Zxid(1), time: 0 };
        let close = |paths| Txn::CloseSession { paths };
        for txn in [Txn::CreateSession { timeout: 5 }, close(None), close(Some([Path::from("/e")].into()))] {
            let mut payload = Proposal::new(header, txn.clone()).payload().to_vec();
            payload.extend([0, 0, 0, 2, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0]);
            let read = Proposal::decode(&payload).expect("a digest is no harm");
            assert_eq!((&read.txn, read.payload()), (&txn, &payload[..]));
            payload.push(0);
            assert!(Proposal::decode(&payload).is_err(), "{txn}");
        }
    }
}
