//! Who is connected, and who goes first where there is no more room.
//!
//! A connection that is being answered, or whose sender has proved who it is, keeps its seat. All others wait for their client: they are
//! silent, or sent a header or a body that is not whole yet. Where every seat is taken, one of them goes for each that comes: of the network
//! with the most connections, there of the address with the most, and there the one that has waited longest. So a crowd takes its seats
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
use super::address::{Block, Network, stands_for_many};
use crate::telemetry::table;

/// How many connections may be closing at once. Their descriptors are still there, so nobody new is let in beyond it.
const CLOSING: usize = 64;

/// A body that takes longer than this is slow: it goes where others need the memory.
const SLOW: Duration = Duration::from_secs(1);
/// How long a body waits for memory.
const MEMORY_PATIENCE: Duration = Duration::from_secs(3);
/// How often it looks, where nobody gives any back.
const MEMORY_LOOK: Duration = Duration::from_millis(100);

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its client has said nothing since it came, or since its last answer.
    Silent,
    /// A header came, and nothing proves yet who sent it.
    Unproven,
    /// It is worked on, or its sender has proved who it is.
    Kept,
}

/// Every connection. Clones share them.
#[derive(Clone)]
pub(super) struct Seats(Arc<Shared>);

struct Shared {
    most: usize,
    per_address: usize,
    body_bytes: usize,
    proxies: Vec<IpAddr>,
    table: Mutex<Table>,
    /// Told when a seat is free, or may be taken away.
    room: Notify,
    /// Told when memory is given back.
    memory: Notify,
}

/// All of the seats are looked at to find who goes first, and that for each connection of a flood: so they lie side by side, and what is
/// counted of them too.
#[derive(Default)]
struct Table {
    seats: Slab<Place>,
    /// How many seats were given so far.
    given: u64,
    addresses: Counts<Block>,
    networks: Counts<Network>,
    /// Connections that were told to go and have not gone.
    closing: usize,
    /// Bytes of bodies in memory: of those that are read, and of those that are worked on.
    bytes: usize,
}

