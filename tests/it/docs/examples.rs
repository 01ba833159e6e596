//! Every example in the docs is tried.

use revoked::clock::Clock;
use revoked::config::Config;
use revoked::model::{Actor, Timestamp};
use revoked::sources::hr_csv::{Rules, preview};
use revoked::store::{Role, Store};
use revoked_trail::{Entry, EntryKind};

use super::{Block, blocks, page, quoted, rows_under};

fn in_language(language: &str) -> Vec<Block> {
    let found: Vec<Block> = blocks().into_iter().filter(|block| block.language == language).collect();
    assert!(!found.is_empty());
    found
}

#[test]
fn every_config_in_the_docs_has_known_keys_only() {
    let mut configs: Vec<(String, String)> = in_language("toml")
        .into_iter()
        .map(|block| (block.page, block.text))
        .collect();
    for block in in_language("sh") {
        // A file of leavers is written in the same way.
        let here = block.text.split_once("<<EOF\n").filter(|(to, _)| to.contains(".toml"));
        if let Some((_, rest)) = here {
            configs.push((
                block.page,
                rest.split("\nEOF")
                    .next()
                    .unwrap()
                    .replace("$PWD", "/tmp")
                    .replace("$URL", "https://x.example"),
            ));
        }
    }
    assert!(configs.len() > 4);
    for (page, text) in configs {
        // Its files and credentials are not here, which is complained about; how it is written must be right.
        let Err(report) = Config::parse(&page, &text, &Clock::system()) else {
            continue;
        };
        let said = report.to_string();
        for fault in [
            "unknown",
            "not TOML",
            "did you mean",
            "missing field",
            "is missing",
            "invalid type",
            "no target is called",
        ] {
            assert!(!said.contains(fault), "{page}:\n{text}\n{said}");
        }
    }
}

#[test]
fn the_file_of_leavers_is_read_without_a_complaint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leavers.csv");
    let block = in_language("csv").pop().unwrap();
    std::fs::write(&path, &block.text).unwrap();
    let now = Timestamp::from_ms(1_790_000_000_000);
    let read = preview(&path, &Rules::new("hr", folder.path()), now).unwrap();
    assert_eq!((read.rejected, read.refused.len()), (None, 0));
    assert_eq!(read.rows.len(), 3);
}

#[tokio::test]
async fn the_inbox_takes_the_sql_and_its_columns_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revoked.db");
    let store = Store::open(&path, Role::Daemon, Clock::system()).await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut other = <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options)
        .await
        .unwrap();
    for block in in_language("sql") {
        sqlx::raw_sql(sqlx::AssertSqlSafe(block.text))
            .execute(&mut other)
            .await
            .unwrap();
    }
    let rows = store.inbox_new(10).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].request_key.as_deref(), Some("siem-alarm-4711"));

    let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info('inbox') WHERE name <> 'id'")
        .fetch_all(&mut other)
        .await
        .unwrap();
    let table = rows_under(&page("docs/sources/inbox.md"), "The contract");
    let listed: Vec<&str> = table.iter().flat_map(|row| quoted(&row[0])).collect();
    assert_eq!(listed, columns);
    store.close().await;
}

#[test]
fn the_entry_in_the_docs_is_what_is_written() {
    let entry = Entry::new(EntryKind::ActionFinished, Actor::operator("alice", Some(1000)))
        .case(7)
        .job(9)
        .subject_ref("s_sDRMYdjbOFNcqK_OrwvxK4gd")
        .detail(serde_json::json!({ "request_id": "x1", "status": 200 }));
    let line = entry.line(17, Timestamp::from_ms(1_764_000_000_120));
    assert!(
        page("docs/audit.md").contains(&format!("\n{line}\n")),
        "docs/audit.md lacks {line}"
    );
}
