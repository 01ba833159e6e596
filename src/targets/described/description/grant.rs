//! Grants: how those of a kind are listed, ended, and proved ended.

use reqwest::Url;

use super::answer::{AnswerSign, AnyOf};
use super::list::List;
use super::moment::Moment;
use super::request::Request;
use super::table::{Table, unknown_word};
use super::template::{Allowed, Slot};
use crate::json::Places;
use crate::model::GrantKind;

/// What a description says about the grants of one kind, or of one part of it.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct GrantRule {
    pub(in crate::targets::described) kind: GrantKind,
    /// Which of its kind, where there are several lists of one.
    pub(in crate::targets::described) part: Option<String>,
    pub(in crate::targets::described) listing: Option<GrantListing>,
    /// Why there is no list.
    pub(in crate::targets::described) unlisted: Option<String>,
    pub(in crate::targets::described) ended_by: Vec<EndedBy>,
    pub(in crate::targets::described) proof: Option<Proof>,
    pub(in crate::targets::described) end: Option<Request>,
    pub(in crate::targets::described) end_all: Option<Request>,
    pub(in crate::targets::described) end_set: Option<(Request, usize)>,
    pub(in crate::targets::described) disable: Option<Request>,
    pub(in crate::targets::described) gone: Vec<AnswerSign>,
}

/// A list of grants, and what stands in each.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct GrantListing {
    pub(in crate::targets::described) list: List,
    /// The list of which each member has a list of its own, and what of the member is `{each}`.
    pub(in crate::targets::described) each: Option<(List, Places)>,
    /// Who holds the grant: it must be the account.
    pub(in crate::targets::described) owner: Option<Places>,
    pub(in crate::targets::described) id: Places,
    /// Whether the id is the secret itself.
    pub(in crate::targets::described) secret_id: bool,
    pub(in crate::targets::described) parent: Option<Places>,
    pub(in crate::targets::described) created: Option<Moment>,
    pub(in crate::targets::described) last_used: Option<Moment>,
    pub(in crate::targets::described) expires: Option<Moment>,
    pub(in crate::targets::described) enabled: Option<AnyOf>,
}

/// What ends grants of a kind without a call of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::targets::described) enum EndedBy {
    Suspend,
    Password,
}

/// Where a target says since when nothing older works.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct Proof {
    /// The list of such sayings; without, the account itself says it.
    pub(in crate::targets::described) list: Option<List>,
    pub(in crate::targets::described) moment: Moment,
}

const ENDED_BY: [(&str, EndedBy); 2] = [("suspend", EndedBy::Suspend), ("password", EndedBy::Password)];

impl GrantRule {
    /// Reads one `[[grant]]`.
    pub(in crate::targets::described) fn read(table: &Table<'_>, allowed: Allowed<'_>, origins: &[Url]) -> Option<Self> {
        let kind = table.must_text("kind").and_then(|(text, at)| {
            let found = GrantKind::ALL.into_iter().find(|kind| kind.word() == text);
            if found.is_none() {
                let words = GrantKind::ALL.iter().map(|kind| kind.word());
                table.mistakes().add(at, unknown_word("kind", text, words));
            }
            found
        });
        let part = table.text("part").map(|(text, _)| text.to_owned());
        let is_listed = table.has("call") || table.has("items") || table.has("paging");
        let listing = if is_listed {
            GrantListing::read(table, allowed, origins)
        } else {
            None
        };
        let unlisted = table.text("unlisted").map(|(text, _)| text.to_owned());
        let proof = table.table("proof").and_then(|proof| {
            let read = Proof::read(&proof, allowed, origins);
            proof.done();
            read
        });
        if is_listed && unlisted.is_some() {
            table.complain("unlisted", "unlisted: there is a list above");
        }
        if !is_listed && unlisted.is_none() && !table.has("proof") {
            table.complain(
                "kind",
                "kind: without a list there must be `unlisted`, which says why, or a `proof`; otherwise nobody would know what became of these",
            );
        }
        let ended_by = table.texts("ended_by").into_iter().filter_map(|(text, at)| {
            let found = ENDED_BY.iter().find(|(word, _)| *word == text);
            if found.is_none() {
                let words = ENDED_BY.iter().map(|(word, _)| *word);
                table.mistakes().add(at, unknown_word("ended_by", text, words));
            }
            found.map(|(_, how)| *how)
        });
        let ended_by: Vec<EndedBy> = ended_by.collect();
        let one = ["id", "grant", "parent", "self", "random"];
        let end = request(table, "end", allowed.with(&one), origins, |slot| {
            matches!(slot, Slot::Grant | Slot::Id)
        });
        let disable = request(table, "disable", allowed.with(&one), origins, |slot| {
            matches!(slot, Slot::Grant | Slot::Id)
        });
        let end_all = request(table, "end_all", allowed.with(&["id", "self", "random"]), origins, |slot| {
            matches!(slot, Slot::Id)
        });
        let end_set = end_set(table, allowed, origins);
        if !is_listed && (end.is_some() || end_set.is_some() || disable.is_some()) {
            table.complain("end", "end: what is in no list cannot be ended one by one; write `end_all`");
        }
        if disable.is_some() {
            check_disable(table, listing.as_ref(), end.is_some() || end_set.is_some(), end_all.is_some());
        }
        let of_parent = |request: &Request| request.names(|slot| *slot == Slot::Parent);
        if is_listed && !table.has("parent") && !table.has("each") && [&end, &disable].into_iter().flatten().any(of_parent) {
            table.complain(
                "end",
                "end: nothing says what {parent} is; write `parent`, which says where it stands in an item, or `each`",
            );
        }
        let gone = AnswerSign::read_all(table, "gone");
        if gone.iter().any(AnswerSign::says_nothing) {
            table.complain(
                "gone",
                "gone: an answer of that status is about us or about the target's state, not about a grant",
            );
        }
        Some(Self {
            kind: kind?,
            part,
            listing,
            unlisted,
            ended_by,
            proof,
            end,
            end_all,
            end_set,
            disable,
            gone,
        })
    }

