//! `zoolab new`: a scenario to begin with.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::Outcome;
use super::mistake::Mistake;
use super::output::Output;
use crate::scenario::starter;

/// Writes a small scenario that passes, to be changed
///
/// NAME.json is written where you are, or in the folder that NAME names. Nothing is ever overwritten.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub struct NewArgs {
    /// Name of the scenario and, with .json, of its file: letters, digits, `_` and `-`
    name: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  zoolab new leader_crash && zoolab run --trace leader_crash.json
  zoolab new scenarios/leader_crash";

pub fn new(args: &NewArgs, out: &mut Output) -> Result<Outcome, Mistake> {
    let name = scenario_name(&args.name)?;
    let file = args.name.with_file_name(format!("{name}.json"));
    write_new(&file, &starter(&name))?;
    let shown = file.display();
    out.print(&format!("wrote {shown}\ntry   zoolab run --trace {shown}\n"))?;
    Ok(Outcome::AsExpected)
}

/// The last part of the path, without an ending that would come twice.
fn scenario_name(path: &Path) -> Result<String, Mistake> {
    let names_a_folder = path.to_string_lossy().ends_with(std::path::is_separator);
    let last = path.file_name().filter(|_| !names_a_folder).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = last.strip_suffix(".json").unwrap_or(&last);
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if !name.is_empty() && !name.starts_with('-') && name.chars().all(fits) {
        return Ok(name.into());
    }
    let mistake = Mistake::new(format_args!("`{}` is no name for a scenario: letters, digits, `_` and `-`", path.display()));
    let better: String = name.chars().map(|letter| if fits(letter) { letter } else { '_' }).collect();
    let better = better.trim_matches(['_', '-']);
    Err(if better.is_empty() { mistake.with_help("for example leader_crash") } else { mistake.with_help(format_args!("for example {better}")) })
}

/// Writes a file that is not there yet, or leaves nothing behind.
fn write_new(path: &Path, text: &str) -> Result<(), Mistake> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Mistake::new(format_args!("{} is there already, and is left as it is", path.display())).with_help("choose another name")
        }
        ErrorKind::NotFound => Mistake::io("write", path, &error).with_help("make its folder first"),
        _ => Mistake::io("write", path, &error),
    })?;
    file.write_all(text.as_bytes()).map_err(|error| {
        // The half that was written helps nobody; that it could not be written is told.
        let _ = fs::remove_file(path);
        Mistake::io("write", path, &error)
    })
}
