//! Looks whether the server is reachable, lets us do our work, and is set up sensibly. Changes nothing.

use sqlx::postgres::PgConnection;

use super::session::Server;
use crate::targets::{CallContext, Finding, Level, Probe, TargetError};

/// The oldest that is known to have everything that we ask for (`leader_pid`).
const OLDEST: i32 = 130_000;

/// From here on CREATEROLE reaches only roles on which one has ADMIN OPTION.
const NARROW_CREATEROLE: i32 = 160_000;

/// The server, and what our role may do there.
#[derive(sqlx::FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own that the server tells")]
struct Facts {
    version: String,
    number: i32,
    encrypted: bool,
    local: bool,
    superuser: bool,
    create_role: bool,
    signals: bool,
    stats: bool,
    standby: bool,
    /// Roles of people that can sign in, are no superusers, and on which we have no ADMIN OPTION.
    beyond: i64,
}

const FACTS: &str = "SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number, \
     coalesce((SELECT s.ssl FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()), false) AS encrypted, \
     inet_server_addr() IS NULL OR inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1' AS local, \
     me.rolsuper AS superuser, me.rolcreaterole AS create_role, \
     pg_has_role(current_user, 'pg_signal_backend', 'USAGE') AS signals, \
     pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS stats, \
     pg_is_in_recovery() AS standby, \
     (SELECT count(*) FROM pg_roles r WHERE r.rolcanlogin AND NOT r.rolsuper AND r.rolname <> current_user \
      AND NOT pg_has_role(current_user, r.oid, 'MEMBER WITH ADMIN OPTION')) AS beyond \
     FROM pg_roles me WHERE me.rolname = current_user";

/// Looks at the server.
pub(super) async fn probe(server: &Server, context: &CallContext) -> Result<Probe, TargetError> {
    let read = async |connection: &mut PgConnection| sqlx::query_as::<_, Facts>(FACTS).fetch_one(connection).await;
    let facts = server.call(context, "asking the server what our role may do", read).await?;
    Ok(Probe {
        version: Some(facts.version.clone()),
        acting_as: Some(server.user().to_owned()),
        findings: findings(&facts),
        ..Probe::default()
    })
}

fn findings(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |wrong: bool, level, what: String, advice: &str| {
        if wrong {
            found.push(Finding {
                level,
                what,
                advice: advice.to_owned(),
            });
        }
    };
    let mighty = facts.superuser;
    add(
        facts.standby,
        Level::Error,
        "this server is a standby, where no role can be changed".to_owned(),
        "name the primary as `host`; connections to standbys are seen only there, so add a target for each",
    );
    add(
        facts.number < OLDEST,
        Level::Error,
        format!("PostgreSQL {} is older than 13, the oldest that we know", facts.version),
        "upgrade it; nobody repairs its holes any more",
    );
    add(
        mighty,
        Level::Warning,
        "our role is a superuser, so whoever reads our credential owns the server".to_owned(),
        "give us a role with CREATEROLE, pg_signal_backend and pg_read_all_stats instead; superusers are then yours to contain",
    );
    add(
        !mighty && !facts.create_role,
        Level::Error,
        "our role may not change roles".to_owned(),
        "ALTER ROLE <ours> CREATEROLE",
    );
    add(
        !mighty && !facts.signals,
        Level::Error,
        "our role may not end connections".to_owned(),
        "GRANT pg_signal_backend TO <ours>",
    );
    add(
        !mighty && !facts.stats,
        Level::Error,
        "our role may not see when connections began".to_owned(),
        "GRANT pg_read_all_stats TO <ours>",
    );
    add(
        !mighty && facts.number >= NARROW_CREATEROLE && facts.beyond > 0,
        Level::Warning,
        format!(
            "{} roles that can sign in are beyond our reach: from PostgreSQL 16 on CREATEROLE alone is not enough",
            facts.beyond
        ),
        "GRANT <role> TO <ours> WITH ADMIN TRUE, INHERIT FALSE, SET FALSE for each, or let our role make them",
    );
    add(
        !facts.encrypted && !facts.local,
        Level::Error,
        "the connection is not encrypted".to_owned(),
        "set ssl = on at the server, and name its authority as ca_file",
    );
    found
}
