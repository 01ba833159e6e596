//! Attribute paths (RFC 7644 sections 3.4.2.2 and 3.10): `userName`, `name.givenName`, `urn:…:User:employeeNumber`. Those of PATCH are in
//! `patch_path`.

use super::error::{INVALID_PATH, ScimError, scim_error};
use super::schema::{Attribute, ResourceType, SHARED, Schema};

/// The longest path or filter read, in bytes.
pub(in crate::sources::scim) const LONGEST: usize = 4 << 10;

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources::scim) enum PathTarget {
    /// An attribute, or one of its sub-attributes.
    Attribute {
        /// The schema that it stands in, where that is an extension.
        extension: Option<&'static Schema>,
        attribute: &'static Attribute,
        sub: Option<&'static Attribute>,
    },
    /// All attributes of a schema of its type.
    Schema(&'static Schema),
    /// Nothing that is kept here.
    Unknown,
}

impl PathTarget {
    /// An attribute of a schema of the type.
    pub(in crate::sources::scim) fn of(kind: &ResourceType, schema: &'static Schema, attribute: &'static Attribute) -> Self {
        Self::Attribute {
            extension: kind.extension.filter(|extension| *extension == schema),
            attribute,
            sub: None,
        }
    }

    /// Finds what `path` names among the attributes of a resource type, in any case.
    ///
    /// # Errors
    /// `invalidPath` where it is not written as a path is.
    pub(in crate::sources::scim) fn find(kind: &ResourceType, path: &str) -> Result<Self, ScimError> {
        let (schema, rest) = match split_urn(kind, path) {
            Urn::None => (None, path),
            Urn::Whole(schema) => return Ok(Self::Schema(schema)),
            Urn::Before(schema, rest) => (Some(schema), rest),
            Urn::Foreign => return Ok(Self::Unknown),
        };
        let (name, sub) = match rest.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (rest, None),
        };
        if !is_name(name) || sub.is_some_and(|sub| !is_name(sub)) {
            return Err(scim_error(
                INVALID_PATH,
                "a path is not of the form attribute or attribute.subAttribute",
            ));
        }
        let extension = schema.filter(|schema| kind.extension == Some(*schema));
        let attribute = extension.map_or_else(
            || {
                let shared = SHARED.iter().find(|shared| shared.name.eq_ignore_ascii_case(name));
                shared.or_else(|| kind.core.attribute(name))
            },
            |schema| schema.attribute(name),
        );
        let Some(attribute) = attribute else {
            return Ok(Self::Unknown);
        };
        let sub = match sub {
            None => None,
            Some(_) if attribute.subs().is_empty() => {
                let why = "a path asks for a part of an attribute that has none";
                return Err(scim_error(INVALID_PATH, why));
            }
            Some(sub) => match attribute.sub(sub) {
                Some(sub) => Some(sub),
                None => return Ok(Self::Unknown),
            },
        };
        Ok(Self::Attribute {
            extension,
            attribute,
            sub,
        })
    }
}

enum Urn<'p> {
    /// There is none.
    None,
    /// The path is the name of one of the type's schemas.
    Whole(&'static Schema),
    /// It stands before the path.
    Before(&'static Schema, &'p str),
    /// Of a schema that is not known here.
    Foreign,
}

fn split_urn<'p>(kind: &ResourceType, path: &'p str) -> Urn<'p> {
    if !path.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:")) {
        return Urn::None;
    }
    for schema in kind.schemas() {
        let Some((start, rest)) = path.split_at_checked(schema.urn.len()) else {
            continue;
        };
        if !start.eq_ignore_ascii_case(schema.urn) {
            continue;
        }
        match rest.strip_prefix(':') {
            Some(rest) => return Urn::Before(schema, rest),
            None if rest.is_empty() => return Urn::Whole(schema),
            None => {}
        }
    }
    Urn::Foreign
}

/// `ATTRNAME` of the grammar, and `$ref`.
pub(in crate::sources::scim) fn is_name(name: &str) -> bool {
    let name = name.strip_prefix('$').unwrap_or(name);
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}
