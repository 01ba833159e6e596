//! The keys of a `[[source]]` of this kind, as they are written. Each may be missing, since a preset may bring it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::jose::Algorithm as TokenAlgorithm;
use crate::json::Pointer;
use crate::model::Reason;
use crate::secret::SecretSource;
use crate::settings::Period;
use crate::sources::shared::audience::Audience;
use crate::sources::shared::subject_identifiers::IdentifierKind;
use crate::sources::webhook::handshake::Handshake;
use crate::sources::webhook::mapping::{Decode, ExpectedItem, Rule, Unmatched};
use crate::sources::webhook::proof::{Algorithm, Claim, Members, SignedTemplate};
use crate::sources::webhook::values::encoding::Encoding;
use crate::sources::webhook::values::time_format::TimeFormat;

/// Every key of its own.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    /// The vendor whose form this is.
    pub(super) preset: Option<String>,
    /// What proves the sender.
    pub(super) verify: Option<Verify>,
    /// The secrets, any of which is taken.
    pub(super) secrets: Option<Vec<SecretSource>>,
    /// The public keys of Standard Webhooks' `v1a`, any of which is taken.
    pub(super) public_keys: Option<Vec<String>>,
    /// How old a delivery may be, and how far in the future.
    pub(super) tolerance: Option<Period>,
    /// The form of the signature.
    pub(super) signature: Option<Signature>,
    /// The form of the bearer.
    pub(super) bearer: Option<BearerForm>,
    /// Where each item holds the secret.
    pub(super) member: Option<MemberForm>,
    /// What a signed token must be like.
    pub(super) token: Option<TokenForm>,
    /// Where the sender's keys are listed.
    pub(super) key_list: Option<KeyListForm>,
    /// The topics, and where their certificates are.
    pub(super) sns: Option<SnsForm>,
    /// The questions that the sender asks first.
    pub(super) handshake: Option<OneOrMore<Handshake>>,
    /// The field of a form that holds the message.
    pub(super) form_field: Option<String>,
    /// Texts that hold another message.
    pub(super) decode: Option<Vec<Decode>>,
    /// Where the items are.
    pub(super) items: Option<OneOrMore<Pointer>>,
    /// The kinds of items that this sender is known to send.
    pub(super) known_by: Option<OneOrMore<ExpectedItem>>,
    /// Places that differ from one try of a delivery to the next.
    pub(super) volatile: Option<Vec<Pointer>>,
    /// The header that names a delivery.
    pub(super) key_header: Option<String>,
    /// The place of a body that names its delivery.
    pub(super) key_pointer: Option<Pointer>,
    /// For how long the same body without a name is the same signal.
    pub(super) repeat_window: Option<Period>,
    /// What becomes of an item that no rule is about.
    pub(super) unmatched: Option<Unmatched>,
    /// The reasons that the sender may give.
    pub(super) reasons: Option<Vec<Reason>>,
    /// How RFC 9493 subjects are read.
    pub(super) subjects: Option<Subjects>,
    /// What becomes of an item.
    pub(super) rule: Option<Vec<Rule>>,
}

/// What proves the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verify {
    Standard,
    Signature,
    Bearer,
    Member,
    Token,
    KeyList,
    Sns,
}

impl Verify {
    /// The word in a config.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Signature => "signature",
            Self::Bearer => "bearer",
            Self::Member => "member",
            Self::Token => "token",
            Self::KeyList => "key-list",
            Self::Sns => "sns",
        }
    }
}

/// One value, or a list of them.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected one value or a list of them, of those that docs/sources/webhook.md names"
)]
pub(super) enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

