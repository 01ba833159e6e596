//! What stands in the way of a sign-in, found by asking the provider what anybody may ask.

use crate::config::SingleSignOnSettings;
use crate::targets::{Finding, Level};

use super::provider::{describe, list};

/// Asks the provider for its description and its keys.
pub async fn probe(settings: &SingleSignOnSettings) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |level, what: String, advice: &str| {
        findings.push(Finding {
            level,
            what,
            advice: advice.to_owned(),
        });
    };
    let description = match describe(settings).await {
        Ok(description) => description,
        Err(error) => {
            find(
                Level::Error,
                format!("the OpenID provider cannot be asked: {error:#}"),
                "mend that, or issuer: until then nobody signs in there; revoked login makes a link",
            );
            return findings;
        }
    };
    let says = |name: &str| list(&description.members, name);
    let algorithms: Vec<&str> = settings.algorithms.iter().map(|algorithm| algorithm.word()).collect();
    if let Some(signs) = says("id_token_signing_alg_values_supported")
        && !algorithms.iter().any(|algorithm| signs.contains(algorithm))
    {
        find(
            Level::Error,
            format!("it signs by {}, and {} is accepted", signs.join(", "), algorithms.join(", ")),
            "write what it signs by as algorithms",
        );
    }
    if says("response_types_supported").is_some_and(|types| !types.contains(&"code")) {
        find(
            Level::Error,
            "it gives no codes (response_types_supported)".to_owned(),
            "let the client have the authorization code flow there",
        );
    }
    if says("code_challenge_methods_supported").is_some_and(|methods| !methods.contains(&"S256")) {
        find(
            Level::Warning,
            "it does not say that it knows PKCE with S256: a code that is stolen on its way may be good elsewhere".to_owned(),
            "turn PKCE on for the client there",
        );
    }
    if let Some(scopes) = says("scopes_supported")
        && let Some(unknown) = settings.scopes.split(' ').find(|scope| !scopes.contains(scope))
    {
        find(
            Level::Warning,
            format!("it does not say that it knows the scope {unknown}"),
            "write the scopes that it names, or it may refuse every sign-in",
        );
    }
    match settings.keys.fetch().await {
        Err(error) => find(
            Level::Error,
            format!("its keys cannot be had: {error:#}"),
            "mend that: until then nobody signs in there; revoked login makes a link",
        ),
        Ok((keys, _)) if keys.usable() == 0 => find(
            Level::Error,
            "none of its keys can be used".to_owned(),
            "it needs an RSA key of 2048 bits, one of P-256, or Ed25519",
        ),
        Ok(_) => {}
    }
    if settings.client_secret.is_none() {
        find(
            Level::Note,
            "its client secret is the daemon's alone, and was not looked at".to_owned(),
            "",
        );
    }
    findings
}
