//! The core as a WebAssembly module: the bytes of a scenario go in, the digest of its run comes out.
//!
//! Built as a `cdylib` for wasm32-unknown-unknown; `.ci/run` runs every scenario through it and compares with the native digests.
//! The caller allocates, writes the scenario's UTF-8 text, asks for the digest, and frees. A module has one thread and serves one caller.
#![expect(unsafe_code, reason = "exported names and the caller's pointers cannot be checked by the compiler")]

use std::cell::RefCell;
use std::{panic, ptr, slice};

use crate::scenario::digest_of;

thread_local! {
    /// Why the last digest failed, be it a trap; empty when it succeeded.
    static ERROR: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Memory of `len` bytes, zeroed, for the caller to write a scenario to. Given back with [`zoolab_free`].
#[unsafe(no_mangle)]
extern "C" fn zoolab_alloc(len: usize) -> *mut u8 {
    Box::into_raw(vec![0_u8; len].into_boxed_slice()).cast()
}

/// Gives memory back.
///
/// # Safety
/// `start` comes from [`zoolab_alloc`] with the same `len` and was not freed before.
#[unsafe(no_mangle)]
unsafe extern "C" fn zoolab_free(start: *mut u8, len: usize) {
    // SAFETY: the caller's promise: this is the boxed slice that zoolab_alloc let go.
    drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(start, len)) });
}

/// Runs the scenario and returns its digest, or zero with a text in [`zoolab_error`]. A panic traps and leaves its message there.
///
/// # Safety
/// `len` bytes at `start` are readable and are not written during the call.
#[unsafe(no_mangle)]
unsafe extern "C" fn zoolab_digest(start: *const u8, len: usize) -> u64 {
    panic::set_hook(Box::new(|panic| ERROR.set(panic.to_string())));
    // SAFETY: the caller's promise.
    let bytes = unsafe { slice::from_raw_parts(start, len) };
    let (digest, error) = match digest_of(bytes) {
        Ok(digest) => (digest, String::new()),
        Err(error) => (0, error),
    };
    ERROR.set(error);
    digest
}

/// The UTF-8 text of the last error, [`zoolab_error_len`] bytes of it. Valid until the next digest.
#[unsafe(no_mangle)]
extern "C" fn zoolab_error() -> *const u8 {
    ERROR.with_borrow(|error| error.as_ptr())
}

/// The length of the last error in bytes; zero when the last digest succeeded, since a digest may be any number.
#[unsafe(no_mangle)]
extern "C" fn zoolab_error_len() -> usize {
    ERROR.with_borrow(String::len)
}
