//! What people see: the built program in a terminal of several sizes, in a pipe, without colours, without UTF-8.

mod alert;
mod backup;
mod check;
mod departures;
mod find;
mod hold;
mod rendering;
mod shell;
mod status;
mod trail;
