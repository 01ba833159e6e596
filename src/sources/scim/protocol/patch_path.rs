//! Paths of PATCH operations (RFC 7644 section 3.5.2): an attribute path that may select among the values of a list, as in
//! `emails[type eq "work"].value`.

use super::attribute_path::{LONGEST, Spot};
use super::error::{Fault, INVALID_PATH, fault};
use super::filter::{self, Filter};
use super::schema::ResourceType;

/// A path of a PATCH operation: it may select among the values of a list.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sources::scim) struct Aim {
    pub(in crate::sources::scim) spot: Spot,
    /// Which of the values are meant.
    pub(in crate::sources::scim) among: Option<Filter>,
}

impl Aim {
    /// Reads a path of a PATCH operation.
    ///
    /// # Errors
    /// `invalidPath` where it is not one, `invalidFilter` where what stands in its brackets is not a filter, of an attribute
    /// that is kept.
    pub(in crate::sources::scim) fn read(kind: &ResourceType, path: &str) -> Result<Self, Fault> {
        let path = path.trim();
        if path.len() > LONGEST {
            return Err(fault(INVALID_PATH, "a path is longer than 4 KiB"));
        }
        let Some((before, rest)) = path.split_once('[') else {
            return Ok(Self {
                spot: Spot::find(kind, path)?,
                among: None,
            });
        };
        let (inside, after) = rest
            .rsplit_once(']')
            .ok_or_else(|| fault(INVALID_PATH, "a [ is not closed in a path"))?;
        let sub = match after {
            "" => None,
            after => Some(
                after
                    .strip_prefix('.')
                    .ok_or_else(|| fault(INVALID_PATH, "only .subAttribute may follow the ] of a path"))?,
            ),
        };
        let whole = match sub {
            Some(sub) => Spot::find(kind, &format!("{before}.{sub}"))?,
            None => Spot::find(kind, before)?,
        };
        // Whatever is chosen among values that are not kept, it must not keep the other operations from being done.
        if whole == Spot::Unknown {
            return Ok(Self {
                spot: whole,
                among: None,
            });
        }
        let among = filter::read(inside)?;
        if let Spot::Attribute { attribute, .. } = whole
            && (!attribute.many || attribute.subs().is_empty())
        {
            return Err(fault(INVALID_PATH, "only a list of objects can be selected from with [ ]"));
        }
        Ok(Self {
            spot: whole,
            among: Some(among),
        })
    }
}
