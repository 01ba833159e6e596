//! OAuth besides the grants themselves: standing consents, and apps that the account or a bot of it registered.

use super::bots::Makers;
use super::call::Call;
use super::failure::Trouble;
use super::observe::{Look, Part};
use super::pages;
use super::shared_reading::Reading;
use super::wire::{App, Preference, instant};
use crate::model::{Grant, GrantKind};
use crate::targets::TargetError;

/// The id of a 404 for a category of preferences that holds none.
const NO_PREFERENCES: &str = "api.preference.preferences_category.get.app_error";

/// The consents. The server lists them from preferences, so an empty list says nothing about tokens, and a full one neither. Where there is no
/// app there is nothing to consent to.
pub(super) async fn authorisations(look: Look<'_>, apps: Option<&Reading<App>>) -> Result<Part, TargetError> {
    let kind = GrantKind::OauthAuthorization;
    if !look.wants(kind) {
        return Ok(Part::default());
    }
    let apps = apps.and_then(|reading| reading.shown.as_ref().ok());
    if apps.is_some_and(|apps| apps.short.is_none() && apps.items.is_empty() && hidden(look).is_none()) {
        let mut part = Part::default();
        part.saw(kind, None);
        return Ok(part);
    }
    let id = &look.principal.id;
    let listing = pages::list::<App>(&look.target.api, look.context, || {
        Call::get(
            format!("listing the OAuth apps that {id} consented to"),
            &["users", id, "oauth", "apps", "authorized"],
        )
    });
    let listing = match listing.await {
        Ok(listing) => listing,
        Err(Trouble::Refused(refusal)) if refusal.switched_off() => return consents_in_store(look).await,
        Err(Trouble::Refused(refusal)) => return look.refused(&[kind], "OAuth consents", refusal),
        Err(trouble) => return Err(trouble.into()),
    };
    let mut part = Part::default();
    part.saw(kind, listing.short);
    part.requests = listing.requests;
    part.grants
        .extend(listing.items.into_iter().map(|app| Grant::new(kind, app.id)));
    Ok(part)
}

/// The consents while the OAuth provider is switched off: they are kept, count again when it is switched on, and can be ended meanwhile.
async fn consents_in_store(look: Look<'_>) -> Result<Part, TargetError> {
    let kind = GrantKind::OauthAuthorization;
    let id = &look.principal.id;
    let call = Call::get(
        format!("listing the OAuth consents that are kept of {id}"),
        &["users", id, "preferences", "oauth_app"],
    );
    let mut part = Part::default();
    let consents: Vec<Preference> = match look.target.api.send(look.context, call).await {
        Ok(answer) => {
            part.requests.extend(answer.request.clone());
            answer.read()?
        }
        Err(Trouble::Refused(refusal)) if refusal.is(404, NO_PREFERENCES) => {
            part.requests.extend(refusal.request);
            Vec::new()
        }
        Err(Trouble::Refused(refusal)) => return look.refused(&[kind], "OAuth consents", refusal),
        Err(trouble) => return Err(trouble.into()),
    };
    part.saw(kind, None);
    part.grants
        .extend(consents.into_iter().map(|consent| Grant::new(kind, consent.name)));
    Ok(part)
}

/// The apps that the account or a bot of it registered. Whoever knows an app's secret can refresh its tokens.
pub(super) fn apps(look: Look<'_>, reading: &Reading<App>, makers: &Makers) -> Result<Part, TargetError> {
    let kind = GrantKind::OauthApp;
    if !look.wants(kind) {
        return Ok(Part::default());
    }
    let listing = match &reading.shown {
        Ok(listing) => listing,
        Err(refusal) => return look.refused(&[kind], "OAuth apps", refusal.clone()),
    };
    let mut part = Part::default();
    part.saw(kind, listing.short.or(hidden(look)).or(look.unseen_makers));
    part.requests.clone_from(&listing.requests);
    let own = listing.items.iter().filter(|app| makers.include(&app.creator_id));
    part.grants.extend(own.map(|app| {
        let mut grant = Grant::new(kind, &app.id);
        grant.created_at = instant(app.create_at);
        grant.made_by = look.made_by(&app.creator_id);
        grant
    }));
    Ok(part)
}

fn hidden(look: Look<'_>) -> Option<&'static str> {
    (!look.standing.may("manage_system_wide_oauth")).then_some("the operator account sees only the OAuth apps of its own")
}
