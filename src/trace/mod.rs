//! What a run tells: events with their causes, as records of the kernel and notes of the protocol, and the digest over the former.
//!
//! An event has three written forms: a line of text (`text`), a line of JSON in a stored trace (`stored`), and a line of a golden trace
//! (`golden`), which leaves out what moves with every change.

mod causes;
mod difference;
mod digest;
mod entry;
mod event;
mod filter;
mod golden;
mod kinds;
mod nearest;
mod note;
mod note_story;
mod note_values;
mod note_words;
mod plot;
mod record;
mod stored;
mod text;

pub use causes::causal_slice;
pub use difference::{Difference, first_difference};
pub use digest::Digest;
pub use entry::Entry;
pub use event::{Event, What};
pub use filter::{Filter, FilterError};
pub use golden::golden;
pub use kinds::{fields_of, is_evidence, is_note, kinds, of_clients};
pub use nearest::nearest;
pub use note::{
    ApplyHow, Better, ElectedBy, EpochFile, IgnoreReason, JoinObstacle, LetGoReason, LookingReason, MemoryRule, Note, OpText, Probing,
    SnapshotSource, Surprise, SyncHow, WatchMode,
};
pub use plot::plot;
pub use record::Record;
pub use stored::{Header, StoredEvent, StoredTrace, TraceError, seal, store};
pub use text::line;
use text::sentence_at;
