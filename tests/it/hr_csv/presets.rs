//! Each preset with an export of its system: who leaves, who stays, and what is for a human.

use revoked::sources::hr_csv::Effect::{self, AtOnce, Held, Nothing, Overtaken, Planned, Stands};
use revoked::sources::hr_csv::PRESETS;

use super::exports::{complaints, effects, looked_at, rules};
use super::*;

/// An export among the fixtures, and what becomes of its rows.
struct Export {
    preset: &'static str,
    /// What an operator of that system writes beside the preset.
    keys: &'static str,
    rows: &'static [(&'static str, Effect)],
}

const fn export(preset: &'static str, keys: &'static str, rows: &'static [(&'static str, Effect)]) -> Export {
    Export { preset, keys, rows }
}

const EXPORTS: &[Export] = &[
    export(
        "adp-wfn",
        "",
        &[
            ("A1", AtOnce),
            ("A2", Overtaken),
            ("A2", Stands),
            ("A3", AtOnce),
            ("A3", AtOnce),
            ("A4", Stands),
            ("A5", Planned),
            ("A6", AtOnce),
            ("A7", Stands),
        ],
    ),
    export(
        "bamboohr",
        "dates = 'MM/DD/YYYY'",
        &[
            ("0042", AtOnce),
            ("43", Stands),
            ("44", Stands),
            ("45", Stands),
            ("46", Held),
            ("47", Planned),
        ],
    ),
    export(
        "factorial",
        "columns = { employee_id = 'Employee identifier' }\nhistory_before = '2026-01-01'",
        &[("1201", AtOnce), ("1202", Stands), ("1203", Planned), ("1204", Nothing)],
    ),
    export("gusto", "", &[("5G9934", AtOnce), ("5G9935", Stands)]),
    export(
        "hibob",
        "dates = 'DD/MM/YYYY'",
        &[("901", AtOnce), ("902", Stands), ("903", Stands), ("904", Planned)],
    ),
    export(
        "loga-de",
        "header = ['Personalnummer', 'Nachname', 'Vorname', 'E-Mail', 'Eintritt', 'Austrittsdatum']",
        &[("001401", AtOnce), ("001402", Stands), ("001403", Stands)],
    ),
    export("lucca-fr", "", &[("00131", AtOnce), ("00132", Stands), ("00133", Planned)]),
    export(
        "paychex",
        "columns = { employee_id = 'Worker ID', email = 'Email', status = 'Worker Status', last_working_day = 'Termination Date' }",
        &[("801", AtOnce), ("802", Stands), ("803", Stands), ("804", Stands)],
    ),
    export(
        "paylocity",
        "columns = { employee_id = 'Id', email = 'Work Email', status = 'Status', last_working_day = 'Term Date' }",
        &[
            ("701", AtOnce),
            ("702", Nothing),
            ("702", Stands),
            ("703", Stands),
            ("704", AtOnce),
            ("705", Nothing),
        ],
    ),
    export(
        "personio-de",
        "",
        &[
            ("0101", AtOnce),
            ("0102", Stands),
            ("0103", Stands),
            ("0104", Stands),
            ("0105", Stands),
            ("0106", Planned),
            ("0107", AtOnce),
        ],
    ),
    export(
        "personio-en",
        "dates = 'YYYY-MM-DD'",
        &[("201", AtOnce), ("202", Stands), ("203", Planned)],
    ),
    export(
        "rippling",
        "",
        &[("1001", AtOnce), ("1002", Stands), ("1003", Stands), ("1004", Stands)],
    ),
    export(
        "spanish",
        "separator = ';'",
        &[("1501", AtOnce), ("1502", Stands), ("1503", Stands)],
    ),
    export(
        "successfactors",
        "",
        &[("00501", Stands), ("00502", Nothing), ("00503", Stands)],
    ),
    export("ukg-pro", "", &[("601", AtOnce), ("602", Stands), ("603", Stands)]),
    export(
        "workday",
        "",
        &[("301", AtOnce), ("302", Stands), ("303", Stands), ("304", Planned)],
    ),
];

pub(super) fn fixture(name: &str) -> Vec<u8> {
    fs::read(format!("{}/tests/fixtures/hr/{name}.csv", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn every_preset_reads_an_export_of_its_system() {
    let tried: Vec<&str> = EXPORTS.iter().map(|export| export.preset).collect();
    let all: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    assert_eq!(tried, all, "every preset has an export that it reads");
    for Export { preset, keys, rows } in EXPORTS {
        let rules = rules(&format!("preset = '{preset}'\n{keys}"));
        let read = looked_at(fixture(preset), &rules);
        assert_eq!(effects(&read), *rows, "{preset}");
        assert_eq!(read.refused, [], "{preset}");
        for row in &read.rows {
            assert!(!row.subject.to_string().contains("home.test"), "{preset}: a private address");
        }
    }
}

#[test]
fn the_last_day_of_work_goes_before_the_end_of_the_employment() {
    let read = looked_at(fixture("personio-de"), &rules("preset = 'personio-de'"));
    let ends: Vec<_> = read.rows.iter().map(|row| row.local.as_deref().map(|at| &at[..16])).collect();
    assert_eq!(
        ends,
        [
            Some("2026-03-14T00:00"),
            None,
            None,
            None,
            None,
            Some("2026-07-01T00:00"),
            Some("2026-03-15T00:00")
        ]
    );
    // The end of a contract, and the day of notice, are no end; a last day that is over ends nothing as long as HR says employed.
    assert_eq!((read.totals.stale, read.totals.stands), (1, 4));
    assert!(read.rows[4].why.as_deref().unwrap().contains("the last day is over"));
}

#[test]
fn a_preset_asks_for_what_it_cannot_know() {
    for (keys, why) in [
        ("preset = 'bamboohr'", "dates differs from house to house"),
        ("preset = 'bambohr'", "did you mean \"bamboohr\"?"),
        ("preset = 'sage'", "the presets are adp-wfn, bamboohr"),
        ("preset = 'paylocity'", "does not know what your export calls employee_id"),
        ("preset = 'factorial'", "does not know what your export calls employee_id"),
        ("preset = 'spanish'", "separator differs from house to house"),
    ] {
        let said = complaints(keys);
        assert!(said.contains(why), "{keys}: {said}");
    }
}
