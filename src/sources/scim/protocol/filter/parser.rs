//! From words to a filter, by recursive descent no deeper than [`DEEPEST`].

use super::lexer::{Token, literal, tokens};
use super::{Comparison, DEEPEST, Filter, MOST};
use crate::sources::scim::protocol::attribute_path::{LONGEST, is_name};
use crate::sources::scim::protocol::error::{INVALID_FILTER, ScimError, scim_error};
use serde_json::Value;

/// Reads a filter.
///
/// # Errors
/// `invalidFilter` where it is not one, or is longer, deeper or wider than is read here. Says nothing of what stands in it.
pub(in crate::sources::scim) fn read(text: &str) -> Result<Filter, ScimError> {
    if text.len() > LONGEST {
        return Err(wrong("the filter is longer than 4 KiB"));
    }
    let mut reader = Reader {
        tokens: tokens(text)?.into_iter().peekable(),
        left: MOST,
    };
    let filter = reader.any(DEEPEST)?;
    if reader.tokens.next().is_some() {
        return Err(wrong("something follows that does not belong to the filter"));
    }
    Ok(filter)
}

fn wrong(why: &str) -> ScimError {
    scim_error(INVALID_FILTER, why)
}

struct Reader {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    /// How many comparisons may still come.
    left: usize,
}

impl Reader {
    fn any(&mut self, depth: usize) -> Result<Filter, ScimError> {
        let first = self.all(depth)?;
        self.chain("or", first, depth, Self::all, Filter::Any)
    }

    fn all(&mut self, depth: usize) -> Result<Filter, ScimError> {
        let first = self.one(depth)?;
        self.chain("and", first, depth, Self::one, Filter::All)
    }

    /// `first`, and what follows it after `word`.
    fn chain(
        &mut self,
        word: &str,
        first: Filter,
        depth: usize,
        next: fn(&mut Self, usize) -> Result<Filter, ScimError>,
        together: fn(Vec<Filter>) -> Filter,
    ) -> Result<Filter, ScimError> {
        let mut parts = vec![first];
        while self.takes(word) {
            parts.push(next(self, depth)?);
        }
        match (parts.pop(), parts.is_empty()) {
            (Some(only), true) => Ok(only),
            (last, _) => {
                parts.extend(last);
                Ok(together(parts))
            }
        }
    }

    /// Takes the next word if it is this one.
    fn takes(&mut self, word: &str) -> bool {
        let is = |token: &Token| matches!(token, Token::Word(found) if found.eq_ignore_ascii_case(word));
        self.tokens.next_if(is).is_some()
    }

    fn one(&mut self, depth: usize) -> Result<Filter, ScimError> {
        let deeper = depth
            .checked_sub(1)
            .ok_or_else(|| wrong("the filter nests deeper than 16 levels"))?;
        match self.tokens.next() {
            Some(Token::Open) => self.closed(deeper),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("not") && self.tokens.next_if_eq(&Token::Open).is_some() => {
                Ok(Filter::Not(Box::new(self.closed(deeper)?)))
            }
            Some(Token::Word(path)) => self.about(path, deeper),
            _ => Err(wrong("the filter lacks an attribute")),
        }
    }

    /// What stands before a `)`.
    fn closed(&mut self, depth: usize) -> Result<Filter, ScimError> {
        let inside = self.any(depth)?;
        match self.tokens.next() {
            Some(Token::Close) => Ok(inside),
            _ => Err(wrong("a ( is not closed in the filter")),
        }
    }

    /// What is asked about the attribute at `path`.
    fn about(&mut self, path: String, depth: usize) -> Result<Filter, ScimError> {
        if !is_path(&path) {
            return Err(wrong("an attribute's name in the filter is not one"));
        }
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| wrong("the filter compares more than 100 times"))?;
        if self.tokens.next_if_eq(&Token::OpenBracket).is_some() {
            return self.within(path, depth);
        }
        if self.takes("pr") {
            return Ok(Filter::Present(path));
        }
        self.compare(path)
    }

    fn compare(&mut self, path: String) -> Result<Filter, ScimError> {
        let by = match self.tokens.next() {
            Some(Token::Word(word)) => Comparison::from_word(&word),
            _ => None,
        };
        let by = by.ok_or_else(|| wrong("the filter lacks an operator: eq, ne, co, sw, ew, pr, gt, ge, lt or le"))?;
        let (value, bare) = match self.tokens.next() {
            Some(Token::Text(text)) => (Value::String(text), None),
            // Microsoft's guide leaves the quotes out, and so do some clients: a word then reaches up to the next blank or bracket.
            Some(Token::Word(word)) => (literal(&word), Some(word)),
            _ => {
                return Err(wrong(
                    "the filter lacks a value: a string in quotes, a number, true, false or null",
                ));
            }
        };
        if by.is_part() && Filter::text(&value, bare.as_deref()).is_none() {
            return Err(wrong("co, sw and ew look into strings only"));
        }
        if by.is_order() && (value.is_boolean() || value.is_null()) {
            return Err(wrong("gt, ge, lt and le do not apply to true, false and null"));
        }
        Ok(Filter::Compare { path, by, value, bare })
    }

    /// The rest of `path[…]`. Entra ID writes `emails[type eq "work"].value eq "…"`, and others `emails[type eq "work"] eq "…"`, which the
    /// grammar does not have: all of it is meant of one value.
    fn within(&mut self, path: String, depth: usize) -> Result<Filter, ScimError> {
        let inside = self.any(depth)?;
        let inside = match self.tokens.next() {
            Some(Token::CloseBracket(None)) if !self.compares() => inside,
            Some(Token::CloseBracket(sub)) => {
                let sub = sub.unwrap_or_else(|| "value".to_owned());
                if !is_name(&sub) {
                    return Err(wrong("an attribute's name in the filter is not one"));
                }
                let more = if self.takes("pr") {
                    Filter::Present(sub)
                } else {
                    self.compare(sub)?
                };
                let mut all = inside.conjuncts().to_vec();
                all.push(more);
                Filter::All(all)
            }
            _ => return Err(wrong("a [ is not closed in the filter")),
        };
        Ok(Filter::Within(path, Box::new(inside)))
    }

    /// Whether an operator comes next.
    fn compares(&mut self) -> bool {
        let operator = |token: &Token| matches!(token, Token::Word(word) if Comparison::from_word(word).is_some() || word.eq_ignore_ascii_case("pr"));
        self.tokens.peek().is_some_and(operator)
    }
}

/// An attribute path with or without the URN of a schema. What it names is looked up when the filter is asked.
fn is_path(path: &str) -> bool {
    let name = path.rsplit(':').next().unwrap_or(path);
    let sound = |part: &str| part.bytes().all(|byte| byte.is_ascii_graphic());
    // The version in a URN has a dot, but stands before the last colon.
    name.split('.').all(is_name) && name.split('.').count() <= 2 && sound(path)
}

/// Whether two values are the same, as `eq` asks.
pub(super) fn same(one: &Value, other: &Value, exact: bool) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) if !exact => one.to_lowercase() == other.to_lowercase(),
        // Booleans are written as strings by some clients.
        (Value::Bool(one), Value::String(other)) => other.eq_ignore_ascii_case(if *one { "true" } else { "false" }),
        (one, other) => one == other,
    }
}
