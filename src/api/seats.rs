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
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::address::{Block, Network, stands_for_many};
use crate::telemetry::table;

/// How many connections may be closing at once. Their descriptors are still there, so nobody new is let in beyond it.
const CLOSING: usize = 64;

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
}

#[derive(Default)]
struct Table {
    next: u64,
    seats: HashMap<u64, Place>,
    addresses: Counts<Block>,
    networks: Counts<Network>,
    /// Connections that were told to go and have not gone.
    closing: usize,
    /// Bytes of bodies in memory: of those that are read, and of those that are worked on.
    bytes: usize,
}

struct Place {
    /// Whose share it counts in; `None` where the peer stands for many.
    share: Option<Share>,
    stage: Stage,
    since: Instant,
    /// Bytes of its body that are read so far.
    bytes: usize,
    go: CancellationToken,
}

/// How many connections the network and the address of one have.
struct Share {
    network: Counted<Network>,
    address: Counted<Block>,
}

/// Counts by key. Each count is shared by those that it counts, since all of them are looked at to find one.
struct Counts<K>(HashMap<K, Arc<AtomicUsize>>);

/// One of those that are counted.
struct Counted<K> {
    key: K,
    count: Arc<AtomicUsize>,
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
        }))
    }

    /// Gives a connection from `peer` a seat, if need be another's.
    pub(super) fn enter(&self, peer: IpAddr) -> Entry {
        let many = stands_for_many(peer, &self.0.proxies);
        let block = Block::from(peer);
        let mut table = self.table();
        let gives = if !many && table.addresses.of(&block) >= self.0.per_address {
            let own = |place: &Place| place.share.as_ref().is_some_and(|share| share.address.key == block);
            match table.first_to_go(own) {
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
        gives.inspect(|id| table.send_away(*id));
        let id = table.next;
        table.next += 1;
        let go = CancellationToken::new();
        let share = (!many).then(|| Share {
            network: table.networks.enter(peer.into()),
            address: table.addresses.enter(block),
        });
        let place = Place {
            share,
            stage: Stage::Silent,
            since: Instant::now(),
            bytes: 0,
            go: go.clone(),
        };
        table.seats.insert(id, place);
        Entry::In(Seat {
            seats: self.clone(),
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
    /// Takes a seat out, with all that it counted in.
    fn remove(&mut self, id: u64) -> Option<Place> {
        let place = self.seats.remove(&id)?;
        self.bytes -= place.bytes;
        if let Some(share) = &place.share {
            self.networks.leave(&share.network);
            self.addresses.leave(&share.address);
        }
        Some(place)
    }

    /// Who of those that wait for their client goes first.
    fn first_to_go(&self, among: impl Fn(&Place) -> bool) -> Option<u64> {
        let waiting = self
            .seats
            .iter()
            .filter(|(_, place)| place.stage != Stage::Kept && among(place));
        let first = waiting.min_by_key(|(_, place)| (Reverse(place.weight()), place.since));
        first.map(|(id, _)| *id)
    }

    fn send_away(&mut self, id: u64) {
        if let Some(place) = self.remove(id) {
            self.closing += 1;
            place.go.cancel();
            table::CONNECTIONS_GIVEN_UP.add([], 1);
        }
    }
}

impl Place {
    /// How many connections its network has, and its address. Where the peer stands for many, each counts by itself.
    fn weight(&self) -> (usize, usize) {
        let of = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        let share = self.share.as_ref();
        share.map_or((1, 1), |share| (of(&share.network.count), of(&share.address.count)))
    }
}

impl<K: Copy + Eq + Hash> Counts<K> {
    fn of(&self, key: &K) -> usize {
        self.0.get(key).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    fn enter(&mut self, key: K) -> Counted<K> {
        let count = Arc::clone(self.0.entry(key).or_default());
        count.fetch_add(1, Ordering::Relaxed);
        Counted { key, count }
    }

    fn leave(&mut self, one: &Counted<K>) {
        if one.count.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.remove(&one.key);
        }
    }
}

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

/// The seat of one connection, until it is dropped.
pub(super) struct Seat {
    seats: Seats,
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
        if let Some(place) = table.seats.get_mut(&self.id) {
            place.stage = stage;
            place.since = Instant::now();
        }
        drop(table);
        if stage != Stage::Kept {
            self.seats.0.room.notify_one();
        }
    }

    /// Counts `bytes` more of its body, for which others that are read may have to go. False where there is no room for them, or the
    /// connection itself must go.
    pub(super) fn reads(&self, bytes: usize) -> bool {
        let most = self.seats.0.body_bytes;
        let mut table = self.seats.table();
        while table.bytes.saturating_add(bytes) > most {
            let holds = |place: &Place| place.bytes > 0;
            match table.first_to_go(holds) {
                Some(id) if id != self.id => table.send_away(id),
                _ => return false,
            }
        }
        let Some(place) = table.seats.get_mut(&self.id) else {
            return false;
        };
        place.bytes += bytes;
        table.bytes += bytes;
        true
    }

    /// Hands over what its body takes of the memory, to be given back when the work on it is done: that may outlive the connection.
    pub(super) fn body(&self) -> Body {
        let mut table = self.seats.table();
        let place = table.seats.get_mut(&self.id);
        Body {
            seats: self.seats.clone(),
            bytes: place.map(|place| std::mem::take(&mut place.bytes)).unwrap_or_default(),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut table = self.seats.table();
        if table.remove(self.id).is_none() {
            table.closing -= 1;
        }
        drop(table);
        self.seats.0.room.notify_one();
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
    }
}

#[cfg(test)]
mod tests;
