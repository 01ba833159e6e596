//! The connection limit: where it is reached, an idle connection is evicted for each that comes.
//!
//! A connection that is being answered, or whose sender has proved who it is, keeps its slot. All others wait for their client: they are
//! silent, or sent a header or a body that is not whole yet. Where every slot is taken, one of them goes for each that comes: of the network
//! with the most connections, there of the address with the most, and there the one that has waited longest. So a crowd takes its slots
//! from itself, and whoever says at once what it wants is heard.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use slab::Slab;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::client_address::{Block, Network, is_shared};
use crate::telemetry::table;

/// How many connections may be closing at once. Their descriptors are still there, so nobody new is let in beyond it.
const CLOSING: usize = 64;

/// A body that takes longer than this is slow: it goes where others need the memory.
const SLOW: Duration = Duration::from_secs(1);
/// How long a body waits for memory.
const MEMORY_WAIT: Duration = Duration::from_secs(3);
/// How often it looks, where nobody gives any back.
const MEMORY_POLL: Duration = Duration::from_millis(100);

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Its client has said nothing since it came, or since its last answer.
    Idle,
    /// A header came, and nothing proves yet who sent it.
    Unproven,
    /// It is worked on, or its sender has proved who it is.
    Protected,
}

/// Every connection. Clones share them.
#[derive(Clone)]
pub struct ConnectionSlots(Arc<Shared>);

struct Shared {
    most: usize,
    per_address: usize,
    body_bytes: usize,
    proxies: Vec<IpAddr>,
    table: Mutex<SlotTable>,
    /// Told when a slot is free, or may be taken away.
    room: Notify,
    /// Told when memory is given back.
    memory: Notify,
}

/// All of the slots are looked at to find who goes first, and that for each connection of a flood: so they lie side by side, and what is
/// counted of them too.
#[derive(Default)]
struct SlotTable {
    slots: Slab<Row>,
    /// How many slots were given so far.
    given: u64,
    addresses: Counts<Block>,
    networks: Counts<Network>,
    /// Connections that were told to go and have not gone.
    closing: usize,
    /// Bytes of bodies in memory: of those that are read, and of those that are worked on.
    bytes: usize,
}

struct Row {
    /// Tells this one from others that had the same row in the table.
    id: u64,
    /// Whose share it counts in; `None` where the peer stands for many.
    share: Option<Share>,
    stage: Stage,
    since: Instant,
    /// Bytes of its body that are read so far.
    bytes: usize,
    evict: CancellationToken,
}

/// Where the network and the address of a connection are counted.
#[derive(Clone, Copy)]
struct Share {
    network: usize,
    address: usize,
}

/// How many there are of each key.
struct Counts<K> {
    rows: Slab<(K, usize)>,
    index: HashMap<K, usize>,
}

/// What becomes of a connection that comes.
enum Admittance {
    /// It has a slot.
    Admitted(ConnectionSlot),
    /// Its address has all that it may have, and none of them waits.
    AtAddressLimit,
    /// Every connection is worked on: [`ConnectionSlots::change`] tells when to ask again.
    Full,
}

impl ConnectionSlots {
    /// None yet, of so many as `limits` says.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self(Arc::new(Shared {
            most: limits.connections,
            per_address: limits.connections_per_address,
            body_bytes: limits.body_bytes,
            proxies: limits.proxies.clone(),
            table: Mutex::default(),
            room: Notify::new(),
            memory: Notify::new(),
        }))
    }

    /// A slot for a connection from `peer`; `None` where its address has all that it may have. While everybody is worked on, this waits, and with
    /// it all who come after.
    pub async fn admit(&self, peer: IpAddr) -> Option<ConnectionSlot> {
        loop {
            match self.enter(peer) {
                Admittance::Admitted(slot) => return Some(slot),
                Admittance::AtAddressLimit => {
                    table::CONNECTIONS_REFUSED.add([], 1);
                    tracing::debug!(peer.address = %peer, "an address has all the connections it may have; closed one more");
                    return None;
                }
                Admittance::Full => self.change().await,
            }
        }
    }

    /// Gives a connection from `peer` a slot, if need be another's.
    fn enter(&self, peer: IpAddr) -> Admittance {
        let many = is_shared(peer, &self.0.proxies);
        let block = Block::from(peer);
        let mut table = self.table();
        let own = table.addresses.index.get(&block).copied().filter(|_| !many);
        let gives = if own.is_some_and(|own| table.addresses.of(own) >= self.0.per_address) {
            let of_own = |row: &Row| row.share.map(|share| share.address) == own;
            match table.eviction_candidate(of_own) {
                None => return Admittance::AtAddressLimit,
                gives => gives,
            }
        } else if table.slots.len() >= self.0.most {
            match table.eviction_candidate(|_| true) {
                None => return Admittance::Full,
                gives => gives,
            }
        } else {
            None
        };
        if table.closing >= CLOSING {
            return Admittance::Full;
        }
        gives.inspect(|key| table.evict(*key));
        let id = table.given;
        table.given += 1;
        let evict = CancellationToken::new();
        let share = (!many).then(|| Share {
            network: table.networks.enter(peer.into()),
            address: table.addresses.enter(block),
        });
        let key = table.slots.insert(Row {
            id,
            share,
            stage: Stage::Idle,
            since: Instant::now(),
            bytes: 0,
            evict: evict.clone(),
        });
        Admittance::Admitted(ConnectionSlot {
            slots: self.clone(),
            key,
            id,
            evict,
        })
    }

    /// Waits until somebody has gone, or may have to.
    async fn change(&self) {
        self.0.room.notified().await;
    }

    fn table(&self) -> MutexGuard<'_, SlotTable> {
        // Nothing between lock and unlock can leave the table half-written.
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SlotTable {
    /// The row of a slot, unless it was taken away.
    fn row(&mut self, slot: &ConnectionSlot) -> Option<&mut Row> {
        self.slots.get_mut(slot.key).filter(|row| row.id == slot.id)
    }

    /// Takes a slot out, with all that it counted in.
    fn remove(&mut self, key: usize) -> Row {
        let row = self.slots.remove(key);
        self.bytes -= row.bytes;
        if let Some(share) = row.share {
            self.networks.leave(share.network);
            self.addresses.leave(share.address);
        }
        row
    }

    /// How many connections the network of a row has, and its address. Where the peer stands for many, each counts by itself.
    fn weight(&self, row: &Row) -> (usize, usize) {
        row.share.map_or((1, 1), |share| {
            (self.networks.of(share.network), self.addresses.of(share.address))
        })
    }

    /// Who of those that wait for their client goes first.
    fn eviction_candidate(&self, among: impl Fn(&Row) -> bool) -> Option<usize> {
        let waiting = self
            .slots
            .iter()
            .filter(|(_, row)| row.stage != Stage::Protected && among(row));
        let first = waiting.min_by_key(|(_, row)| (Reverse(self.weight(row)), row.since));
        first.map(|(key, _)| key)
    }

    fn evict(&mut self, key: usize) {
        self.remove(key).evict.cancel();
        self.closing += 1;
        table::CONNECTIONS_GIVEN_UP.add([], 1);
    }
}

