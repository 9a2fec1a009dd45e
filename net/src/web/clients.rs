//! All connections of the web door: what they ask, what they are told, when they must go.

mod websocket;

use super::connection::{Connection, Gone, Stage};
use super::door::CONNECTIONS;
use super::frame;
use super::http::{self, Answer, Method, Parsed, Refusal, Request};
use super::hub::{Hub, Outlet, Shared};
use super::limits::{
    ANSWER_BYTES_MAX, CONFLATE_BYTES, LINGER_MS, REQUEST_BYTES_MAX, REQUESTS_PER_TURN, WebLimits,
};
use super::streams::StreamKey;
use super::views::MarketViews;
use super::{page, rest};
use crate::metrics::Metrics;
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use websocket::POLICY;

const JSON: &str = "application/json;charset=UTF-8";
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The connections, by the number in their token.
pub(crate) struct Clients {
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    /// With something to read, in turn.
    ready: VecDeque<usize>,
    /// With something to write.
    dirty: Vec<usize>,
    /// To be taken away at the end of the turn.
    gone: Vec<usize>,
    /// Streams whose reader left, and its connection.
    left: Vec<(StreamKey, usize)>,
    limits: WebLimits,
    metrics: Arc<Metrics>,
    scratch: Box<[u8; REQUEST_BYTES_MAX]>,
    /// Bytes of answers that wait for all of them.
    answer_bytes: usize,
    websockets: usize,
    /// Monotonic.
    now_ms: u64,
    utc_ms: u64,
    /// The views follow the log.
    is_live: bool,
}

impl Outlet for Clients {
    fn offer(&mut self, connection: usize, bytes: &Shared, can_wait: bool) -> bool {
        let Some(Some(client)) = self.connections.get_mut(connection) else { return true };
        if !matches!(client.stage, Stage::WebSocket(_)) {
            return true;
        }
        let waiting = client.outbound.waiting();
        if can_wait && waiting >= CONFLATE_BYTES {
            return false;
        }
        if waiting + bytes.len() > self.limits.output_bytes_max && waiting > 0 {
            self.cut(connection);
            return true;
        }
        client.outbound.push(Arc::clone(bytes));
        if !client.is_dirty {
            client.is_dirty = true;
            self.dirty.push(connection);
        }
        true
    }

    fn cut(&mut self, connection: usize) {
        self.end_websocket(connection, POLICY, "too slow: more waits for this client than is kept");
    }
}

impl Clients {
    pub(crate) fn new(limits: WebLimits, metrics: Arc<Metrics>) -> Self {
        Self {
            connections: Vec::new(),
            free: Vec::new(),
            ready: VecDeque::new(),
            dirty: Vec::new(),
            gone: Vec::new(),
            left: Vec::new(),
            limits,
            metrics,
            scratch: Box::new([0; REQUEST_BYTES_MAX]),
            answer_bytes: 0,
            websockets: 0,
            now_ms: 0,
            utc_ms: 0,
            is_live: true,
        }
    }

    pub(crate) const fn set_time(&mut self, now_ms: u64, utc_ms: u64, is_live: bool) {
        self.now_ms = now_ms;
        self.utc_ms = utc_ms;
        self.is_live = is_live;
    }

