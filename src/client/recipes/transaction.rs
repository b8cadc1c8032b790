//! Two-phase commit: every site votes, and the outcome is decided once. Reference §15.
//!
//! `PATH` has a child for each site, whose first change of data is its vote, and one for the decision. Anybody may decide, from the votes that
//! are there; the decision is one create in one multi with checks that they are still those. So it does not matter who decides, or who dies.

use super::names::child;
use super::protected;
use super::script::{Run, Script, Stop};
use crate::bugs::Bug;
use crate::proto::{Acl, Bytes, CreateMode, ErrorCode, Op, Path, Recipe, RecipeCall, parent_path};
use crate::trace::Note;

const RECIPE: Recipe = Recipe::Transaction;

const COMMIT: &str = "commit";

const ABORT: &str = "abort";

const DECISION: &str = "decision";

/// Whether it has voted, and so (version 0) its vote can be given.
const NOT_VOTED: i32 = 0;

/// Makes the transaction with all its sites, or finds that it is its own.
pub fn begin(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let path = &call.path;
    let own: Bytes = protected::mark(zk).into_bytes().into();
    let named = call.data.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    let sites: Vec<Path> = named.split(',').filter(|site| !site.is_empty()).map(|site| child(path, site)).collect();
    loop {
        let create = |path: &Path, data: Option<Bytes>| Op::create(path.clone(), data, Acl::open(), CreateMode::Persistent);
        let all = || [create(path, Some(own.clone()))].into_iter().chain(sites.iter().map(|site| create(site, None))).collect();
        match zk.multi_or_blame(all) {
            Ok(Ok(_)) => return Ok("Ok".into()),
            Ok(Err((0, ErrorCode::NoNode))) => zk.create_container(&parent_path(path).unwrap_or("/").into())?,
            // Perhaps it was made by the try before.
            Ok(Err((0, ErrorCode::NodeExists))) if zk.data(path, false)?.0.as_ref() == Some(&own) => return Ok("Ok".into()),
            Ok(Err((_, code))) => return Err(Stop::Failed(code)),
            Err(Stop::Failed(ErrorCode::ConnectionLoss)) => {}
            Err(stop) => return Err(stop),
        }
    }
}

/// The vote of this client's site, which is called as the client is. It can be given once.
pub fn vote(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let own = child(&call.path, &zk.me.to_string());
    if !is_vote(&call.data) {
        return Err(Stop::Failed(ErrorCode::BadArguments));
    }
    loop {
        // The mistake: a vote is what was said last.
        let again = zk.has(Bug::RecipeVotesTwice);
        let (recorded, stat) = zk.data(&own, false)?;
        if stat.version != NOT_VOTED && !again {
            return if recorded == call.data { Ok("Ok".into()) } else { Err(Stop::Failed(ErrorCode::BadVersion)) };
        }
        let (data, version) = (call.data.clone(), if again { -1 } else { NOT_VOTED });
        match zk.ask(|| Op::SetData { path: own.clone(), data, version }) {
            Ok(_) => return Ok("Ok".into()),
            // Another try, or this one without an answer, has been there: what is recorded tells.
            Err(Stop::Failed(ErrorCode::BadVersion)) => {}
            Err(Stop::Failed(ErrorCode::ConnectionLoss)) => zk.sync(&own)?,
            Err(stop) => return Err(stop),
        }
    }
}

fn is_vote(data: &Option<Bytes>) -> bool {
    says(data, COMMIT) || says(data, ABORT)
}

fn says(data: &Option<Bytes>, word: &str) -> bool {
    data.as_deref() == Some(word.as_bytes())
}

/// What the votes were when they were looked at.
struct Votes {
    /// Every site with the version of its node.
    versions: Vec<(Path, i32)>,
    /// Sites that have not voted.
    missing: Vec<Path>,
    has_abort: bool,
}

/// The outcome: what is decided, or what the votes say. Once its time is over, who has not voted is taken to be against it.
pub fn decide(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    let deadline = zk.deadline(call.within);
    let path = &call.path;
    let decision = child(path, DECISION);
    let mut is_late = false;
    loop {
        if zk.exists(&decision, true)?.is_some() {
            let (recorded, _) = zk.data(&decision, false)?;
            return believe(zk, path, says(&recorded, COMMIT));
        }
        let votes = votes(zk, path)?;
        if !votes.missing.is_empty() && !votes.has_abort && !is_late {
            zk.tell(|| Note::Waits { recipe: RECIPE, path: path.clone(), node: path.clone(), ahead: votes.missing[0].clone() });
            let awaited: Vec<&Path> = votes.missing.iter().chain([&decision]).collect();
            is_late = zk.wait(&awaited, deadline)?.is_none();
            continue;
        }
        // The mistake: it is nobody else's business.
        if is_late && zk.has(Bug::RecipeDecidesAlone) {
            return believe(zk, path, false);
        }
        let is_commit = !votes.has_abort && votes.missing.is_empty();
        match record(zk, &votes, &decision, is_commit) {
            Ok(true) => return believe(zk, path, is_commit),
            // A vote has come, or a decision; and one whose answer is lost is found if it is there, or cannot be made twice.
            Ok(false) | Err(Stop::Failed(ErrorCode::ConnectionLoss)) => {}
            Err(stop) => return Err(stop),
        }
    }
}

fn votes(zk: &mut Script, path: &Path) -> Run<Votes> {
    let list = zk.children(path, false)?;
    let mut sites: Vec<Path> = list.names.iter().filter(|name| &***name != DECISION).map(|name| child(path, name)).collect();
    sites.sort();
    let mut votes = Votes { versions: Vec::new(), missing: Vec::new(), has_abort: false };
    for site in sites {
        let (vote, stat) = zk.data(&site, true)?;
        if stat.version == NOT_VOTED {
            votes.missing.push(site.clone());
        } else {
            votes.has_abort |= !says(&vote, COMMIT);
        }
        votes.versions.push((site, stat.version));
    }
    Ok(votes)
}

/// Whether the outcome is recorded as the decision. If not, things are not as they were.
fn record(zk: &mut Script, votes: &Votes, decision: &Path, is_commit: bool) -> Run<bool> {
    let outcome: Bytes = if is_commit { COMMIT } else { ABORT }.as_bytes().into();
    let mut parts: Vec<Op> = votes.versions.iter().map(|(site, version)| Op::Check { path: site.clone(), version: *version }).collect();
    // The mistake: votes may come between the look and the decision.
    if zk.has(Bug::RecipeUncheckedDecision) {
        parts.clear();
    }
    parts.push(Op::create(decision.clone(), Some(outcome), Acl::open(), CreateMode::Persistent));
    match zk.multi_or_blame(|| parts)? {
        Ok(_) => Ok(true),
        Err((_, ErrorCode::NodeExists | ErrorCode::BadVersion)) => Ok(false),
        Err((_, code)) => Err(Stop::Failed(code)),
    }
}

/// From now on its user acts on it.
fn believe(zk: &mut Script, path: &Path, is_commit: bool) -> Run<String> {
    let outcome = if is_commit { COMMIT } else { ABORT };
    zk.tell(|| Note::Decided { path: path.clone(), outcome });
    Ok(outcome.into())
}