    /// Whether it can end anything.
    pub(in crate::targets::described) const fn ends(&self) -> bool {
        self.end.is_some() || self.end_all.is_some() || self.end_set.is_some()
    }

    /// What it is called for people.
    pub(in crate::targets::described) fn label(&self) -> String {
        self.part
            .as_ref()
            .map_or_else(|| self.kind.to_string(), |part| format!("{} ({part})", self.kind))
    }
}

impl GrantListing {
    fn read(table: &Table<'_>, allowed: Allowed<'_>, origins: &[Url]) -> Option<Self> {
        let each = table.table("each").map(|each| {
            let words = allowed.with(&["id", "self"]);
            let list = List::read(&each, words, origins, words);
            if !each.has("at") {
                each.complain("at", "the key `at` is missing; it says what of each member is {each}");
            }
            let at = each.place("at");
            each.done();
            list.zip(at)
        });
        let words: &[&str] = if each.is_some() {
            &["id", "self", "each"]
        } else {
            &["id", "self"]
        };
        let list = List::read(table, allowed.with(words), origins, allowed.with(&["id", "self"]));
        if !table.has("id") {
            table.complain("id", "the key `id` is missing; it says by what a grant is ended");
        }
        let listing = Self {
            each: each.flatten(),
            owner: table.place("owner"),
            id: table.place("id")?,
            secret_id: table.flag("secret_id"),
            parent: table.place("parent"),
            created: Moment::read(table, "created"),
            last_used: Moment::read(table, "last_used"),
            expires: Moment::read(table, "expires"),
            enabled: AnyOf::read(table, "enabled"),
            list: list?,
        };
        let by_each = listing.list.request.names(|slot| *slot == Slot::Each);
        let of_one = of_one(&listing.list) || (by_each && listing.each.as_ref().is_some_and(|(outer, _)| of_one(outer)));
        if !of_one && listing.owner.is_none() {
            table.complain(
                "call",
                "call: the list is not of one account; name {id} in it, or say by `where` with {id}, or by `owner`, which items are the account's",
            );
        }
        Some(listing)
    }
}

impl Proof {
    fn read(table: &Table<'_>, allowed: Allowed<'_>, origins: &[Url]) -> Option<Self> {
        let words = allowed.with(&["id", "self"]);
        let list = table.has("call").then(|| List::read(table, words, origins, words));
        if !table.has("moment") {
            table.complain("moment", "the key `moment` is missing");
        }
        let moment = Moment::read(table, "moment");
        if let Some(Some(list)) = &list
            && !of_one(list)
        {
            table.complain(
                "call",
                "call: it does not ask about one account; name {id} in it, or say by `where` with {id} which items are the account's",
            );
        }
        if moment.as_ref().is_some_and(Moment::is_day) {
            table.complain(
                "moment",
                "moment: a day is no moment: what was made later on that day would count as ended",
            );
        }
        let list = match list {
            None => None,
            Some(read) => Some(read?),
        };
        Some(Self { list, moment: moment? })
    }
}

/// Whether a list is of one account: its request names the account, or what must hold of an item does.
fn of_one(list: &List) -> bool {
    let is_id = |slot: &Slot| *slot == Slot::Id;
    list.request.names(is_id) || list.only.iter().any(|one| one.names(is_id))
}

/// Notes where a grant could be disabled and would never be, or where nobody could see that it was.
fn check_disable(table: &Table<'_>, listing: Option<&GrantListing>, ends_single: bool, ends_all: bool) {
    if ends_all {
        table.complain(
            "disable",
            "disable: `end_all` ends all of the kind, so that nothing is ever disabled; leave one of them out",
        );
    } else if !ends_single {
        table.complain(
            "disable",
            "disable: nothing ends the kind; write `end` as well, or disable by `end`",
        );
    }
    if listing.is_some_and(|listing| listing.enabled.is_none()) {
        table.complain(
            "disable",
            "disable: nothing says whether it worked; write `enabled`, which says what holds of a grant that works",
        );
    }
}

fn request(
    table: &Table<'_>,
    key: &'static str,
    allowed: Allowed<'_>,
    origins: &[Url],
    must_name: impl Fn(&Slot) -> bool,
) -> Option<Request> {
    let inner = table.table(key)?;
    let request = Request::read(&inner, allowed, origins);
    inner.done();
    let request = request?;
    if !request.names(must_name) {
        inner.complain("call", format!("{key}: the request does not name what it ends"));
    }
    if request.method == http::Method::GET {
        inner.complain("call", format!("{key}: a GET changes nothing"));
    }
    Some(request)
}

fn end_set(table: &Table<'_>, allowed: Allowed<'_>, origins: &[Url]) -> Option<(Request, usize)> {
    let inner = table.table("end_set")?;
    let request = Request::read(&inner, allowed.with(&["id", "grants", "self"]), origins);
    let most = inner.number("most");
    if !most.is_some_and(|most| (1..=10_000).contains(&most)) {
        inner.complain("most", "most: say how many grants one call takes, from 1 to 10000");
    }
    inner.done();
    let request = request?;
    if !request.names(|slot| *slot == Slot::Grants) {
        inner.complain("json", "end_set: the request does not name {grants}");
    }
    Some((request, most?.clamp(1, 10_000)))
}
