//! Who takes part in a run: servers and clients, as one kind of actor.

use crate::actor::{Actor, Cx, Input};
use crate::client::Client;
use crate::server::Server;

/// A process of the world.
#[derive(Clone, Debug)]
pub enum Process {
    Server(Server),
    Client(Client),
}

impl Process {
    pub fn as_server(&self) -> Option<&Server> {
        if let Process::Server(server) = self { Some(server) } else { None }
    }

    pub fn as_client(&self) -> Option<&Client> {
        if let Process::Client(client) = self { Some(client) } else { None }
    }
}

impl Actor for Process {
    fn step(&mut self, cx: &mut Cx, input: Input) {
        match self {
            Process::Server(server) => server.step(cx, input),
            Process::Client(client) => client.step(cx, input),
        }
    }
}
