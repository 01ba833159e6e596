//! What a role can reach: its open connections, and, as notes, what outlives them.

use anyhow::anyhow;
use sqlx::postgres::{PgConnection, types::Oid};

use super::Postgresql;
use super::role::{self, Asked, Role};
use crate::model::{Access, Grant, GrantKind, GrantRef, Principal, Timestamp};
use crate::targets::{CallContext, ObservationRequest, Remedy, TargetError};
use crate::telemetry::sanitized;

/// One connection. Without `pg_read_all_stats` the server shows its number and its role, and hides when it began.
#[derive(sqlx::FromRow)]
pub(super) struct Connection {
    pid: i32,
    /// When it began, in microseconds.
    began: Option<i64>,
    state_changed: Option<i64>,
    state: Option<String>,
}

/// Workers of a parallel query end with the connection that leads them (`leader_pid`, PostgreSQL 13).
pub(super) const CONNECTIONS: &str = "SELECT pid, (extract(epoch FROM backend_start) * 1000000)::bigint AS began, \
     (extract(epoch FROM state_change) * 1000)::bigint AS state_changed, state \
     FROM pg_stat_activity WHERE usesysid = $1 AND pid <> pg_backend_pid() AND leader_pid IS NULL ORDER BY pid";

/// What outlives a connection, one line each; every role may read these.
const OUTLIVES: &str = "SELECT 'it is a member of ' || string_agg(quote_ident(g.rolname), ', ' ORDER BY g.rolname) \
     FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = $1 HAVING count(*) > 0 \
     UNION ALL SELECT 'it owns ' || count(*) || ' objects in ' || coalesce('the database ' || quote_ident(d.datname), 'all databases') \
     FROM pg_shdepend s LEFT JOIN pg_database d ON d.oid = s.dbid \
     WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = $1 AND s.deptype = 'o' GROUP BY d.datname \
     UNION ALL SELECT 'it holds ' || count(*) || ' prepared transactions, which keep their locks' \
     FROM pg_prepared_xacts x WHERE x.owner = (SELECT rolname FROM pg_roles WHERE oid = $1) HAVING count(*) > 0 \
     UNION ALL SELECT 'it keeps credentials for ' || count(*) || ' foreign servers' FROM pg_user_mappings u \
     WHERE u.umuser = $1 HAVING count(*) > 0 \
     UNION ALL SELECT count(*) || ' subscriptions of this database run as it' FROM pg_subscription b WHERE b.subowner = $1 HAVING count(*) > 0";

/// Looks at a role.
pub(super) async fn observe(
    target: &Postgresql,
    context: &CallContext,
    principal: &Principal,
    ask: &ObservationRequest,
) -> Result<Access, TargetError> {
    let doing = format!("looking at what {} can reach", principal.id);
    let oid = role::of(principal, &doing)?;
    let wanted = ask.kinds.contains(&GrantKind::Connection);
    let seen = target
        .server
        .call(context, &doing, async |connection| look(connection, oid, wanted).await)
        .await?;
    let Some((role, connections, notes)) = seen else {
        return Err(role::gone(&doing));
    };
    let mut access = Access::empty(target.clock.now());
    access.account = role.account();
    if let Some(why) = role.refusal() {
        access.notes.push(why.to_owned());
    }
    if role.makes_roles {
        access
            .notes
            .push("it may make and change other roles (CREATEROLE): look for roles that it made".to_owned());
    }
    access.notes.extend(notes.iter().map(|note| sanitized(note, 500)));
    if wanted {
        for found in &connections {
            let Some(grant) = found.grant() else {
                let why =
                    "our role may not see when connections began, so that none can be ended safely; grant it pg_read_all_stats";
                return Err(TargetError::new(doing, Remedy::Pause, anyhow!(why)));
            };
            access.grants.push(grant);
        }
        access.listed.insert(GrantKind::Connection);
    }
    Ok(access)
}

type Seen = (Role, Vec<Connection>, Vec<String>);

async fn look(connection: &mut PgConnection, oid: Oid, connections: bool) -> Result<Option<Seen>, sqlx::Error> {
    let Some(role) = role::read(connection, &Asked::Oid(oid)).await? else {
        return Ok(None);
    };
    let notes: Vec<(String,)> = sqlx::query_as(OUTLIVES).bind(oid).fetch_all(&mut *connection).await?;
    let found = if connections {
        sqlx::query_as(CONNECTIONS).bind(oid).fetch_all(connection).await?
    } else {
        Vec::new()
    };
    Ok(Some((role, found, notes.into_iter().map(|(note,)| note).collect())))
}

impl Connection {
    /// The process and the moment at which it began; `None` where we may not see that.
    pub(super) fn name(&self) -> Option<(i32, i64)> {
        self.began.map(|began| (self.pid, began))
    }

    fn grant(&self) -> Option<Grant> {
        let began = self.began?;
        let active = self.state.as_deref() == Some("active");
        Some(Grant {
            // A number of a process is used again; with the moment at which it began it is not.
            name: GrantRef::new(GrantKind::Connection, format!("{}:{began}", self.pid)),
            created_at: Some(Timestamp::from_ms(began.div_euclid(1000))),
            last_used_at: self.state_changed.filter(|_| !active).map(Timestamp::from_ms),
            ..Grant::new(GrantKind::Connection, "")
        })
    }
}

/// The process and the moment at which it began, of a grant's id.
pub(super) fn named(id: &str) -> Option<(i32, i64)> {
    let (pid, began) = id.split_once(':')?;
    Some((pid.parse().ok()?, began.parse().ok()?))
}
