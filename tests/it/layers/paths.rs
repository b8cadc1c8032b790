//! The paths a Rust source names. A small lexer is enough: comments, literals and macros' insides need no meaning here, only their words.

/// A path as written at one place, resolved to `crate::…`, `std::…` or what stands there.
#[derive(Debug, PartialEq)]
pub struct Path {
    pub line: usize,
    pub text: String,
}

/// Every path in `source`, a file of module `module` (`["election", "vote"]`; empty for the crate's root).
///
/// Groups are spread: `use crate::{proto::Zxid, sim};` names two paths. `super` and `self` are resolved, inline modules included.
/// Names brought in by `use` are found at their `use`, not where they stand alone later.
pub fn paths(source: &str, module: &[&str]) -> Vec<Path> {
    let mut reader = Reader { tokens: tokens(source), next: 0, module: module.to_vec(), inline: Vec::new(), depth: 0, found: Vec::new() };
    reader.read();
    reader.found.into_iter().map(|(at, text)| Path { line: source[..at].matches('\n').count() + 1, text }).collect()
}

struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    next: usize,
    /// The module we are in, inline ones included.
    module: Vec<&'a str>,
    /// At which depth of braces each inline module ends.
    inline: Vec<usize>,
    depth: usize,
    /// Byte offset and resolved text.
    found: Vec<(usize, String)>,
}

