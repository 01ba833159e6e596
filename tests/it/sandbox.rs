//! The sandbox where no recording reaches: its faults, its nodes and replica, newer versions, and how fast it is.

mod faults;
mod nodes;
mod speed;
mod stand;
mod versions;
