//! Shares: who goes first, who stays, and that nothing is counted twice.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::*;

fn slots(connections: usize, per_address: usize) -> ConnectionSlots {
    ConnectionSlots::new(&Limits {
        connections,
        connections_per_address: per_address,
        body_bytes: 1000,
        proxies: vec![IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))],
        ..Limits::default()
    })
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A connection that gets a slot, a moment after the one before.
async fn enter(slots: &ConnectionSlots, from: &str) -> ConnectionSlot {
    tokio::time::advance(Duration::from_millis(1)).await;
    match slots.enter(ip(from)) {
        Admittance::Admitted(slot) => slot,
        Admittance::AtAddressLimit => panic!("{from} is at its share"),
        Admittance::Full => panic!("there is no slot for {from}"),
    }
}

fn is_evicted(slot: &ConnectionSlot) -> bool {
    slot.evict.is_cancelled()
}

#[tokio::test(start_paused = true)]
async fn the_network_with_the_most_gives_first_there_the_address_with_the_most_and_there_the_oldest() {
    let slots = slots(7, 16);
    let sender = enter(&slots, "198.51.100.7").await;
    let neighbour = enter(&slots, "203.0.113.1").await;
    let oldest = enter(&slots, "203.0.113.9").await;
    let others = [enter(&slots, "203.0.113.9").await, enter(&slots, "203.0.113.9").await];
    let elsewhere = [enter(&slots, "192.0.2.1").await, enter(&slots, "192.0.2.2").await];
    let newcomer = enter(&slots, "198.51.100.99").await;
    assert!(is_evicted(&oldest));
    for slot in [&sender, &neighbour, &newcomer].into_iter().chain(&others).chain(&elsewhere) {
        assert!(!is_evicted(slot));
    }
}

#[tokio::test(start_paused = true)]
async fn a_crowd_takes_its_seats_from_itself_and_never_from_the_one_that_came_once() {
    let slots = slots(256, 16);
    let sender = enter(&slots, "198.51.100.7").await;
    let mut crowd = Vec::new();
    for n in 0..10_000_u32 {
        // 700 addresses in three networks.
        let n = n % 700;
        crowd.push(enter(&slots, &format!("203.0.{}.{}", n / 250, n % 250 + 1)).await);
        crowd.retain(|slot| !is_evicted(slot));
        assert!(!is_evicted(&sender));
    }
    assert_eq!(slots.table().slots.len(), 256);
}

#[tokio::test(start_paused = true)]
async fn an_address_at_its_share_takes_from_itself_or_gets_nothing() {
    let slots = slots(100, 2);
    let first = enter(&slots, "203.0.113.9").await;
    let second = enter(&slots, "203.0.113.9").await;
    first.set_stage(Stage::Protected);
    let third = enter(&slots, "203.0.113.9").await;
    assert!(is_evicted(&second) && !is_evicted(&first));
    third.set_stage(Stage::Protected);
    assert!(matches!(slots.enter(ip("203.0.113.9")), Admittance::AtAddressLimit));
    assert!(
        matches!(slots.enter(ip("203.0.113.10")), Admittance::Admitted(_)),
        "another has its own"
    );
    drop(first);
    drop(enter(&slots, "203.0.113.9").await);
}

