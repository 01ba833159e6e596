//! A target as a config names it.

use std::fmt::Write as _;

use crate::harness::Installation;

/// The table of a target, and what the playbook `departed` demands there.
#[derive(Debug)]
pub(crate) struct TargetTable {
    /// Its kind, and its name too.
    pub(crate) kind: &'static str,
    pub(crate) url: String,
    /// Further keys and their texts.
    pub(crate) keys: Vec<(&'static str, String)>,
    /// Keys that name a credential, and that credential.
    pub(crate) secrets: Vec<(&'static str, String)>,
    /// Whether accounts are to be blocked: at most systems they can be.
    pub(crate) block: bool,
    /// Whether others believe who somebody is there.
    pub(crate) is_provider: bool,
}

impl TargetTable {
    /// A target that needs nothing but these two, and where accounts are to be blocked.
    pub(crate) const fn new(kind: &'static str, url: String) -> Self {
        Self {
            kind,
            url,
            keys: Vec::new(),
            secrets: Vec::new(),
            block: true,
            is_provider: false,
        }
    }

    pub(crate) fn key(mut self, key: &'static str, text: &str) -> Self {
        self.keys.push((key, text.to_owned()));
        self
    }

    pub(crate) fn secret(mut self, key: &'static str, secret: &str) -> Self {
        self.secrets.push((key, secret.to_owned()));
        self
    }

    /// What stands in the config of an installation, with one sweep that comes soon; the credentials become files of it.
    pub(crate) fn write(&self, site: &Installation) -> String {
        let Self { kind, url, block, .. } = self;
        let mut text = format!("[playbook.departed.{kind}]\nblock = {block}\nwatch = [\"1s\"]\n\n");
        write!(
            text,
            "[[target]]\nname = \"{kind}\"\nkind = \"{kind}\"\nurl = \"{url}\"\nrate = \"1000/s\"\n"
        )
        .unwrap();
        if self.is_provider {
            text.push_str("role = \"identity_provider\"\n");
        }
        for (key, value) in &self.keys {
            writeln!(text, "{key} = \"{value}\"").unwrap();
        }
        for (key, secret) in &self.secrets {
            let file = format!("{kind}-{key}");
            site.secret(&file, secret.as_bytes());
            writeln!(text, "{key} = {{ file = \"{{folder}}/{file}\" }}").unwrap();
        }
        text
    }
}
