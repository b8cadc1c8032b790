//! Jute, the binary form of ZooKeeper's records: big-endian numbers, and buffers, strings and vectors with their length before them.
//! Source: `BinaryOutputArchive`, `BinaryInputArchive`.

use std::fmt;
use std::sync::Arc;

use super::{Acl, AclList, Bytes};

/// Appends records to a buffer. Cannot fail.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty buffer that takes `bytes` bytes before it grows.
    pub fn with_capacity(bytes: usize) -> Writer {
        Writer { bytes: Vec::with_capacity(bytes) }
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Replaces what was written at `at`, for a length or checksum known only later.
    pub fn patch(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub fn byte(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Bytes that are a record already.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A buffer that holds what `write` writes.
    pub fn nested(&mut self, write: impl FnOnce(&mut Writer)) {
        let start = self.len();
        self.int(0);
        write(self);
        let length = i32::try_from(self.len() - start - 4).expect("no record of ours holds 2 GiB");
        self.patch(start, &length.to_be_bytes());
    }

    pub fn bool(&mut self, value: bool) {
        self.bytes.push(u8::from(value));
    }

    pub fn int(&mut self, value: i32) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    pub fn long(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// A buffer; null has the length -1.
    pub fn buffer(&mut self, value: Option<&[u8]>) {
        match value {
            None => self.int(-1),
            Some(bytes) => {
                self.length(bytes.len());
                self.bytes.extend_from_slice(bytes);
            }
        }
    }

    pub fn string(&mut self, value: &str) {
        self.buffer(Some(value.as_bytes()));
    }

    /// The number of elements of a vector, or of bytes.
    pub fn length(&mut self, value: usize) {
        self.int(i32::try_from(value).expect("no record of ours holds 2 GiB"));
    }

    /// `vector<ACL>`.
    pub fn acl(&mut self, list: &[Acl]) {
        self.length(list.len());
        for entry in list {
            self.int(entry.perms);
            self.string(&entry.scheme);
            self.string(&entry.id);
        }
    }
}

/// Reads records from a slice. Whatever the bytes are, it ends with a value or a [`JuteError`].
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Why bytes are not the record they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JuteError {
    /// The bytes end within a value.
    Short,
    /// A length that no value can have.
    BadLength(i32),
    /// A transaction of a type that nobody knows.
    UnknownType(i32),
    /// A transaction within a multi that cannot be there.
    MisplacedType(i32),
    /// An error code that nobody knows.
    UnknownError(i32),
    /// A time to live that no node can have: ZooKeeper logs it and then cannot apply it.
    BadTtl(i64),
    /// So many bytes follow where the record ends.
    Trailing(usize),
}

impl<'a> Reader<'a> {
    pub const fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// What was not read yet.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    pub fn take(&mut self, len: usize) -> Result<&'a [u8], JuteError> {
        let taken = self.rest().get(..len).ok_or(JuteError::Short)?;
        self.at += len;
        Ok(taken)
    }

    pub fn bool(&mut self) -> Result<bool, JuteError> {
        Ok(self.array::<1>()? != [0])
    }

    pub fn int(&mut self) -> Result<i32, JuteError> {
        self.array().map(i32::from_be_bytes)
    }

    pub fn long(&mut self) -> Result<i64, JuteError> {
        self.array().map(i64::from_be_bytes)
    }

    /// A buffer, `None` when it is null.
    pub fn buffer(&mut self) -> Result<Option<&'a [u8]>, JuteError> {
        match self.int()? {
            -1 => Ok(None),
            length => self.take(usize::try_from(length).map_err(|_| JuteError::BadLength(length))?).map(Some),
        }
    }

    /// As [`Reader::buffer`], shared.
    pub fn data(&mut self) -> Result<Option<Bytes>, JuteError> {
        Ok(self.buffer()?.map(Bytes::from))
    }

    /// A string; null counts as empty. What is not UTF-8 is replaced, as Java does.
    pub fn string(&mut self) -> Result<Arc<str>, JuteError> {
        Ok(String::from_utf8_lossy(self.buffer()?.unwrap_or_default()).into())
    }

    /// The number of elements of a vector; null counts as empty. Each takes at least `size` bytes, so that no count asks for more memory than
    /// the bytes justify.
    pub fn count(&mut self, size: usize) -> Result<usize, JuteError> {
        let count = match self.int()? {
            -1 => 0,
            count => usize::try_from(count).map_err(|_| JuteError::BadLength(count))?,
        };
        if count.saturating_mul(size) > self.rest().len() { Err(JuteError::Short) } else { Ok(count) }
    }

    /// `vector<ACL>`.
    pub fn acl(&mut self) -> Result<AclList, JuteError> {
        let count = self.count(12)?;
        (0..count).map(|_| Ok(Acl { perms: self.int()?, scheme: self.string()?, id: self.string()? })).collect()
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], JuteError> {
        let (taken, _) = self.rest().split_first_chunk().ok_or(JuteError::Short)?;
        self.at += N;
        Ok(*taken)
    }
}

impl fmt::Display for JuteError {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            JuteError::Short => out.write_str("the bytes end within a value"),
            JuteError::BadLength(length) => write!(out, "a value has the length {length}"),
            JuteError::UnknownType(number) => write!(out, "no transaction has the type {number}"),
            JuteError::MisplacedType(number) => write!(out, "a multi holds a transaction of type {number}"),
            JuteError::UnknownError(number) => write!(out, "no error has the code {number}"),
            JuteError::BadTtl(ttl) => write!(out, "a node cannot live for {ttl} ms"),
            JuteError::Trailing(bytes) => write!(out, "{bytes} bytes follow the record"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_back() {
        let acl = [Acl { perms: 31, scheme: "world".into(), id: "anyone".into() }];
        let mut writer = Writer::default();
        writer.int(-7);
        writer.long(i64::MIN);
        writer.bool(true);
        writer.buffer(None);
        writer.buffer(Some(b""));
        writer.string("/测试");
        writer.acl(&acl);
        let mut reader = Reader::new(writer.bytes());
        assert_eq!((reader.int(), reader.long(), reader.bool()), (Ok(-7), Ok(i64::MIN), Ok(true)));
        assert_eq!((reader.buffer(), reader.buffer()), (Ok(None), Ok(Some(&[][..]))));
        assert_eq!(reader.string().as_deref(), Ok("/测试"));
        assert_eq!(reader.acl().as_deref(), Ok(&acl[..]));
        assert!(reader.rest().is_empty());
        assert_eq!(writer.bytes()[..4], [0xff, 0xff, 0xff, 0xf9], "big-endian");
    }

    #[test]
    fn bad_lengths_are_errors() {
        let read = |bytes: &[u8]| Reader::new(bytes).buffer().map(drop);
        assert_eq!(read(&[0, 0, 0]), Err(JuteError::Short));
        assert_eq!(read(&[0, 0, 0, 2, 7]), Err(JuteError::Short));
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xfe]), Err(JuteError::BadLength(-2)));
        assert_eq!(Reader::new(&[0x7f, 0xff, 0xff, 0xff]).acl(), Err(JuteError::Short), "no memory is asked for");
        assert_eq!(Reader::new(&[0, 0, 0, 1, 0xff]).string().as_deref(), Ok("\u{fffd}"));
    }
}