impl<K: Copy + Eq + Hash> Counts<K> {
    fn of(&self, row: usize) -> usize {
        self.rows.get(row).map_or(0, |(_, count)| *count)
    }

    fn enter(&mut self, key: K) -> usize {
        let row = *self.index.entry(key).or_insert_with(|| self.rows.insert((key, 0)));
        self.rows[row].1 += 1;
        row
    }

    fn leave(&mut self, row: usize) {
        self.rows[row].1 -= 1;
        if self.rows[row].1 == 0 {
            let (key, _) = self.rows.remove(row);
            self.index.remove(&key);
        }
    }
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self {
            rows: Slab::new(),
            index: HashMap::new(),
        }
    }
}

/// The slot of one connection, until it is dropped.
pub struct ConnectionSlot {
    slots: ConnectionSlots,
    key: usize,
    id: u64,
    evict: CancellationToken,
}

impl ConnectionSlot {
    /// Comes when the connection must make room.
    pub async fn evicted(&self) {
        self.evict.cancelled().await;
    }

    /// Says what the connection is doing from now on.
    pub fn set_stage(&self, stage: Stage) {
        let mut table = self.slots.table();
        if let Some(row) = table.row(self) {
            row.stage = stage;
            row.since = Instant::now();
        }
        drop(table);
        if stage != Stage::Protected {
            self.slots.0.room.notify_one();
        }
    }

    /// Counts `bytes` more of its body. Where there is no room for them, those go whose bodies have taken long, the slowest first; those that
    /// have not are waited for, since they are whole in a moment. False where there will be no room, or the connection itself must go.
    pub(super) async fn reserve_memory(&self, bytes: usize) -> bool {
        let until = Instant::now() + MEMORY_WAIT;
        loop {
            let freed = self.slots.0.memory.notified();
            match self.take(bytes) {
                Some(taken) => return taken,
                None if Instant::now() >= until => return false,
                None => drop(tokio::time::timeout(MEMORY_POLL, freed).await),
            }
        }
    }

    /// Whether `bytes` more are counted; `None` where there may be room in a moment.
    fn take(&self, bytes: usize) -> Option<bool> {
        let most = self.slots.0.body_bytes;
        let mut table = self.slots.table();
        while table.bytes.saturating_add(bytes) > most {
            let is_slow = |row: &Row| row.bytes > 0 && row.id != self.id && row.since.elapsed() > SLOW;
            let Some(key) = table.eviction_candidate(is_slow) else {
                let own = table.row(self).map_or(0, |row| row.bytes);
                return (own.saturating_add(bytes) > most || self.evict.is_cancelled()).then_some(false);
            };
            table.evict(key);
        }
        let Some(row) = table.row(self) else {
            return Some(false);
        };
        row.bytes += bytes;
        table.bytes += bytes;
        Some(true)
    }

    /// Hands over what its body takes of the memory, to be given back when the work on it is done: that may outlive the connection.
    pub(super) fn take_body_memory(&self) -> BodyMemory {
        let mut table = self.slots.table();
        let row = table.row(self);
        BodyMemory {
            slots: self.slots.clone(),
            bytes: row.map(|row| std::mem::take(&mut row.bytes)).unwrap_or_default(),
        }
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut table = self.slots.table();
        if table.row(self).is_some() {
            table.remove(self.key);
        } else {
            table.closing -= 1;
        }
        drop(table);
        self.slots.0.room.notify_one();
        self.slots.0.memory.notify_waiters();
    }
}

/// The memory of one body.
pub(super) struct BodyMemory {
    slots: ConnectionSlots,
    bytes: usize,
}

impl Drop for BodyMemory {
    fn drop(&mut self) {
        self.slots.table().bytes -= self.bytes;
        self.slots.0.memory.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
