use super::*;
use std::collections::BTreeSet;

/// Random levels come and go; the ladder must agree with a sorted set, and give back every block.
fn check(side: Side, price_max: i64, signed: bool) {
    let mut pool = BlockPool::new(4096);
    let depth = Ladder::depth_for(price_max, signed);
    let mut ladder = Ladder::new(side, depth, signed);
    let mut set = BTreeSet::new();
    let mut seed = 7u64;
    for round in 0..20_000u32 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let spread = if round % 3 == 0 { 300.min(price_max) } else { price_max };
        let mut price = (seed >> 1) as i64 % spread + 1;
        if signed && seed & 1 == 0 {
            price = -price;
        }
        let key = ladder.key(price);
        assert_eq!(ladder.price_at(key), Price(price));
        if set.len() < 200 && ladder.has_room(&pool, key) && set.insert(price) {
            ladder.touch(&mut pool, key).1.count = 1;
        } else if let Some(&gone) = set.iter().nth(seed as usize % set.len().max(1)) {
            let at = ladder.find(&pool, ladder.key(gone)).expect("it was put there");
            ladder.remove(&mut pool, at);
            set.remove(&gone);
        }
        let best = if side == Side::Buy { set.last() } else { set.first() };
        assert_eq!(ladder.best_price(), best.map(|&price| Price(price)));
    }
    let mut walked = Vec::new();
    let mut next = ladder.first();
    while let Some((key, _)) = next {
        walked.push(ladder.price_at(key).0);
        next = ladder.after(&pool, key);
    }
    if side == Side::Buy {
        walked.reverse();
    }
    assert_eq!(walked, set.iter().copied().collect::<Vec<_>>());
    ladder.deepen(&mut pool, side, DEPTH_MAX as u32, signed);
    for &price in &set {
        let at = ladder.find(&pool, ladder.key(price)).expect("deepening keeps every level");
        ladder.remove(&mut pool, at);
    }
    assert_eq!((pool.used, ladder.root), (0, NONE));
}

#[test]
fn a_ladder_is_a_sorted_set_of_levels() {
    check(Side::Buy, 40, false);
    check(Side::Sell, 10_000, false);
    check(Side::Buy, i64::MAX, false);
    check(Side::Sell, i64::MAX, true);
    check(Side::Buy, 4095, true);
}

#[test]
fn a_full_pool_still_takes_levels_that_need_no_block() {
    let mut pool = BlockPool::new(2);
    let mut ladder = Ladder::new(Side::Sell, 1, false);
    let key = ladder.key(70);
    assert!(ladder.has_room(&pool, key));
    ladder.touch(&mut pool, key);
    assert!(ladder.has_room(&pool, ladder.key(71)));
    assert!(!ladder.has_room(&pool, ladder.key(1)));
}
