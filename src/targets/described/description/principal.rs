//! Accounts: how one is read and what of it counts, who the administrators are, and who we are.

use reqwest::Url;

use super::answer::AnyOf;
use super::list::List;
use super::request::Request;
use super::table::Table;
use super::template::{Allowed, Slot, Template};
use crate::json::Places;

/// A request, and where in its answer what is looked for stands.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct Reading {
    pub(in crate::targets::described) request: Request,
    pub(in crate::targets::described) at: Places,
}

/// How an account is read.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct PrincipalRule {
    pub(in crate::targets::described) reading: Reading,
    pub(in crate::targets::described) id: Places,
    pub(in crate::targets::described) names: Vec<NameRule>,
    pub(in crate::targets::described) suspended: Option<AnyOf>,
    pub(in crate::targets::described) admin: Option<AnyOf>,
    pub(in crate::targets::described) bot: Option<AnyOf>,
    pub(in crate::targets::described) managed_by: Option<ManagedBy>,
}

/// Where an account says which system decides its sign-in.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct ManagedBy {
    at: Places,
    /// What stands there where the target itself decides.
    unless: Vec<String>,
}

/// A name that an account bears.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct NameRule {
    pub(in crate::targets::described) at: Places,
    pub(in crate::targets::described) is: NameForm,
    /// What stands around the name, with `{name}` in its place.
    pub(in crate::targets::described) written: Option<Template>,
}

/// The forms of a name that a target can be asked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::targets::described) enum NameForm {
    Username,
    Email,
    AccountId,
    EmployeeId,
    IssSub,
}

/// The words for them.
pub(in crate::targets::described) const NAME_FORMS: [(&str, NameForm); 5] = [
    ("username", NameForm::Username),
    ("email", NameForm::Email),
    ("account_id", NameForm::AccountId),
    ("employee_id", NameForm::EmployeeId),
    ("iss_sub", NameForm::IssSub),
];

impl NameForm {
    /// The word in a description.
    pub(in crate::targets::described) fn word(self) -> &'static str {
        NAME_FORMS.iter().find(|(_, form)| *form == self).map_or("", |(word, _)| word)
    }
}

/// Who may administer the target, to tell the last of them.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct Admins {
    pub(in crate::targets::described) list: List,
    pub(in crate::targets::described) id: Places,
    pub(in crate::targets::described) active: Option<AnyOf>,
}

impl Reading {
    /// Reads the request in `table` with `key` for the place.
    pub(in crate::targets::described) fn read(
        table: &Table<'_>,
        key: &'static str,
        allowed: Allowed<'_>,
        origins: &[Url],
    ) -> Option<Self> {
        let request = Request::read(table, allowed, origins);
        let at = if table.has(key) {
            table.place(key)
        } else {
            table.value(key);
            Some(Places::default())
        };
        Some(Self {
            request: request?,
            at: at?,
        })
    }
}

impl PrincipalRule {
    /// Reads `[principal]`.
    pub(in crate::targets::described) fn read(table: &Table<'_>, allowed: Allowed<'_>, origins: &[Url]) -> Option<Self> {
        let reading = Reading::read(table, "at", allowed.with(&["id", "self"]), origins);
        if !table.has("id") {
            table.complain("id", "the key `id` is missing");
        }
        let id = table.place("id");
        let names: Vec<NameRule> = table
            .tables("names")
            .into_iter()
            .filter_map(|name| NameRule::read(&name, allowed))
            .collect();
        if let Some(reading) = &reading
            && !reading.request.names(|slot| *slot == Slot::Id)
        {
            table.complain(
                "call",
                "call: the account is read by its {id}, and the request does not name it",
            );
        }
        Some(Self {
            reading: reading?,
            id: id?,
            names,
            suspended: AnyOf::read(table, "suspended"),
            admin: AnyOf::read(table, "admin"),
            bot: AnyOf::read(table, "bot"),
            managed_by: ManagedBy::read(table),
        })
    }
}

impl ManagedBy {
    fn read(table: &Table<'_>) -> Option<Self> {
        let value = table.value("managed_by")?;
        if value.get_ref().is_str() {
            let at = table.places("managed_by")?;
            return Some(Self { at, unless: Vec::new() });
        }
        let inner = table.table("managed_by")?;
        if !inner.has("pointer") {
            inner.complain("pointer", "the key `pointer` is missing");
        }
        let at = inner.places("pointer");
        let unless = inner.texts("unless").into_iter().map(|(text, _)| text.to_owned()).collect();
        inner.done();
        Some(Self { at: at?, unless })
    }

    /// The system that decides the sign-in, where it is another.
    pub(in crate::targets::described) fn of(&self, account: &serde_json::Value) -> Option<String> {
        match self.at.first(account)? {
            serde_json::Value::Bool(true) => Some("another directory".to_owned()),
            serde_json::Value::Bool(false) => None,
            _ => self.at.text(account).filter(|text| !self.unless.contains(text)),
        }
    }
}

impl NameRule {
    fn read(table: &Table<'_>, allowed: Allowed<'_>) -> Option<Self> {
        if !table.has("pointer") {
            table.complain("pointer", "the key `pointer` is missing");
        }
        let at = table.places("pointer");
        if !table.has("is") {
            table.complain("is", "the key `is` is missing; it says which form of name stands there");
        }
        let is = table.word("is", &NAME_FORMS[..4]);
        let written = table.text("written").map(|(text, at)| {
            let template = Template::read(text, &at, allowed.with(&["name"]), table.mistakes());
            let count = template.slots().filter(|(slot, _)| **slot == Slot::Name).count();
            let plain = template
                .slots()
                .all(|(slot, filter)| filter.is_none() && matches!(slot, Slot::Name | Slot::Key(_)));
            if count != 1 || !plain {
                table.mistakes().add(
                    at,
                    "written: it holds {name} once, and beside it nothing but text and {key.…}",
                );
            }
            template
        });
        table.done();
        Some(Self {
            at: at?,
            is: is?,
            written,
        })
    }
}

impl Admins {
    /// Reads `[admins]`.
    pub(in crate::targets::described) fn read(table: &Table<'_>, allowed: Allowed<'_>, origins: &[Url]) -> Option<Self> {
        let allowed = allowed.with(&["self"]);
        let list = List::read(table, allowed, origins, allowed);
        if !table.has("id") {
            table.complain("id", "the key `id` is missing");
        }
        let id = table.place("id");
        let active = AnyOf::read(table, "active");
        Some(Self {
            list: list?,
            id: id?,
            active,
        })
    }
}
