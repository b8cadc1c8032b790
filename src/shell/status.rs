//! Everybody at a glance.

use crate::client::Client;
use crate::scenario::{Process, Run};
use crate::server::Server;

/// A line for the time and one for each node.
pub fn table(run: &Run) -> String {
    let world = run.world();
    let rows = world.node_ids().map(|id| {
        let what = match world.actor(id) {
            None => "down".into(),
            Some(Process::Server(server)) => of_server(server),
            Some(Process::Client(client)) => of_client(client),
        };
        format!("{:<5} {what}\n", id.to_string())
    });
    format!("{} of virtual time\n{}", world.now(), rows.collect::<String>())
}

fn of_server(server: &Server) -> String {
    let state = server.state().to_string();
    let serving = if server.is_serving() { "serves" } else { "does not serve" };
    let leader = server.leader().map_or(String::new(), |leader| format!(" under {leader}"));
    let database = server.database();
    format!("{state}{leader}, {serving}, last zxid {}, {} znodes", database.last_processed, database.tree().len())
}

fn of_client(client: &Client) -> String {
    match (client.server(), client.session()) {
        (Some(server), Some(session)) => format!("connected to {server} with session {session}"),
        (_, Some(session)) => format!("not connected, session {session}"),
        (_, None) if client.is_closed() => "closed".into(),
        (_, None) => "not connected, no session yet".into(),
    }
}
