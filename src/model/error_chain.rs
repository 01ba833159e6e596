//! An error and what caused it, on one line.

use std::error::Error;
use std::fmt;

/// Shows an error with every cause behind it, `: ` between: how logs print an error once, as a chain.
#[must_use]
pub fn error_chain(error: &dyn Error) -> impl fmt::Display + '_ {
    fmt::from_fn(move |f| {
        write!(f, "{error}")?;
        let mut cause = error.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    })
}
