//! `zoolab completions`: what a shell needs to complete our command lines.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::mistake::Mistake;
use super::output::Output;
use super::{Cli, Outcome};

/// Prints completions for a shell
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub struct CompletionsArgs {
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  source <(zoolab completions bash)
  zoolab completions fish > ~/.config/fish/completions/zoolab.fish";

pub fn completions(args: &CompletionsArgs, out: &mut Output) -> Result<Outcome, Mistake> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "zoolab", &mut script);
    out.print(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::AsExpected)
}
