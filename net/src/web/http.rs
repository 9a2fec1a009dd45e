//! Requests from bytes, answers to bytes: as much of HTTP/1.1 as a reader of market data needs.

use super::limits::REQUEST_BYTES_MAX;
use super::page::CONTENT_SECURITY_POLICY;
use std::borrow::Cow;

/// Header lines of a request; more are refused.
const HEADERS_MAX: usize = 64;

/// What a request asks to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    /// A browser asks whether another page may ask.
    Options,
}

/// A request that may be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    /// What follows the question mark, as it came.
    pub(crate) query: &'a str,
    /// The connection ends with the answer.
    pub(crate) closes: bool,
    /// `Sec-WebSocket-Key`, where it asks for a WebSocket.
    pub(crate) upgrade: Option<&'a str>,
}

/// Why a request is not answered; the connection ends with the refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Malformed,
    Method,
    Slow,
    Body,
    Large,
    WebSocketVersion,
    Overloaded,
}

/// What the first bytes of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parsed<'a> {
    /// The request is not there whole.
    Partial,
    /// A request, and how many bytes it is.
    Whole(Request<'a>, usize),
    Refused(Refusal),
}

impl Refusal {
    /// Status and reason phrase.
    pub(crate) const fn status(self) -> &'static str {
        match self {
            Self::Malformed => "400 Bad Request",
            Self::Method => "405 Method Not Allowed",
            Self::Slow => "408 Request Timeout",
            Self::Body => "413 Content Too Large",
            Self::Large => "431 Request Header Fields Too Large",
            Self::WebSocketVersion => "426 Upgrade Required",
            Self::Overloaded => "503 Service Unavailable",
        }
    }

    /// Binance's code and a sentence, as JSON.
    pub(crate) const fn body(self) -> &'static str {
        match self {
            Self::Malformed => r#"{"code":-1000,"msg":"The request is no HTTP/1.1 request."}"#,
            Self::Method => r#"{"code":-1020,"msg":"Only GET, HEAD and OPTIONS are answered here."}"#,
            Self::Slow => r#"{"code":-1007,"msg":"The request did not come whole in time."}"#,
            Self::Body => r#"{"code":-1000,"msg":"A request for market data has no body."}"#,
            Self::Large => r#"{"code":-1000,"msg":"A request is at most 4096 bytes and 64 headers."}"#,
            Self::WebSocketVersion => {
                r#"{"code":-1000,"msg":"A WebSocket needs version 13 and a key of 24 characters."}"#
            }
            Self::Overloaded => r#"{"code":-1008,"msg":"Too many connections or answers; try again later."}"#,
        }
    }
}

/// Reads the request at the beginning of `bytes`.
pub(crate) fn parse(bytes: &[u8]) -> Parsed<'_> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Request::new(&mut headers);
    let length = match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) if length <= REQUEST_BYTES_MAX => length,
        Ok(httparse::Status::Partial) if bytes.len() < REQUEST_BYTES_MAX => return Parsed::Partial,
        Ok(_) | Err(httparse::Error::TooManyHeaders) => return Parsed::Refused(Refusal::Large),
        Err(_) => return Parsed::Refused(Refusal::Malformed),
    };
    let method = match head.method {
        Some("GET") => Method::Get,
        Some("HEAD") => Method::Head,
        Some("OPTIONS") => Method::Options,
        _ => return Parsed::Refused(Refusal::Method),
    };
    let find = |name: &str| {
        let mut found = head.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        found.next().map(|header| std::str::from_utf8(header.value).unwrap_or_default())
    };
    if find("transfer-encoding").is_some() || find("content-length").is_some_and(|length| length != "0") {
        return Parsed::Refused(Refusal::Body);
    }
    let lists = |name: &str, word: &str| {
        find(name).is_some_and(|list| list.split(',').any(|item| item.trim().eq_ignore_ascii_case(word)))
    };
    let mut upgrade = None;
    if method == Method::Get && lists("upgrade", "websocket") {
        upgrade = find("sec-websocket-key").filter(|key| key.len() == 24);
        if upgrade.is_none() || find("sec-websocket-version") != Some("13") {
            return Parsed::Refused(Refusal::WebSocketVersion);
        }
    }
    let target = head.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let closes =
        lists("connection", "close") || (head.version == Some(0) && !lists("connection", "keep-alive"));
    Parsed::Whole(Request { method, path, query, closes, upgrade }, length)
}

