//! The values that fill a template, each encoded by where it stands: names and ids come from others, and none may change what a request means.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::description::body::Shape;
use super::description::template::{Filter, Part, Slot, Template};
use crate::json::Places;

/// What stands for a secret where a request is shown.
const MASK: &str = "SECRET";

/// What the config says: the same for every request.
#[derive(Default)]
pub(super) struct Configured {
    pub(super) keys: BTreeMap<String, String>,
    pub(super) secrets: BTreeMap<String, SecretString>,
    /// The target's URL without a slash at its end.
    pub(super) url: String,
}

/// The values for one request.
#[derive(Clone, Copy, Default)]
pub(super) struct Values<'v> {
    pub(super) configured: Option<&'v Configured>,
    pub(super) name: Option<&'v str>,
    pub(super) id: Option<&'v str>,
    pub(super) grant: Option<&'v str>,
    pub(super) parent: Option<&'v str>,
    pub(super) each: Option<&'v str>,
    pub(super) grants: &'v [&'v str],
    pub(super) ours: Option<&'v str>,
    pub(super) token: Option<&'v SecretString>,
    pub(super) assertion: Option<&'v SecretString>,
    pub(super) random: Option<&'v SecretString>,
    pub(super) principal: Option<&'v Value>,
    pub(super) filter: Option<&'v str>,
    /// Whether secrets are masked, for whoever looks at a request.
    pub(super) masked: bool,
}

/// Why a template cannot be filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FillError {
    /// A value is not there.
    #[error("the description names {0}, and there is no such value")]
    Missing(&'static str),
    /// A value is not of the form that its place takes.
    #[error("{0}")]
    Unfit(&'static str),
}

impl Values<'_> {
    /// The same without secrets.
    pub(super) const fn masked(self) -> Self {
        Self { masked: true, ..self }
    }

    /// Fills `template`; each value, not what the description wrote, goes through `encode`.
    pub(super) fn text(self, template: &Template, encode: impl Fn(&str) -> String) -> Result<String, FillError> {
        let mut text = String::new();
        for part in &template.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Slot(slot, filter) => text.push_str(&encode(&self.filtered(slot, *filter)?)),
            }
        }
        Ok(text)
    }

    /// The same with the values as they are: for JSON texts, forms and headers, which are encoded whole.
    pub(super) fn plain(self, template: &Template) -> Result<String, FillError> {
        self.text(template, str::to_owned)
    }

    /// The JSON value of a shape. `{grants}`, `{principal:…}` and numbers are what they are; everything else is text.
    pub(super) fn json(self, shape: &Shape) -> Result<Value, FillError> {
        Ok(match shape {
            Shape::Plain(value) => value.clone(),
            Shape::Object(members) => {
                let members = members.iter().map(|(name, member)| Ok((name.clone(), self.json(member)?)));
                Value::Object(members.collect::<Result<_, FillError>>()?)
            }
            Shape::List(members) => {
                let mut list = Vec::with_capacity(members.len());
                for member in members {
                    match member {
                        Shape::Text(template) => match template.sole() {
                            Some((Slot::Principal(places), _)) if places.has_star() => list.extend(self.spread(places)?),
                            _ => list.push(self.json(member)?),
                        },
                        member => list.push(self.json(member)?),
                    }
                }
                Value::Array(list)
            }
            Shape::Text(template) => match template.sole() {
                Some((Slot::Grants, _)) => self.grants.iter().copied().map(Value::from).collect(),
                Some((Slot::Principal(places), _)) if places.has_star() => Value::Array(self.spread(places)?),
                Some((Slot::Principal(places), _)) => self.spread(places)?.pop().ok_or(FillError::Missing(PRINCIPAL))?,
                Some((slot, Some(Filter::Number))) => {
                    let digits = self.filtered(slot, Some(Filter::Number))?;
                    let number = digits.parse::<u64>();
                    number.map_err(|_| FillError::Unfit(NO_NUMBER))?.into()
                }
                _ => Value::String(self.plain(template)?),
            },
        })
    }

    /// What is written back. Where it is missing nothing is: a list that is written back short takes away what it lacks.
    fn spread(self, places: &Places) -> Result<Vec<Value>, FillError> {
        let there = places.whole(self.principal.ok_or(FillError::Missing(PRINCIPAL))?);
        Ok(there.ok_or(FillError::Missing(PRINCIPAL))?.into_iter().cloned().collect())
    }

    fn filtered(self, slot: &Slot, filter: Option<Filter>) -> Result<String, FillError> {
        if let (Slot::Pair(first, second), Some(Filter::Basic)) = (slot, filter) {
            let (first, second) = (self.of(first)?, self.of(second)?);
            return Ok(if self.masked {
                MASK.to_owned()
            } else {
                STANDARD.encode(format!("{first}:{second}"))
            });
        }
        let value = self.of(slot)?;
        Ok(match filter {
            None => value,
            Some(Filter::Quoted) => Value::String(value).to_string(),
            Some(Filter::Odata) => format!("'{}'", value.replace('\'', "''")),
            Some(Filter::Basic) => STANDARD.encode(value),
            Some(Filter::Number) => {
                let plain = !value.is_empty() && value.len() <= 20 && value.bytes().all(|byte| byte.is_ascii_digit());
                if !plain {
                    return Err(FillError::Unfit(NO_NUMBER));
                }
                value
            }
        })
    }

    fn of(self, slot: &Slot) -> Result<String, FillError> {
        let text = |value: Option<&str>, name| value.map(str::to_owned).ok_or(FillError::Missing(name));
        let secret = |value: Option<&SecretString>, name| {
            let value = value.ok_or(FillError::Missing(name))?;
            Ok(if self.masked { MASK } else { value.expose_secret() }.to_owned())
        };
        let configured = self.configured.ok_or(FillError::Missing("a key of the config"));
        match slot {
            Slot::Name => text(self.name, "{name}"),
            Slot::Id => text(self.id, "{id}"),
            Slot::Grant => text(self.grant, "{grant}"),
            Slot::Parent => text(self.parent, "{parent}"),
            Slot::Each => text(self.each, "{each}"),
            Slot::Ours => text(self.ours, "{self}"),
            Slot::Filter => text(self.filter, "{filter}"),
            Slot::Url => text(Some(&configured?.url), "{url}"),
            Slot::Key(key) => text(configured?.keys.get(key).map(String::as_str), "a key of the config"),
            Slot::Secret(key) => secret(configured?.secrets.get(key), "a credential of the config"),
            Slot::Token => secret(self.token, "{token}"),
            Slot::Assertion => secret(self.assertion, "{assertion}"),
            Slot::Random => secret(self.random, "{random}"),
            Slot::Principal(place) => {
                let principal = self.principal.ok_or(FillError::Missing(PRINCIPAL))?;
                place.text(principal).ok_or(FillError::Missing(PRINCIPAL))
            }
            Slot::Grants | Slot::Pair(..) => Err(FillError::Unfit("the description puts a list where one text belongs")),
        }
    }
}

const PRINCIPAL: &str = "{principal:…}";

const NO_NUMBER: &str = "the target wants a number there, and the value is none";

/// A value in a path or a query: everything but letters, digits and `-._~` is percent-encoded (RFC 3986 section 2.3).
pub(super) fn percent(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
