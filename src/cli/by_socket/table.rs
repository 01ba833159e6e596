//! Which role each command needs by the socket of one, and which are for the host alone. A command that does not stand here is open to nobody there.

use crate::model::Role;

/// Who may have the daemon run a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Whoever has this role, or a higher one.
    Role(Role),
    /// Nobody: it runs where it was typed. In words, why.
    Host(&'static str),
}

/// One command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Its words.
    pub command: &'static str,
    /// Who may have it run.
    pub by: By,
    /// Options that make more of it, each with the role that it then needs.
    pub more: &'static [(&'static str, Role)],
    /// The argument that names a file which the command reads, and which the caller sends: `-` stands for it.
    pub reads: Option<&'static str>,
    /// Whether it reads a credential from standard input where no file is named.
    pub credential: bool,
    /// Options that name a file although they take any word, or have the daemon read one.
    pub never: &'static [&'static str],
}

const fn by(command: &'static str, by: By) -> Row {
    Row {
        command,
        by,
        more: &[],
        reads: None,
        credential: false,
        never: &[],
    }
}

const fn sees(command: &'static str) -> Row {
    by(command, By::Role(Role::Viewer))
}

const fn asks(command: &'static str) -> Row {
    by(command, By::Role(Role::Requester))
}

const fn decides(command: &'static str) -> Row {
    by(command, By::Role(Role::Approver))
}

const fn rules(command: &'static str) -> Row {
    by(command, By::Role(Role::Admin))
}

const fn host(command: &'static str, why: &'static str) -> Row {
    by(command, By::Host(why))
}

impl Row {
    const fn with(self, more: &'static [(&'static str, Role)]) -> Self {
        Self { more, ..self }
    }

    const fn reading(self, argument: &'static str) -> Self {
        Self {
            reads: Some(argument),
            ..self
        }
    }

    const fn never(self, never: &'static [&'static str]) -> Self {
        Self { never, ..self }
    }
}

/// Where the targets are asked, as for a rehearsal.
const ASKING: &[(&str, Role)] = &[("ask", Role::Requester)];
const ALONE: &str = "it needs nothing of the daemon's";
const FILES: &str = "it writes files";

/// Every command.
pub const COMMANDS: &[Row] = &[
    sees(""),
    host("run", "it is the daemon"),
    rules("reload"),
    host("check", "it looks at this host"),
    host("demo", ALONE),
    host("sandbox", ALONE),
    asks("revoke").reading("from"),
    Row {
        credential: true,
        ..asks("leaked").reading("file")
    },
    asks("release").with(&[("set", Role::Approver)]),
    sees("find"),
    sees("case list"),
    sees("case show"),
    sees("case report"),
    asks("case note"),
    asks("case assign"),
    decides("case cancel"),
    sees("person report"),
    sees("report containment"),
    sees("handover"),
    sees("job list"),
    sees("ledger"),
    sees("batch list"),
    sees("batch show"),
    sees("batch report"),
    decides("batch pause"),
    decides("batch resume"),
    decides("batch cancel"),
    sees("departures list"),
    sees("departures show"),
    decides("departures cancel"),
    sees("source list"),
    sees("source test").reading("payload"),
    sees("source rehearsed"),
    rules("source ssf connect"),
    rules("source ssf status"),
    rules("source ssf verify"),
    rules("source ssf add-subject"),
    rules("source ssf remove-subject"),
    rules("source ssf disconnect"),
    sees("source hr preview").with(ASKING).reading("file"),
    sees("source hr aside"),
    host("source hr map", ALONE),
    sees("policy test"),
    sees("policy replay"),
    sees("policy groups"),
    decides("policy accept"),
    sees("target list"),
    decides("target pause"),
    decides("target resume"),
    host("target lint", ALONE),
    host("target explain", ALONE),
    host("target try", "it asks with credentials of yours"),
    sees("hold list"),
    sees("hold show"),
    decides("hold approve"),
    decides("hold reject"),
    decides("subject link"),
    decides("subject unlink"),
    sees("subject show").with(ASKING),
    decides("subject import").reading("file"),
    sees("subject unresolved").with(ASKING),
    decides("subject dismiss"),
    sees("alert list"),
    asks("alert ack"),
    asks("alert clear"),
    rules("alert test"),
    sees("notify list"),
    rules("notify test"),
    sees("status"),
    sees("watch"),
    sees("trail show"),
    sees("trail verify").never(&["key"]),
    host("trail rotate-key", FILES),
    sees("trail export"),
    rules("token make"),
    rules("token list"),
    rules("token end"),
    host("login", "it asks the daemon itself"),
    host("backup", FILES),
    sees("transmitter status"),
    rules("transmitter verify"),
    rules("transmitter retry"),
    sees("transmitter keys"),
    rules("erase"),
    host("kinds", ALONE),
    host("completions", ALONE),
    host("man", ALONE),
];

/// The row of a command.
#[must_use]
pub(super) fn row(command: &str) -> Option<&'static Row> {
    COMMANDS.iter().find(|row| row.command == command)
}
