//! OAuth besides the grants themselves: standing consents, and apps that the account or a bot of it registered.

use super::bots::OwnedAccounts;
use super::observation::{ObservationContext, PartialObservation};
use super::shared_lists::Reading;
use crate::model::{Grant, GrantKind};
use crate::targets::TargetError;
use crate::targets::mattermost::api::failure::CallFailure;
use crate::targets::mattermost::api::pages;
use crate::targets::mattermost::api::request::Call;
use crate::targets::mattermost::api::wire::{App, Preference, instant};

/// The id of a 404 for a category of preferences that holds none.
const NO_PREFERENCES: &str = "api.preference.preferences_category.get.app_error";

/// The consents. The server lists them from preferences, so an empty list says nothing about tokens, and a full one neither. Where there is no
/// app there is nothing to consent to.
pub(in crate::targets::mattermost) async fn authorisations(
    observation: ObservationContext<'_>,
    apps: Option<&Reading<App>>,
) -> Result<PartialObservation, TargetError> {
    let kind = GrantKind::OauthAuthorization;
    if !observation.wants(kind) {
        return Ok(PartialObservation::default());
    }
    let apps = apps.and_then(|reading| reading.shown.as_ref().ok());
    if apps.is_some_and(|apps| apps.short.is_none() && apps.items.is_empty() && hidden(observation).is_none()) {
        let mut part = PartialObservation::default();
        part.saw(kind, None);
        return Ok(part);
    }
    let id = &observation.principal.id;
    let listing = pages::list::<App>(&observation.target.api, observation.context, || {
        Call::get(
            format!("listing the OAuth apps that {id} consented to"),
            &["users", id, "oauth", "apps", "authorized"],
        )
    });
    let listing = match listing.await {
        Ok(listing) => listing,
        Err(CallFailure::Refused(refusal)) if refusal.switched_off() => return consents_in_store(observation).await,
        Err(CallFailure::Refused(refusal)) => return observation.refused(&[kind], "OAuth consents", refusal),
        Err(failure) => return Err(failure.into()),
    };
    let mut part = PartialObservation::default();
    part.saw(kind, listing.short);
    part.requests = listing.requests;
    part.grants
        .extend(listing.items.into_iter().map(|app| Grant::new(kind, app.id)));
    Ok(part)
}

/// The consents while the OAuth provider is switched off: they are kept, count again when it is switched on, and can be ended meanwhile.
async fn consents_in_store(observation: ObservationContext<'_>) -> Result<PartialObservation, TargetError> {
    let kind = GrantKind::OauthAuthorization;
    let id = &observation.principal.id;
    let call = Call::get(
        format!("listing the OAuth consents that are kept of {id}"),
        &["users", id, "preferences", "oauth_app"],
    );
    let mut part = PartialObservation::default();
    let consents: Vec<Preference> = match observation.target.api.send(observation.context, call).await {
        Ok(answer) => {
            part.requests.extend(answer.request.clone());
            answer.read()?
        }
        Err(CallFailure::Refused(refusal)) if refusal.is(404, NO_PREFERENCES) => {
            part.requests.extend(refusal.request);
            Vec::new()
        }
        Err(CallFailure::Refused(refusal)) => return observation.refused(&[kind], "OAuth consents", refusal),
        Err(failure) => return Err(failure.into()),
    };
    part.saw(kind, None);
    part.grants
        .extend(consents.into_iter().map(|consent| Grant::new(kind, consent.name)));
    Ok(part)
}

/// The apps that the account or a bot of it registered. Whoever knows an app's secret can refresh its tokens.
pub(in crate::targets::mattermost) fn apps(
    observation: ObservationContext<'_>,
    reading: &Reading<App>,
    owned: &OwnedAccounts,
) -> Result<PartialObservation, TargetError> {
    let kind = GrantKind::OauthApp;
    if !observation.wants(kind) {
        return Ok(PartialObservation::default());
    }
    let listing = match &reading.shown {
        Ok(listing) => listing,
        Err(refusal) => return observation.refused(&[kind], "OAuth apps", refusal.clone()),
    };
    let mut part = PartialObservation::default();
    part.saw(kind, listing.short.or(hidden(observation)).or(observation.unseen_owned));
    part.requests.clone_from(&listing.requests);
    let own = listing.items.iter().filter(|app| owned.include(&app.creator_id));
    part.grants.extend(own.map(|app| {
        let mut grant = Grant::new(kind, &app.id);
        grant.created_at = instant(app.create_at);
        grant.made_by = observation.made_by(&app.creator_id);
        grant
    }));
    Ok(part)
}

fn hidden(observation: ObservationContext<'_>) -> Option<&'static str> {
    (!observation.own_account.may("manage_system_wide_oauth")).then_some("the operator account sees only the OAuth apps of its own")
}
