//! One change to a role, or the end of its connections.
//!
//! `ALTER ROLE` takes no parameters, so the server itself writes the statement from the role's name (`format` with `%I`), and we send what it
//! wrote: no text of ours ever holds a name.

use std::time::Duration;

use anyhow::anyhow;
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnection, types::Oid};

use super::observe::{CONNECTIONS, Connection, named};
use super::role::{self, Asked};
use super::session::{Server, is_forbidden};
use crate::model::{Action, GrantKind, Principal};
use crate::targets::{Applied, CallContext, Remedy, TargetError};

/// How long ended connections are given to go, and how often that is looked at.
const PATIENCE: Duration = Duration::from_secs(2);
const PACE: Duration = Duration::from_millis(50);

/// What a change came to.
enum Outcome {
    Done(Applied),
    Refused(&'static str),
    Gone,
}

/// Makes one change.
pub(super) async fn apply(
    server: &Server,
    context: &CallContext,
    action: &Action,
    principal: &Principal,
) -> Result<Applied, TargetError> {
    let doing = format!("asked to {action} of {}", principal.id);
    let oid = role::of(principal, &doing)?;
    let outcome = server
        .call(context, &doing, async |connection| change(connection, oid, action).await)
        .await?;
    match outcome {
        Outcome::Done(applied) => Ok(applied),
        Outcome::Refused(why) => Err(TargetError::new(doing, Remedy::GiveUp, anyhow!(why))),
        Outcome::Gone => Err(role::gone(&doing)),
    }
}

async fn change(connection: &mut PgConnection, oid: Oid, action: &Action) -> Result<Outcome, sqlx::Error> {
    let Some(role) = role::read(connection, &Asked::Oid(oid)).await? else {
        return Ok(Outcome::Gone);
    };
    if let Some(why) = role.refusal() {
        return Ok(Outcome::Refused(why));
    }
    let done = match action {
        Action::Suspend if !role.can_login => return Ok(already()),
        Action::Suspend => {
            // The password's validity ends now: the moment tells this suspension from others, and the password is of no use even if somebody
            // gives the role LOGIN again. The milliseconds are those that an observation reads.
            alter(
                connection,
                oid,
                "NOLOGIN VALID UNTIL %L",
                "date_trunc('milliseconds', clock_timestamp())",
            )
            .await
            .map(|()| Applied {
                notes: role
                    .valid_until
                    .map(|at| format!("its password was valid until {} before", crate::model::Timestamp::from_ms(at)))
                    .into_iter()
                    .collect(),
                ..Applied::default()
            })
        }
        Action::ResetPassword => alter(connection, oid, "PASSWORD NULL", "NULL")
            .await
            .map(|()| Applied::default()),
        Action::Release if role.can_login => return Ok(already()),
        Action::Release => alter(connection, oid, "LOGIN VALID UNTIL 'infinity'", "NULL")
            .await
            .map(|()| Applied::default()),
        Action::EndAll {
            kind: GrantKind::Connection,
        } => end_all(connection, oid).await,
        Action::End { grant } if grant.kind == GrantKind::Connection => match named(&grant.id) {
            Some(one) => end(connection, oid, &[one]).await,
            None => return Ok(Outcome::Refused("this is no id of a connection")),
        },
        _ => {
            return Ok(Outcome::Refused(
                "a PostgreSQL server suspends roles, takes passwords and ends connections; nothing else",
            ));
        }
    };
    match done {
        Ok(applied) => Ok(Outcome::Done(applied)),
        Err(error) if is_forbidden(&error) => Ok(Outcome::Refused(FORBIDDEN)),
        Err(error) => Err(error),
    }
}

/// Since it may be of this role alone, it does not stop the work for all others; `revoked check` tells whether it is of all.
const FORBIDDEN: &str = "our role may not: it needs CREATEROLE and pg_signal_backend, and from PostgreSQL 16 on ADMIN OPTION on this role (GRANT \
                         <the role> TO <ours> WITH ADMIN TRUE, INHERIT FALSE, SET FALSE)";

const fn already() -> Outcome {
    Outcome::Done(Applied {
        requests: Vec::new(),
        already: true,
        sent_at: None,
        notes: Vec::new(),
    })
}

/// Changes the role by a statement that the server writes. `how` and `value` are ours, and hold nothing of anybody's.
async fn alter(connection: &mut PgConnection, oid: Oid, how: &'static str, value: &'static str) -> Result<(), sqlx::Error> {
    let how = how.replace('\'', "''");
    let write = format!("SELECT format('ALTER ROLE %I {how}', rolname, {value}) FROM pg_roles WHERE oid = $1");
    let (statement,): (String,) = sqlx::query_as(AssertSqlSafe(write))
        .bind(oid)
        .fetch_one(&mut *connection)
        .await?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await?;
    Ok(())
}

/// Ends every connection that is there, and waits a little for them to go.
async fn end_all(connection: &mut PgConnection, oid: Oid) -> Result<Applied, sqlx::Error> {
    let found: Vec<Connection> = sqlx::query_as(CONNECTIONS).bind(oid).fetch_all(&mut *connection).await?;
    let ids: Vec<(i32, i64)> = found.iter().filter_map(Connection::name).collect();
    end(connection, oid, &ids).await
}

/// Ends these connections, each only where it is still the one that was seen.
async fn end(connection: &mut PgConnection, oid: Oid, ids: &[(i32, i64)]) -> Result<Applied, sqlx::Error> {
    const END: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usesysid = $1 AND pid = $2 \
         AND (extract(epoch FROM backend_start) * 1000000)::bigint = $3";
    const LEFT: &str = "SELECT count(*) FROM pg_stat_activity WHERE usesysid = $1 AND pid = $2 \
         AND (extract(epoch FROM backend_start) * 1000000)::bigint = $3";
    let mut ended = 0;
    for (pid, began) in ids {
        let (count,): (i64,) = sqlx::query_as(END)
            .bind(oid)
            .bind(pid)
            .bind(began)
            .fetch_one(&mut *connection)
            .await?;
        ended += count;
    }
    let until = tokio::time::Instant::now() + PATIENCE;
    for (pid, began) in ids {
        loop {
            let (count,): (i64,) = sqlx::query_as(LEFT)
                .bind(oid)
                .bind(pid)
                .bind(began)
                .fetch_one(&mut *connection)
                .await?;
            // Whatever is left, the next observation shows it.
            if count == 0 || tokio::time::Instant::now() >= until {
                break;
            }
            tokio::time::sleep(PACE).await;
        }
    }
    Ok(Applied {
        already: ended == 0,
        ..Applied::default()
    })
}
