//! What `revoked check` says about a source that could be stronger.

use secrecy::{ExposeSecret as _, SecretString};

use super::{Written, lasting};
use crate::sources::webhook::mapping::Rule;
use crate::sources::webhook::proof::Proof;

/// A secret of fewer bytes is worth a word.
pub(super) const SHORT: usize = 24;

/// What is weaker than it could be.
pub(super) fn of(written: &Written, proof: &Proof, secrets: &[SecretString]) -> Vec<String> {
    let mut cautions = Vec::new();
    match proof {
        Proof::StaticBearer(_) | Proof::ItemSecret(_) => cautions.push(
            "whoever learns the static bearer can end anybody's access: it protects neither against replay nor against a changed body; \
             use signatures where the sender can make them, and let only the sender's addresses through"
                .to_owned(),
        ),
        Proof::HmacSignature(_) | Proof::KeyList(_) if !proof.is_dated() => cautions.push(
            "the sender signs no time, so that a recorded delivery is known only by its key or body".to_owned(),
        ),
        _ => {}
    }
    if proof.is_in_path() {
        cautions.push(
            "the secret stands in the URL, which proxies and senders write into their logs: have them leave the path out"
                .to_owned(),
        );
    }
    let short = secrets.iter().any(|secret| secret.expose_secret().len() < SHORT);
    if short && !matches!(proof, Proof::StandardWebhooks(_)) {
        cautions.push(format!(
            "a secret has fewer than {SHORT} characters; make a longer one, such as with: openssl rand -hex 32"
        ));
    }
    let rules = written.rule.as_deref().unwrap_or_default();
    let nameless = written.key_header.is_none() && written.key_pointer.is_none() && rules.iter().any(Rule::is_nameless);
    if nameless && written.repeat_window.is_none() && lasting(proof) {
        cautions.push(
            "a rule names no key, so that the same body again, even much later, is taken for a repetition; \
             write the rule's key, key_header or repeat_window where the sender's bodies can be alike"
                .to_owned(),
        );
    }
    cautions
}
