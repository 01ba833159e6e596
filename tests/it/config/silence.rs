//! How long a source may say nothing.

use std::time::Duration;

use super::*;

#[test]
fn every_source_may_have_it_and_none_has_it_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let hr = |more: &str| {
        let folder = folder.path().display();
        format!(
            "[[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"{folder}\"\ntime_zone = \"UTC\"\n{more}\n[[source]]\nkind = \"inbox\"\n{more}"
        )
    };
    let read = |text: &str| -> Vec<Option<Duration>> {
        let sources = parse(text).unwrap().sources;
        sources.iter().map(|source| source.silent_after).collect()
    };
    assert_eq!(read(&hr("")), [None, None]);
    let day = Some(Duration::from_hours(24));
    assert_eq!(read(&hr("silent_after = \"24h\"")), [day, day]);
    for wrong in ["4m59s", "367d", "0s"] {
        let said = complaints(&hr(&format!("silent_after = {wrong:?}")));
        assert!(said.contains("silent_after: it must be from 5m to 366d"), "{said}");
    }
}
