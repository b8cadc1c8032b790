//! `zoolab disk`: what a log, a snapshot or a data directory holds, ours or a real server's.

mod directory;
mod image;
mod log;
mod snapshot;
mod txn;

use std::path::PathBuf;

use clap::Args;

use super::Outcome;
use super::input;
use super::mistake::Mistake;
use super::output::Output;
use crate::proto::FileImage;

/// Shows a transaction log, a snapshot or a data directory of ZooKeeper
///
/// As ZooKeeper's own tools do it: transactions as TxnLogToolkit, nodes as SnapshotFormatter. Of a directory it shows the files, the epochs,
/// and what a server that starts there would recover: it is loaded by the code that loads it in a run.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub struct DiskArgs {
    /// A file log.* or snapshot.*, whatever its name, or a data directory, with its folder version-2 or that folder itself
    path: PathBuf,

    /// One JSON object per line: a transaction, node, session, file, or what a server would recover
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  zoolab disk /var/lib/zookeeper/version-2/log.100000001
  zoolab disk /var/lib/zookeeper
  zoolab disk --json snapshot.10000008c | jq 'select(.kind == \"node\") | .path'

Nothing is written, and a server that runs is not disturbed; of what it is just writing the beginning may be seen.
Times are UTC, sizes in bytes.

Exit codes: 0 shown, 2 damaged or no such thing: what could be read is shown";

/// Text for people, or JSON lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Json,
}

pub fn disk(args: &DiskArgs, out: &mut Output) -> Result<Outcome, Mistake> {
    let form = if args.json { Form::Json } else { Form::Text };
    let name = input::display(&args.path);
    if args.path.is_dir() {
        return directory::show(&name, &args.path, form, out).map(|()| Outcome::AsExpected);
    }
    let image = image::read(&args.path)?;
    match &first_bytes(&image)[..] {
        b"ZKLG" => log::show(&name, &image, form, out)?,
        b"ZKSN" => snapshot::show(&name, &image, form, out)?,
        other => return Err(unknown(&name, other)),
    }
    Ok(Outcome::AsExpected)
}

fn first_bytes(image: &FileImage) -> Vec<u8> {
    let mut bytes = [0; 4];
    let read = image.read(0, &mut bytes);
    bytes[..read].to_vec()
}

/// Why a file is not shown.
fn unknown(name: &str, first: &[u8]) -> Mistake {
    match first {
        [] => Mistake::new(format_args!("{name} is empty")),
        [0x1f, 0x8b, ..] => Mistake::new(format_args!("{name} is compressed")).with_help("unpack it with gunzip"),
        [0x82, b'S', b'N', b'A'] => Mistake::new(format_args!("{name} is compressed with snappy, which zoolab does not read")),
        _ => {
            let mistake = Mistake::new(format_args!("{name} is neither a log nor a snapshot: it begins with \"{}\"", first.escape_ascii()));
            mistake.with_help("a log begins with \"ZKLG\", a snapshot with \"ZKSN\"")
        }
    }
}
