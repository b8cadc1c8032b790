//! Reading a real file as an image: what it leaves out stays left out.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::super::input;
use super::super::mistake::Mistake;
use crate::proto::FileImage;

/// Bytes that are read together.
const BLOCK: usize = 64 << 10;

/// Bytes of a page: one of zeros is not kept.
const PAGE: usize = 4 << 10;

/// Files with more in them are refused. A log of 64 MiB is usually most of it zeros.
const CONTENT_MAX: u64 = 2 << 30;

/// The file's bytes, with holes where it has only zeros.
pub fn read(path: &Path) -> Result<FileImage, Mistake> {
    let unreadable = |error: std::io::Error| input::unreadable(path, &error);
    let mut file = File::open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(Mistake::new(format_args!("{} is neither a file nor a folder", input::display(path))));
    }
    let (mut image, mut at, mut content) = (FileImage::default(), 0, 0);
    let mut block = vec![0; BLOCK];
    loop {
        let read = file.read(&mut block).map_err(unreadable)?;
        if read == 0 {
            image.set_len(at);
            return Ok(image);
        }
        for (page, start) in block[..read].chunks(PAGE).zip((at..).step_by(PAGE)) {
            if *page != [0; PAGE][..page.len()] {
                image.write(start, page);
                content += page.len() as u64;
            }
        }
        if content > CONTENT_MAX {
            return Err(Mistake::new(format_args!("{} is too large: it holds more than {} MiB", input::display(path), CONTENT_MAX >> 20)));
        }
        at += read as u64;
    }
}
