//! A prompt on a simulated ensemble, in the words of zkCli.
//!
//! What a user types goes to a client of the ensemble, as with `zkCli.sh`, and virtual time runs until it is answered. Beside that everything
//! that a step of a scenario can do can be typed, `run 5s` lets time pass, and `status` shows who is what. The ensemble is that of a scenario,
//! whose own steps happen when their time comes; its checks watch.
//!
//! - `command`: what a line means. `print`: answers, laid out as zkCli does. `watcher`: what its watcher prints. `status`: everybody at a glance.
//! - `subtree`, `quotas`: commands that are several requests.
//!
//! Not here: the terminal. A line goes in and text comes out, so that all of it can be tested.

mod command;
mod print;
mod quotas;
mod status;
mod subtree;
#[cfg(test)]
mod tests;
mod watcher;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::client::Client;
use crate::proto::{Answer, Command, ErrorCode, EventType, KeeperState, Micros, NodeId, RecipeCall, ServerId, Version};
use crate::scenario::{ClientStart, Process, Run, RunOptions, Scenario};
use crate::sim::Action;
use crate::sim::action::{TextError, Who};
use crate::trace::{Entry, Event, Note, Record, What, line};

use command::{Input, Several, Typed};

/// A client that got no answer for so long of virtual time will be told later.
const PATIENCE: Micros = Micros::from_secs(120);

/// So long the ensemble may take until the first client has its session.
const BOOT: Micros = Micros::from_secs(60);

/// An ensemble with somebody at the keyboard.
pub struct Shell {
    run: Run,
    /// Whose keyboard it is.
    client: u32,
    /// What was typed; the prompt counts it, as zkCli's does.
    history: Vec<String>,
    /// What the watcher of each client was told last of its session.
    states: BTreeMap<u32, KeeperState>,
    /// Whether the watcher says anything.
    prints_watches: bool,
    version: Version,
    /// The end of the run was told.
    told_end: bool,
}

/// So many lines of the history are shown, as by zkCli.
const HISTORY: usize = 11;

/// What a line came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was done, and this is what there is to say, in the order in which it happened.
    Done(Vec<Said>),
    /// The line cannot be understood.
    Wrong(TextError),
    Quit,
}

/// Whole lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// What the ensemble did meanwhile, an event a line.
    Story(String),
    /// What the user is answered, or is told by the watcher.
    Answer(String),
}

/// What came of a request.
type Told = Result<Answer, ErrorCode>;

impl Shell {
    /// Boots the ensemble and waits until its first client is connected, or will not be. A scenario without clients gets one: c1.
    ///
    /// Also returned is the story so far.
    pub fn open(scenario: &Scenario, seed: Option<u64>) -> (Shell, Vec<Said>) {
        let mut scenario = scenario.clone();
        scenario.recover = false;
        if scenario.clients.is_empty() {
            scenario.clients.insert(1, ClientStart::default());
        }
        let client = *scenario.clients.keys().next().expect("there is one");
        let version = scenario.ensemble.config.version;
        let run = Run::new(Arc::new(scenario), RunOptions { seed, keep_events: true, ..RunOptions::default() });
        let mut shell = Shell { run, client, history: Vec::new(), states: BTreeMap::new(), prints_watches: true, version, told_end: false };
        shell.play_until(BOOT, |shell| shell.server().is_some());
        let said = shell.happened();
        (shell, said)
    }

    /// As zkCli's, with the server's name in place of its address: `[zk: s2(CONNECTED) 3] `.
    pub fn prompt(&self) -> String {
        let state = match (self.server(), self.is_alive(self.client)) {
            (Some(server), _) => format!("{server}(CONNECTED)"),
            (None, false) => "(CLOSED)".into(),
            (None, true) => "(CONNECTING)".into(),
        };
        let whose = if self.client == 1 { String::new() } else { format!("c{} ", self.client) };
        format!("[zk: {whose}{state} {}] ", self.history.len())
    }

    /// Does what a line says.
    pub fn execute(&mut self, line: &str) -> Reply {
        let input = match command::read(line, self.client) {
            Ok(Some(input)) => input,
            Ok(None) => return Reply::Done(Vec::new()),
            Err(error) => return Reply::Wrong(error),
        };
        self.history.push(line.trim().to_string());
        let answer = match input {
            Input::Quit => return Reply::Quit,
            Input::Help => command::help(),
            Input::Status => status::table(&self.run),
            Input::History => self.last_lines(),
            Input::Redo(number) => match self.history.get(number).filter(|_| number + 1 < self.history.len()).cloned() {
                Some(again) if again.starts_with("redo") => "No redoing redos\n".into(),
                Some(again) => {
                    // It takes the place of this line.
                    self.history.pop();
                    return self.execute(&again);
                }
                None => "Command index out of range\n".into(),
            },
            Input::PrintWatches(None) => format!("printwatches is {}\n", if self.prints_watches { "on" } else { "off" }),
            Input::PrintWatches(Some(on)) => {
                self.prints_watches = on;
                String::new()
            }
            Input::Use(client) => self.use_client(client),
            Input::Run(time) => self.let_pass(time),
            Input::World(action) => self.act(&action),
            Input::Client(client, typed) => self.ask(client, &typed),
        };
        let mut said = self.happened();
        said.extend([answer, self.end()].into_iter().filter(|text| !text.is_empty()).map(Said::Answer));
        Reply::Done(said)
    }

