//! The words of a filter.

use serde_json::Value;

use crate::sources::scim::protocol::error::{INVALID_FILTER, ScimError, scim_error};

/// One word or sign.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    OpenBracket,
    /// `]`, and the `.subAttribute` that stands right behind it.
    CloseBracket(Option<String>),
    /// An attribute path, an operator, or a literal without quotes.
    Word(String),
    /// A string, in double quotes as JSON writes it, or in single quotes as some clients do.
    Text(String),
}

/// Cuts a filter into words.
///
/// # Errors
/// `invalidFilter` where a string is not closed or not JSON.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ScimError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '(' => (Token::Open, &rest[1..]),
            ')' => (Token::Close, &rest[1..]),
            '[' => (Token::OpenBracket, &rest[1..]),
            ']' => {
                let after = &rest[1..];
                match after.strip_prefix('.') {
                    Some(sub) => {
                        let (sub, after) = sub.split_at(end_of_word(sub));
                        (Token::CloseBracket(Some(sub.to_owned())), after)
                    }
                    None => (Token::CloseBracket(None), after),
                }
            }
            quote @ ('"' | '\'') => {
                let (quoted, after) = rest.split_at(end_of_string(rest, quote)?);
                let text = match quote {
                    '"' => serde_json::from_str::<String>(quoted),
                    _ => serde_json::from_str(&in_double_quotes(quoted)),
                };
                let text =
                    text.map_err(|_| scim_error(INVALID_FILTER, "a string of the filter is not written as JSON writes it"))?;
                (Token::Text(text), after)
            }
            _ => {
                let (word, after) = rest.split_at(end_of_word(rest));
                (Token::Word(word.to_owned()), after)
            }
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// How long the word is that `text` begins with.
fn end_of_word(text: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"');
    text.find(ends).unwrap_or(text.len())
}

/// How long the string is that `text` begins with, its quotes included.
fn end_of_string(text: &str, quote: char) -> Result<usize, ScimError> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return Ok(at + 1),
            _ => {}
        }
    }
    Err(scim_error(INVALID_FILTER, "a string of the filter is not closed"))
}

/// A string in single quotes, as JSON would have it.
fn in_double_quotes(quoted: &str) -> String {
    let mut json = String::with_capacity(quoted.len() + 2);
    json.push('"');
    let mut inside = quoted[1..quoted.len() - 1].chars();
    while let Some(c) = inside.next() {
        match (c, inside.as_str().starts_with('\'')) {
            ('\\', true) => {}
            ('\\', false) => {
                json.push(c);
                json.extend(inside.next());
            }
            ('"', _) => json.push_str("\\\""),
            _ => json.push(c),
        }
    }
    json.push('"');
    json
}

/// The value that a word without quotes stands for: a text, where it is nothing else.
pub(super) fn literal(word: &str) -> Value {
    match word.to_ascii_lowercase().as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "null" => Value::Null,
        number => {
            let number = serde_json::from_str::<serde_json::Number>(number).ok();
            number.map_or_else(|| Value::String(word.to_owned()), Value::Number)
        }
    }
}
