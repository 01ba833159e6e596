//! The wall time that the server writes down. Whoever starts a sandbox may hand in their own, so that a test moves both by one hand.

use std::fmt;
use std::sync::Arc;

use serde::Serializer;
use serde::ser::Error as _;

/// Tells wall time, in milliseconds since the Unix epoch, UTC.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place where a sandbox asks the machine for the time"
        )]
        Self::new(|| jiff::Timestamp::now().as_millisecond())
    }

    /// A clock that says what `now` says.
    #[must_use]
    pub fn new(now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> i64 {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// Writes an instant as RFC 3339 with milliseconds.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
pub(super) fn rfc_3339<S: Serializer>(ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    let at = jiff::Timestamp::from_millisecond(*ms).map_err(S::Error::custom)?;
    serializer.collect_str(&format_args!("{at:.3}"))
}