    fn count(&self) -> usize {
        self.connections.len() - self.free.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Takes a new connection; above the bound it is told so and closed.
    pub(crate) fn accept(&mut self, mut socket: TcpStream, registry: &Registry) {
        self.metrics.web.accepted.add(1);
        if self.count() >= self.limits.connections_max {
            self.metrics.web.refused.add(1);
            let mut bytes = Vec::new();
            refusal(Refusal::Overloaded).encode(&mut bytes);
            // A fresh socket takes so little at once; if not, the client sees an end without a word.
            let _ = socket.write(&bytes);
            return;
        }
        let index = self.free.pop().unwrap_or(self.connections.len());
        if index == self.connections.len() {
            self.connections.push(None);
        }
        let both = Interest::READABLE | Interest::WRITABLE;
        let delay_off = socket.set_nodelay(true);
        if delay_off.and_then(|()| registry.register(&mut socket, Token(index + CONNECTIONS), both)).is_err()
        {
            self.free.push(index);
            return;
        }
        let mut client = Connection::new(socket, self.now_ms);
        client.is_queued = true;
        self.connections[index] = Some(client);
        self.ready.push_back(index);
        self.metrics.web.connections.set(self.count() as u64);
    }

    /// The system tells that a connection can be read or written.
    pub(crate) fn ready(&mut self, index: usize, event: &Event) {
        let Some(Some(client)) = self.connections.get_mut(index) else { return };
        if event.is_writable() {
            client.outbound.unblock();
            if !client.outbound.is_empty() && !client.is_dirty {
                client.is_dirty = true;
                self.dirty.push(index);
            }
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            client.is_readable = true;
            if !client.is_queued {
                client.is_queued = true;
                self.ready.push_back(index);
            }
        }
    }

    /// Works on what clients sent, each at most so much; whether there is more.
    pub(crate) fn work(&mut self, views: &MarketViews, hub: &mut Hub) -> bool {
        for _ in 0..self.ready.len() {
            let Some(index) = self.ready.pop_front() else { break };
            let Some(Some(client)) = self.connections.get_mut(index) else { continue };
            client.is_queued = false;
            let done = match client.stage {
                Stage::Http => self.work_http(index, views, hub),
                Stage::WebSocket(_) => self.work_websocket(index, views, hub),
                Stage::Closing { .. } => self.drain(index),
            };
            match (done, &mut self.connections[index]) {
                (Err(Gone), _) => self.gone.push(index),
                (Ok(true), Some(client)) => {
                    client.is_queued = true;
                    self.ready.push_back(index);
                }
                (Ok(_), _) => {}
            }
        }
        !self.ready.is_empty()
    }

    /// Requests one after another: the next is read when the answer to the last one is out. `Ok(true)`: there
    /// may be more.
    fn work_http(&mut self, index: usize, views: &MarketViews, hub: &mut Hub) -> Result<bool, Gone> {
        for _ in 0..REQUESTS_PER_TURN {
            let Some(client) = &mut self.connections[index] else { return Ok(false) };
            if !client.outbound.is_empty() {
                return Ok(false);
            }
            let inbound = std::mem::take(&mut client.inbound);
            match if inbound.is_empty() { Parsed::Partial } else { http::parse(&inbound) } {
                Parsed::Partial => {
                    client.inbound = inbound;
                    if !client.is_readable || !client.read_request(&mut self.scratch[..])? {
                        return if client.has_ended { Err(Gone) } else { Ok(false) };
                    }
                    client.request_ms.get_or_insert(self.now_ms);
                    client.active_ms = self.now_ms;
                    continue;
                }
                Parsed::Refused(refused) => {
                    self.refuse(index, refused);
                    return Ok(false);
                }
                Parsed::Whole(request, length) => {
                    let rest = inbound[length..].to_vec();
                    client.request_ms = (!rest.is_empty()).then_some(self.now_ms);
                    client.active_ms = self.now_ms;
                    self.metrics.web.requests.add(1);
                    if request.upgrade.is_some() {
                        return self.upgrade(index, &request, rest, views, hub);
                    }
                    client.inbound = rest;
                    self.answer(index, &request, views);
                }
            }
            self.flush_one(index)?;
            if !matches!(&self.connections[index], Some(Connection { stage: Stage::Http, .. })) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn answer(&mut self, index: usize, request: &Request<'_>, views: &MarketViews) {
        if request.method == Method::Options {
            self.send_answer(index, http::PREFLIGHT.to_vec(), request.closes);
            return;
        }
        if self.answer_bytes > ANSWER_BYTES_MAX {
            self.refuse(index, Refusal::Overloaded);
            return;
        }
        let text;
        let (status, content_type, body) = if let Some(file) = page::find(request.path) {
            ("200 OK", file.content_type, file.bytes)
        } else {
            let (status, content_type);
            (status, content_type, text) = self.told(request, views);
            (status, content_type, text.as_bytes())
        };
        let (head_only, closes) = (request.method == Method::Head, request.closes);
        let mut bytes = Vec::with_capacity(body.len() + 512);
        Answer { status, content_type, body, head_only, closes }.encode(&mut bytes);
        self.send_answer(index, bytes, closes);
    }

    /// Status, content type and body of what is no file.
    fn told(&self, request: &Request<'_>, views: &MarketViews) -> (&'static str, &'static str, String) {
        match request.path {
            "/metrics" => ("200 OK", TEXT, self.metrics.render()),
            "/healthz" => match self.metrics.fault(Instant::now()) {
                None => ("200 OK", TEXT, "ok\n".to_owned()),
                Some(fault) => ("503 Service Unavailable", TEXT, format!("{fault}\n")),
            },
            "/readyz" if self.metrics.is_ready() && self.is_live => ("200 OK", TEXT, "ready\n".to_owned()),
            "/readyz" => ("503 Service Unavailable", TEXT, "not ready\n".to_owned()),
            path => match rest::answer(views, path, request.query, self.utc_ms) {
                Ok(text) => ("200 OK", JSON, text),
                Err(error) => (error.status(), JSON, error.body()),
            },
        }
    }

    fn send_answer(&mut self, index: usize, bytes: Vec<u8>, closes: bool) {
        let Some(client) = &mut self.connections[index] else { return };
        client.answer_bytes = bytes.len();
        self.answer_bytes += bytes.len();
        client.outbound.push(bytes.into());
        if closes {
            client.close(self.now_ms);
        }
        self.mark_dirty(index);
    }

    fn refuse(&mut self, index: usize, refused: Refusal) {
        self.metrics.web.cut.add(1);
        let mut bytes = Vec::new();
        refusal(refused).encode(&mut bytes);
        self.send_answer(index, bytes, true);
    }

    /// Reads what a client still sends and forgets it, so that it can read the last word.
    fn drain(&mut self, index: usize) -> Result<bool, Gone> {
        let Some(client) = &mut self.connections[index] else { return Ok(false) };
        for _ in 0..REQUESTS_PER_TURN {
            let is_more = client.is_readable && client.read_request(&mut self.scratch[..])?;
            client.inbound.clear();
            if client.has_ended {
                return Err(Gone);
            }
            if !is_more {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn mark_dirty(&mut self, index: usize) {
        if let Some(client) = &mut self.connections[index]
            && !client.is_dirty
        {
            client.is_dirty = true;
            self.dirty.push(index);
        }
    }

    /// Writes what waits, for all who have something.
    pub(crate) fn flush(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for index in dirty.drain(..) {
            if let Some(client) = &mut self.connections[index] {
                client.is_dirty = false;
            }
            if self.flush_one(index).is_err() {
                self.gone.push(index);
            }
        }
        // A flush marks nothing; the list's memory is kept.
        self.dirty = dirty;
    }

    fn flush_one(&mut self, index: usize) -> Result<(), Gone> {
        let Some(client) = &mut self.connections[index] else { return Ok(()) };
        let written = client.flush(self.now_ms)?;
        self.metrics.web.bytes.add(written as u64);
        let taken = written.min(client.answer_bytes);
        client.answer_bytes -= taken;
        self.answer_bytes -= taken;
        // The next request may have been waiting for this.
        let goes_on = client.outbound.is_empty() && (client.is_readable || !client.inbound.is_empty());
        if written > 0 && goes_on && !client.is_queued && matches!(client.stage, Stage::Http) {
            client.is_queued = true;
            self.ready.push_back(index);
        }
        Ok(())
    }

    /// Ends those whose time is over, and pings those who listen.
    pub(crate) fn scan(&mut self) {
        for index in 0..self.connections.len() {
            let Some(client) = &mut self.connections[index] else { continue };
            let idle = Duration::from_millis(self.now_ms.saturating_sub(client.active_ms));
            let waits = |since_ms: u64| Duration::from_millis(self.now_ms.saturating_sub(since_ms));
            match &mut client.stage {
                Stage::Closing { since_ms } => {
                    let is_over = if client.outbound.is_empty() {
                        waits(client.active_ms.max(*since_ms)).as_millis() >= LINGER_MS.into()
                    } else {
                        idle >= self.limits.idle_max
                    };
                    if is_over {
                        self.gone.push(index);
                    }
                }
                Stage::Http
                    if client.outbound.is_empty()
                        && client.request_ms.is_some_and(|since| waits(since) >= self.limits.request_max) =>
                {
                    self.refuse(index, Refusal::Slow);
                }
                Stage::Http if idle >= self.limits.idle_max => self.gone.push(index),
                Stage::WebSocket(listener) if waits(listener.heard_ms) >= self.limits.silence_max => {
                    self.metrics.web.cut.add(1);
                    self.gone.push(index);
                }
                Stage::WebSocket(listener) if waits(listener.pinged_ms) >= self.limits.ping => {
                    listener.pinged_ms = self.now_ms;
                    listener.pongs_owed += 1;
                    client.outbound.push(Shared::from(frame::PING_FRAME));
                    self.mark_dirty(index);
                }
                Stage::Http | Stage::WebSocket(_) => {}
            }
        }
    }

    /// Takes away those who are gone, and their streams.
    pub(crate) fn bury(&mut self, hub: &mut Hub) {
        while let Some(index) = self.gone.pop() {
            let Some(client) = self.connections[index].take() else { continue };
            self.answer_bytes -= client.answer_bytes;
            self.free.push(index);
            // Dropping the socket takes it from the poller.
            self.forget(index, client.stage);
            self.metrics.web.connections.set(self.count() as u64);
        }
        for (key, index) in self.left.drain(..) {
            hub.unsubscribe(key, index);
        }
    }
}

const fn refusal(refused: Refusal) -> Answer<'static> {
    Answer {
        status: refused.status(),
        content_type: JSON,
        body: refused.body().as_bytes(),
        head_only: false,
        closes: true,
    }
}
