//! The filters of traces on the command line, and in the header of a stored trace that holds only a part.

use clap::{Args, Parser};

use super::mistake::Mistake;
use crate::scenario::Scenario;
use crate::trace::{Filter, FilterError};

/// Which events are wanted. Without any, the story: what was done, and what the servers decided.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterArgs {
    /// Only what happens to this node (s1); may be given several times
    #[arg(long, value_name = "NODE")]
    node: Vec<String>,

    /// Only this kind of event (vote_changed, delivered) or what is about this kind of packet (NOTIFICATION); may be given several times
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,

    /// Only a stretch of virtual time, its end not included: 1s..2s, 1s.. or ..500ms
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    time: Option<String>,

    /// Not only the story: every single message, timer and disk operation, too; so it is with --kind and with --format jsonl anyway
    #[arg(long)]
    all: bool,
}

/// The client that proves the ensemble alive in the end; no scenario names it.
const PROBE: &str = "c0";

impl FilterArgs {
    pub fn filter(&self) -> Result<Filter, FilterError> {
        let mut filter = Filter::default();
        for node in &self.node {
            filter = filter.node(node)?;
        }
        for kind in &self.kind {
            filter = filter.kind(kind)?;
        }
        if let Some(range) = &self.time {
            filter = filter.time(range)?;
        }
        Ok(if self.all || !self.kind.is_empty() { filter } else { filter.story() })
    }

    /// Refuses a node that the scenario does not have: silence would look like a server that does nothing.
    pub fn check_nodes(&self, scenario: &Scenario) -> Result<(), Mistake> {
        let (servers, clients) = (scenario.servers.keys().map(ToString::to_string), scenario.clients.keys().map(|number| format!("c{number}")));
        let nodes: Vec<String> = servers.chain(clients).collect();
        match self.node.iter().find(|node| !nodes.contains(node) && *node != PROBE) {
            Some(node) => {
                let mistake = Mistake::new(format_args!("the scenario has no {node}"));
                Err(mistake.with_help(format_args!("it has {}", nodes.join(", "))))
            }
            None => Ok(()),
        }
    }

    /// The same, and not only the story.
    pub fn with_all(&self) -> FilterArgs {
        FilterArgs { all: true, ..self.clone() }
    }

    /// As they would be written on a command line: what a stored trace says of itself.
    pub fn words(&self) -> Vec<String> {
        let named = |name: &str, values: &[String]| values.iter().map(|value| format!("--{name}={value}")).collect::<Vec<_>>();
        let all = if self.all { vec!["--all".to_string()] } else { Vec::new() };
        [named("node", &self.node), named("kind", &self.kind), named("time", self.time.as_slice()), all].concat()
    }

    /// Reads what [`FilterArgs::words`] wrote.
    pub fn parse(words: &[String]) -> Result<FilterArgs, clap::Error> {
        #[derive(Parser)]
        #[command(no_binary_name = true)]
        struct Words {
            #[command(flatten)]
            filter: FilterArgs,
        }
        Words::try_parse_from(words).map(|words| words.filter)
    }
}

impl From<FilterError> for Mistake {
    fn from(error: FilterError) -> Mistake {
        let kinds = matches!(error, FilterError::UnknownKind { .. });
        let mistake = Mistake::new(error);
        if kinds { mistake.with_help("`zoolab help when` lists them") } else { mistake }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_header_says_reads_back() {
        let all = FilterArgs { all: true, ..FilterArgs::default() };
        let some = FilterArgs { node: vec!["s1".into(), "s2".into()], kind: vec!["elected".into()], time: Some("1s..2s".into()), all: false };
        assert_eq!(some.words(), ["--node=s1", "--node=s2", "--kind=elected", "--time=1s..2s"]);
        for filter in [FilterArgs::default(), all, some] {
            assert_eq!(FilterArgs::parse(&filter.words()).expect("our own words"), filter);
        }
    }
}
