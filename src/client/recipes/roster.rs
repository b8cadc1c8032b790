//! Who is there: the members of a group, or the instances of a service with their addresses. Reference §2, §18.

use super::duties::{Knowledge, learn};
use super::names::child;
use super::script::{BACK, GONE, Run, Script, Unless};
use crate::bugs::Bug;
use crate::proto::{ErrorCode, Path, RecipeCall, RecipeVerb};
use crate::trace::Note;

/// Lists them, with a watch in the same request, tells the list if it is another one, and waits for a change.
pub fn lap(zk: &mut Script, call: &RecipeCall, known: &Knowledge) -> Run<Knowledge> {
    let path = &call.path;
    let Some(listing) = zk.children(path, true).unless(ErrorCode::NoNode)? else {
        zk.create_container(path)?;
        return Ok(known.clone());
    };
    let mut names = listing.names.to_vec();
    names.sort_unstable();
    if call.verb == RecipeVerb::DiscoveryWatch {
        for name in &mut names {
            match zk.data(&child(path, name), false).unless(ErrorCode::NoNode)? {
                Some((data, stat)) if stat.mzxid <= listing.zxid => {
                    *name = format!("{name}={}", String::from_utf8_lossy(data.as_deref().unwrap_or_default())).into();
                }
                // It has gone, or come anew, since the list was made: that list never was true with these addresses.
                _ => return Ok(known.clone()),
            }
        }
    }
    let known = learn(zk, path, known, listing.zxid, format!("[{}]", names.join(", ")));
    wait(zk, path, known)
}

/// As long as the connection is lost nothing is heard of anybody. What was known last is still the best that is known.
fn wait(zk: &mut Script, path: &Path, mut known: Knowledge) -> Run<Knowledge> {
    loop {
        match zk.wait(&[path, &BACK.into(), &GONE.into()], None)? {
            // The mistake: that nothing is heard of them is taken for a sign that they are gone.
            Some(sign) if &*sign == GONE && zk.has(Bug::RecipeEmptyWhileAway) => {
                let zxid = known.zxid;
                zk.tell(|| Note::Learned { path: path.clone(), zxid, value: "[]".into() });
                known.value = Some("[]".into());
                zk.know(&known);
            }
            Some(sign) if &*sign == GONE => {}
            _ => return Ok(known),
        }
    }
}
