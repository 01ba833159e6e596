//! Integration tests: one binary, one module a subject.

mod mattermost;
mod store;
