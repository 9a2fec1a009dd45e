//! WebSocket clients: how they begin, what they wish, how they end.

use super::{Clients, JSON};
use crate::web::connection::{Connection, Gone, Listener, Stage};
use crate::web::http::{self, Answer, Request};
use crate::web::hub::Hub;
use crate::web::limits::REQUESTS_PER_TURN;
use crate::web::streams::{Message, StreamError, StreamKey, Wish};
use crate::web::views::MarketViews;
use crate::web::{frame, json, rest, text};
use std::io::ErrorKind;
use tungstenite::Error;
use tungstenite::protocol::Message as Frame;

/// Close codes of RFC 6455, section 7.4.1.
const PROTOCOL: u16 = 1002;
const NO_TEXT: u16 = 1007;
pub(super) const POLICY: u16 = 1008;
const TOO_BIG: u16 = 1009;

impl Clients {
    /// From a request to a WebSocket, with the streams that its address names.
    pub(super) fn upgrade(
        &mut self,
        index: usize,
        request: &Request<'_>,
        rest: Vec<u8>,
        views: &MarketViews,
        hub: &mut Hub,
    ) -> Result<bool, Gone> {
        let Some((names, is_combined)) = named_streams(request) else {
            let body = rest::ApiError::Path;
            return self.no_upgrade(index, body.status(), &body.body());
        };
        let keys: Option<Vec<_>> = names.iter().map(|name| StreamKey::parse(views, name)).collect();
        let Some(keys) = keys else {
            return self.no_upgrade(index, "400 Bad Request", r#"{"code":-1121,"msg":"No such stream."}"#);
        };
        let Some(client) = &mut self.connections[index] else { return Ok(false) };
        client.outbound.push(http::switching(request.upgrade.unwrap_or_default()).into());
        client.stage = Stage::WebSocket(Listener::new(rest, is_combined, self.now_ms));
        client.request_ms = None;
        self.websockets += 1;
        self.metrics.web.websockets.set(self.websockets as u64);
        self.mark_dirty(index);
        for key in keys {
            if !self.follow(index, key, views, hub) {
                self.end_websocket(index, POLICY, "too many streams");
                return Ok(false);
            }
        }
        // Frames may have come with the request.
        Ok(true)
    }

    fn no_upgrade(&mut self, index: usize, status: &'static str, body: &str) -> Result<bool, Gone> {
        let body = body.as_bytes();
        let mut bytes = Vec::new();
        Answer { status, content_type: JSON, body, head_only: false, closes: true }.encode(&mut bytes);
        self.send_answer(index, bytes, true);
        Ok(false)
    }

    /// Adds a stream; `false` at a bound. One that is followed already stays.
    fn follow(&mut self, index: usize, key: StreamKey, views: &MarketViews, hub: &mut Hub) -> bool {
        let max = self.limits.streams_max;
        let Some((listener, _)) = self.connections[index].as_mut().and_then(Connection::websocket) else {
            return true;
        };
        if listener.streams.contains(&key) {
            return true;
        }
        if listener.streams.len() >= max || !hub.subscribe(views, key, index, listener.is_combined) {
            return false;
        }
        listener.streams.push(key);
        true
    }

    pub(super) fn work_websocket(
        &mut self,
        index: usize,
        views: &MarketViews,
        hub: &mut Hub,
    ) -> Result<bool, Gone> {
        for _ in 0..REQUESTS_PER_TURN {
            let (now_ms, max) = (self.now_ms, self.limits.messages_per_second_max);
            let Some(client) = &mut self.connections[index] else { return Ok(false) };
            let Some((listener, mut pipe)) = client.websocket() else { return Ok(false) };
            let received = listener.context.read(&mut pipe);
            let is_answer = matches!(received, Ok(Frame::Pong(_))) && listener.pongs_owed > 0;
            listener.pongs_owed -= u32::from(is_answer);
            if received.is_ok() && !is_answer && !listener.count(now_ms, max) {
                self.end_websocket(index, POLICY, "too many messages in a second");
                return Ok(false);
            }
            if received.is_ok() {
                listener.heard_ms = now_ms;
                self.mark_dirty(index);
            }
            match received {
                Ok(Frame::Text(text)) => self.obey(index, &text, views, hub),
                Ok(Frame::Binary(_)) => {
                    self.end_websocket(index, NO_TEXT, "messages are text");
                    return Ok(false);
                }
                Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_) | Frame::Close(_)) => {}
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    if let Some(client) = &mut self.connections[index] {
                        client.is_readable = false;
                    }
                    return Ok(false);
                }
                Err(Error::ConnectionClosed) => {
                    self.leave(index);
                    return Ok(false);
                }
                Err(error) => return self.fail_websocket(index, &error),
            }
        }
        Ok(true)
    }

    fn fail_websocket(&mut self, index: usize, error: &Error) -> Result<bool, Gone> {
        match error {
            Error::Capacity(_) => self.end_websocket(index, TOO_BIG, "a message is at most 4096 bytes"),
            Error::Utf8(_) => self.end_websocket(index, NO_TEXT, "messages are UTF-8"),
            Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
                return Err(Gone);
            }
            Error::Protocol(_) => self.end_websocket(index, PROTOCOL, "not as RFC 6455 says"),
            _ => return Err(Gone),
        }
        Ok(false)
    }

    /// Does what a message wishes, and answers it.
    fn obey(&mut self, index: usize, message: &str, views: &MarketViews, hub: &mut Hub) {
        let message = Message::parse(message);
        let done = match &message.wish {
            Ok(Wish::Subscribe(names)) => {
                self.subscribe(index, names, views, hub).map(|()| "null".to_owned())
            }
            Ok(Wish::Unsubscribe(names)) => {
                self.unsubscribe(index, names, views, hub).map(|()| "null".to_owned())
            }
            Ok(wish) => Ok(self.property(index, wish, views, hub)),
            Err(error) => Err(error.clone()),
        };
        let mut answer = String::new();
        message.answer(&mut answer, done.as_deref());
        let mut bytes = Vec::with_capacity(answer.len() + 4);
        frame::text(&mut bytes, &[&answer]);
        if let Some(client) = &mut self.connections[index] {
            client.outbound.push(bytes.into());
        }
        self.mark_dirty(index);
    }

    /// All of them, or up to the first that cannot be.
    fn subscribe(
        &mut self,
        index: usize,
        names: &[String],
        views: &MarketViews,
        hub: &mut Hub,
    ) -> Result<(), StreamError> {
        let parse =
            |name: &String| StreamKey::parse(views, name).ok_or_else(|| StreamError::Unknown(name.clone()));
        let keys = names.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        for key in keys {
            if !self.follow(index, key, views, hub) {
                return Err(StreamError::TooMany);
            }
        }
        Ok(())
    }

    fn unsubscribe(
        &mut self,
        index: usize,
        names: &[String],
        views: &MarketViews,
        hub: &mut Hub,
    ) -> Result<(), StreamError> {
        let Some((listener, _)) = self.connections[index].as_mut().and_then(Connection::websocket) else {
            return Ok(());
        };
        for name in names {
            let key = StreamKey::parse(views, name).ok_or_else(|| StreamError::Unknown(name.clone()))?;
            if let Some(at) = listener.streams.iter().position(|followed| *followed == key) {
                listener.streams.swap_remove(at);
                hub.unsubscribe(key, index);
            }
        }
        Ok(())
    }

    /// Questions about the connection itself: the answer as JSON.
    fn property(&mut self, index: usize, wish: &Wish, views: &MarketViews, hub: &mut Hub) -> String {
        let mut out = String::new();
        let Some((listener, _)) = self.connections[index].as_mut().and_then(Connection::websocket) else {
            return out;
        };
        match wish {
            Wish::List => {
                json::array(&mut out, &listener.streams, |out, key| text::string(out, &key.name(views)))
            }
            Wish::IsCombined => out.push_str(if listener.is_combined { "true" } else { "false" }),
            Wish::Combined(is_combined) => {
                listener.is_combined = *is_combined;
                for key in &listener.streams {
                    hub.unsubscribe(*key, index);
                    // There was room for the stream a moment ago.
                    let _ = hub.subscribe(views, *key, index, *is_combined);
                }
                out.push_str("null");
            }
            Wish::Subscribe(_) | Wish::Unsubscribe(_) => {}
        }
        out
    }

    /// The client has closed: what tungstenite answered goes out, then the connection ends.
    fn leave(&mut self, index: usize) {
        if let Some(client) = &mut self.connections[index] {
            let stage = std::mem::replace(&mut client.stage, Stage::Closing { since_ms: self.now_ms });
            self.forget(index, stage);
            self.mark_dirty(index);
        }
    }

    /// Ends a WebSocket with a code and a reason.
    pub(super) fn end_websocket(&mut self, index: usize, code: u16, reason: &str) {
        let Some(Some(client)) = self.connections.get_mut(index) else { return };
        if !matches!(client.stage, Stage::WebSocket(_)) {
            return;
        }
        self.metrics.web.cut.add(1);
        let stage = std::mem::replace(&mut client.stage, Stage::Closing { since_ms: self.now_ms });
        client.close_websocket(code, reason, self.now_ms);
        self.forget(index, stage);
        self.mark_dirty(index);
    }

    /// The streams of what was a WebSocket are taken from the hub at the end of the turn.
    pub(super) fn forget(&mut self, index: usize, stage: Stage) {
        if let Stage::WebSocket(listener) = stage {
            self.websockets -= 1;
            self.metrics.web.websockets.set(self.websockets as u64);
            self.left.extend(listener.streams.iter().map(|key| (*key, index)));
        }
    }
}

/// The streams that the address of a WebSocket names, and whether updates come with their names; `None`: no
/// such address.
fn named_streams(request: &Request<'_>) -> Option<(Vec<String>, bool)> {
    let listed = |text: &str| text.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    match request.path {
        "/stream" | "/stream/" => {
            let streams = http::parameters(request.query).find(|(name, _)| name == "streams");
            Some((streams.map_or(Vec::new(), |(_, list)| listed(&list)), true))
        }
        "/ws" | "/ws/" => Some((Vec::new(), false)),
        path => {
            let names = path.strip_prefix("/ws/")?;
            // A number alone is how some libraries tell their connections apart.
            let is_number = names.bytes().all(|byte| byte.is_ascii_digit());
            Some((if is_number { Vec::new() } else { listed(names) }, false))
        }
    }
}
