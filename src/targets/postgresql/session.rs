//! One connection for one call: its limit of time, and what an error of it means.
//!
//! A connection is made for each call and closed after it. Calls are few, and one that is kept would have to be proved alive each time.

use std::time::Duration;

use anyhow::anyhow;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Error};
use tokio::time::timeout;

use crate::targets::{CallContext, Remedy, TargetError};
use crate::telemetry::sanitized;

/// How much of a server's message is told.
const TOLD: usize = 300;

/// The server, and how long a call to it may take.
pub(super) struct Server {
    options: PgConnectOptions,
    time: Duration,
}

impl Server {
    /// The server ends a statement of ours a little before we give up waiting for it.
    pub(super) fn new(options: PgConnectOptions, time: Duration) -> Self {
        let statement = time.mul_f32(0.9).as_millis();
        Self {
            options: options.options([("statement_timeout", statement)]),
            time,
        }
    }

    /// The role that we sign in as.
    pub(super) fn user(&self) -> &str {
        self.options.get_username()
    }

    /// Makes one call, on a connection of its own.
    pub(super) async fn call<T>(
        &self,
        context: &CallContext,
        doing: &str,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Error>,
    ) -> Result<T, TargetError> {
        let _permit = context.permit().await;
        let whole = async {
            let mut connection = self.options.connect().await?;
            let done = work(&mut connection).await?;
            // A courtesy: the server notices by itself.
            _ = connection.close().await;
            Ok(done)
        };
        match timeout(self.time, whole).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(failure(doing, &error)),
            Err(_) => Err(TargetError {
                doing: doing.to_owned(),
                remedy: Remedy::Retry,
                source: anyhow!("the server had not answered after {:?}", self.time),
                request: None,
            }),
        }
    }
}

/// The error for a call that failed.
fn failure(doing: &str, error: &Error) -> TargetError {
    let (remedy, what) = match error {
        Error::Database(said) => {
            let code = said.code().unwrap_or_default();
            let (remedy, advice) = meaning(&code);
            let message = sanitized(said.message(), TOLD);
            (remedy, format!("the server says: {message} ({code}){advice}"))
        }
        Error::Tls(why) => (
            Remedy::Pause,
            format!(
                "the connection cannot be trusted: {}; look whether ca_file holds the authority of this server and `host` is its name",
                sanitized(&why.to_string(), TOLD)
            ),
        ),
        // rustls tells of a certificate by an error of the stream.
        Error::Io(why) if why.kind() == std::io::ErrorKind::InvalidData => (
            Remedy::Pause,
            format!(
                "the connection cannot be trusted: {}; look whether ca_file holds the authority of this server and `host` is its name",
                sanitized(&why.to_string(), TOLD)
            ),
        ),
        Error::Io(why) => (
            Remedy::Retry,
            format!("the server is not reached: {}", sanitized(&why.to_string(), TOLD)),
        ),
        Error::Configuration(why) => (Remedy::Pause, sanitized(&why.to_string(), TOLD)),
        Error::ColumnDecode { .. } | Error::Decode(_) | Error::ColumnNotFound(_) | Error::TypeNotFound { .. } => (
            Remedy::GiveUp,
            "the answer is not that of a PostgreSQL server; look whether `host` and `port` are right".to_owned(),
        ),
        other => (Remedy::Retry, sanitized(&other.to_string(), TOLD)),
    };
    TargetError {
        doing: doing.to_owned(),
        remedy,
        source: anyhow!(what),
        request: None,
    }
}

/// What to do about an error by its SQLSTATE (PostgreSQL, appendix A), and what helps.
fn meaning(code: &str) -> (Remedy, &'static str) {
    match code {
        "28P01" | "28000" => (Remedy::Pause, "; look at `user`, `password` and the server's pg_hba.conf"),
        "3D000" => (Remedy::Pause, "; name another `database`"),
        "42501" => (Remedy::Pause, "; grant our role what `revoked check` asks for"),
        // A statement that took too long, a lock, shutting down, starting up, too many connections, a serialisation failure.
        "57014" | "55P03" | "57P01" | "57P02" | "57P03" | "53300" | "40001" | "40P01" => (Remedy::Retry, ""),
        _ if code.starts_with("42") || code.starts_with("22") => (Remedy::GiveUp, ""),
        _ => (Remedy::Retry, ""),
    }
}

/// Whether the server said that we may not.
pub(super) fn is_forbidden(error: &Error) -> bool {
    matches!(error, Error::Database(said) if said.code().as_deref() == Some("42501"))
}
