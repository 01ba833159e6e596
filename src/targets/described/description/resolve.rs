//! From a name to an account: the ways of asking.

use reqwest::Url;

use super::answer::{AnswerSign, AnyOf};
use super::list::List;
use super::principal::{NAME_FORMS, NameForm, PrincipalRule, Reading};
use super::request::Request;
use super::table::Table;
use super::template::{Allowed, Slot, Template};
use crate::json::Places;

/// A way of asking for an account.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct ResolveRule {
    pub(in crate::targets::described) by: NameForm,
    /// Whose names these are, for `iss_sub`.
    pub(in crate::targets::described) issuer: Option<Template>,
    pub(in crate::targets::described) how: Lookup,
    /// What must stand in what was found.
    pub(in crate::targets::described) matching: Option<Match>,
    pub(in crate::targets::described) nobody: Vec<AnswerSign>,
    pub(in crate::targets::described) control: Option<Control>,
}

/// How it is asked.
#[derive(Debug, Clone)]
pub(in crate::targets::described) enum Lookup {
    /// A list, of which those count that match.
    Search(Box<List>),
    /// One account.
    Direct(Reading),
    /// Another name of the account, by which it is asked for then.
    LeadsTo { reading: Reading, by: NameForm },
}

/// Where the name that was asked for must stand.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct Match {
    pub(in crate::targets::described) places: Vec<Places>,
    /// Whether capitals count as small letters.
    pub(in crate::targets::described) fold: bool,
}

/// A request that succeeds only with the rights that it takes to see everybody.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct Control {
    pub(in crate::targets::described) request: Request,
    pub(in crate::targets::described) holds: AnyOf,
}

impl ResolveRule {
    /// Reads one way of asking.
    pub(in crate::targets::described) fn read(table: &Table<'_>, allowed: Allowed<'_>, origins: &[Url]) -> Option<Self> {
        if !table.has("by") {
            table.complain("by", "the key `by` is missing");
        }
        let by = table.word("by", &NAME_FORMS);
        let words = allowed.with(&["name", "self"]);
        let is_search = table.has("items") || table.has("paging");
        let how = if is_search {
            List::read(table, words, origins, words).map(|list| Lookup::Search(Box::new(list)))
        } else if let Some(leads) = table.table("leads_to") {
            leads_to(table, &leads, words, origins)
        } else {
            Reading::read(table, "at", words, origins).map(Lookup::Direct)
        };
        let matching = table.table("match").and_then(|table| Match::read(&table));
        let nobody = AnswerSign::read_all(table, "nobody");
        let control = table.table("nobody_needs").and_then(|control| {
            let read = Control::read(&control, allowed.with(&["self"]), origins);
            control.done();
            read
        });
        if is_search && !table.has("match") {
            table.complain(
                "items",
                "items: a search needs `match`, which says where the name that was asked for must stand; without it a search that is not exact would \
                 find somebody else",
            );
        }
        if !is_search && !table.has("nobody") {
            table.complain(
                "call",
                "call: nothing here says that nobody is there; write `nobody`, the target's own words for it, or search with `items` and `match`",
            );
        }
        if control.is_none() && nobody.iter().any(AnswerSign::is_bare) {
            table.complain(
                "nobody",
                "nobody: a status alone is what a wrong URL gets as well; say by `pointer` in what words the target says that nobody is there, or write \
                 `nobody_needs`",
            );
        }
        if nobody.iter().any(AnswerSign::says_nothing) {
            table.complain(
                "nobody",
                "nobody: an answer of that status is about us or about the target's state, not about a person",
            );
        }
        let issuer = table
            .text("issuer")
            .map(|(text, at)| Template::read(text, &at, allowed.with(&[]), table.mistakes()));
        if (by == Some(NameForm::IssSub)) != issuer.is_some() && by.is_some() {
            table.complain(
                "issuer",
                "issuer: a way of asking by iss_sub says whose names it takes, and no other does",
            );
        }
        let rule = Self {
            by: by?,
            issuer,
            how: how?,
            matching,
            nobody,
            control,
        };
        // A search may read everybody: `match` says who is meant.
        if !is_search && !rule.request().names(|slot| *slot == Slot::Name) {
            table.complain("call", "call: the request does not name {name}");
        }
        Some(rule)
    }

    /// Its request.
    pub(in crate::targets::described) const fn request(&self) -> &Request {
        match &self.how {
            Lookup::Search(list) => &list.request,
            Lookup::Direct(reading) | Lookup::LeadsTo { reading, .. } => &reading.request,
        }
    }

    /// Notes where what was found could not be compared with what was asked for.
    pub(in crate::targets::described) fn check_against(&self, table: &Table<'_>, principal: &PrincipalRule, ways: &[NameForm]) {
        let known = self.by == NameForm::AccountId || principal.names.iter().any(|name| name.is == self.by);
        if self.matching.is_none() && !known {
            table.complain(
                "by",
                format!(
                    "by: nothing shows that the account that is found bears the name; write `match`, or say in [principal] names where its {} stands",
                    self.by.word()
                ),
            );
        }
        if let Lookup::LeadsTo { by, .. } = &self.how
            && !ways.contains(by)
        {
            table.complain(
                "leads_to",
                format!("leads_to: there is no [[resolve]] by {:?} that asks further", by.word()),
            );
        }
    }
}

fn leads_to(table: &Table<'_>, leads: &Table<'_>, allowed: Allowed<'_>, origins: &[Url]) -> Option<Lookup> {
    let request = Request::read(table, allowed, origins);
    if !leads.has("by") {
        leads.complain("by", "the key `by` is missing");
    }
    if !leads.has("at") {
        leads.complain("at", "the key `at` is missing");
    }
    let by = leads.word("by", &NAME_FORMS[..4]);
    let at = leads.place("at");
    let read = request.zip(at).zip(by).map(|((request, at), by)| Lookup::LeadsTo {
        reading: Reading { request, at },
        by,
    });
    leads.done();
    read
}

impl Match {
    fn read(table: &Table<'_>) -> Option<Self> {
        if !table.has("pointer") {
            table.complain("pointer", "the key `pointer` is missing");
        }
        let first = table.places("pointer");
        let second = table.places("or");
        let fold = table.flag("fold");
        table.done();
        Some(Self {
            places: first.into_iter().chain(second).collect(),
            fold,
        })
        .filter(|read| !read.places.is_empty())
    }
}

impl Control {
    fn read(table: &Table<'_>, allowed: Allowed<'_>, origins: &[Url]) -> Option<Self> {
        let request = Request::read(table, allowed, origins);
        if !table.has("holds") {
            table.complain("holds", "the key `holds` is missing");
        }
        let holds = AnyOf::read(table, "holds");
        Some(Self {
            request: request?,
            holds: holds?,
        })
    }
}
