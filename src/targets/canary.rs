//! A canary: an account of ours at a target, whose fresh credentials show how long after its end something still works.

use secrecy::SecretString;

use super::{Identified, Remedy, TargetError};
use crate::model::GrantKind;

/// How the canary signs in.
pub struct CanaryLogin {
    /// What it types as its name.
    pub login: String,
    /// Its password.
    pub password: SecretString,
}

/// A credential that the canary has just been given. Held in memory alone.
pub struct HeldCredential {
    /// What it is.
    pub kind: GrantKind,
    /// The target's id of it, where it is ended by that.
    pub id: Option<String>,
    /// The credential itself.
    pub secret: SecretString,
}

/// Whether what the target says of a credential means that it is taken.
///
/// # Errors
/// Where it means neither.
pub(super) fn is_taken(identified: &Identified) -> Result<bool, TargetError> {
    match identified {
        Identified::Alive(_) => Ok(true),
        Identified::Refused { .. } => Ok(false),
        Identified::SwitchedOff(_, why) => Err(unclear(why)),
        Identified::Ours => Err(unclear(
            "it is the credential that revoked itself uses; give the canary an account of its own",
        )),
    }
}

fn unclear(why: &str) -> TargetError {
    TargetError::new("trying the canary's credential", Remedy::GiveUp, anyhow::anyhow!("{why}"))
}

/// The answer of a target at which no canary can sign in.
pub(super) fn no_canary() -> TargetError {
    let why = anyhow::anyhow!("this kind of target has no sign-in that revoked knows; take `canary` out of its table");
    TargetError::new("signing the canary in", Remedy::GiveUp, why)
}
