//! Lists: the request, how its pages follow each other, and where the items are.

use reqwest::Url;

use super::answer::Filled;
use super::request::Request;
use super::table::Table;
use super::template::Allowed;
use crate::json::Places;

/// A list before it is read.
#[derive(Debug, Clone)]
pub(in crate::targets::described) struct List {
    pub(in crate::targets::described) request: Request,
    pub(in crate::targets::described) paging: Paging,
    pub(in crate::targets::described) items: Places,
    /// Whether a list that is not at its place has no members.
    pub(in crate::targets::described) absent_is_empty: bool,
    /// What must hold of an item that counts.
    pub(in crate::targets::described) only: Vec<Filled>,
}

/// How the pages of a list follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::targets::described) enum Paging {
    /// There is one page.
    None,
    /// The next page is named in a `Link` header with this relation (RFC 8288).
    Link(String),
    /// The next page is named in the body.
    NextUrl(Places),
    /// The body holds what is sent back for the next page.
    Cursor { at: Places, send: String },
    /// Pages by the number of an item or of a page.
    Counted {
        by: CountedBy,
        /// The parameter that says where a page begins.
        send: String,
        /// The parameter that says how large it is, and what is sent in it.
        count: Option<(String, usize)>,
        /// Where the body says how many items there are in all.
        total: Option<Places>,
    },
    /// The first page is read again until it is empty: the list shrinks as its members are ended.
    Again,
}

/// What a page is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::targets::described) enum CountedBy {
    /// The number of its first item, the first of all being 1 (RFC 7644 section 3.4.2.4).
    StartIndex,
    /// The number of its first item, the first of all being 0.
    Offset,
    /// Its own number, the first being this.
    Page(usize),
}

impl List {
    /// Reads the list that stands in `table`.
    pub(in crate::targets::described) fn read(
        table: &Table<'_>,
        allowed: Allowed<'_>,
        origins: &[Url],
        where_words: Allowed<'_>,
    ) -> Option<Self> {
        let request = Request::read(table, allowed, origins);
        let paging = Paging::read(table);
        if !table.has("items") {
            table.complain(
                "items",
                "the key `items` is missing; it says where in the answer the list is, and \"\" is the answer itself",
            );
        }
        let items = table.places("items");
        let absent = table.word("absent", &[("empty", true)]);
        let only = Filled::read_list(table, "where", where_words);
        Some(Self {
            request: request?,
            paging: paging?,
            items: items?,
            absent_is_empty: absent.is_some(),
            only,
        })
    }
}

impl Paging {
    fn read(table: &Table<'_>) -> Option<Self> {
        if !table.has("paging") {
            table.complain(
                "paging",
                "the key `paging` is missing; a list of which nobody knows whether it is whole proves nothing. Where there is one page, say \"none\"",
            );
            table.value("paging");
            return None;
        }
        if table.value("paging").is_some_and(|value| value.get_ref().is_str()) {
            return table.word("paging", &[("none", ())]).map(|()| Self::None);
        }
        let inner = table.table("paging")?;
        let text = |key| inner.text(key).map(|(text, _)| text.to_owned());
        let count = || {
            if !inner.has("count") {
                if inner.has("size") {
                    inner.complain(
                        "size",
                        "size: nothing says it to the target; write `count`, the parameter that does",
                    );
                }
                inner.value("size");
                return None;
            }
            if !inner.has("size") {
                inner.complain("count", "count: say by `size` what is sent in it");
            }
            let size = inner.number("size")?;
            if !(1..=10_000).contains(&size) {
                inner.complain("size", "size: it must be from 1 to 10000");
            }
            Some((text("count")?, size))
        };
        let counted = |by, send: &'static str, first| {
            let send = text(send)?;
            Some(Self::Counted {
                by: match by {
                    CountedBy::Page(_) => CountedBy::Page(first),
                    by => by,
                },
                send,
                count: count(),
                total: inner.place("total"),
            })
        };
        let ways = ["link", "next_url", "cursor", "start_index", "offset", "page", "again"];
        let way = ways.into_iter().find(|way| inner.has(way));
        let read = match way {
            Some("link") => text("link").map(Self::Link),
            Some("next_url") => inner.place("next_url").map(Self::NextUrl),
            Some("cursor") => {
                let at = inner.place("cursor");
                let send = inner.must_text("send").map(|(text, _)| text.to_owned());
                at.zip(send).map(|(at, send)| Self::Cursor { at, send })
            }
            Some("start_index") => counted(CountedBy::StartIndex, "start_index", 1),
            Some("offset") => counted(CountedBy::Offset, "offset", 0),
            Some("page") => {
                let first = inner.number("first").unwrap_or(1);
                counted(CountedBy::Page(1), "page", first)
            }
            Some(_) => inner.flag("again").then_some(Self::Again),
            None => None,
        };
        if way.is_none() {
            let ways: Vec<String> = ways.iter().map(|way| format!("`{way}`")).collect();
            table.complain("paging", format!("paging: say \"none\", or one of {}", ways.join(", ")));
            return None;
        }
        inner.done();
        read
    }
}