impl<T> OneOrMore<T> {
    pub(super) fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::More(more) => more,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signature {
    pub(super) header: String,
    pub(super) algorithm: Algorithm,
    pub(super) encoding: Encoding,
    #[serde(default)]
    pub(super) prefix: String,
    pub(super) members: Option<Members>,
    pub(super) signed: SignedTemplate,
    pub(super) timestamp_header: Option<String>,
    #[serde(default = "unix")]
    pub(super) timestamp_form: TimeFormat,
    pub(super) id_header: Option<String>,
    /// How the secret's bytes are written in its file; without it the text itself is the secret.
    pub(super) secret_encoding: Option<Encoding>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BearerForm {
    pub(super) header: Option<String>,
    pub(super) scheme: Option<String>,
    /// Whether the secret stands in the URL, and no header.
    #[serde(default)]
    pub(super) path: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberForm {
    pub(super) pointer: Pointer,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenForm {
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<Audience>,
    /// The address of the account that the token was made for; the issuer must have verified it.
    pub(super) email: Option<String>,
    /// What further claims must be.
    pub(super) claims: Option<BTreeMap<String, Claim>>,
    pub(super) algorithms: Option<Vec<TokenAlgorithm>>,
    pub(super) jwks_file: Option<PathBuf>,
    pub(super) jwks_url: Option<String>,
    pub(super) jwks_host: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyListForm {
    pub(super) header: Option<String>,
    pub(super) id_header: Option<String>,
    pub(super) file: Option<PathBuf>,
    pub(super) url: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SnsForm {
    #[serde(default)]
    pub(super) topics: Vec<String>,
    pub(super) certificates_file: Option<PathBuf>,
    pub(super) authorities_file: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subjects {
    pub(super) issuers: Option<Vec<String>>,
    #[serde(default)]
    pub(super) iss_sub: IdentifierKind,
    #[serde(default)]
    pub(super) opaque: IdentifierKind,
}

fn unix() -> TimeFormat {
    TimeFormat::Unix
}

impl Written {
    /// These keys, with those of `preset` where one is missing. Of the tables that a preset can fill only in part, each key counts by
    /// itself.
    pub(super) fn over(self, mut preset: Self) -> Self {
        if self
            .verify
            .is_some_and(|verify| preset.verify.is_some_and(|other| other != verify))
        {
            // What the preset says of its own proof has no place beside another one.
            preset = Self {
                signature: None,
                bearer: None,
                member: None,
                token: None,
                key_list: None,
                sns: None,
                ..preset
            };
        }
        Self {
            preset: self.preset,
            verify: self.verify.or(preset.verify),
            secrets: self.secrets.or(preset.secrets),
            public_keys: self.public_keys.or(preset.public_keys),
            tolerance: self.tolerance.or(preset.tolerance),
            signature: self.signature.or(preset.signature),
            bearer: self.bearer.or(preset.bearer),
            member: self.member.or(preset.member),
            token: both(self.token, preset.token, TokenForm::over),
            key_list: both(self.key_list, preset.key_list, KeyListForm::over),
            sns: self.sns.or(preset.sns),
            handshake: self.handshake.or(preset.handshake),
            form_field: self.form_field.or(preset.form_field),
            decode: self.decode.or(preset.decode),
            items: self.items.or(preset.items),
            known_by: self.known_by.or(preset.known_by),
            volatile: self.volatile.or(preset.volatile),
            key_header: self.key_header.or(preset.key_header),
            key_pointer: self.key_pointer.or(preset.key_pointer),
            repeat_window: self.repeat_window.or(preset.repeat_window),
            unmatched: self.unmatched.or(preset.unmatched),
            reasons: self.reasons.or(preset.reasons),
            subjects: self.subjects.or(preset.subjects),
            rule: self.rule.or(preset.rule),
        }
    }
}

fn both<T>(own: Option<T>, preset: Option<T>, over: impl Fn(T, T) -> T) -> Option<T> {
    match (own, preset) {
        (Some(own), Some(preset)) => Some(over(own, preset)),
        (own, preset) => own.or(preset),
    }
}

impl TokenForm {
    fn over(self, preset: Self) -> Self {
        let elsewhere = self.jwks_file.is_some() || self.jwks_url.is_some() || self.issuer.is_some();
        Self {
            issuer: self.issuer.or(preset.issuer),
            audience: self.audience.or(preset.audience),
            email: self.email.or(preset.email),
            claims: self.claims.or(preset.claims),
            algorithms: self.algorithms.or(preset.algorithms),
            jwks_file: self.jwks_file,
            jwks_url: self.jwks_url.or(preset.jwks_url.filter(|_| !elsewhere)),
            jwks_host: self.jwks_host.or(preset.jwks_host.filter(|_| !elsewhere)),
        }
    }
}

impl KeyListForm {
    fn over(self, preset: Self) -> Self {
        let elsewhere = self.file.is_some();
        Self {
            header: self.header.or(preset.header),
            id_header: self.id_header.or(preset.id_header),
            file: self.file,
            url: self.url.or(preset.url.filter(|_| !elsewhere)),
        }
    }
}
