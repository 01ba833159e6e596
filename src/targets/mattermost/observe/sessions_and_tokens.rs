//! What an intruder acts with at once: sessions, OAuth grants (which the server keeps as sessions) and access tokens.

use super::observation::{ObservationContext, PartialObservation};
use crate::model::{Grant, GrantKind, Timestamp};
use crate::targets::TargetError;
use crate::targets::mattermost::api::failure::CallFailure;
use crate::targets::mattermost::api::pages;
use crate::targets::mattermost::api::request::Call;
use crate::targets::mattermost::api::wire::{Session, Token, instant};

/// The sessions and OAuth grants. The list is not paged.
pub(in crate::targets::mattermost) async fn sessions(
    observation: ObservationContext<'_>,
) -> Result<PartialObservation, TargetError> {
    let mut part = PartialObservation::default();
    if !observation.wants(GrantKind::Session) && !observation.wants(GrantKind::OauthGrant) {
        return Ok(part);
    }
    let id = &observation.principal.id;
    let call = Call::get(format!("listing the sessions of {id}"), &["users", id, "sessions"]);
    let sent = observation.target.api.send(observation.context, call).await;
    let answer = sent.map_err(|failure| observation.own_account.essential_error(failure, observation.principal))?;
    let sessions: Vec<Session> = answer.read()?;
    if sessions.iter().any(|session| session.user_id != *id) {
        return Err(answer.not_understood("it lists another account's sessions"));
    }
    // Whichever clock is behind decides what has expired, so that a clock that runs ahead does not hide a session that lives.
    let now = observation.target.api.clock.now();
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
pub(in crate::targets::mattermost) async fn tokens(observation: ObservationContext<'_>) -> Result<PartialObservation, TargetError> {
    if observation.wants(GrantKind::AccessToken) {
        tokens_of(observation, &observation.principal.id, GrantKind::AccessToken).await
    } else {
        Ok(PartialObservation::default())
    }
}

/// The access tokens of `owner`: the account, or a bot of it. A list that could not be read whole still shows what to revoke first.
pub(in crate::targets::mattermost) async fn tokens_of(
    observation: ObservationContext<'_>,
    owner: &str,
    kind: GrantKind,
) -> Result<PartialObservation, TargetError> {
    let mut part = PartialObservation::default();
    let listing = pages::list::<Token>(&observation.target.api, observation.context, || {
        Call::get(format!("listing the access tokens of {owner}"), &["users", owner, "tokens"])
    });
    let listing = match listing.await {
        Ok(listing) => listing,
        Err(CallFailure::Refused(refusal)) if kind == GrantKind::BotToken && refusal.forbids() => {
            return observation.refused(&[kind], "the tokens of bots", refusal);
        }
        Err(failure) => return Err(observation.own_account.essential_error(failure, observation.principal)),
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
