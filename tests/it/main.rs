//! Integration tests: one binary, one module a subject.

mod ssf_push;
