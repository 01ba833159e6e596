//! Policy end to end: what sources may claim, rehearsals, groups of people, shares, and what explains and replays decisions.

mod caps;
mod explained;
mod groups;
mod ladder;
mod leavers;
mod rehearsal;

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use revoked::clock::Clock;
use serde_json::Value;

use crate::harness::{Installation, InstallationPlan, until};

/// An HR folder with more keys of its own, for the config's end.
fn hr(keys: &str) -> String {
    format!(
        "[[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"{{folder}}/hr\"\ntime_zone = \"Europe/Berlin\"\ninterval = \"100ms\"\n\
         settle = \"200ms\"\n{keys}\n"
    )
}

/// An installation with an HR folder, whose tables at the end are these.
async fn site(more: &str) -> Installation {
    let site = Installation::new(plan(more)).await;
    fs::create_dir(site.path("hr")).unwrap();
    site
}

fn plan(more: &str) -> InstallationPlan {
    InstallationPlan {
        people: 12,
        more: Box::leak(more.to_owned().into_boxed_str()),
        ..InstallationPlan::default()
    }
}

/// A file of leavers of two days ago, with so many rows from the number `first` on.
fn leavers(first: usize, count: usize) -> String {
    let left = Clock::system().now().minus(Duration::from_hours(48)).to_string()[..10].to_owned();
    let mut text = "employee_id,email,last_working_day,timezone,action\n".to_owned();
    for n in first..first + count {
        writeln!(text, "{n},user{n:02}@example.test,{left},,terminate").unwrap();
    }
    text
}

fn drop_file(site: &Installation, name: &str, text: &str) {
    fs::write(site.path("hr.tmp"), text).unwrap();
    fs::rename(site.path("hr.tmp"), site.path("hr").join(name)).unwrap();
}

/// The details of the trail's entries of a kind, oldest first.
async fn entries(site: &Installation, kind: &str) -> Vec<Value> {
    let said = site
        .says(&["trail", "show", "--kind", kind, "--limit", "10000", "--json"])
        .await;
    assert_eq!(said.code, 0, "{said:?}");
    let entries = said.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    entries.map(|entry| entry["detail"].clone()).collect()
}

/// Waits until a file was taken.
async fn taken(site: &Installation, name: &str) {
    until("the file to be put away", async || {
        (!site.path("hr").join(name).exists()).then_some(())
    })
    .await;
}
