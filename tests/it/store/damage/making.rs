//! Which damages there are, by the schema, and how each is made.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

/// What a column of texts may hold instead: no UTF-8, a NUL inside, an unknown word, nothing, another type, no value.
const TEXTS: &[&str] = &[
    "CAST(x'4a6f73e9' AS TEXT)",
    "'a' || char(0) || 'b'",
    "'no such word'",
    "''",
    "x'00ff'",
    "NULL",
];
/// A column of numbers: out of every range, another type, no value.
const NUMBERS: &[&str] = &[
    "9223372036854775807",
    "-9223372036854775808",
    "-1",
    "300",
    "'no number'",
    "NULL",
];
/// A column of bytes: too few, another type, no value.
const BYTES: &[&str] = &["x''", "x'00'", "'no bytes'", "NULL"];

/// One damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) table: String,
    pub(super) column: String,
    pub(super) value: &'static str,
}

/// How a damage came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// The schema takes it: any program that may write to the file can do it by mistake.
    ByTheRules,
    /// The schema refuses it: a program has switched its rules off, or the file is damaged.
    PastTheRules,
    /// SQLite refuses it whatever the schema says.
    Never,
}

/// Every damage that may be tried: each column of each table, by its type.
pub(super) async fn damages(path: &Path) -> Vec<Damage> {
    let mut conn = connect(path, true).await;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY name")
            .fetch_all(&mut conn)
            .await
            .unwrap();
    let (mut damages, mut empty) = (Vec::new(), BTreeSet::new());
    for table in tables {
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
            .fetch_one(&mut conn)
            .await
            .unwrap();
        if rows == 0 {
            empty.insert(table);
            continue;
        }
        let columns = sqlx::query("SELECT name, type FROM pragma_table_info($1)")
            .bind(&table)
            .fetch_all(&mut conn)
            .await
            .unwrap();
        for column in &columns {
            let (name, kind): (String, String) = (column.get(0), column.get(1));
            let values = match kind.as_str() {
                "TEXT" => TEXTS,
                "INTEGER" => NUMBERS,
                "BLOB" => BYTES,
                other => panic!("{table}.{name}: no damage is known for the type {other}"),
            };
            damages.extend(values.iter().map(|value| Damage {
                table: table.clone(),
                column: name.clone(),
                value,
            }));
        }
    }
    conn.close().await.unwrap();
    assert_eq!(empty, BTreeSet::new(), "tables without a row to damage: furnish them");
    damages
}

/// Makes the damage in every row, or in the first where all rows cannot be alike: by the rules where they let it, past them where not.
pub(super) async fn make(path: &Path, damage: &Damage) -> Made {
    let mut conn = connect(path, true).await;
    let by_the_rules = change(&mut conn, damage).await;
    conn.close().await.unwrap();
    if by_the_rules {
        return Made::ByTheRules;
    }
    let mut conn = connect(path, false).await;
    let lifted = Lifted::of(&mut conn, &damage.table).await;
    // Read anew, without the rules.
    conn.close().await.unwrap();
    let mut conn = connect(path, false).await;
    let made = change(&mut conn, damage).await;
    lifted.put_back(&mut conn, &damage.table).await;
    conn.close().await.unwrap();
    if made { Made::PastTheRules } else { Made::Never }
}

/// Rules that were taken away: the text of the table, and its triggers.
struct Lifted {
    table: String,
    triggers: Vec<String>,
}

impl Lifted {
    async fn of(conn: &mut SqliteConnection, table: &str) -> Self {
        let triggers = sqlx::query("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = $1")
            .bind(table)
            .fetch_all(&mut *conn)
            .await
            .unwrap();
        for trigger in &triggers {
            let name: &str = trigger.get(0);
            run(conn, &format!("DROP TRIGGER {name}")).await.unwrap();
        }
        let text: String = sqlx::query_scalar("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = $1")
            .bind(table)
            .fetch_one(&mut *conn)
            .await
            .unwrap();
        let mut loose = text.replace("STRICT, WITHOUT ROWID", "WITHOUT ROWID").replace("STRICT", "");
        for kind in ["TEXT", "INTEGER", "BLOB"] {
            loose = loose.replace(&format!("{kind} NOT NULL"), kind);
        }
        write_text(conn, table, &loose).await;
        Self {
            table: text,
            triggers: triggers.iter().map(|trigger| trigger.get(1)).collect(),
        }
    }

    async fn put_back(self, conn: &mut SqliteConnection, table: &str) {
        for trigger in &self.triggers {
            run(conn, trigger).await.unwrap();
        }
        write_text(conn, table, &self.table).await;
    }
}

async fn write_text(conn: &mut SqliteConnection, table: &str, text: &str) {
    run(conn, "PRAGMA writable_schema = ON").await.unwrap();
    sqlx::query("UPDATE sqlite_schema SET sql = $1 WHERE type = 'table' AND name = $2")
        .bind(text)
        .bind(table)
        .execute(&mut *conn)
        .await
        .unwrap();
    run(conn, "PRAGMA writable_schema = OFF").await.unwrap();
}

/// Whether it could be made.
async fn change(conn: &mut SqliteConnection, damage: &Damage) -> bool {
    let Damage { table, column, value } = damage;
    let mut made = run(conn, &format!("UPDATE {table} SET {column} = {value}")).await;
    if made.as_ref().is_err_and(|why| why.contains("UNIQUE")) {
        let keys: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk")
            .bind(table)
            .fetch_all(&mut *conn)
            .await
            .unwrap();
        let keys = keys.join(", ");
        let first =
            format!("UPDATE {table} SET {column} = {value} WHERE ({keys}) = (SELECT {keys} FROM {table} ORDER BY {keys} LIMIT 1)");
        made = run(conn, &first).await;
    }
    match made {
        Ok(rows) => {
            assert!(rows > 0, "{damage:?} changed nothing");
            true
        }
        Err(_) => false,
    }
}

async fn run(conn: &mut SqliteConnection, sql: &str) -> Result<u64, String> {
    let changed = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(conn).await;
    changed
        .map(|changed| changed.rows_affected())
        .map_err(|error| error.to_string())
}

/// A connection of another program, which the rules of the schema hold back or not.
pub(super) async fn connect(path: &Path, rules: bool) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(rules)
        .busy_timeout(Duration::from_secs(20))
        .pragma("ignore_check_constraints", if rules { "OFF" } else { "ON" })
        .pragma("synchronous", "OFF")
        .connect()
        .await
        .unwrap()
}
