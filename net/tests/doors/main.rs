//! The doors against a scripted engine and a client of the tests' own, over real sockets.

mod client;
mod feed;
mod floods;
mod hostile;
mod limits;
mod log_in;
mod orders;
mod resend;
mod venue;
