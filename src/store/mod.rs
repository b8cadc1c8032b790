//! What a server keeps on its disk, and how it gets there.
//!
//! Until log and snapshots exist, one more small file stands in for them: the last zxid of the server's history.

mod durable;
pub mod format;
mod small_file;

pub use durable::{Boot, Durable};
pub use small_file::{AtomicWriter, Progress, content, name};
