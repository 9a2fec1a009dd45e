//! The simulated participants: makers and takers that trade through the real OUCH door, so that the book is
//! never empty. They are clients like any other: nothing in the venue knows them.

mod market;
mod prices;
mod random;
mod trader;

use crate::config::{Demo, DemoMarket, InstrumentSeed, Seed};
use engine::number::{InstrumentId, Timestamp};
use market::{Ended, Market, Scale};
use net::client::ClientError;
use prices::Prices;
use random::Random;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use trader::Trader;

/// Pause before a lost or refused connection is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// The participants look at `stop` at least this often.
const POLL_MAX: Duration = Duration::from_millis(50);

/// The running participants, a thread for each market.
#[derive(Debug)]
pub(crate) struct Participants {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Participants {
    /// Starts them: they log in at `ouch` and go on until [`stop`](Self::stop).
    ///
    /// # Errors
    /// The system gives no more threads.
    pub(crate) fn start(demo: &Demo, seed: &Seed, ouch: SocketAddr) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut participants = Self { stop: Arc::clone(&stop), threads: Vec::new() };
        for (index, market) in demo.markets.iter().enumerate() {
            let Some(plan) = Plan::new(demo, market, seed, index) else {
                tracing::warn!(
                    symbol = market.symbol,
                    "no demo: the market is not in the configuration's seed"
                );
                continue;
            };
            let stop = Arc::clone(&stop);
            let thread = std::thread::Builder::new().name(format!("demo-{}", market.symbol));
            participants.threads.push(thread.spawn(move || plan.run(ouch, &stop))?);
        }
        Ok(participants)
    }

    /// Ends them; their orders stay.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::warn!("a demo participant had panicked");
            }
        }
    }
}

/// What one market's thread needs.
struct Plan {
    market: DemoMarket,
    passwords: [String; 2],
    symbol: [u8; 8],
    prices: Prices,
    random: Random,
    scale: Scale,
    pause: Duration,
}

impl Plan {
    fn new(demo: &Demo, market: &DemoMarket, seed: &Seed, index: usize) -> Option<Self> {
        let instrument = seed.instruments.iter().find(|item| item.symbol.as_str() == market.symbol)?;
        let password = |name: &str| {
            let session = seed.sessions.iter().find(|session| session.name.as_str() == name)?;
            Some(session.password.clone())
        };
        let (prices, scale) = measure(instrument, market, seed, demo.levels)?;
        Some(Self {
            market: market.clone(),
            passwords: [password(&market.maker)?, password(&market.taker)?],
            symbol: crate::symbol::padded(&market.symbol)?,
            prices,
            random: Random::new(demo.random_seed.wrapping_mul(1_000_003).wrapping_add(index as u64)),
            scale,
            pause: Duration::from_secs(1) / demo.pace.max(1),
        })
    }

    fn run(self, ouch: SocketAddr, stop: &AtomicBool) {
        let mut complained = false;
        while !stop.load(Ordering::Relaxed) {
            match self.open(ouch) {
                Ok(market) => {
                    complained = false;
                    self.trade(market, stop);
                }
                Err(error) if complained => tracing::debug!(symbol = self.market.symbol, %error, "demo"),
                Err(error) => {
                    tracing::warn!(symbol = self.market.symbol, %error, "demo participants cannot log in; trying on");
                    complained = true;
                }
            }
            pause(RETRY, stop);
        }
    }

    fn open(&self, ouch: SocketAddr) -> Result<Market, ClientError> {
        let [maker, taker] = &self.passwords;
        let maker = Trader::connect(ouch, &self.market.maker, maker, self.symbol)?;
        let taker = Trader::connect(ouch, &self.market.taker, taker, self.symbol)?;
        Ok(Market::new(maker, taker, self.prices.clone(), self.random.clone(), self.scale))
    }

    /// Trades until stopped, or until a session cannot come back.
    fn trade(&self, mut market: Market, stop: &AtomicBool) {
        let mut due = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            let wait = due.saturating_duration_since(Instant::now()).min(POLL_MAX);
            let mut outcome = market.poll(wait);
            if matches!(outcome, Ok(None)) && Instant::now() >= due {
                due += self.pause;
                outcome = market.step().map(|()| None);
            }
            let (who, new_day) = match outcome {
                Ok(None) => continue,
                Ok(Some(who)) => (who, true),
                Err((who, error)) => {
                    tracing::debug!(symbol = self.market.symbol, ?who, %error, "demo participant lost its connection");
                    (who, false)
                }
            };
            if stop.load(Ordering::Relaxed) || market.trader(who).reconnect(new_day).is_err() {
                return;
            }
            if who == Ended::Maker {
                market.adopt();
            }
            // No burst for the time that was lost.
            due = Instant::now();
        }
    }
}

fn measure(
    instrument: &InstrumentSeed,
    market: &DemoMarket,
    seed: &Seed,
    levels: u32,
) -> Option<(Prices, Scale)> {
    let listing = instrument.listing(InstrumentId(0), &seed.currencies, Timestamp(0)).ok()?;
    let reference = market.reference.in_units_of(instrument.tick)?;
    let tick_wire = u64::try_from(instrument.tick.in_units_of_digits(4)?).ok()?;
    let lots = u64::try_from(market.quantity.in_units_of(instrument.lot)?).ok()?;
    let levels = usize::try_from(levels).ok()?;
    let scale = Scale { tick_wire, lots, lots_max: listing.quantity_max.0, levels };
    Some((Prices::new(reference, listing.price_max.0), scale))
}

fn pause(length: Duration, stop: &AtomicBool) {
    let until = Instant::now() + length;
    while Instant::now() < until && !stop.load(Ordering::Relaxed) {
        std::thread::sleep(POLL_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Configuration;

    #[test]
    fn every_default_market_has_a_plan() {
        let configuration = Configuration::load(None).expect("the defaults are valid");
        let Configuration { demo, seed, .. } = &configuration;
        for (index, market) in demo.markets.iter().enumerate() {
            let plan = Plan::new(demo, market, seed, index).expect("a plan");
            assert!(plan.scale.lots > 0 && plan.scale.tick_wire > 0, "{}", market.symbol);
            assert!(plan.prices.level(true, 0) < plan.prices.level(false, 0), "{}", market.symbol);
        }
    }
}
