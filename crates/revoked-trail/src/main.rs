//! `revoked-verify`.
fn main() {}
