//! The config as written: one type for each table, every key optional or with its default beside it. Nothing is checked here but types.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::bounds::{Bound, DeliveryBound, ShareBound};
use crate::jose::Algorithm;
use crate::model::{PasswordReset, Subject};
use crate::secret::SecretSource;
use crate::settings::Period;
use crate::targets::TargetRole;

/// The whole file but `[[target]]` and `[[source]]`, whose keys depend on their kind.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct File {
    pub(super) store: Store,
    pub(super) listen: Listen,
    pub(super) playbook: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Playbook>>,
    pub(super) policy: Policy,
    pub(super) group: BTreeMap<Spanned<String>, Group>,
    pub(super) trail: Trail,
    pub(super) retry: Retry,
    pub(super) ledger: Ledger,
    pub(super) alerts: Alerts,
    pub(super) approvals: Approvals,
    pub(super) console: Console,
    pub(super) goals: Goals,
    pub(super) retention: Retention,
    pub(super) log: Log,
    pub(super) telemetry: Telemetry,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Store {
    pub(super) path: Option<Spanned<PathBuf>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Listen {
    pub(super) address: Option<Spanned<String>>,
    pub(super) header: Option<Spanned<Period>>,
    pub(super) body: Option<Spanned<Period>>,
    pub(super) connections: Option<Spanned<u32>>,
    pub(super) per_peer: Option<Spanned<u32>>,
    pub(super) proxies: Vec<Spanned<String>>,
}

/// The keys that every `[[target]]` has: [`SHARED_KEYS`](crate::targets::SHARED_KEYS).
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Target {
    pub(super) name: Option<Spanned<String>>,
    pub(super) kind: Option<Spanned<String>>,
    pub(super) rate: Option<Spanned<String>>,
    pub(super) burst: Option<Spanned<u32>>,
    pub(super) concurrency: Option<Spanned<u32>>,
    pub(super) role: Option<TargetRole>,
    pub(super) canary: Option<Spanned<Canary>>,
}

/// An account of ours at a target that is tried.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Canary {
    pub(super) subject: Subject,
    pub(super) login: Option<String>,
    pub(super) password: SecretSource,
    pub(super) within: Option<Period>,
    pub(super) every: Option<Period>,
}

/// The keys that every `[[source]]` has.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Source {
    pub(super) name: Option<Spanned<String>>,
    pub(super) kind: Option<Spanned<String>>,
    pub(super) silent_after: Option<Spanned<Period>>,
    pub(super) mode: Option<Spanned<String>>,
    pub(super) reasons: Option<Vec<Spanned<String>>>,
    pub(super) playbooks: Option<Vec<Spanned<String>>>,
    pub(super) domains: Option<Vec<Spanned<String>>>,
    pub(super) highest: Option<Spanned<String>>,
    pub(super) urgency: Option<Spanned<String>>,
    pub(super) departures_per_delivery: Option<DeliveryBound>,
    pub(super) departures_per_hour: Option<Bound>,
    pub(super) departures_share: Option<ShareBound>,
    pub(super) compromises_per_minute: Option<Bound>,
    pub(super) compromises_share: Option<ShareBound>,
    pub(super) compromises_per_operator: Option<Spanned<Bound>>,
}

