pub mod actor;
pub mod bugs;
pub mod check;
pub mod election;
pub mod proto;
pub mod scenario;
pub mod server;
pub mod sim;
pub mod store;
pub mod trace;
#[cfg(target_arch = "wasm32")]
mod wasm;
pub mod zab;
