//! Lists that come in pages, read so that nothing between two pages is missed.
//!
//! Others change the lists while they are read: a member that is removed from an early page moves all later ones forward, and the next
//! page then starts behind one that was never seen. So each page here begins with a member that the page before has shown already; where
//! it does not, the list has moved and is read again from the start.

use std::collections::HashSet;

use serde::de::DeserializeOwned;

use super::client::Api;
use super::failure::CallFailure;
use super::request::Call;
use super::wire::Keyed;
use crate::targets::CallContext;

/// The server's largest page; a larger number is cut to it silently.
const LARGEST: usize = 200;
/// The smallest page that is asked for when the next one has to overlap.
const SMALLEST: usize = 100;
/// How many pages of one list are read at most: some 19,000 members.
const PAGES: usize = 100;
/// How often a list that moves is read.
const READINGS: usize = 3;

/// What was read of a list.
#[derive(Default)]
pub(in crate::targets::mattermost) struct Listing<T> {
    pub(in crate::targets::mattermost) items: Vec<T>,
    /// The server's ids of the requests.
    pub(in crate::targets::mattermost) requests: Vec<String>,
    /// Why there may be more than `items`; `None` where the list was read whole.
    pub(in crate::targets::mattermost) short: Option<&'static str>,
}

enum Reading<T> {
    Whole(Vec<T>),
    Short(Vec<T>, &'static str),
    Moved(Vec<T>),
}

/// Reads a list whole, or says why it could not.
pub(in crate::targets::mattermost) async fn list<T: DeserializeOwned + Keyed>(
    api: &Api,
    context: &CallContext,
    call: impl Fn() -> Call,
) -> Result<Listing<T>, CallFailure> {
    let mut requests = Vec::new();
    let mut last = Vec::new();
    for _ in 0..READINGS {
        let (items, short) = match read(api, context, &call, &mut requests).await? {
            Reading::Whole(items) => (items, None),
            Reading::Short(items, why) => (items, Some(why)),
            Reading::Moved(items) => {
                last = items;
                continue;
            }
        };
        return Ok(Listing { items, requests, short });
    }
    Ok(Listing {
        items: last,
        requests,
        short: Some("the list changed each time it was read"),
    })
}

async fn read<T: DeserializeOwned + Keyed>(
    api: &Api,
    context: &CallContext,
    call: &impl Fn() -> Call,
    requests: &mut Vec<String>,
) -> Result<Reading<T>, CallFailure> {
    let mut items: Vec<T> = Vec::new();
    let mut seen = HashSet::new();
    let mut covered = 0;
    for _ in 0..PAGES {
        let (page, size) = next(covered);
        let page_of = || call().query("page", page).query("per_page", size);
        let answer = api.send_once_permitted(&api.url, context, page_of).await?;
        let members: Vec<T> = answer.read()?;
        requests.extend(answer.request);
        if covered > 0 && !members.first().is_some_and(|first| seen.contains(first.key())) {
            return Ok(Reading::Moved(items));
        }
        let count = members.len();
        let before = items.len();
        items.extend(members.into_iter().filter(|member| seen.insert(member.key().to_owned())));
        if count > size {
            return Ok(Reading::Short(items, "the server does not keep to the size of a page"));
        }
        if count < size {
            return Ok(Reading::Whole(items));
        }
        if items.len() == before {
            return Ok(Reading::Short(items, "the server sends the same page again and again"));
        }
        covered = page * size + count;
    }
    Ok(Reading::Short(items, "the list is longer than is read"))
}

/// The page and page size that show the most of what lies behind the first `covered` members and the last one of them again.
fn next(covered: usize) -> (usize, usize) {
    let Some(last) = covered.checked_sub(1) else {
        return (0, LARGEST);
    };
    (SMALLEST..=LARGEST)
        .map(|size| (last / size, size))
        .max_by_key(|(page, size)| (page + 1) * size)
        .unwrap_or((0, LARGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_overlaps_the_one_before_and_gets_on() {
        let mut covered = 0;
        for n in 0..PAGES {
            let (page, size) = next(covered);
            let start = page * size;
            assert!(n == 0 || start < covered, "page {n} starts at {start} with {covered} seen");
            assert!(start + size > covered + 90, "page {n} shows little that is new");
            covered = start + size;
        }
        assert!(covered > 18_000, "{covered}");
    }

    #[test]
    fn the_second_page_of_200_is_one_shorter() {
        assert_eq!(next(0), (0, 200));
        assert_eq!(next(200), (1, 199));
    }
}
