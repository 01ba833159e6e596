//! Paths of PATCH operations (RFC 7644 section 3.5.2): an attribute path that may select among the values of a list, as in
//! `emails[type eq "work"].value`.

use super::attribute_path::{LONGEST, PathTarget};
use super::error::{INVALID_PATH, ScimError, scim_error};
use super::filter::{self, Filter};
use super::schema::ResourceType;

/// A path of a PATCH operation: it may select among the values of a list.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sources::scim) struct PatchPath {
    pub(in crate::sources::scim) target: PathTarget,
    /// Which of the values are meant.
    pub(in crate::sources::scim) among: Option<Filter>,
}

impl PatchPath {
    /// Reads a path of a PATCH operation.
    ///
    /// # Errors
    /// `invalidPath` where it is not one, `invalidFilter` where what stands in its brackets is not a filter, of an attribute
    /// that is kept.
    pub(in crate::sources::scim) fn read(kind: &ResourceType, path: &str) -> Result<Self, ScimError> {
        let path = path.trim();
        if path.len() > LONGEST {
            return Err(scim_error(INVALID_PATH, "a path is longer than 4 KiB"));
        }
        let Some((before, rest)) = path.split_once('[') else {
            return Ok(Self {
                target: PathTarget::find(kind, path)?,
                among: None,
            });
        };
        let (inside, after) = rest
            .rsplit_once(']')
            .ok_or_else(|| scim_error(INVALID_PATH, "a [ is not closed in a path"))?;
        let sub = match after {
            "" => None,
            after => Some(
                after
                    .strip_prefix('.')
                    .ok_or_else(|| scim_error(INVALID_PATH, "only .subAttribute may follow the ] of a path"))?,
            ),
        };
        let whole = match sub {
            Some(sub) => PathTarget::find(kind, &format!("{before}.{sub}"))?,
            None => PathTarget::find(kind, before)?,
        };
        // Whatever is chosen among values that are not kept, it must not keep the other operations from being done.
        if whole == PathTarget::Unknown {
            return Ok(Self {
                target: whole,
                among: None,
            });
        }
        let among = filter::read(inside)?;
        if let PathTarget::Attribute { attribute, .. } = whole
            && (!attribute.many || attribute.subs().is_empty())
        {
            return Err(scim_error(
                INVALID_PATH,
                "only a list of objects can be selected from with [ ]",
            ));
        }
        Ok(Self {
            target: whole,
            among: Some(among),
        })
    }
}
