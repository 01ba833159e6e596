//! What `check` finds about the OpenID provider at which operators sign in.

use super::surroundings::Surrounding;
use crate::config::Config;
use crate::console::probe_single_sign_on;
use crate::targets::{Finding, Level};

/// The provider, where there is one.
pub(super) async fn providers(config: &Config, offline: bool) -> Vec<Surrounding> {
    let Some(settings) = &config.console.single_sign_on else {
        return Vec::new();
    };
    let mut findings = if offline {
        Vec::new()
    } else {
        probe_single_sign_on(settings).await
    };
    if settings.redirect_uri.starts_with("http://") {
        findings.push(Finding {
            level: Level::Warning,
            what: "browsers come back without TLS: whoever listens on their way signs in as they do".to_owned(),
            advice: "write an https origin, behind a proxy that speaks TLS".to_owned(),
        });
    }
    let tokens = match &settings.audience {
        Some(audience) => format!(", and gives tokens for {audience}"),
        None => String::new(),
    };
    vec![Surrounding {
        name: settings.issuer.clone(),
        kind: "OpenID Connect".to_owned(),
        way: format!("operators sign in there and come back to {}{tokens}", settings.redirect_uri),
        findings,
    }]
}
