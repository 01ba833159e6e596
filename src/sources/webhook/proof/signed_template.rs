//! What a vendor signs: a template such as `v0:{timestamp}:{body}`.

use serde::Deserialize;

/// What a vendor signs: `{body}` once, `{timestamp}` and `{id}` at most once, and text between them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::sources::webhook) struct SignedTemplate(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Body,
    Timestamp,
    Id,
}

impl SignedTemplate {
    /// The bytes that are signed.
    pub(super) fn fill(&self, id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
        let mut signed = Vec::with_capacity(body.len() + 128);
        for part in &self.0 {
            signed.extend_from_slice(match part {
                Part::Text(text) => text.as_bytes(),
                Part::Body => body,
                Part::Timestamp => timestamp.as_bytes(),
                Part::Id => id.as_bytes(),
            });
        }
        signed
    }

    /// Whether the time is signed.
    pub(in crate::sources::webhook) fn has_timestamp(&self) -> bool {
        self.0.contains(&Part::Timestamp)
    }

    /// Whether an id is signed.
    pub(in crate::sources::webhook) fn has_id(&self) -> bool {
        self.0.contains(&Part::Id)
    }

    /// The character that ends the id, which an id must not hold: else another id and another body could be signed alike.
    pub(super) fn ends_id(&self) -> Option<char> {
        let mut parts = self.0.iter().skip_while(|part| **part != Part::Id).skip(1);
        match parts.next() {
            Some(Part::Text(text)) => text.chars().next(),
            _ => None,
        }
    }
}

impl TryFrom<String> for SignedTemplate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        const WORDS: &str =
            "it must be a text with {body} and perhaps {timestamp} and {id}, each once, such as v0:{timestamp}:{body}";
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let open = rest.find('{').unwrap_or(rest.len());
            let (before, placeholder) = rest.split_at(open);
            if before.contains('}') {
                return Err(WORDS.to_owned());
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            if placeholder.is_empty() {
                break;
            }
            let (part, after) = [("{body}", Part::Body), ("{timestamp}", Part::Timestamp), ("{id}", Part::Id)]
                .into_iter()
                .find_map(|(word, part)| Some((part, placeholder.strip_prefix(word)?)))
                .ok_or(WORDS)?;
            if parts.contains(&part) {
                return Err(WORDS.to_owned());
            }
            parts.push(part);
            rest = after;
        }
        let template = Self(parts);
        if !template.0.contains(&Part::Body) {
            return Err(WORDS.to_owned());
        }
        if template.has_id() && template.ends_id().is_none() && template.0.last() != Some(&Part::Id) {
            return Err("a text such as a dot must stand after {id}, since one could not tell where the id ends".to_owned());
        }
        Ok(template)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Result<SignedTemplate, String> {
        SignedTemplate::try_from(text.to_owned())
    }

    #[test]
    fn the_forms_of_the_vendors_are_filled() {
        for (text, signed) in [
            ("{body}", "B"),
            ("{body}{timestamp}", "BT"),
            ("{timestamp}.{body}", "T.B"),
            ("{id}.{timestamp}.{body}", "I.T.B"),
            ("v0:{timestamp}:{body}", "v0:T:B"),
            ("a{body}b", "aBb"),
        ] {
            assert_eq!(template(text).unwrap().fill("I", "T", b"B"), signed.as_bytes(), "{text}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_no_template() {
        for text in [
            "",
            "timestamp.body",
            "{timestamp}",
            "{body}{body}",
            "{timestamp}{timestamp}{body}",
            "{id}{timestamp}{body}",
            "{bodi}",
            "{body",
            "body}",
            "{{body}}",
            "{Body}",
        ] {
            assert!(template(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_body_is_signed_as_it_is(before in "[^{}]{0,8}", body in proptest::collection::vec(0_u8.., 0..64)) {
            let filled = template(&format!("{before}{{body}}")).unwrap().fill("", "", &body);
            assert_eq!(filled, [before.as_bytes(), &body].concat());
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,20}|[{}a-z]{0,20}") {
            drop(template(&text));
        }
    }
}
