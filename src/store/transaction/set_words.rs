//! The words of set statements that each database has its own for: a list of rows, a list of values, and bytes.
//!
//! Another database needs these three in its own words and takes the statements as they are.

/// The rows of a set that is bound as a JSON list, each a list or an object, under the names of their columns:
/// `rows_of!("$1", 0 => "id", 1 => "at")`, or `rows_of!("$1", "id", "at")`. SQLite's `jsonb_each` hands each row over as it has parsed it;
/// PostgreSQL's word is `jsonb_array_elements($1::jsonb)`.
macro_rules! rows_of {
    ($set:literal, $($place:literal => $name:literal),+) => {
        concat!("(SELECT ", $("value ->> ", $place, " AS ", $name, ", ",)+ "key AS nth FROM jsonb_each(", $set, "))")
    };
    ($set:literal, $($name:literal),+) => {
        concat!("(SELECT ", $("value ->> '", $name, "' AS ", $name, ", ",)+ "key AS nth FROM jsonb_each(", $set, "))")
    };
}

/// The values of a set that is bound as a JSON list of numbers or texts: `value`, and its place from 0 as `nth`.
macro_rules! values_of {
    ($set:literal) => {
        concat!("(SELECT value, key AS nth FROM json_each(", $set, "))")
    };
}

/// The bytes of a column that holds hexadecimal digits. PostgreSQL's word is `decode(…, 'hex')`.
macro_rules! bytes_of {
    ($column:literal) => {
        concat!("unhex(", $column, ")")
    };
}

pub(in crate::store) use {bytes_of, rows_of, values_of};
