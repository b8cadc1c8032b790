pub mod action;
mod stream;

pub use action::Action;
pub use stream::Stream;
