//! What a row asks for: terminate, rescind, rehire, suspend and so on.

use super::row_error::RowError;

/// What a row asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The employment ends.
    Terminate,
    /// The end is called off.
    Rescind,
    /// The person is employed again.
    Rehire,
    /// Access is to rest for a while: a leave.
    Suspend,
    /// The employment stands: it has begun, or is there. Nothing follows but that another employment's end does not end access.
    Active,
    /// The HR record is deleted, which is no termination.
    Deleted,
    /// Nothing: the status, or a day of long ago, says that the row is about nothing that concerns access.
    Nothing,
    /// Nobody knows, since the status is no word that is known. The person may be employed, so that no other row of the file acts on them.
    Unclear,
}

impl ChangeKind {
    /// Reads an action. `deleted` is whether the status says that the record is gone.
    pub(in crate::sources::hr_csv) fn of_action(action: &str, deleted: bool) -> Result<Self, RowError> {
        match action.to_ascii_lowercase().as_str() {
            // A deleted record may have had any action before; nobody leaves by it without a human.
            "terminate" if deleted => Ok(Self::Deleted),
            "terminate" => Ok(Self::Terminate),
            "rescind" => Ok(Self::Rescind),
            "rehire" => Ok(Self::Rehire),
            "suspend" => Ok(Self::Suspend),
            "hire" | "active" => Ok(Self::Active),
            "deleted" | "delete" => Ok(Self::Deleted),
            _ => Err(RowError::at(
                "action",
                if action.is_empty() {
                    "action is empty, so it is none of terminate, rescind, rehire, suspend, hire, active, deleted"
                } else {
                    "action is none of terminate, rescind, rehire, suspend, hire, active, deleted"
                },
                "terminate for somebody who leaves, rescind to call that off",
            )),
        }
    }

    /// The word in the file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Terminate => "terminate",
            Self::Rescind => "rescind",
            Self::Rehire => "rehire",
            Self::Suspend => "suspend",
            Self::Active => "active",
            Self::Deleted => "deleted",
            Self::Nothing => "nothing",
            Self::Unclear => "unclear",
        }
    }
}
