//! A list of statements that goes to SQLite in one step: each step crosses between two threads, which costs more than most statements do.

use std::fmt::Write as _;

use sqlx::Arguments as _;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};

/// Statements in order, each with `$1…` for its own values. An error stops those behind it.
#[derive(Default)]
pub(in crate::store) struct Statements {
    sql: String,
    arguments: SqliteArguments,
    failed: Option<sqlx::error::BoxDynError>,
}

impl Statements {
    /// Appends a statement; its values follow by [`Self::bind`], in the order of their numbers.
    pub(in crate::store) fn push(&mut self, sql: &str) -> &mut Self {
        if !self.sql.is_empty() {
            self.sql.push(';');
        }
        // SQLite's side counts through the whole list.
        let before = self.arguments.len();
        let mut parts = sql.split('$');
        self.sql.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, rest) = part.split_at(digits);
            // Writing to a string cannot fail. Without a number it is the sign of a path in JSON.
            let _ = match number.parse::<usize>() {
                Ok(number) => write!(self.sql, "${}{rest}", before + number),
                Err(_) => write!(self.sql, "${part}"),
            };
        }
        self
    }

    /// The next value of the statement that was pushed last.
    pub(in crate::store) fn bind<'t, T>(&mut self, value: T) -> &mut Self
    where
        T: sqlx::Encode<'t, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
    {
        if let Err(error) = self.arguments.add(value) {
            self.failed = Some(error);
        }
        self
    }

    /// The next value of the statement that was pushed last: a set of rows, as a JSON list.
    pub(in crate::store) fn bind_set<R: serde::Serialize>(&mut self, rows: &[R]) -> &mut Self {
        match serde_json::to_string(rows) {
            Ok(set) => self.bind(set),
            Err(error) => {
                self.failed = Some(error.into());
                self
            }
        }
    }

    /// Appends a statement whose first value is a set of rows, as a JSON list; nothing where there are none.
    pub(in crate::store) fn push_set<R: serde::Serialize>(&mut self, sql: &str, rows: &[R]) {
        if !rows.is_empty() {
            self.push(sql).bind_set(rows);
        }
    }

    /// Whether there is none.
    pub(in crate::store) fn is_empty(&self) -> bool {
        self.sql.is_empty()
    }

    /// Runs them, and answers the rows of all of them, in order.
    pub(in crate::store) async fn fetch(self, conn: &mut SqliteConnection) -> Result<Vec<SqliteRow>, sqlx::Error> {
        self.query()?.fetch_all(conn).await
    }

    /// Runs them.
    pub(in crate::store) async fn execute(self, conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        self.query()?.execute(conn).await.map(|_| ())
    }

    fn query(self) -> Result<sqlx::query::Query<'static, sqlx::Sqlite, SqliteArguments>, sqlx::Error> {
        if let Some(error) = self.failed {
            return Err(sqlx::Error::Encode(error));
        }
        Ok(sqlx::query_with(sqlx::AssertSqlSafe(self.sql), self.arguments))
    }
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions as _;

    use super::*;
    use crate::store::columns::Columns as _;

    #[tokio::test]
    async fn statements_of_a_list_have_their_own_numbers_and_cross_once() {
        let mut conn = sqlx::sqlite::SqliteConnectOptions::new().connect().await.unwrap();
        let mut list = Statements::default();
        list.push("CREATE TABLE t (id INTEGER PRIMARY KEY, what TEXT)");
        list.push_set(
            "INSERT INTO t (id, what) SELECT value ->> 0, value ->> 1 FROM json_each($1)",
            &[(7, "seven"), (8, "eight")],
        );
        list.push_set("DELETE FROM t WHERE id IN (SELECT value FROM json_each($1))", &[] as &[i64]);
        list.push("SELECT what, '{\"a\":3}' ->> '$.a', $2 FROM t WHERE id = $1")
            .bind(8)
            .bind("two");
        list.push("SELECT count(*) FROM t WHERE id > $1").bind(7);
        let rows = list.fetch(&mut conn).await.unwrap();
        assert_eq!(rows.len(), 2);
        let first: (String, i64, String) = (rows[0].read(0).unwrap(), rows[0].read(1).unwrap(), rows[0].read(2).unwrap());
        assert_eq!(first, ("eight".to_owned(), 3, "two".to_owned()));
        assert_eq!(rows[1].read::<i64>(0).unwrap(), 1);
    }

    #[tokio::test]
    async fn an_error_stops_what_stands_behind_it() {
        let mut conn = sqlx::sqlite::SqliteConnectOptions::new().connect().await.unwrap();
        let mut list = Statements::default();
        list.push("CREATE TABLE t (id INTEGER PRIMARY KEY)");
        list.push("BEGIN");
        list.push("INSERT INTO t VALUES ($1), ($1)").bind(1);
        list.push("COMMIT");
        list.execute(&mut conn).await.unwrap_err();
        // Still inside the transaction.
        sqlx::query("ROLLBACK").execute(&mut conn).await.unwrap();
    }
}