struct Place {
    /// Tells this one from others that had the same place in the table.
    id: u64,
    /// Whose share it counts in; `None` where the peer stands for many.
    share: Option<Share>,
    stage: Stage,
    since: Instant,
    /// Bytes of its body that are read so far.
    bytes: usize,
    go: CancellationToken,
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
pub(super) enum Entry {
    /// It has a seat.
    In(Seat),
    /// Its address has all that it may have, and none of them waits.
    AtShare,
    /// Every connection is worked on: [`Seats::change`] tells when to ask again.
    Full,
}

impl Seats {
    pub(super) fn new(limits: &Limits) -> Self {
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

    /// Gives a connection from `peer` a seat, if need be another's.
    pub(super) fn enter(&self, peer: IpAddr) -> Entry {
        let many = stands_for_many(peer, &self.0.proxies);
        let block = Block::from(peer);
        let mut table = self.table();
        let own = table.addresses.index.get(&block).copied().filter(|_| !many);
        let gives = if own.is_some_and(|own| table.addresses.of(own) >= self.0.per_address) {
            let of_own = |place: &Place| place.share.map(|share| share.address) == own;
            match table.first_to_go(of_own) {
                None => return Entry::AtShare,
                gives => gives,
            }
        } else if table.seats.len() >= self.0.most {
            match table.first_to_go(|_| true) {
                None => return Entry::Full,
                gives => gives,
            }
        } else {
            None
        };
        if table.closing >= CLOSING {
            return Entry::Full;
        }
        gives.inspect(|key| table.send_away(*key));
        let id = table.given;
        table.given += 1;
        let go = CancellationToken::new();
        let share = (!many).then(|| Share {
            network: table.networks.enter(peer.into()),
            address: table.addresses.enter(block),
        });
        let key = table.seats.insert(Place {
            id,
            share,
            stage: Stage::Silent,
            since: Instant::now(),
            bytes: 0,
            go: go.clone(),
        });
        Entry::In(Seat {
            seats: self.clone(),
            key,
            id,
            go,
        })
    }

    /// Waits until somebody has gone, or may have to.
    pub(super) async fn change(&self) {
        self.0.room.notified().await;
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Nothing between lock and unlock can leave the table half-written.
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// The place of a seat, unless it was taken away.
    fn place(&mut self, seat: &Seat) -> Option<&mut Place> {
        self.seats.get_mut(seat.key).filter(|place| place.id == seat.id)
    }

    /// Takes a seat out, with all that it counted in.
    fn remove(&mut self, key: usize) -> Place {
        let place = self.seats.remove(key);
        self.bytes -= place.bytes;
        if let Some(share) = place.share {
            self.networks.leave(share.network);
            self.addresses.leave(share.address);
        }
        place
    }

    /// How many connections the network of a place has, and its address. Where the peer stands for many, each counts by itself.
    fn weight(&self, place: &Place) -> (usize, usize) {
        place.share.map_or((1, 1), |share| {
            (self.networks.of(share.network), self.addresses.of(share.address))
        })
    }

    /// Who of those that wait for their client goes first.
    fn first_to_go(&self, among: impl Fn(&Place) -> bool) -> Option<usize> {
        let waiting = self
            .seats
            .iter()
            .filter(|(_, place)| place.stage != Stage::Kept && among(place));
        let first = waiting.min_by_key(|(_, place)| (Reverse(self.weight(place)), place.since));
        first.map(|(key, _)| key)
    }

    fn send_away(&mut self, key: usize) {
        self.remove(key).go.cancel();
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

/// The seat of one connection, until it is dropped.
pub(super) struct Seat {
    seats: Seats,
    key: usize,
    id: u64,
    go: CancellationToken,
}

impl Seat {
    /// Comes when the connection must make room.
    pub(super) async fn must_go(&self) {
        self.go.cancelled().await;
    }

    /// Says what the connection is doing from now on.
    pub(super) fn is(&self, stage: Stage) {
        let mut table = self.seats.table();
        if let Some(place) = table.place(self) {
            place.stage = stage;
            place.since = Instant::now();
        }
        drop(table);
        if stage != Stage::Kept {
            self.seats.0.room.notify_one();
        }
    }

    /// Counts `bytes` more of its body. Where there is no room for them, those go whose bodies have taken long, the slowest first; those that
    /// have not are waited for, since they are whole in a moment. False where there will be no room, or the connection itself must go.
    pub(super) async fn reads(&self, bytes: usize) -> bool {
        let until = Instant::now() + MEMORY_PATIENCE;
        loop {
            let freed = self.seats.0.memory.notified();
            match self.take(bytes) {
                Some(taken) => return taken,
                None if Instant::now() >= until => return false,
                None => drop(tokio::time::timeout(MEMORY_LOOK, freed).await),
            }
        }
    }

    /// Whether `bytes` more are counted; `None` where there may be room in a moment.
    fn take(&self, bytes: usize) -> Option<bool> {
        let most = self.seats.0.body_bytes;
        let mut table = self.seats.table();
        while table.bytes.saturating_add(bytes) > most {
            let is_slow = |place: &Place| place.bytes > 0 && place.id != self.id && place.since.elapsed() > SLOW;
            let Some(key) = table.first_to_go(is_slow) else {
                let own = table.place(self).map_or(0, |place| place.bytes);
                return (own.saturating_add(bytes) > most || self.go.is_cancelled()).then_some(false);
            };
            table.send_away(key);
        }
        let Some(place) = table.place(self) else {
            return Some(false);
        };
        place.bytes += bytes;
        table.bytes += bytes;
        Some(true)
    }

    /// Hands over what its body takes of the memory, to be given back when the work on it is done: that may outlive the connection.
    pub(super) fn body(&self) -> Body {
        let mut table = self.seats.table();
        let place = table.place(self);
        Body {
            seats: self.seats.clone(),
            bytes: place.map(|place| std::mem::take(&mut place.bytes)).unwrap_or_default(),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut table = self.seats.table();
        if table.place(self).is_some() {
            table.remove(self.key);
        } else {
            table.closing -= 1;
        }
        drop(table);
        self.seats.0.room.notify_one();
        self.seats.0.memory.notify_waiters();
    }
}

/// The memory of one body.
pub(super) struct Body {
    seats: Seats,
    bytes: usize,
}

impl Drop for Body {
    fn drop(&mut self) {
        self.seats.table().bytes -= self.bytes;
        self.seats.0.memory.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
