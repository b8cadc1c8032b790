//! What is wrong with a file, and how it is told.

use std::fmt::{self, Write};
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// One mistake, with its place and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// JSON path; empty for the file as a whole.
    pub place: Path,
    /// Bytes of the source that it is about.
    pub span: Range<usize>,
    /// What was found and why it cannot be.
    pub message: String,
    /// What is allowed, with the nearest valid name when there is one.
    pub help: Option<String>,
}

/// The way from the root of a JSON document to a value: `steps[3].do`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Key(String),
    Index(usize),
}

impl Path {
    pub(super) fn root() -> Path {
        Path::default()
    }

    pub(super) fn key(&self, key: &str) -> Path {
        self.with(Part::Key(key.into()))
    }

    pub(super) fn index(&self, index: usize) -> Path {
        self.with(Part::Index(index))
    }

    fn with(&self, part: Part) -> Path {
        let mut parts = self.0.clone();
        parts.push(part);
        Path(parts)
    }

    /// Whether this is `other` or a place inside it.
    pub(super) fn is_within(&self, other: &Path) -> bool {
        self.0.starts_with(&other.0)
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        for (depth, part) in self.0.iter().enumerate() {
            let plain = |key: &str| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            match part {
                Part::Index(index) => write!(out, "[{index}]")?,
                Part::Key(key) if !plain(key) => write!(out, "[{key:?}]")?,
                Part::Key(key) if depth == 0 => out.write_str(key)?,
                Part::Key(key) => write!(out, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// All problems of one file as a reader should see them: place, line, the source beneath, what is allowed.
pub fn render(problems: &[Problem], file_name: &str, source: &str, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() }.decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    for problem in problems {
        let place = problem.place.to_string();
        let label = (!place.is_empty()).then(|| format!("at {place}"));
        let annotation = AnnotationKind::Primary.span(within(source, &problem.span)).label(label);
        let snippet = Snippet::source(source).path(file_name).annotation(annotation);
        let mut group = Level::ERROR.primary_title(one_line(&problem.message)).element(snippet);
        if let Some(help) = &problem.help {
            group = group.element(Level::HELP.message(one_line(help)));
        }
        let _ = writeln!(text, "{}\n", renderer.render(&[group]));
    }
    text.truncate(text.trim_end().len());
    text + if problems.is_empty() { "" } else { "\n" }
}

/// What was found may hold anything; a message stays one line.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// `span` cut to whole letters of `source`.
fn within(source: &str, span: &Range<usize>) -> Range<usize> {
    let boundary = |at: usize| {
        let mut at = at.min(source.len());
        while !source.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, end) = (boundary(span.start), boundary(span.end));
    start..end.max(start)
}
