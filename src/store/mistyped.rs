//! Values that are not of their column's type, or beyond every number that is ever written. A row with one can be shown and passed over, but SQLite
//! refuses each change of it, of whatever column. They come from a program that has switched the rules of the schema off, or from a damaged file.

use std::fmt::Write as _;

use super::columns::Columns as _;
use super::{Result, Store, StoreError, Tx};
use crate::model::error_chain;

/// Numbers beyond this, up or down, are none of ours, and counting on from them may leave the range of the type.
const LARGEST: i64 = 1 << 62;

/// A column that may hold such values.
struct Column {
    name: String,
    kind: String,
    may_be_null: bool,
    /// Names a row of another table.
    refers: bool,
}

impl Store {
    /// Converts what made SQLite refuse a change, so that the next try goes through: what was asked is not asked again here. Alerts, also where that
    /// is not possible.
    pub(super) async fn mend_after(&self, (table, said): (String, String)) {
        let of = table.clone();
        let mended = self
            .write_once(move |tx| Box::pin(async move { tx.mend_mistyped(&of).await }))
            .await;
        let Some(why) = mended.err().map(|error| error_chain(&error).to_string()) else {
            return;
        };
        tracing::error!(
            table,
            error = why,
            "could not convert what keeps rows of a table from being changed"
        );
        let summary =
            format!("a row of the table {table} cannot be changed ({said}); stop the daemon, mend the row or restore a backup");
        let alerted = self
            .write_once(move |tx| {
                Box::pin(async move {
                    tx.raise_alert("store_damaged", &format!("table:{table}"), &summary, None)
                        .await
                })
            })
            .await;
        if let Some(why) = alerted.err().map(|error| error_chain(&error).to_string()) {
            tracing::error!(error = why, "could not alert about a row that cannot be changed");
        }
    }
}

impl Tx<'_> {
    /// Gives every value of a table the type of its column. What cannot be converted becomes nothing, or zero.
    async fn mend_mistyped(&mut self, table: &str) -> Result<()> {
        let doing = || StoreError::sql("converting mistyped values");
        let columns = self.columns_of(table).await?;
        let mut count = "SELECT 0".to_owned();
        for column in &columns {
            // Writing to a string cannot fail.
            let _ = write!(count, ", coalesce(sum({}), 0)", column.is_wrong());
        }
        let counted = sqlx::query(sqlx::AssertSqlSafe(format!("{count} FROM {table}")))
            .fetch_one(&mut *self.conn)
            .await
            .map_err(doing())?;
        let mut wrong = Vec::new();
        for (n, column) in columns.iter().enumerate() {
            let rows: i64 = counted.read(n + 1)?;
            if rows > 0 {
                wrong.push((column, rows));
            }
        }
        if wrong.is_empty() {
            return Ok(());
        }
        let right: Vec<String> = wrong.iter().map(|(column, _)| column.converted()).collect();
        let which: Vec<String> = wrong.iter().map(|(column, _)| column.is_wrong()).collect();
        let convert = format!("UPDATE {table} SET {} WHERE {}", right.join(", "), which.join(" OR "));
        // What comes of it need not be a word that the column may hold: such a row is found by whoever reads it, and put aside.
        self.check_constraints(false).await?;
        let converted = sqlx::query(sqlx::AssertSqlSafe(convert)).execute(&mut *self.conn).await;
        self.check_constraints(true).await?;
        converted.map_err(doing())?;
        let what: Vec<String> = wrong
            .iter()
            .map(|(column, rows)| format!("{} ({rows} rows)", column.name))
            .collect();
        let summary = format!(
            "values of the table {table} were not of their columns' types, so that their rows could not be changed, and were converted: {}; \
             find out what wrote them, or restore a backup",
            what.join(", ")
        );
        self.raise_alert("store_damaged", &format!("table:{table}"), &summary, None)
            .await
    }

    async fn check_constraints(&mut self, on: bool) -> Result<()> {
        let pragma = if on {
            "PRAGMA ignore_check_constraints = OFF"
        } else {
            "PRAGMA ignore_check_constraints = ON"
        };
        let set = sqlx::query(pragma).execute(&mut *self.conn).await;
        set.map(drop).map_err(StoreError::sql("converting mistyped values"))
    }

    async fn columns_of(&mut self, table: &str) -> Result<Vec<Column>> {
        let rows = sqlx::query(
            "SELECT c.name, c.type, c.\"notnull\" = 0, EXISTS (SELECT 1 FROM pragma_foreign_key_list($1) f WHERE f.\"from\" = c.name) \
             FROM pragma_table_info($1) c WHERE c.pk = 0",
        )
        .bind(table)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("reading the columns of a table"))?;
        let column = |row: &sqlx::sqlite::SqliteRow| {
            Ok(Column {
                name: row.read(0)?,
                kind: row.read(1)?,
                may_be_null: row.read(2)?,
                refers: row.read(3)?,
            })
        };
        rows.iter().map(column).collect()
    }
}

impl Column {
    /// Whether a row has a wrong value here, as a condition that is never null.
    fn is_wrong(&self) -> String {
        let (name, kind) = (&self.name, self.kind.to_lowercase());
        let null = if self.may_be_null { ", 'null'" } else { "" };
        let range = if kind == "integer" {
            format!(" OR coalesce({name} > {LARGEST} OR {name} < -{LARGEST}, 0)")
        } else {
            String::new()
        };
        format!("(typeof({name}) NOT IN ('{kind}'{null}){range})")
    }

    /// The assignment that puts it right.
    fn converted(&self) -> String {
        let (name, kind) = (&self.name, &self.kind);
        let right = match kind.as_str() {
            _ if self.refers && self.may_be_null => "NULL".to_owned(),
            "TEXT" => format!("coalesce(CAST({name} AS TEXT), '')"),
            "INTEGER" => format!("coalesce(max(min(CAST({name} AS INTEGER), {LARGEST}), -{LARGEST}), 0)"),
            _ => format!("coalesce(CAST({name} AS BLOB), x'')"),
        };
        format!("{name} = CASE WHEN {} THEN {right} ELSE {name} END", self.is_wrong())
    }
}
