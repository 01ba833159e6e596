//! What a row asks for, from its action, or from its status where the action is left empty.

use super::wrong::Wrong;

/// What a row asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
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
}

impl Ask {
    /// Reads the two cells. `full_file` is whether a row need say nothing but a name.
    pub(super) fn read(action: &str, status: &str, full_file: bool) -> Result<Self, Wrong> {
        let status = status.to_ascii_lowercase();
        match action.to_ascii_lowercase().as_str() {
            // A deleted record may have had any action before; nobody leaves by it without a human.
            "terminate" if status == "deleted" => Ok(Self::Deleted),
            "terminate" => Ok(Self::Terminate),
            "rescind" => Ok(Self::Rescind),
            "rehire" => Ok(Self::Rehire),
            "suspend" => Ok(Self::Suspend),
            "hire" | "active" => Ok(Self::Active),
            "deleted" | "delete" => Ok(Self::Deleted),
            "" => Self::of_status(&status, full_file),
            _ => Err(Wrong::at(
                "action",
                "action is none of terminate, rescind, rehire, suspend, hire, active, deleted",
                "terminate for somebody who leaves, rescind to call that off",
            )),
        }
    }

    fn of_status(status: &str, full_file: bool) -> Result<Self, Wrong> {
        match status {
            "active" => Ok(Self::Active),
            "terminated" => Ok(Self::Terminate),
            "deleted" => Ok(Self::Deleted),
            "" if full_file => Ok(Self::Active),
            "" => Err(Wrong::at(
                "action",
                "action is empty, so it is none of terminate, rescind, rehire, suspend, hire, active, deleted",
                "terminate for somebody who leaves, rescind to call that off",
            )),
            _ => Err(Wrong::at(
                "status",
                "action is empty and status is none of active, terminated, deleted",
                "the action, for example terminate, or leave the row out",
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
        }
    }
}