impl<'a> Reader<'a> {
    fn read(&mut self) {
        while let Some(token) = self.peek(0) {
            match token {
                "mod" if self.peek(1).is_some_and(is_name) && self.peek(2) == Some("{") => {
                    self.module.push(self.tokens[self.next + 1].text);
                    self.inline.push(self.depth);
                    self.next += 2;
                }
                "{" => {
                    self.depth += 1;
                    self.next += 1;
                }
                "}" => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.inline.pop_if(|depth| *depth == self.depth).is_some() {
                        self.module.pop();
                    }
                    self.next += 1;
                }
                name if is_name(name) => self.read_path(&[]),
                _ => self.next += 1,
            }
        }
    }

    /// Reads `a::b`, `a::*` or `a::{b, c::d}`, all below `prefix`.
    fn read_path(&mut self, prefix: &[&'a str]) {
        let at = self.tokens[self.next].at;
        let mut names = prefix.to_vec();
        names.push(self.tokens[self.next].text);
        self.next += 1;
        while self.peek(0) == Some("::") {
            match self.peek(1) {
                Some("{") => {
                    self.next += 2;
                    return self.read_group(&names);
                }
                Some(name) if is_name(name) || name == "*" => names.push(self.tokens[self.next + 1].text),
                _ => break,
            }
            self.next += 2;
        }
        let text = resolve(&names, &self.module);
        self.found.push((at, text));
    }

    fn read_group(&mut self, prefix: &[&'a str]) {
        while let Some(token) = self.peek(0) {
            match token {
                "}" => return self.next += 1,
                "as" => self.next += 2,
                name if is_name(name) || name == "*" => self.read_path(prefix),
                _ => self.next += 1,
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<&'a str> {
        self.tokens.get(self.next + ahead).map(|token| token.text)
    }
}

fn resolve(names: &[&str], module: &[&str]) -> String {
    let supers = names.iter().take_while(|name| **name == "super").count();
    let (base, rest): (&[&str], _) = match names {
        ["self", rest @ ..] => (module, rest),
        ["super", ..] => (&module[..module.len().saturating_sub(supers)], &names[supers..]),
        ["core" | "alloc", rest @ ..] => return [&["std"], rest].concat().join("::"),
        _ => return names.join("::"),
    };
    [&["crate"], base, rest].concat().join("::")
}

struct Token<'a> {
    text: &'a str,
    at: usize,
}

/// Words, `::` and other single characters, without blanks, comments and literals.
fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        let skipped = blank_or_literal(rest);
        let length = if skipped > 0 {
            skipped
        } else if is_name(rest) {
            rest.find(|letter| !is_letter(letter)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if skipped == 0 {
            found.push(Token { text: &rest[..length], at });
        }
        at += length;
    }
    found
}

/// How long the blank, comment or literal is that `rest` starts with; zero when it starts with something else.
fn blank_or_literal(rest: &str) -> usize {
    let until = |start: usize, end: &str| rest[start..].find(end).map_or(rest.len(), |found| start + found + end.len());
    let blanks = rest.len() - rest.trim_start().len();
    if blanks > 0 {
        return blanks;
    }
    if rest.starts_with("//") {
        return until(2, "\n");
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    if rest.starts_with('"') {
        return quoted(rest, '"');
    }
    // A char, unless it is a lifetime: 'a' and '\n' are closed, 'a is not.
    if let Some(inside) = rest.strip_prefix('\'') {
        let closed = inside.starts_with('\\') || inside.chars().nth(1) == Some('\'');
        return if closed { quoted(rest, '\'') } else { 1 };
    }
    // A raw string: r"…", br#"…"#.
    let body = rest.trim_start_matches(['b', 'c']).strip_prefix('r').unwrap_or_default();
    let hashes = body.len() - body.trim_start_matches('#').len();
    if body[hashes..].starts_with('"') {
        let start = rest.len() - body.len() + hashes + 1;
        return until(start, &format!("\"{}", &body[..hashes]));
    }
    0
}

fn block_comment(rest: &str) -> usize {
    let (mut at, mut open) = (2, 1);
    while open > 0 && at < rest.len() {
        match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (at, open) = (at + 2, open + 1),
            [b'*', b'/', ..] => (at, open) = (at + 2, open - 1),
            _ => at += 1,
        }
    }
    at
}

/// The length of a literal between two `quote`s, where a backslash takes the next character along.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn is_name(token: &str) -> bool {
    token.starts_with(is_letter)
}

fn is_letter(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}

#[test]
fn paths_are_found_and_resolved() {
    let texts =
        |source, module: &[&str]| paths(source, module).into_iter().map(|path| path.text).filter(|text| text.contains("::")).collect::<Vec<_>>();
    let cases: [(&str, &[&str]); 13] = [
        ("use crate::{proto::{Zxid, Vote as V}, sim as s, tree::*};", &["crate::proto::Zxid", "crate::proto::Vote", "crate::sim", "crate::tree::*"]),
        ("use super::learner; use self::vote::Vote;", &["crate::election::learner", "crate::election::quorum::vote::Vote"]),
        ("mod tests { use super::*; fn f() {} } use super::fast;", &["crate::election::quorum::*", "crate::election::fast"]),
        ("mod tests { use super::super::super::sim; }", &["crate::sim"]),
        ("use core::time::Duration;", &["std::time::Duration"]),
        ("let x = Vec::<crate::sim::World>::new();", &["crate::sim::World"]),
        ("/// crate::sim\n// std::fs\n/* std::env /* nested */ std::fs */", &[]),
        (r##"f("std::fs \" std::env", r#"std::"fs"#, b"std::fs", br"std::fs\");"##, &[]),
        ("fn f<'a>(c: char, x: &'a crate::tree::Tree) { c == '\"' || c == '\\'' || c == 'x' }", &["crate::tree::Tree"]),
        ("#[derive(clap::Parser)]", &["clap::Parser"]),
        ("pub(in crate::election) fn f() {}", &["crate::election"]),
        ("std::\n    thread::sleep(ms)", &["std::thread::sleep"]),
        ("$crate::trace::note!(\"é\")", &["crate::trace::note"]),
    ];
    for (source, expected) in cases {
        assert_eq!(texts(source, &["election", "quorum"]), expected, "{source}");
    }
    assert_eq!(paths("\n\n/* \n */ use std::fs;", &[]).last(), Some(&Path { line: 4, text: "std::fs".into() }));
}