#[tokio::test(start_paused = true)]
async fn this_host_and_a_named_proxy_are_never_one_client() {
    let slots = slots(40, 2);
    let mut many = Vec::new();
    for from in ["127.0.0.1", "::1", "10.0.0.1"] {
        for _ in 0..10 {
            many.push(enter(&slots, from).await);
        }
    }
    let crowd = [
        enter(&slots, "203.0.113.9").await,
        enter(&slots, "203.0.113.9").await,
        enter(&slots, "203.0.113.10").await,
    ];
    let mut more = Vec::new();
    for n in 0..9 {
        more.push(enter(&slots, &format!("192.0.{n}.1")).await);
    }
    assert!(
        many.iter().all(|slot| !is_evicted(slot)),
        "the crowd goes before what was passed on"
    );
    assert_eq!(crowd.iter().filter(|slot| is_evicted(slot)).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn where_everybody_is_worked_on_the_next_waits() {
    let slots = slots(2, 16);
    let first = enter(&slots, "203.0.113.1").await;
    let second = enter(&slots, "203.0.113.2").await;
    first.set_stage(Stage::Protected);
    second.set_stage(Stage::Protected);
    assert!(matches!(slots.enter(ip("203.0.113.3")), Admittance::Full));
    second.set_stage(Stage::Idle);
    tokio::time::timeout(Duration::from_secs(1), slots.change()).await.unwrap();
    drop(enter(&slots, "203.0.113.3").await);
    assert!(is_evicted(&second) && !is_evicted(&first));
}

#[tokio::test(start_paused = true)]
async fn those_that_were_told_to_go_hold_their_descriptors_until_they_have_gone() {
    let slots = slots(CLOSING, 16);
    let mut going = Vec::new();
    for n in 0..2 * CLOSING {
        going.push(enter(&slots, &format!("203.0.{n}.1")).await);
    }
    assert!(matches!(slots.enter(ip("198.51.100.7")), Admittance::Full));
    going.remove(0);
    drop(enter(&slots, "198.51.100.7").await);
}

#[tokio::test(start_paused = true)]
async fn bodies_share_one_memory_and_a_slow_one_makes_room() {
    let slots = slots(100, 16);
    let slow = enter(&slots, "203.0.113.1").await;
    let proven = enter(&slots, "203.0.113.2").await;
    for slot in [&slow, &proven] {
        assert!(slot.reserve_memory(400).await);
    }
    proven.set_stage(Stage::Protected);
    tokio::time::advance(SLOW * 2).await;
    let sender = enter(&slots, "198.51.100.7").await;
    assert!(sender.reserve_memory(500).await, "the one that is slow makes room");
    assert!(is_evicted(&slow) && !is_evicted(&proven));
    assert!(!slow.reserve_memory(1).await, "and reads no more");
    assert!(!sender.reserve_memory(200).await, "nobody else may be sent away");
    let body = sender.take_body_memory();
    drop(sender);
    assert_eq!(slots.table().bytes, 900, "a delivery at work outlives its connection");
    drop((body, proven));
    assert_eq!(slots.table().bytes, 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_waits_for_one_that_is_whole_in_a_moment_and_not_for_what_never_fits() {
    let slots = slots(100, 16);
    let first = enter(&slots, "203.0.113.1").await;
    assert!(first.reserve_memory(900).await);
    let second = enter(&slots, "203.0.113.2").await;
    let body = first.take_body_memory();
    let freed = async {
        tokio::time::advance(SLOW / 2).await;
        drop(body);
    };
    assert!(tokio::join!(second.reserve_memory(900), freed).0);
    assert!(!is_evicted(&first));
    let before = Instant::now();
    assert!(!second.reserve_memory(200).await, "1100 never fit into 1000");
    assert_eq!(before, Instant::now());
}

#[tokio::test(start_paused = true)]
async fn whoever_was_just_answered_waits_anew() {
    let slots = slots(2, 16);
    let first = enter(&slots, "203.0.113.1").await;
    let second = enter(&slots, "192.0.2.1").await;
    first.set_stage(Stage::Protected);
    tokio::time::advance(Duration::from_millis(1)).await;
    first.set_stage(Stage::Idle);
    let _third = enter(&slots, "198.51.100.1").await;
    assert!(is_evicted(&second) && !is_evicted(&first));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_has_just_begun_is_not_cut_for_another() {
    let slots = slots(100, 16);
    let first = enter(&slots, "203.0.113.1").await;
    assert!(first.reserve_memory(900).await);
    let second = enter(&slots, "203.0.113.2").await;
    assert_eq!(second.take(900), None, "it waits");
    assert!(!is_evicted(&first));
    tokio::time::advance(SLOW + Duration::from_millis(1)).await;
    assert_eq!(second.take(900), Some(true));
    assert!(is_evicted(&first));
}

#[tokio::test(start_paused = true)]
async fn bodies_that_wait_for_each_other_do_not_wait_for_ever() {
    let slots = slots(100, 16);
    let (first, second) = (enter(&slots, "203.0.113.1").await, enter(&slots, "203.0.113.2").await);
    assert!(first.reserve_memory(500).await && second.reserve_memory(500).await);
    let (one, other) = tokio::join!(first.reserve_memory(400), second.reserve_memory(400));
    assert!(one ^ other, "one goes for the other");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_those_who_have_gone() {
    let slots = slots(8, 4);
    for n in 0..1000_u32 {
        let from = format!("203.0.{}.{}", n % 3, n % 200);
        let slot = enter(&slots, &from).await;
        slot.set_stage(if n % 2 == 0 { Stage::Protected } else { Stage::Unproven });
        assert!(slot.reserve_memory(n as usize % 900).await);
    }
    let table = slots.table();
    assert!(table.slots.is_empty() && table.addresses.rows.is_empty() && table.networks.index.is_empty());
    assert_eq!((table.closing, table.bytes), (0, 0));
}
