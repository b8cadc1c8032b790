//! `zoolab schema`: what a scenario file may say, for editors and other programs.

use super::Outcome;
use super::mistake::Mistake;
use super::output::Output;
use crate::scenario;

pub fn schema(out: &mut Output) -> Result<Outcome, Mistake> {
    let text = serde_json::to_string_pretty(&scenario::schema()).expect("a schema is JSON");
    out.print(&(text + "\n"))?;
    Ok(Outcome::AsExpected)
}
