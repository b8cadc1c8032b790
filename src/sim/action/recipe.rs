//! What a client is told about recipes (`c1 lock acquire /locks/a within 5s`): read from the table of their verbs.

use std::fmt::{self, Write};

use super::client;
use super::command_line::Data;
use super::parse::{Words, time};
use super::text::{TextError, one_of, written};
use crate::proto::{Bytes, Command, Operand, RECIPE_VERBS, RecipeCall, VerbInfo};

/// The names of all recipes, each once.
pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
    let first = |at: usize| at == 0 || RECIPE_VERBS[at - 1].recipe != RECIPE_VERBS[at].recipe;
    (0..RECIPE_VERBS.len()).filter(move |at| first(*at)).map(|at| RECIPE_VERBS[at].recipe.name())
}

/// The verbs of a recipe.
pub(super) fn verbs_of(recipe: &str) -> impl Iterator<Item = &'static VerbInfo> + Clone {
    RECIPE_VERBS.iter().filter(move |info| info.recipe.name() == recipe)
}

/// What follows the name of a recipe.
pub(super) fn take(recipe: &str, words: &mut Words) -> Result<Command, TextError> {
    let verbs = || verbs_of(recipe).map(|info| info.word);
    let word = words.next("what to do with it").map_err(|error| error.with_help(one_of("", verbs())))?.clone();
    let Some(info) = verbs_of(recipe).find(|info| info.word == word.text) else {
        return Err(TextError::new(word.span, format!("a {recipe} knows no `{}`", word.text)).with_help(one_of(&word.text, verbs())));
    };
    let call = operands(info, words).and_then(|call| words.finish().map(|()| call));
    call.map(|call| Command::Recipe(Box::new(call)))
        .map_err(|error| if error.help.is_some() { error } else { error.with_help(format!("the form is `{}`", info.form())) })
}

fn operands(info: &VerbInfo, words: &mut Words) -> Result<RecipeCall, TextError> {
    let path = client::path(words)?;
    let is_over = |words: &Words| words.left().first().is_none_or(|word| info.waits && word.text == "within" && !word.quoted);
    let (mut number, mut data) = (None, None);
    match info.operand {
        Operand::Nothing => {}
        Operand::Number(name) => number = Some(number_called(name, words)?),
        Operand::NumberOrOne(name) => number = if is_over(words) { None } else { Some(number_called(name, words)?) },
        Operand::Data => data = Some(client::data(words)?),
        Operand::DataOrNothing => data = if is_over(words) { None } else { Some(client::data(words)?) },
        Operand::NumberAndData(name) => {
            number = Some(number_called(name, words)?);
            data = Some(client::data(words)?);
        }
    }
    let within = if info.waits && words.next_is("within") { Some(time(words)?) } else { None };
    Ok(RecipeCall { verb: info.verb, path, number, data, within })
}

fn number_called(name: &str, words: &mut Words) -> Result<i64, TextError> {
    let word = words.next(&format!("{name}, a number,"))?;
    word.text.parse().map_err(|_| TextError::new(word.span.clone(), format!("`{}` is not a whole number", word.text)))
}

/// What clients can be told about recipes, with an example for every verb, as `zoolab help recipes` prints it.
pub fn recipe_help() -> String {
    let mut help = String::from(INTRODUCTION);
    for info in RECIPE_VERBS {
        let _ = write!(help, "\n  CLIENT {}\n      {}\n      c1 {}\n      is answered {}\n", info.form(), info.what, info.example, info.answer);
    }
    help
}

const INTRODUCTION: &str = "\
Recipes are what clients do with several requests, watches and the life of their
sessions. In a step or at the prompt of `zoolab shell` a recipe is one line with
one answer; the story tells the requests it makes.

  { \"at\": \"1s\", \"do\": \"c1 lock acquire /locks/a\", \"returns\": \"Ok\" }
  { \"when\": \"c1 granted\", \"do\": \"crash leader\" }

What waits may be given a time: who has waited so long is answered TimedOut. Who
would give back what it does not hold is answered NotHeld, and whose connection
is gone Suspended: nobody tells it that its session lives. Parents that are
missing are made as containers, as Curator does. The mistakes that clients make
are switches: `zoolab help bugs` has them as `recipe-…`; what must be true of
recipes whatever happens is among `zoolab help checks` as R-1, R-2, …
";

/// A call as it is read back.
pub struct RecipeLine<'a>(pub &'a RecipeCall);

impl fmt::Display for RecipeLine<'_> {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let RecipeCall { verb, path, number, data, within } = self.0;
        let info = verb.info();
        write!(out, "{} {} {}", info.recipe, info.word, written(path))?;
        number.iter().try_for_each(|number| write!(out, " {number}"))?;
        data.iter().try_for_each(|data: &Bytes| write!(out, " {}", Data(data)))?;
        within.iter().try_for_each(|time| write!(out, " within {time}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Action;
    use super::*;

    #[test]
    fn every_example_is_in_canonical_form() {
        for info in RECIPE_VERBS {
            let line = format!("c1 {}", info.example);
            let action = Action::parse(&line).unwrap_or_else(|error| panic!("{line}: {error:?}"));
            assert_eq!(action.to_string(), line);
            let Action::Client { command: Command::Recipe(call), .. } = action else { panic!("{line} is no recipe") };
            assert_eq!(call.verb, info.verb);
        }
    }

    #[test]
    fn mistakes_point_at_the_word() {
        for (line, wrong, message) in [
            ("c1 lock", "", "what to do with it is missing"),
            ("c1 lock aquire /a", "aquire", "a lock knows no `aquire`"),
            ("c1 lock acquire", "", "a path (/a/b) is missing"),
            ("c1 lock acquire a", "a", "`a` is not a path"),
            ("c1 lock acquire /a within", "", "a time (250ms) is missing"),
            ("c1 lock acquire /a 5", "5", "`5` is too much"),
            ("c1 lock release /a within 5s", "within", "`within` is too much"),
            ("c1 lock write /a", "", "the data is missing"),
        ] {
            let error = Action::parse(line).expect_err(line);
            assert_eq!((&line[error.span.clone()], error.message.as_str()), (wrong, message), "{line}");
            assert!(error.help.is_some(), "{line}");
        }
    }
}
