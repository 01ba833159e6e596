//! Rows by id that keep the order they were written in, as a heap table read without `ORDER BY` does.

use std::collections::{BTreeMap, HashMap};

use crate::Id;

/// Look-up by id in constant time; iteration from the oldest write to the newest.
#[derive(Debug, Clone)]
pub struct Table<T> {
    rows: HashMap<Id, (u64, T)>,
    order: BTreeMap<u64, Id>,
    writes: u64,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            rows: HashMap::new(),
            order: BTreeMap::new(),
            writes: 0,
        }
    }
}

impl<T> Table<T> {
    /// Makes room for `more` rows.
    pub fn reserve(&mut self, more: usize) {
        self.rows.reserve(more);
    }

    /// Writes a row at the end, in place of an older one of the same id.
    pub fn insert(&mut self, id: Id, row: T) {
        self.writes += 1;
        if let Some((place, _)) = self.rows.insert(id, (self.writes, row)) {
            self.order.remove(&place);
        }
        self.order.insert(self.writes, id);
    }

    /// Takes a row out.
    pub fn remove(&mut self, id: Id) -> Option<T> {
        let (place, row) = self.rows.remove(&id)?;
        self.order.remove(&place);
        Some(row)
    }

    /// The row of that id.
    #[must_use]
    pub fn get(&self, id: Id) -> Option<&T> {
        self.rows.get(&id).map(|(_, row)| row)
    }

    /// The row of that id, to change it where it stands.
    pub fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        self.rows.get_mut(&id).map(|(_, row)| row)
    }

    /// All rows in the order of their last write.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.order.values().filter_map(|id| self.get(*id))
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ids;

    #[test]
    fn a_rewritten_row_moves_to_the_end() {
        let mut ids = Ids::from_seed(1);
        let (first, second) = (ids.id(), ids.id());
        let mut table = Table::default();
        table.insert(first, "first");
        table.insert(second, "second");
        table.insert(first, "first again");
        assert_eq!(table.iter().copied().collect::<Vec<_>>(), ["second", "first again"]);
        assert_eq!(table.remove(second), Some("second"));
        assert_eq!(table.len(), 1);
    }
}
