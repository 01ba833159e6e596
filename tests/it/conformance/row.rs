//! What the run must know of a kind of source that is pushed to: how to configure one, and how its senders speak.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use revoked::clock::Clock;
use revoked::settings::Settings;
use revoked::sources::{KINDS, Push};

use super::raw_http::{Answer, Call};

/// One kind of source.
pub(super) struct Row {
    /// The kind, which is also the name of its source in the run.
    pub(super) kind: &'static str,
    /// The keys of its table beside `name` and `kind`; `{folder}` stands for the installation's folder.
    pub(super) keys: &'static str,
    /// The methods taken at the endpoint.
    pub(super) methods: &'static [&'static str],
    /// The codes of refusals for what stands in the header, which are given before the body is read.
    pub(super) by_header: &'static [&'static str],
    /// Writes the files that the keys name, and gives a sender that knows the secrets.
    pub(super) sender: fn(&Path) -> Box<dyn Sender>,
}

impl Row {
    /// The table of the source, for an installation in `folder`.
    pub(super) fn table(&self, folder: &Path) -> String {
        let keys = self.keys.replace("{folder}", &folder.display().to_string());
        format!("[[source]]\nname = \"{0}\"\nkind = \"{0}\"\n{keys}\n", self.kind)
    }

    /// The source itself, as the config builds it, with the keys `from` written as `to`.
    pub(super) fn build(&self, folder: &Path, clock: &Clock, from: &str, to: &str) -> Arc<dyn Push> {
        let kind = KINDS.iter().find(|kind| kind.name == self.kind).unwrap();
        assert!(self.keys.contains(from), "{}: {from}", self.kind);
        let text = self.keys.replace(from, to).replace("{folder}", &folder.display().to_string());
        let settings = Settings {
            name: self.kind,
            table: toml::de::DeTable::parse(&text).unwrap(),
        };
        let source = (kind.build)(&settings, clock).unwrap_or_else(|complaints| panic!("{}: {complaints:?}", self.kind));
        Arc::clone(source.push().expect("a kind that is pushed to"))
    }
}

/// Writes a file that only its owner may read.
pub(super) fn secret(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A sender of one kind.
pub(super) trait Sender: Send + Sync {
    /// What must be sent, and taken, before the delivery `key` makes sense: a person is made before it leaves.
    fn before(&self, _key: &str, _person: &str) -> Vec<Call> {
        Vec::new()
    }

    /// Hears the answer to one of them: a person has got a name of the server's.
    fn heard(&self, _key: &str, _answer: &Answer) {}

    /// A good delivery about `person`, which the protocol calls `key`.
    fn sound(&self, key: &str, person: &str) -> Call;

    /// A delivery under a `key` that was used before, with other content. `None` where the protocol has no keys.
    fn other(&self, key: &str, person: &str) -> Option<Call> {
        Some(self.sound(key, person))
    }

    /// The good delivery `key`, said to have been made `ahead` seconds from now (or before), and whether it is to be taken. Of a protocol
    /// that says no times: none.
    fn at_other_times(&self, key: &str, person: &str) -> Vec<(i64, bool, Call)>;

    /// Deliveries that are refused, each with what is wrong with it.
    fn bad(&self, key: &str, person: &str) -> Vec<(&'static str, Call)>;

    /// A delivery from somebody who may send, whose JSON nests `levels` deep. `None` where no JSON is read.
    fn deep(&self, levels: usize) -> Option<Call>;

    /// What must never be seen again: the secrets of the config, and those that `call` holds.
    fn secrets(&self, call: &Call) -> Vec<String>;
}
