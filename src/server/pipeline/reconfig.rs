//! A client asks for another membership. Source: `PrepRequestProcessor.pRequest2Txn`, case `reconfig`; data-model reference §5.1.
//!
//! Most of what is to be checked the leader knows, not the processor: it stops at such a request until the server has judged it, and until the
//! configuration is on disk if it is proposed (ZooKeeper's thread writes the file itself).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::actor::Cx;
use crate::election::quorum;
use crate::proto::{Bytes, CONFIG_NODE, ErrorCode, Membership, Op, Path, Proposal, Reconfiguration, ServerId, SpecError, Txn, TxnHeader, Zxid};
use crate::tree::Database;

use super::prep::check_session;
use super::request::Request;
use super::writes::Writer;
use super::{Pipeline, Role};

/// What the leader knows.
#[derive(Clone, Debug)]
pub struct ReconfigStanding {
    /// The version of the configuration in force.
    pub current_version: i64,
    /// The last one that was proposed: the one in force, unless a reconfiguration is under way.
    pub last_seen: Arc<Membership>,
    /// Followers that keep up, and the leader.
    pub synced: BTreeSet<ServerId>,
}

/// A proposal, and the configuration that it proposes unless it is an error.
pub type Reconfigured = (Arc<Proposal>, Option<Arc<Membership>>);

impl Pipeline {
    /// Leader: judges the reconfiguration at which the processor has stopped.
    #[cold]
    pub fn prepare_reconfig(&mut self, cx: &mut Cx, db: &Database, standing: &ReconfigStanding) -> Option<Reconfigured> {
        let Role::Leader { prep, tracker, .. } = &mut self.role else { return None };
        let (header, request) = prep.stopped_at()?;
        let checked = check_session(cx, tracker, &request, request.op());
        let judged = checked.and_then(|()| {
            let mut writer = prep.writer(cx.bugs, db, header.zxid, &request);
            writer.reconfigure(&request, &header, standing)
        });
        Some(match judged {
            Ok((txn, next)) => (Proposal::new(header, txn), Some(next)),
            Err(code) => (Proposal::new(header, Txn::Error { code }), None),
        })
    }

    /// Leader: the processor goes on behind it.
    pub fn go_on_preparing(&mut self, cx: &mut Cx) {
        if let Role::Leader { prep, .. } = &mut self.role {
            prep.go_on(cx);
        }
    }
}

impl Writer<'_> {
    fn reconfigure(&mut self, request: &Request, header: &TxnHeader, standing: &ReconfigStanding) -> Result<(Txn, Arc<Membership>), ErrorCode> {
        let Op::Reconfig(asked) = request.op() else { return Err(ErrorCode::Unimplemented) };
        if standing.last_seen.version != standing.current_version {
            return Err(ErrorCode::ReconfigInProgress);
        }
        if ![-1, standing.last_seen.version].contains(&asked.version) {
            return Err(ErrorCode::BadVersion);
        }
        let next = self.next_membership(asked, standing, header.zxid)?;
        if !quorum::contains_quorum(&next, &standing.synced) {
            return Err(ErrorCode::NewConfigNoQuorum);
        }
        let (text, path): (Bytes, Path) = (next.text().into_bytes().into(), CONFIG_NODE.into());
        // Its version stays at -1, whatever is written to it.
        self.replace(&path, -1)?;
        Ok((Txn::Reconfig { path, data: Some(text), version: -1 }, Arc::new(next)))
    }

    /// Whom the ensemble would have. Changes of a hierarchy are not for the incremental form.
    fn next_membership(&self, asked: &Reconfiguration, standing: &ReconfigStanding, version: Zxid) -> Result<Membership, ErrorCode> {
        let next = match &asked.members {
            Some(members) => Membership::parse(&members.replace(',', "\n")).and_then(Membership::with_enough_voters),
            None if standing.last_seen.is_hierarchical() => return Err(ErrorCode::BadArguments),
            None => standing.last_seen.changed(asked.joining.as_deref(), asked.leaving.as_deref()),
        };
        let next = next.map_err(|error| match error {
            SpecError::Malformed => ErrorCode::BadArguments,
            SpecError::Unexpected => ErrorCode::MarshallingError,
        })?;
        // A server that is alone would run standalone.
        let fewest = if self.config.standalone_enabled { 2 } else { 1 };
        if next.voters().count() < fewest { Err(ErrorCode::BadArguments) } else { Ok(next.with_version(version)) }
    }
}
