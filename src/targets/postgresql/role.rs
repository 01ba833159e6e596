//! From a name to a role, and how that role is.
//!
//! A role is known by its oid: it stays when the role is renamed, and is not given to another one as a name is.

use anyhow::anyhow;
use sqlx::postgres::{PgConnection, types::Oid};

use super::session::Server;
use crate::model::{AccountState, Door, DoorKind, Principal, PrincipalTrait, Resolution, Subject, Timestamp};
use crate::targets::{CallContext, Remedy, TargetError};

/// Oids below this are of the server's own making (`FirstNormalObjectId`).
const FIRST_NORMAL: u32 = 16_384;

/// How a role can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    Name(String),
    Oid(Oid),
}

impl Asked {
    /// `None` for a form that cannot name a role.
    pub(super) fn by(subject: &Subject) -> Option<Self> {
        match subject {
            // Taken as written: to PostgreSQL, Alice and alice are two.
            Subject::Username(name) => Some(Self::Name(name.clone())),
            Subject::Opaque(id) => oid(id).map(Self::Oid),
            _ => None,
        }
    }
}

/// The oid that a principal is known by.
pub(super) fn oid(id: &str) -> Option<Oid> {
    let sound = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) && !id.starts_with('0');
    id.parse().ok().filter(|_| sound).map(Oid)
}

/// The oid of a principal of this kind.
pub(super) fn of(principal: &Principal, doing: &str) -> Result<Oid, TargetError> {
    oid(&principal.id).ok_or_else(|| TargetError::new(doing, Remedy::GiveUp, anyhow!("this is no oid of a role")))
}

/// The role was there when it was looked up.
pub(super) fn gone(doing: &str) -> TargetError {
    let why = anyhow!("the role is gone since it was looked up; the next attempt looks again");
    TargetError::new(doing, Remedy::Retry, why)
}

/// A role, as `pg_roles` shows it.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own that the server tells")]
pub(super) struct Role {
    pub(super) oid: Oid,
    pub(super) name: String,
    pub(super) can_login: bool,
    pub(super) superuser: bool,
    pub(super) makes_roles: bool,
    /// Until when its password signs in, in milliseconds; none for ever.
    pub(super) valid_until: Option<i64>,
    /// Whether it is the role that we are.
    pub(super) ourselves: bool,
    /// Whether we are a superuser.
    pub(super) we_are_superuser: bool,
    /// How many other superusers can sign in.
    pub(super) other_superusers: i64,
}

/// The comparison is one of text: a `name` would be cut to 63 bytes, and so be somebody else's.
const ROLE: &str = "SELECT r.oid, r.rolname::text AS name, r.rolcanlogin AS can_login, r.rolsuper AS superuser, \
     r.rolcreaterole AS makes_roles, \
     CASE WHEN isfinite(r.rolvaliduntil) THEN (extract(epoch FROM r.rolvaliduntil) * 1000)::bigint END AS valid_until, \
     r.rolname = current_user OR r.rolname = session_user AS ourselves, \
     (SELECT me.rolsuper FROM pg_roles me WHERE me.rolname = current_user) AS we_are_superuser, \
     (SELECT count(*) FROM pg_roles o WHERE o.rolsuper AND o.rolcanlogin AND o.oid <> r.oid) AS other_superusers \
     FROM pg_roles r WHERE CASE WHEN $1::text IS NULL THEN r.oid = $2 ELSE r.rolname::text = $1 END";

/// Reads a role. Every role may read `pg_roles`, so that no row means nobody.
pub(super) async fn read(connection: &mut PgConnection, asked: &Asked) -> Result<Option<Role>, sqlx::Error> {
    let (name, oid) = match asked {
        Asked::Name(name) => (Some(name.as_str()), None),
        Asked::Oid(oid) => (None, Some(*oid)),
    };
    sqlx::query_as(ROLE).bind(name).bind(oid).fetch_optional(connection).await
}

/// Looks a subject up.
pub(super) async fn resolve(server: &Server, context: &CallContext, subject: &Subject) -> Result<Resolution, TargetError> {
    let doing = format!("looking up {}", subject.masked());
    let give_up = |why: &str| TargetError {
        doing: doing.clone(),
        remedy: Remedy::GiveUp,
        source: anyhow::anyhow!("{why}"),
        request: None,
    };
    let Some(asked) = Asked::by(subject) else {
        return Err(give_up(
            "a role is named by username:<its name, as written> or opaque:<its oid>, and this is neither; contain it by its name",
        ));
    };
    let Some(role) = server
        .call(context, &doing, async |connection| read(connection, &asked).await)
        .await?
    else {
        return Ok(Resolution::None);
    };
    if role.oid.0 < FIRST_NORMAL && !role.superuser {
        return Err(give_up("this is a role that the server is made with, and no person's"));
    }
    Ok(Resolution::One(role.principal()))
}

impl Role {
    fn principal(&self) -> Principal {
        let id = self.oid.0.to_string();
        let last = self.superuser && self.can_login && self.other_superusers == 0;
        Principal {
            names: vec![Subject::Opaque(id.clone()), Subject::Username(self.name.clone())],
            traits: [
                self.ourselves.then_some(PrincipalTrait::Ourselves),
                self.superuser.then_some(PrincipalTrait::Admin),
                last.then_some(PrincipalTrait::LastAdmin),
            ]
            .into_iter()
            .flatten()
            .collect(),
            account: self.account(),
            id,
        }
    }

    /// How the account is. Our suspension ends the password's validity at the moment it is made, which is how it is told from others'.
    pub(super) fn account(&self) -> AccountState {
        let door = Door::new(
            DoorKind::OwnPassword,
            "whoever knows the role's password, or is let in by another line of pg_hba.conf, signs in; a suspension closes it",
        );
        AccountState {
            suspended: !self.can_login,
            suspended_at: self.valid_until.filter(|_| !self.can_login).map(Timestamp::from_ms),
            // Whether there is one, only a superuser may see.
            own_password: true,
            doors: if self.can_login { vec![door.clone()] } else { Vec::new() },
            doors_once_enabled: vec![door],
            ..AccountState::default()
        }
    }

    /// Why this role is not to be changed by us, if that is so.
    pub(super) fn refusal(&self) -> Option<&'static str> {
        if self.ourselves {
            return Some("this is the role that we are; changing it would lock us out");
        }
        (self.superuser && !self.we_are_superuser)
            .then_some("this role is a superuser, on whom only a superuser may act; take SUPERUSER from it, or contain it by hand")
    }
}