    /// The last of what was typed, with its numbers.
    fn last_lines(&self) -> String {
        let first = self.history.len().saturating_sub(HISTORY);
        self.history.iter().enumerate().skip(first).map(|(number, line)| format!("{number} - {line}\n")).collect()
    }

    /// Words that a line may go on with where it ends now, sorted: commands, nodes of the ensemble and who they are, paths of the tree.
    pub fn completions(&self, line: &str) -> Vec<String> {
        let word = line.rsplit(char::is_whitespace).next().unwrap_or_default();
        let before: Vec<&str> = line[..line.len() - word.len()].split_whitespace().collect();
        let mut found: Vec<String> = if word.starts_with('/') {
            self.paths(word)
        } else {
            let nodes = self.run.world().node_ids().map(|id| id.to_string());
            command::next_words(&before).into_iter().map(String::from).chain(nodes).filter(|name| name.starts_with(word)).collect()
        };
        found.sort();
        found.dedup();
        found
    }

    /// Paths of the tree that begin so, as the client's server has it.
    fn paths(&self, start: &str) -> Vec<String> {
        let parent = match start.rfind('/') {
            Some(0) | None => "/",
            Some(slash) => &start[..slash],
        };
        let server = self.server().and_then(|id| self.run.server(id));
        let node = server.and_then(|server| server.database().tree().get(parent));
        node.map(|node| node.children.iter().filter(|child| child.starts_with(start)).map(ToString::to_string).collect()).unwrap_or_default()
    }

    fn use_client(&mut self, client: u32) -> String {
        let missing = self.missing(client);
        if missing.is_none() {
            self.client = client;
        }
        missing.unwrap_or_default()
    }

    /// What is to be said of a client that does not exist.
    fn missing(&self, client: u32) -> Option<String> {
        let clients: Vec<NodeId> = self.run.world().node_ids().filter(|id| matches!(id, NodeId::Client(_))).collect();
        if clients.contains(&NodeId::Client(client)) {
            return None;
        }
        let names: Vec<String> = clients.iter().map(NodeId::to_string).collect();
        Some(format!("there is no c{client}; the ensemble's clients: {}\n", names.join(", ")))
    }

    fn let_pass(&mut self, time: Micros) -> String {
        let end = self.run.world().now() + time;
        while self.run.play(end) {}
        String::new()
    }

    fn act(&mut self, action: &Action) -> String {
        let applied = self.run.act(action);
        applied.map_or_else(|why| format!("`{action}` does not apply: {why}\n"), |()| String::new())
    }

    /// A client is told something, and answers.
    fn ask(&mut self, client: u32, typed: &Typed) -> String {
        if let Some(missing) = self.missing(client) {
            return missing;
        }
        let connects = matches!(typed, Typed::Command(Command::Connect { .. }, _));
        if !connects && !self.is_alive(client) {
            return "Not connected\n".into();
        }
        let answer = match typed {
            Typed::Command(Command::Recipe(call), _) => self.recipe(client, call),
            Typed::Command(command, shown) => self.request(client, command).map(|told| print::told(command, *shown, &told)),
            Typed::Several(several) => Ok(self.do_several(client, several)),
        };
        answer.unwrap_or_else(|why| why + "\n")
    }

    /// A command that is several requests: it says what came of it so far, and why it did not go on.
    fn do_several(&mut self, client: u32, several: &Several) -> String {
        let mut out = String::new();
        let done = match several {
            Several::ListAll { path, watch } => self.list_all(client, path, *watch, &mut out),
            Several::DeleteAll { path, batch } => self.delete_all(client, path, *batch),
            Several::SetAclOfAll { path, acl, version } => self.set_acl_of_all(client, path, acl, *version, &mut out),
            Several::SetQuota { path, limit } => self.set_quota(client, path, *limit, &mut out),
            Several::ListQuota(path) => self.list_quota(client, path, &mut out),
            Several::DeleteQuota { path, limit } => self.delete_quota(client, path, *limit, &mut out),
        };
        done.map_or_else(|why| out.clone() + &why + "\n", |()| out.clone())
    }

