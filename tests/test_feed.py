"""A book built from the feed by the tests' own decoder, with forced reconnects, is the venue's book."""

import pytest
from judge.blotter import check_trades
from judge.load import MARKETS
from judge.market import FeedReader, Traders

RECONNECTS = 12


@pytest.mark.parametrize("segment_mib", [16])
def test_a_book_from_the_feed_is_the_venues_book(open_venue, size, segment_mib, record):
    count = size(100_000, 1_000_000)
    venue = open_venue(f"[journal]\nsegment_mib = {segment_mib}\n[event_log]\nsegment_mib = {segment_mib}\n")
    reader = FeedReader(venue, 2 * count, RECONNECTS, seed=1)
    reader.start()
    traders = Traders(venue).start(count)
    failures = traders.join()
    reader.traded.set()
    reader.join()
    assert not failures and reader.failure is None, (failures, reader.failure)
    assert reader.reconnects >= RECONNECTS // 2

    books = reader.books
    for market in MARKETS:
        reader.mark(market.symbol)
        assert not books.crossed(market.symbol)
    for sequence, symbol, crc32 in reader.marks:
        shown = venue.json("inspect", "book", "--data", venue.data, "--symbol", symbol, "--itch-sequence", sequence)
        assert shown["crc32"] == crc32, f"{symbol} after message {sequence}"

    # The feed and the sessions tell of the same orders and the same trades.
    told = {number: order for blotter in traders.blotters for number, order in blotter.displayed().items()}
    assert books.displayed() == told
    matches = check_trades(traders.blotters)
    printed = [match for _, match, _, _ in books.trades]
    assert len(printed) == len(set(printed)) == matches
    record("feed", orders=count, messages=books.messages, reconnects=reader.reconnects, books=len(reader.marks), trades=matches)