/// An answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    /// Status and reason phrase.
    pub(crate) status: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) body: &'a [u8],
    /// Leave the body out: the answer to HEAD.
    pub(crate) head_only: bool,
    /// The connection ends with it.
    pub(crate) closes: bool,
}

impl Answer<'_> {
    /// Appends the answer.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let connection = if self.closes { "close" } else { "keep-alive" };
        let head = format!(
            "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: {connection}\r\n\
             Access-Control-Allow-Origin: *\r\nCache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\nContent-Security-Policy: {CONTENT_SECURITY_POLICY}\r\n\r\n",
            self.status,
            self.content_type,
            self.body.len(),
        );
        out.extend_from_slice(head.as_bytes());
        if !self.head_only {
            out.extend_from_slice(self.body);
        }
    }
}

/// The answer to OPTIONS.
pub(crate) const PREFLIGHT: &[u8] = b"HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\n\
    Access-Control-Allow-Methods: GET, HEAD\r\nAccess-Control-Allow-Headers: *\r\nAccess-Control-Max-Age: 86400\r\n\r\n";

/// The answer that begins a WebSocket.
pub(crate) fn switching(key: &str) -> Vec<u8> {
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes()
}

/// The parameters of a query. What is no UTF-8 after decoding is left as it came.
pub(crate) fn parameters(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |at: usize| bytes.get(at).and_then(|&byte| (byte as char).to_digit(16));
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(if byte == b'+' { b' ' } else { byte });
                at += 1;
            }
        }
    }
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, refusal: Refusal) {
        assert_eq!(parse(text.as_bytes()), Parsed::Refused(refusal), "{text:?}");
    }

    #[test]
    fn requests_are_read_one_after_another() {
        let text = "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\nHEAD /d HTTP/1.0\r\n\r\n";
        let Parsed::Whole(first, length) = parse(text.as_bytes()) else { panic!("whole") };
        assert_eq!((first.method, first.path, first.query, first.closes), (Method::Get, "/a", "b=c", false));
        let Parsed::Whole(second, rest) = parse(&text.as_bytes()[length..]) else { panic!("whole") };
        assert_eq!((second.method, second.path, second.closes), (Method::Head, "/d", true));
        assert_eq!(length + rest, text.len());
        for cut in 0..length {
            assert_eq!(parse(&text.as_bytes()[..cut]), Parsed::Partial, "{cut}");
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        refused("\u{16}\u{3}\u{1} HTTP\r\n\r\n", Refusal::Malformed);
        refused("GET / HTTP/2.0\r\n\r\n", Refusal::Malformed);
        refused("POST /api/v3/order HTTP/1.1\r\n\r\n", Refusal::Method);
        refused("GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", Refusal::Body);
        refused("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", Refusal::Body);
        refused(
            "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n",
            Refusal::WebSocketVersion,
        );
        refused(&format!("GET /{} HTTP/1.1\r\n", "a".repeat(5000)), Refusal::Large);
        refused(&format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(65)), Refusal::Large);
    }

    #[test]
    fn queries_are_decoded() {
        let read: Vec<_> = parameters("a=1&symbols=%5B%22X%22%5D&c&d=%zz+").collect();
        let read: Vec<_> = read.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        assert_eq!(read, [("a", "1"), ("symbols", "[\"X\"]"), ("c", ""), ("d", "%zz ")]);
    }
}
