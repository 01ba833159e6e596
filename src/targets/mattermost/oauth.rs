//! OAuth besides the grants themselves: standing consents, and apps that the account registered.

use super::call::Call;
use super::failure::Trouble;
use super::observe::{Look, Part};
use super::pages;
use super::wire::{App, instant};
use crate::model::{Grant, GrantKind};
use crate::targets::TargetError;

/// The consents. The server lists them from preferences, so an empty list says nothing about tokens, and a full one neither.
pub(super) async fn authorisations(look: Look<'_>) -> Result<Part, TargetError> {
    let kind = GrantKind::OauthAuthorization;
    if !look.wants(kind) {
        return Ok(Part::default());
    }
    let id = &look.principal.id;
    let listing = pages::list::<App>(&look.target.api, look.pass, || {
        Call::get(
            format!("listing the OAuth apps that {id} consented to"),
            &["users", id, "oauth", "apps", "authorized"],
        )
    });
    let listing = match listing.await {
        Ok(listing) => listing,
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

/// The apps that the account registered. Whoever knows an app's secret can refresh its tokens.
pub(super) async fn apps(look: Look<'_>) -> Result<Part, TargetError> {
    let kind = GrantKind::OauthApp;
    if !look.wants(kind) {
        return Ok(Part::default());
    }
    let listing = pages::list::<App>(&look.target.api, look.pass, || {
        Call::get("listing the OAuth apps", &["oauth", "apps"])
    });
    let listing = match listing.await {
        Ok(listing) => listing,
        Err(Trouble::Refused(refusal)) => return look.refused(&[kind], "OAuth apps", refusal),
        Err(trouble) => return Err(trouble.into()),
    };
    let mut part = Part::default();
    let ours_only =
        (!look.standing.may("manage_system_wide_oauth")).then_some("the operator account sees only the OAuth apps of its own");
    part.saw(kind, listing.short.or(ours_only));
    part.requests = listing.requests;
    let own = listing.items.into_iter().filter(|app| app.creator_id == look.principal.id);
    part.grants.extend(own.map(|app| {
        let mut grant = Grant::new(kind, app.id);
        grant.created_at = instant(app.create_at);
        grant
    }));
    Ok(part)
}
