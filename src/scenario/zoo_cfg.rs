//! The text of a real zoo.cfg: a Java properties file.

use std::ops::Range;

use crate::proto::LearnerType;
use crate::sim::action::TextError;

/// One `key=value` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    pub key: String,
    pub value: String,
    /// Bytes of the text.
    pub key_span: Range<usize>,
    pub value_span: Range<usize>,
}

/// The properties of a text, in order, and the lines that are none.
///
/// `#` and `!` begin comments; `=`, `:` or white space ends a key. Escapes and lines that continue on the next are not read.
pub fn properties(text: &str) -> (Vec<Property>, Vec<TextError>) {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let from = start + (line.len() - line.trim_start().len());
        let content = line.trim();
        start += line.len();
        if content.is_empty() || content.starts_with(['#', '!']) {
            continue;
        }
        match property(content, from) {
            Ok(property) => found.push(property),
            Err(error) => errors.push(error),
        }
    }
    (found, errors)
}

/// Reads one line that begins at byte `from`.
fn property(line: &str, from: usize) -> Result<Property, TextError> {
    let whole = from..from + line.len();
    if line.ends_with('\\') {
        return Err(TextError::new(whole, "a line that continues on the next is not read here").with_help("write it on one line"));
    }
    let ends = |letter: char| letter == '=' || letter == ':' || letter.is_whitespace();
    let Some(end) = line.find(ends).filter(|end| *end > 0) else {
        return Err(TextError::new(whole, format!("`{line}` is not KEY=VALUE")));
    };
    let rest = line[end..].trim_start();
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start();
    let value_start = whole.end - value.len();
    Ok(Property { key: line[..end].into(), value: value.into(), key_span: from..from + end, value_span: value_start..whole.end })
}

/// The role in `host:quorumPort:electionPort[:role][;[address:]clientPort]`; addresses have no meaning here. Errors say what is wrong.
pub fn server_role(value: &str) -> Result<LearnerType, String> {
    // Several addresses of one server are separated by `|`; all have the same form, and one is enough to reach it here.
    let first = value.split('|').next().unwrap_or_default();
    let (quorum, client) = first.split_once(';').map_or((first, None), |(quorum, client)| (quorum, Some(client)));
    let form = || "the form is host:quorumPort:electionPort[:participant|observer][;clientPort]".to_string();
    let ports = match quorum.strip_prefix('[') {
        Some(address) => address.split_once("]:").map(|(_, ports)| ports),
        None => quorum.split_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, ports)| ports),
    };
    let mut parts = ports.ok_or_else(form)?.split(':');
    let quorum_port = port(parts.next().ok_or_else(form)?)?;
    let election_port = port(parts.next().ok_or_else(form)?)?;
    if quorum_port == election_port {
        return Err(format!("quorum port and election port are both {quorum_port}: they must differ"));
    }
    if let Some(client) = client {
        port(client.rsplit(':').next().unwrap_or_default())?;
    }
    let role = match parts.next() {
        None => LearnerType::Participant,
        Some(role) if role.eq_ignore_ascii_case("participant") => LearnerType::Participant,
        Some(role) if role.eq_ignore_ascii_case("observer") => LearnerType::Observer,
        Some(role) => return Err(format!("`{role}` is not a role: participant or observer")),
    };
    parts.next().map_or(Ok(role), |_| Err(form()))
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| format!("`{text}` is not a port: 1 to 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_properties_or_comments() {
        let text = "# comment\n! also\n\ntickTime = 2000\ndataDir:/var/zk\r\n  server.1=a:2888:3888\nbroken\n";
        let (found, errors) = properties(text);
        let pairs: Vec<_> = found.iter().map(|property| (property.key.as_str(), property.value.as_str())).collect();
        assert_eq!(pairs, [("tickTime", "2000"), ("dataDir", "/var/zk"), ("server.1", "a:2888:3888")]);
        for property in &found {
            assert_eq!((&text[property.key_span.clone()], &text[property.value_span.clone()]), (&*property.key, &*property.value));
        }
        assert_eq!(errors.iter().map(|error| &text[error.span.clone()]).collect::<Vec<_>>(), ["broken"]);
    }

    #[test]
    fn server_lines() {
        use LearnerType::{Observer, Participant};
        for (value, role) in [
            ("zoo1:2888:3888", Participant),
            ("zoo1:2888:3888:observer", Observer),
            ("10.0.0.1:2888:3888:participant;0.0.0.0:2181", Participant),
            ("[2001:db8::1]:2888:3888:observer;2181", Observer),
            ("zoo1-net1:2888:3888|zoo1-net2:2889:3889", Participant),
        ] {
            assert_eq!(server_role(value), Ok(role), "{value}");
        }
        for wrong in
            ["", "zoo1", "zoo1:2888", "zoo1:2888:2888", "zoo1:0:3888", "zoo1:2888:3888:boss", ":1:2", "[::1:2:3", "a:1:2:observer:x", "a:1:2;x"]
        {
            assert!(server_role(wrong).is_err(), "{wrong}");
        }
    }
}
