//! One transaction in the making: what a mutation is and sees, the entries that it appends, and statements that go to the database together.
//!
//! [`mutation`] first, then [`trail_append`] (the trail's end while a group is written), [`statements`] and [`set_words`] (what each database has its
//! own words for). The loop that commits stands in
//! `writer`.

pub(in crate::store) mod mutation;
pub(in crate::store) mod set_words;
pub(in crate::store) mod statements;
pub(in crate::store) mod trail_append;
