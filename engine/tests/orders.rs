//! What orders do, told by their events.

mod venue;

use engine::terms::{Conditions, SelfTrade, TimeInForce};
use venue::Venue;

#[test]
fn an_order_rests_trades_and_goes() {
    let mut venue = Venue::new();
    assert_eq!(venue.enter(3, 1, "buy 10 @ 100"), "Accepted 3.1 10@100 left 10 level 10/1");
    assert_eq!(venue.enter(3, 2, "buy 5 @ 100"), "Accepted 3.2 5@100 left 5 level 15/2");
    assert_eq!(
        venue.enter(1, 1, "sell 12 @ 99"),
        "Accepted 1.1 12@99 left 12; Executed 3.1 10@100 level 5/1; Executed 1.1 10@100 left 2; \
         Executed 3.2 2@100 left 3 level 3/1; Executed 1.1 2@100"
    );
    assert_eq!(venue.cancel(3, 2), "Cancelled 3.2 3@100 level 0/0 User");
    assert_eq!(venue.cancel(3, 2), "NotResting 3.2 0@0 NotResting");
    assert_eq!(venue.enter(3, 2, "buy 5 @ 100"), "", "a resend is harmless");
    assert_eq!(venue.book(), "");
}

#[test]
fn what_is_left_rests_or_ends_by_its_time_in_force() {
    let mut venue = Venue::new();
    venue.enter(3, 1, "sell 5 @ 100");
    assert_eq!(
        venue.enter(1, 1, "buy 8 @ 100"),
        "Accepted 1.1 8@100 left 8; Executed 3.1 5@100 level 0/0; Executed 1.1 5@100 left 3; \
         Rested 1.1 3@100 left 3 level 3/1"
    );
    let told = venue.enter_with(3, 2, "sell 5 @ 100", |order| {
        order.time_in_force = TimeInForce::ImmediateOrCancel;
    });
    assert!(told.ends_with("Executed 3.2 3@100 left 2; Cancelled 3.2 2@100 Immediate"), "{told}");
    assert_eq!(venue.enter(3, 3, "sell 5"), "Accepted 3.3 5@0 left 5; Cancelled 3.3 5@0 Collar");
}

#[test]
fn fill_or_kill_and_minimum_count_before_they_trade() {
    let mut venue = Venue::new();
    venue.enter(3, 1, "sell 5 @ 100");
    venue.enter_with(3, 2, "sell 5 @ 101", |order| order.conditions = Conditions::HIDDEN);
    let fok = |order: &mut engine::command::OrderCommand| order.time_in_force = TimeInForce::FillOrKill;
    assert_eq!(
        venue.enter_with(1, 1, "buy 11 @ 101", fok),
        "Accepted 1.1 11@101 left 11; Cancelled 1.1 11@101 NotFilled"
    );
    let minimum = |lots| {
        move |order: &mut engine::command::OrderCommand| {
            order.time_in_force = TimeInForce::ImmediateOrCancel;
            order.floor.0 = lots;
        }
    };
    assert!(venue.enter_with(1, 2, "buy 9 @ 100", minimum(6)).ends_with("NotFilled"));
    let told = venue.enter_with(1, 3, "buy 9 @ 100", minimum(5));
    assert!(told.ends_with("Executed 1.3 5@100 left 4; Cancelled 1.3 4@100 Immediate"), "{told}");
    assert!(venue.enter_with(1, 4, "buy 5 @ 101", fok).ends_with("Executed 1.4 5@101"));
    assert_eq!(venue.book(), "");
}

#[test]
fn post_only_never_takes() {
    let mut venue = Venue::new();
    venue.enter_with(3, 1, "sell 5 @ 100", |order| order.conditions = Conditions::HIDDEN);
    let told = venue.enter_with(1, 1, "buy 5 @ 100", |order| order.conditions = Conditions::POST_ONLY);
    assert_eq!(told, "Accepted 1.1 5@100 left 5; Cancelled 1.1 5@100 PostOnly");
    let slide = |order: &mut engine::command::OrderCommand| order.conditions = Conditions::POST_ONLY_SLIDE;
    assert_eq!(venue.enter_with(1, 2, "buy 5 @ 105", slide), "Accepted 1.2 5@99 left 5 level 5/1");
    venue.enter(3, 2, "sell 1 @ 1");
    venue.enter(3, 3, "sell 4 @ 1");
    venue.enter(3, 4, "sell 4 @ 1");
    assert!(venue.enter_with(1, 3, "buy 5 @ 1", slide).ends_with("PostOnly"), "one tick behind is 0");
}

#[test]
fn owners_do_not_trade_with_themselves() {
    for (mode, told, book) in [
        (SelfTrade::CancelNewest, "Prevented 4.1 9@100 SelfTrade", "Sell 100 [3.1:5] Sell 101 [1.1:9]"),
        (
            SelfTrade::CancelOldest,
            "Prevented 3.1 5@100 level 0/0 SelfTrade; Executed 1.1 9@101 level 0/0; Executed 4.1 9@101",
            "",
        ),
        (
            SelfTrade::CancelBoth,
            "Prevented 3.1 5@100 level 0/0 SelfTrade; Prevented 4.1 9@100 SelfTrade",
            "Sell 101 [1.1:9]",
        ),
        (
            SelfTrade::Decrement,
            "Prevented 3.1 5@100 level 0/0 SelfTrade; Prevented 4.1 5@100 left 4 SelfTrade; \
             Executed 1.1 4@101 left 5 level 5/1; Executed 4.1 4@101",
            "Sell 101 [1.1:5]",
        ),
    ] {
        let mut venue = Venue::new();
        venue.enter(3, 1, "sell 5 @ 100");
        venue.enter(1, 1, "sell 9 @ 101");
        let all = venue.enter_with(4, 1, "buy 9 @ 101", |order| order.self_trade = mode);
        assert_eq!(all, format!("Accepted 4.1 9@101 left 9; {told}"), "{mode:?}");
        assert_eq!(venue.book(), book, "{mode:?}");
    }
}

#[test]
fn a_replacement_goes_on_with_its_chain() {
    let mut venue = Venue::new();
    venue.enter(1, 1, "buy 10 @ 100");
    venue.enter(3, 1, "sell 4 @ 100");
    assert_eq!(
        venue.replace_with(1, (1, 2), "buy 12 @ 99", |_| {}),
        "Level 0.0 0@100 level 0/0; Replaced 1.2 8@99 left 8 level 8/1"
    );
    assert_eq!(venue.reduce(1, 2, 4), "Cancelled 1.2 8@99 level 0/0 User", "4 were executed already");
    assert_eq!(venue.replace_with(1, (2, 3), "buy 12 @ 99", |_| {}), "NotResting 1.2 0@0 NotResting");
    venue.enter(1, 3, "buy 5 @ 99");
    let keep = |order: &mut engine::command::OrderCommand| order.conditions = Conditions::KEEP_ON_INVALID;
    assert_eq!(venue.replace_with(1, (3, 4), "buy 5 @ 0", keep), "Rejected 1.4 5@0 Price");
    assert_eq!(
        venue.replace_with(1, (3, 5), "buy 5 @ 0", |_| {}),
        "Cancelled 1.3 5@99 level 0/0 InvalidReplace"
    );
    assert_eq!(venue.enter(1, 5, "buy 5 @ 99"), "Accepted 1.5 5@99 left 5 level 5/1");
    assert_eq!(venue.reduce(1, 5, 3), "Reduced 1.5 2@99 left 3 level 3/1");
    assert_eq!(venue.reduce(1, 5, 3), "Reduced 1.5 0@99 left 3");
}
