//! One case as it goes: its course by the trail, where it stands at each target, and its answer last.

use super::feed::Feed;
use super::piped::tell;
use super::viewer::{Viewer, Wants};
use crate::cli::case::{AnswerLine, answer_line, unended, who};
use crate::cli::output::{LocalTimes, Meaning, fit, fit_words, is_read, padded, plain, stopwatch};
use crate::cli::{StoreArgs, reads};
use crate::store::{CaseDetail, PeopleRead, Store};

/// The widest kind of entry that others stand in line with.
const KIND: usize = 20;

/// Follows a case until it is told to stop, or nobody reads any more.
///
/// # Errors
/// Where there is no such case, the store cannot be read, or standard output cannot be written.
pub(super) async fn watch(store: &Store, at: &StoreArgs, case: i64, as_json: bool) -> anyhow::Result<()> {
    // Before the terminal is another one: that there is none is told on the first.
    store.case(case).await?;
    let mut viewer = Viewer::begin(as_json)?;
    if !viewer.has_window() {
        return piped(store, at, case, (&mut viewer, as_json)).await;
    }
    look(store, at, case, &mut viewer).await?;
    drop(viewer);
    // What was seen last stands where the next prompt comes.
    let times = LocalTimes::at(store.clock().now());
    answer_line(store, &store.case_detail(case).await?, &times).await?.print("")
}

/// Draws a case again and again, and answers whether all is to end, or only this.
///
/// # Errors
/// As [`watch`].
pub(super) async fn look(store: &Store, at: &StoreArgs, case: i64, viewer: &mut Viewer) -> anyhow::Result<Wants> {
    let mut feed = begin(store, at, case).await?;
    loop {
        let detail = store.case_detail(case).await?;
        let times = LocalTimes::at(store.clock().now());
        let (standing, last) = (
            standing(store, &detail, &times).await?,
            answer_line(store, &detail, &times).await?,
        );
        viewer.draw(|width, height| lines((&detail, &feed, &times), (&standing, &last), (width, height)))?;
        match viewer.wants().await {
            end @ (Wants::End | Wants::Back) => return Ok(end),
            _ => feed.catch_up(store).await?,
        }
        feed.forget();
    }
}

/// Each entry of the case as a line.
async fn piped(store: &Store, at: &StoreArgs, case: i64, (viewer, as_json): (&mut Viewer, bool)) -> anyhow::Result<()> {
    let mut feed = begin(store, at, case).await?;
    let mut untold = usize::MAX;
    loop {
        let times = LocalTimes::at(store.clock().now());
        feed.newest(untold).try_for_each(|change| tell(change, &times, as_json))?;
        feed.forget();
        let (told, more) = feed.read(store).await?;
        untold = told;
        if told == 0 && !more && viewer.stops().await || !is_read() {
            return Ok(());
        }
    }
}

/// What the trail says of the case; that it was read is recorded.
async fn begin(store: &Store, at: &StoreArgs, case: i64) -> anyhow::Result<Feed> {
    let read = PeopleRead {
        cases: vec![case],
        ..reads::read_with("watch --case")
    };
    reads::record_read(store, at, &read).await;
    Feed::begin(store, Some(case)).await
}

/// The whole screen: which case it is, its course, where it stands, and its answer.
fn lines(
    (detail, feed, times): (&CaseDetail, &Feed, &LocalTimes),
    (standing, last): (&[String], &AnswerLine),
    (width, height): (usize, usize),
) -> Vec<String> {
    let room = height.saturating_sub(2);
    let standing: Vec<String> = standing.iter().take(room).map(|text| fit_words(text, Some(width))).collect();
    let course = course(detail.case.id, feed, times, (width, room - standing.len()));
    let ends = [last.fitted(Some(width))];
    std::iter::once(head(detail, times, width))
        .chain(course)
        .chain(standing)
        .chain(ends)
        .collect()
}

/// Which case it is, about whom, and for how long.
fn head(detail: &CaseDetail, times: &LocalTimes, width: usize) -> String {
    let case = &detail.case;
    let over = case.contained_at.or(case.called_off_at).filter(|_| case.state != "open");
    let clock = stopwatch(over.unwrap_or_else(|| times.now()).since(case.received_at));
    let owner = case
        .owner
        .as_deref()
        .map_or(String::new(), |owner| format!(" · {} looks after it", plain(owner)));
    let text = format!(
        "{clock}  case {} · {} · {} · {}{owner}",
        case.id,
        who(case),
        plain(&case.reason),
        case.state
    );
    Meaning::Strong.paint(fit(&text, Some(width)))
}

/// Where it stands at each target that is not over.
async fn standing(store: &Store, detail: &CaseDetail, times: &LocalTimes) -> anyhow::Result<Vec<String>> {
    if detail.case.state != "open" {
        return Ok(Vec::new());
    }
    Ok(unended(&store.case_progress(detail.case.id).await?, times).0)
}

/// The newest of what happened that fits, the newest last.
fn course(case: i64, feed: &Feed, times: &LocalTimes, (width, height): (usize, usize)) -> Vec<String> {
    let all = feed.newest(usize::MAX).count();
    let shown = if all > height { height.saturating_sub(1) } else { all };
    let mut lines = Vec::with_capacity(height);
    if all > shown && height > 0 {
        let text = format!("earlier ones: revoked trail show --case {case}");
        lines.push(Meaning::Quiet.paint(fit(&text, Some(width))));
    }
    lines.extend(feed.newest(shown).map(|change| {
        let entry = &change.entry;
        let time = entry.at().map_or_else(String::new, |at| times.time(at));
        // Whose case it is stands above.
        let said = change.said(times);
        let said = said
            .strip_prefix(&format!("case {case}"))
            .unwrap_or(&said)
            .trim_start_matches([' ', '·']);
        let text = format!("{time}  {}  {said}", padded(entry.kind(), KIND));
        let text = fit(text.trim_end(), Some(width));
        entry.meaning().map_or_else(|| text.clone(), |meaning| meaning.paint(&text))
    }));
    lines
}