impl Source {
    pub(super) const KEYS: [&'static str; 15] = [
        "name",
        "kind",
        "silent_after",
        "mode",
        "reasons",
        "playbooks",
        "domains",
        "highest",
        "urgency",
        "departures_per_delivery",
        "departures_per_hour",
        "departures_share",
        "compromises_per_minute",
        "compromises_share",
        "compromises_per_operator",
    ];
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Playbook {
    pub(super) end: Option<Spanned<End>>,
    pub(super) block: Option<bool>,
    pub(super) reset_password: Option<PasswordReset>,
    pub(super) disable_tokens: Option<bool>,
    pub(super) keep_out: Option<Spanned<Period>>,
    pub(super) watch: Option<Spanned<Vec<Period>>>,
}

/// `"everything"`, or a list of groups and kinds.
#[derive(Debug, Clone)]
pub(super) enum End {
    Word(String),
    List(Vec<Spanned<String>>),
}

impl<'de> Deserialize<'de> for End {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;
        impl<'de> serde::de::Visitor<'de> for Form {
            type Value = End;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"everything\" or a list such as [\"sessions\", \"tokens\"]")
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<End, E> {
                Ok(End::Word(word.to_owned()))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<End, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = seq.next_element()? {
                    words.push(word);
                }
                Ok(End::List(words))
            }
        }
        deserializer.deserialize_any(Form)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Policy {
    pub(super) protected: Vec<Spanned<String>>,
    pub(super) ambiguous: Option<Ambiguous>,
    pub(super) departures_per_delivery: Option<DeliveryBound>,
    pub(super) departures_per_hour: Option<Bound>,
    pub(super) departures_share: Option<ShareBound>,
    pub(super) compromises_per_minute: Option<Bound>,
    pub(super) compromises_share: Option<ShareBound>,
    pub(super) old_signal: Option<Period>,
    pub(super) email_domains: Vec<Spanned<String>>,
}

/// A group of people that is treated apart.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Group {
    pub(super) members: Vec<Spanned<String>>,
    pub(super) file: Option<Spanned<PathBuf>>,
    pub(super) hold: Option<bool>,
    pub(super) highest: Option<Spanned<String>>,
    pub(super) approvals: Option<Spanned<u8>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ambiguous {
    Hold,
    All,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Trail {
    pub(super) origin: Option<Spanned<String>>,
    pub(super) key: Option<Spanned<SecretSource>>,
    pub(super) anchor: Option<Spanned<PathBuf>>,
    pub(super) journal: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Retry {
    pub(super) attempts: Option<Spanned<u32>>,
    pub(super) first: Option<Spanned<Period>>,
    pub(super) longest: Option<Spanned<Period>>,
    pub(super) urgent_first: Option<Spanned<Period>>,
    pub(super) urgent_longest: Option<Spanned<Period>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Ledger {
    pub(super) alert_after: Option<Spanned<Period>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Alerts {
    pub(super) exec: Option<Spanned<AlertExec>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Approvals {
    pub(super) two_persons_above: Option<Spanned<Bound>>,
    pub(super) two_persons_for_protected: Option<Spanned<bool>>,
    pub(super) remind_after: Option<Spanned<Period>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Console {
    pub(super) sockets: Option<Spanned<PathBuf>>,
    pub(super) listen: Option<Spanned<String>>,
    pub(super) origin: Option<Spanned<String>>,
    pub(super) tls: Option<Spanned<Tls>>,
    pub(super) single_sign_on: Option<Spanned<SingleSignOn>>,
}

/// The certificate that the console shows.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) certificate: Option<Spanned<PathBuf>>,
    pub(super) key: Option<Spanned<SecretSource>>,
}

/// Where traces go.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Telemetry {
    pub(super) otlp: Option<Spanned<String>>,
    pub(super) authorization: Option<Spanned<SecretSource>>,
}

/// The keys of `[console.single_sign_on]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SingleSignOn {
    pub(super) issuer: Option<Spanned<String>>,
    pub(super) client_id: Option<Spanned<String>>,
    pub(super) client_secret: Option<Spanned<SecretSource>>,
    pub(super) scopes: Option<Vec<String>>,
    pub(super) groups_claim: Option<String>,
    pub(super) name_claim: Option<String>,
    pub(super) roles: BTreeMap<String, Spanned<String>>,
    pub(super) people: BTreeMap<String, Spanned<String>>,
    pub(super) audience: Option<Spanned<String>>,
    pub(super) algorithms: Option<Spanned<Vec<Algorithm>>>,
    pub(super) session: Option<Spanned<Period>>,
    pub(super) jwks_host: Option<String>,
    pub(super) token_host: Option<String>,
}

/// The goals of every reason, and of each that has its own.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Goals {
    pub(super) first_revoke: Option<Spanned<Period>>,
    pub(super) containment: Option<Spanned<Period>>,
    pub(super) compromised: Goal,
    pub(super) departed: Goal,
    pub(super) suspended: Goal,
    pub(super) credential_changed: Goal,
    pub(super) logout: Goal,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Goal {
    pub(super) first_revoke: Option<Spanned<Period>>,
    pub(super) containment: Option<Spanned<Period>>,
}

/// The path of a program, or a table with it.
#[derive(Debug, Clone)]
pub(super) enum AlertExec {
    Path(String),
    Table(Box<AlertProgram>),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertProgram {
    pub(super) program: Spanned<String>,
    pub(super) args: Option<Spanned<Vec<String>>>,
    pub(super) timeout: Option<Spanned<Period>>,
    pub(super) attempts: Option<Spanned<u32>>,
}

impl<'de> Deserialize<'de> for AlertExec {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;
        impl<'de> serde::de::Visitor<'de> for Form {
            type Value = AlertExec;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(
                    "the path of a program, or a table such as { program = \"/usr/local/lib/revoked/page\", timeout = \"10s\" }",
                )
            }

            fn visit_str<E: serde::de::Error>(self, path: &str) -> Result<AlertExec, E> {
                Ok(AlertExec::Path(path.to_owned()))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<AlertExec, A::Error> {
                AlertProgram::deserialize(serde::de::value::MapAccessDeserializer::new(map))
                    .map(|table| AlertExec::Table(Box::new(table)))
            }
        }
        deserializer.deserialize_any(Form)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Retention {
    pub(super) cases: Option<Spanned<Period>>,
    pub(super) people: Option<Spanned<Period>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Log {
    pub(super) level: Option<Spanned<String>>,
    pub(super) format: Option<LogFormat>,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Lines for a person; under systemd the journal's own protocol, with fields.
    #[default]
    Human,
    /// A JSON object a line, to standard error.
    Json,
}
