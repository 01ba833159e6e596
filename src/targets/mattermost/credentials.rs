//! What an intruder acts with at once: sessions, OAuth grants (which the server keeps as sessions) and access tokens.

use super::call::Call;
use super::failure::Trouble;
use super::observe::{Look, Part};
use super::pages;
use super::wire::{Session, Token, instant};
use crate::model::{Grant, GrantKind, Timestamp};
use crate::targets::TargetError;

/// The sessions and OAuth grants. The list is not paged.
pub(super) async fn sessions(look: Look<'_>) -> Result<Part, TargetError> {
    let mut part = Part::default();
    if !look.wants(GrantKind::Session) && !look.wants(GrantKind::OauthGrant) {
        return Ok(part);
    }
    let id = &look.principal.id;
    let call = Call::get(format!("listing the sessions of {id}"), &["users", id, "sessions"]);
    let sent = look.target.api.send(look.context, call).await;
    let answer = sent.map_err(|trouble| look.standing.judge(trouble, look.principal))?;
    let sessions: Vec<Session> = answer.read()?;
    if sessions.iter().any(|session| session.user_id != *id) {
        return Err(answer.not_understood("it lists another account's sessions"));
    }
    // Whichever clock is behind decides what has expired, so that a clock that runs ahead does not hide a session that lives.
    let now = look.target.api.clock.now();
    let now = answer.date.map_or(now, |date| date.min(now));
    part.grants
        .extend(sessions.into_iter().filter_map(|session| grant(session, now)));
    part.listed.extend([GrantKind::Session, GrantKind::OauthGrant]);
    part.requests.extend(answer.request);
    Ok(part)
}

/// A session as a grant. One that has expired is none, with one exception: behind an OAuth session's row stands a refresh token that
/// outlives it and makes the next one.
fn grant(session: Session, now: Timestamp) -> Option<Grant> {
    let expires_at = instant(session.expires_at);
    if !session.is_oauth && expires_at.is_some_and(|at| at <= now) {
        return None;
    }
    let props = session.props.unwrap_or_default();
    let kind = if session.is_oauth {
        GrantKind::OauthGrant
    } else {
        GrantKind::Session
    };
    let mut grant = Grant::new(kind, session.id);
    grant.name.parent = props.oauth_app_id.filter(|app| !app.is_empty());
    grant.made_by = props.user_access_token_id.filter(|token| !token.is_empty());
    grant.created_at = instant(session.create_at);
    grant.last_used_at = instant(session.last_activity_at);
    grant.expires_at = expires_at;
    Some(grant)
}

/// The access tokens of the account itself.
pub(super) async fn tokens(look: Look<'_>) -> Result<Part, TargetError> {
    if look.wants(GrantKind::AccessToken) {
        tokens_of(look, &look.principal.id, GrantKind::AccessToken).await
    } else {
        Ok(Part::default())
    }
}

/// The access tokens of `owner`: the account, or a bot of it. A list that could not be read whole still shows what to revoke first.
pub(super) async fn tokens_of(look: Look<'_>, owner: &str, kind: GrantKind) -> Result<Part, TargetError> {
    let mut part = Part::default();
    let listing = pages::list::<Token>(&look.target.api, look.context, || {
        Call::get(format!("listing the access tokens of {owner}"), &["users", owner, "tokens"])
    });
    let listing = match listing.await {
        Ok(listing) => listing,
        Err(Trouble::Refused(refusal)) if kind == GrantKind::BotToken && refusal.forbids() => {
            return look.refused(&[kind], "the tokens of bots", refusal);
        }
        Err(trouble) => return Err(look.standing.judge(trouble, look.principal)),
    };
    let strange = listing.items.iter().any(|token| token.user_id != owner);
    part.saw(
        kind,
        listing.short.or(strange.then_some("the list holds another account's tokens")),
    );
    part.requests.extend(listing.requests);
    let own = listing.items.into_iter().filter(|token| token.user_id == owner);
    part.grants.extend(own.map(|token| {
        let mut grant = Grant::new(kind, token.id);
        grant.name.parent = (kind == GrantKind::BotToken).then(|| owner.to_owned());
        grant.enabled = token.is_active;
        grant.expires_at = instant(token.expires_at);
        grant
    }));
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(json: &str) -> Session {
        serde_json::from_str(json).unwrap()
    }

    const NOW: Timestamp = Timestamp::from_ms(1_795_480_000_000);

    #[test]
    fn an_expired_session_is_no_grant_but_its_refresh_token_is() {
        let web = r#"{"id":"a","user_id":"u","create_at":1,"expires_at":1795479999000,"is_oauth":false,"props":null}"#;
        assert_eq!(grant(session(web), NOW), None);
        let oauth =
            r#"{"id":"a","user_id":"u","create_at":1,"expires_at":1795479999000,"is_oauth":true,"props":{"oauth_app_id":"app"}}"#;
        let oauth = grant(session(oauth), NOW).unwrap();
        assert_eq!(oauth.name.kind, GrantKind::OauthGrant);
        assert_eq!(oauth.name.parent.as_deref(), Some("app"));
    }

    #[test]
    fn a_session_without_an_end_is_a_grant() {
        let json = r#"{"id":"a","user_id":"u","create_at":1,"expires_at":0,"is_oauth":false,"props":{}}"#;
        assert!(grant(session(json), NOW).is_some());
    }

    #[test]
    fn a_session_of_a_token_names_it() {
        let json = r#"{"id":"a","user_id":"u","create_at":1,"expires_at":4949077467929,"is_oauth":false,
            "props":{"is_guest":"false","type":"UserAccessToken","user_access_token_id":"yz3ce9uw4tbnpjthr4owqrorfe"}}"#;
        assert_eq!(
            grant(session(json), NOW).unwrap().made_by.as_deref(),
            Some("yz3ce9uw4tbnpjthr4owqrorfe")
        );
    }
}
