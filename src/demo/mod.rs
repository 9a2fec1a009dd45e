//! The simulated participants: makers and takers that trade through the real OUCH door.
