//! Disks of a run, written out as data directories that a real server can be started on.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use super::input;
use super::mistake::Mistake;
use crate::proto::{FileImage, ServerId};
use crate::sim::disk::Disk;

/// Bytes that are written together, unless all of them are zeros: then they stay a hole. File systems have pages of this size.
const BLOCK: usize = 4 << 10;

/// Refuses a folder that holds something: nothing is ever written over. To be asked before the run.
pub fn check_target(folder: &Path) -> Result<(), Mistake> {
    let name = input::display(folder);
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Mistake::new(format_args!("{name} is not empty")).with_help("disks are exported to a new or empty folder")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Mistake::io("write to", folder, &error)),
    }
}

/// Writes each server's files, as its processes see them, to a folder of its own: `s1/myid`, `s1/version-2/log.100000001`, ….
pub fn export(disks: &BTreeMap<ServerId, Disk>, folder: &Path) -> Result<(), Mistake> {
    for (server, disk) in disks {
        let home = folder.join(server.to_string());
        // Simulated servers know who they are without it.
        write(&home.join("myid"), &FileImage::from(format!("{}\n", server.0).as_bytes()))?;
        for (name, image) in disk.files() {
            write(&home.join(&**name), image)?;
        }
    }
    Ok(())
}

fn write(path: &Path, image: &FileImage) -> Result<(), Mistake> {
    let parent = path.parent().expect("below the folder");
    fs::create_dir_all(parent).and_then(|()| write_sparse(path, image)).map_err(|error| Mistake::io("write", path, &error))
}

fn write_sparse(path: &Path, image: &FileImage) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.set_len(image.len())?;
    let mut block = vec![0; BLOCK];
    for at in (0..image.len()).step_by(BLOCK) {
        let read = image.read(at, &mut block);
        if block[..read] != [0; BLOCK][..read] {
            file.seek(SeekFrom::Start(at))?;
            file.write_all(&block[..read])?;
        }
    }
    Ok(())
}
