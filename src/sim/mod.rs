mod stream;

pub use stream::Stream;
