pub mod proto;
pub mod sim;
