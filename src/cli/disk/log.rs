//! A transaction log. As `TxnLogToolkit` prints it.

use serde_json::json;

use super::Form;
use super::txn::{self, txns};
use crate::cli::mistake::Mistake;
use crate::cli::output::Output;
use crate::proto::FileImage;
use crate::store::format::{LogRecord, read_log};

/// Prints every transaction as far as the log can be read; a damaged record is a mistake.
pub fn show(name: &str, image: &FileImage, form: Form, out: &mut Output) -> Result<(), Mistake> {
    let mut records = read_log(image).map_err(|why| Mistake::new(format_args!("{name}: {why}")))?;
    if form == Form::Text {
        out.print(&head(image))?;
    }
    let mut count = 0;
    for record in &mut records {
        let text = match record {
            LogRecord::Txn { at, proposal } => {
                count += 1;
                match form {
                    Form::Text => txn::line(&proposal),
                    Form::Json => txn::object(&proposal, at).to_string(),
                }
            }
            LogRecord::Tail { at, why } => match form {
                Form::Text => format!("byte {at}: {why}, as a crash leaves it; servers ignore the rest of the file"),
                Form::Json => json!({ "kind": "tail", "at": at, "why": why.to_string() }).to_string(),
            },
            LogRecord::Broken { at, why } => {
                let mistake = Mistake::new(format_args!("{name}, byte {at}, after {}: {why}", txns(count)));
                return Err(mistake.with_help("a server that needs this log refuses to start"));
            }
        };
        out.print(&(text + "\n"))?;
        if out.is_closed() {
            return Ok(());
        }
    }
    match form {
        Form::Text => out.print(&format!("EOF reached after {count} txns.\n")),
        Form::Json => Ok(()),
    }
}

/// What the header says.
fn head(image: &FileImage) -> String {
    let mut header = [0; 16];
    image.read(0, &mut header);
    let [_, _, _, _, v0, v1, v2, v3, dbid @ ..] = header;
    let (version, dbid) = (i32::from_be_bytes([v0, v1, v2, v3]), i64::from_be_bytes(dbid));
    format!("ZooKeeper Transactional Log File with dbid {dbid} txnlog format version {version}\n")
}
