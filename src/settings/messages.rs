//! Messages of config errors: the deserializer's, put into the words of a config's author, with the key that was meant.

/// The word of `known` that `word` was probably meant to be: one or two slips of the finger away, by the length of the word.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let slips = |other: &str| strsim::damerau_levenshtein(&word.to_lowercase(), &other.to_lowercase());
    known
        .into_iter()
        .map(|other| (slips(other), other))
        .filter(|(slips, other)| *slips <= (word.len().max(other.len()) / 3).clamp(1, 3))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, other)| other)
}

/// The complaint about a key that nothing here reads.
#[must_use]
pub fn unknown_key(key: &str, known: &[&str]) -> String {
    let key = shown(key);
    match nearest(&key, known.iter().copied()) {
        Some(meant) => format!("unknown key `{key}`; did you mean `{meant}`?"),
        None if known.is_empty() => format!("unknown key `{key}`; no keys are taken here"),
        None => format!("unknown key `{key}`; the keys here are {}", list(known)),
    }
}

/// What an error of the deserializer is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SerdeProblem {
    /// A key that nothing reads.
    Unknown {
        /// The key.
        key: String,
        /// The key that was probably meant.
        meant: Option<String>,
        /// The complaint.
        message: String,
    },
    /// A key that must be there.
    Missing(String),
    /// Everything else, in our words.
    Other(String),
}

/// Reads an error message of serde's derive. Values are not repeated in what comes out, since one may be a secret in the wrong place.
pub(super) fn classify(message: &str) -> SerdeProblem {
    let mut words = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field `") {
        let key = words.next().unwrap_or_default();
        let known: Vec<&str> = words.collect();
        return SerdeProblem::Unknown {
            key: key.to_owned(),
            meant: nearest(key, known.iter().copied()).map(str::to_owned),
            message: unknown_key(key, &known),
        };
    }
    if message.starts_with("missing field `") {
        return SerdeProblem::Missing(words.next().unwrap_or_default().to_owned());
    }
    if message.starts_with("unknown variant `") {
        let word = words.next().unwrap_or_default();
        let known: Vec<&str> = words.collect();
        return SerdeProblem::Other(match nearest(word, known.iter().copied()) {
            Some(meant) => format!("it cannot be {word:?}; did you mean {meant:?}?"),
            None => format!("it must be one of {}", list(&known)),
        });
    }
    for start in ["invalid type: ", "invalid value: "] {
        if let Some((found, expected)) = message.strip_prefix(start).and_then(|rest| rest.split_once(", expected ")) {
            return SerdeProblem::Other(format!("it must be {}, not {}", wanted(expected), given(found)));
        }
    }
    SerdeProblem::Other(message.to_owned())
}

/// What serde calls the type that it wants, in a config's words.
fn wanted(expected: &str) -> String {
    match expected {
        "a sequence" => "a list".to_owned(),
        "a map" => "a table".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" => "a text in quotes".to_owned(),
        "u8" => "a whole number from 0 to 255".to_owned(),
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u32" => "a whole number from 0 to 4294967295".to_owned(),
        "u64" | "usize" => "a whole number from 0 up".to_owned(),
        "a nonzero u32" => "a whole number from 1 up".to_owned(),
        other => match other.strip_prefix("struct ") {
            Some(_) => "a table".to_owned(),
            None => other.to_owned(),
        },
    }
}

/// What serde calls the value that it found. Numbers are harmless and help; a text may be a secret, so it is not repeated.
fn given(found: &str) -> String {
    match found.split_once(' ') {
        Some(("string" | "character", _)) => "a text".to_owned(),
        Some(("boolean" | "integer", value)) => value.trim_matches('`').to_owned(),
        Some(("floating", rest)) => rest.trim_start_matches("point ").trim_matches('`').to_owned(),
        _ => match found {
            "map" => "a table".to_owned(),
            "sequence" => "a list".to_owned(),
            other => other.to_owned(),
        },
    }
}

fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// A key as a message shows it: short, on one line.
fn shown(key: &str) -> String {
    key.chars().take(60).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_gets_a_suggestion() {
        assert_eq!(
            unknown_key("tokn", &["url", "token"]),
            "unknown key `tokn`; did you mean `token`?"
        );
        assert_eq!(
            unknown_key("Token", &["url", "token"]),
            "unknown key `Token`; did you mean `token`?"
        );
    }

    #[test]
    fn a_word_from_elsewhere_gets_the_list() {
        assert_eq!(
            unknown_key("colour", &["url", "token"]),
            "unknown key `colour`; the keys here are `url`, `token`"
        );
        assert_eq!(nearest("x", ["url"]), None);
    }

    #[test]
    fn a_value_of_the_wrong_type_is_not_repeated() {
        let SerdeProblem::Other(said) = classify("invalid type: string \"s3cret\", expected u16") else {
            panic!("understood as something else");
        };
        assert_eq!(said, "it must be a whole number from 0 to 65535, not a text");
    }
}
