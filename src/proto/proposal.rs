//! A transaction with its bytes: encoded once, then shared by the log, the packets and the committed ring of every server.

use std::fmt;
use std::sync::Arc;

use xxhash_rust::xxh64::xxh64;

use super::jute::JuteError;
use super::txn_bytes::{RECORD_HEAD, log_record, log_record_of, read_payload};
use super::{Bytes, Txn, TxnHeader, TxnRef, Zxid};

/// A transaction as it is proposed, logged and applied. Never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub header: TxnHeader,
    pub txn: Txn,
    /// Its record in a log file: checksum, length, payload, end byte. Source: `FileTxnLog.append`; storage reference §2.
    pub record: Bytes,
    /// 64-bit hash of the payload: tells apart transactions with one zxid.
    pub hash: u64,
}

impl Proposal {
    /// Encodes a transaction.
    pub fn new(header: TxnHeader, txn: Txn) -> Arc<Proposal> {
        let record = log_record(&header, &txn);
        Proposal::of_record(header, txn, &record)
    }

    /// Reads a payload. A digest that follows the transaction stays in the record.
    pub fn decode(payload: &[u8]) -> Result<Arc<Proposal>, JuteError> {
        let (header, txn) = read_payload(payload)?;
        Ok(Proposal::of_record(header, txn, &log_record_of(payload)))
    }

    fn of_record(header: TxnHeader, txn: Txn, record: &[u8]) -> Arc<Proposal> {
        let hash = xxh64(&record[RECORD_HEAD..record.len() - 1], 0);
        Arc::new(Proposal { header, txn, record: record.into(), hash })
    }

    pub fn zxid(&self) -> Zxid {
        self.header.zxid
    }

    pub fn id(&self) -> TxnRef {
        TxnRef { zxid: self.header.zxid, hash: self.hash }
    }

    /// Bytes of the payload: header and transaction, as PROPOSAL and INFORM carry them.
    pub fn payload(&self) -> &[u8] {
        &self.record[RECORD_HEAD..self.record.len() - 1]
    }
}

/// `2:1 create /a`.
impl fmt::Display for Proposal {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        write!(out, "{} {}", self.header.zxid, self.txn)
    }
}

/// In a trace it is its text.
impl serde::Serialize for Proposal {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}
