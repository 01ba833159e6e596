//! The engine against servers that answer what they are told to: `server` first.

mod accounts;
mod changes;
mod commands;
mod lists;
mod server;
mod sign_in;