    /// Asks, and lets time pass until the answer. The error is a sentence about why there is none.
    fn request(&mut self, client: u32, command: &Command) -> Result<Told, String> {
        let node = NodeId::Client(client);
        let before = self.told(client).map(|(call, _)| call);
        self.run.act(&Action::Client { who: Who::Node(node), command: command.clone() })?;
        match command {
            Command::Connect { .. } => {
                self.play_until(PATIENCE, |shell| shell.server_of(client).is_some());
                if self.server_of(client).is_some() { Ok(Ok(Answer::Done)) } else { Err(format!("{node} finds no server that takes it")) }
            }
            Command::Recipe(_) => unreachable!("a recipe is told in its own words"),
            Command::Request(_) | Command::ForgetWatches { .. } => {
                self.play_until(PATIENCE, |shell| shell.told(client).map(|(call, _)| call) != before);
                match self.told(client).filter(|(call, _)| Some(*call) != before) {
                    Some((_, told)) => Ok(told.clone()),
                    None if self.run.verdict().is_some() => Err("the run is over, and nobody answers".into()),
                    None => Err(format!("no answer within {PATIENCE} of virtual time; {node} still waits for it")),
                }
            }
        }
    }

    /// Carries out a recipe, and lets time pass until it has come to its end.
    fn recipe(&mut self, client: u32, call: &RecipeCall) -> Result<String, String> {
        let node = NodeId::Client(client);
        let before = self.told_of_recipe(client);
        self.run.act(&Action::Client { who: Who::Node(node), command: Command::Recipe(Box::new(call.clone())) })?;
        self.play_until(PATIENCE, |shell| shell.told_of_recipe(client) != before);
        match self.told_of_recipe(client).filter(|told| Some(told) != before.as_ref()) {
            Some((_, told)) => Ok(told + "\n"),
            None => Err(format!("nothing has come of it within {PATIENCE} of virtual time; {node} still waits")),
        }
    }

    fn told_of_recipe(&self, client: u32) -> Option<(u64, String)> {
        let client = self.run.world().actor(NodeId::Client(client)).and_then(Process::as_client)?;
        client.told_of_recipe().map(|(call, told)| (call, told.into()))
    }

    fn play_until(&mut self, patience: Micros, holds: impl Fn(&Shell) -> bool) {
        let end = self.run.world().now() + patience;
        while !holds(self) && self.run.play(end) {}
    }

    /// What happened since the last look: headlines, without what the user sees anyhow, which are the requests and their answers; and what the
    /// client's watcher was told.
    fn happened(&mut self) -> Vec<Said> {
        let mut said = Vec::new();
        for event in self.run.take_events() {
            let (is_seen, text) = (self.is_seen_anyhow(&event), || line(&event) + "\n");
            match said.last_mut() {
                _ if !event.is_headline() || is_seen => {}
                Some(Said::Story(story)) => *story += &text(),
                _ => said.push(Said::Story(text())),
            }
            if let (Some(note), Some(NodeId::Client(client))) = (event.note(), event.node) {
                let is_printed = client == self.client && self.prints_watches;
                said.extend(self.watcher_told(client, note).filter(|_| is_printed).map(Said::Answer));
            }
        }
        said
    }

    /// What zkCli's watcher prints of what a client notes.
    fn watcher_told(&mut self, client: u32, note: &Note) -> Option<String> {
        let state = match note {
            Note::EventDelivered { event: EventType::None, state, .. } => Some(*state),
            note => watcher::state_after(note),
        };
        match (note, state) {
            (_, Some(state)) => (self.states.insert(client, state) != Some(state)).then(|| watcher::state(self.version, state)),
            (Note::EventDelivered { event, state, path, zxid }, None) => Some(watcher::told(self.version, *state, *event, Some(path), *zxid)),
            (Note::Returned { result, .. }, None) if result == ErrorCode::AuthFailed.name() => (self.states.insert(client, KeeperState::AuthFailed)
                != Some(KeeperState::AuthFailed))
            .then(|| watcher::state(self.version, KeeperState::AuthFailed)),
            _ => None,
        }
    }

    /// Whether the user is shown it in another way.
    fn is_seen_anyhow(&self, event: &Event) -> bool {
        match &event.what {
            What::Note(Note::EventDelivered { .. }) => event.node == Some(NodeId::Client(self.client)),
            What::Note(note) => matches!(note, Note::Called { .. } | Note::Returned { .. }),
            What::Record(record) => matches!(record, Record::ActionFailed { .. }),
        }
    }

    /// Says once that the run is over, and why.
    fn end(&mut self) -> String {
        let Some(verdict) = self.run.verdict().filter(|_| !self.told_end) else { return String::new() };
        self.told_end = true;
        format!("the run ends here: {verdict}\n")
    }

    fn server(&self) -> Option<ServerId> {
        self.server_of(self.client)
    }

    fn server_of(&self, client: u32) -> Option<ServerId> {
        self.run.world().actor(NodeId::Client(client)).and_then(Process::as_client).and_then(Client::server)
    }

    fn is_alive(&self, client: u32) -> bool {
        self.run.world().actor(NodeId::Client(client)).and_then(Process::as_client).is_some_and(Client::is_alive)
    }

    fn told(&self, client: u32) -> Option<(u64, &Told)> {
        self.run.world().actor(NodeId::Client(client)).and_then(Process::as_client)?.told()
    }
}
