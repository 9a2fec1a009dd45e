//! WebSocket frames that the door sends (RFC 6455, section 5.2): final and not masked.

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;

/// Appends one text message made of `parts`.
pub(crate) fn text(out: &mut Vec<u8>, parts: &[&str]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.push(TEXT);
    match length {
        0..=125 => out.push(length as u8),
        126..=0xFFFF => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Appends a close with its code and reason, of at most 123 bytes.
pub(crate) fn close(out: &mut Vec<u8>, code: u16, reason: &str) {
    let reason = &reason.as_bytes()[..reason.len().min(123)];
    out.extend_from_slice(&[CLOSE, 2 + reason.len() as u8]);
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(reason);
}

/// An empty ping.
pub(crate) const PING_FRAME: [u8; 2] = [PING, 0];

#[cfg(test)]
mod tests {
    use super::*;
    use tungstenite::protocol::{Message, Role, WebSocketConfig, WebSocketContext};

    #[test]
    fn a_client_reads_what_is_framed() {
        let mut bytes = Vec::new();
        let texts = ["", "a", &"b".repeat(125), &"c".repeat(126), &"d".repeat(65_535), &"e".repeat(65_536)];
        for expected in texts {
            let (first, second) = expected.split_at(expected.len() / 2);
            text(&mut bytes, &[first, second]);
        }
        bytes.extend_from_slice(&PING_FRAME);
        close(&mut bytes, 1008, "slow");
        let config = Some(WebSocketConfig::default());
        let mut client = WebSocketContext::new(Role::Client, config);
        let mut stream = std::io::Cursor::new(bytes);
        let mut next = || client.read(&mut Client(&mut stream)).expect("a message");
        for expected in texts {
            assert_eq!(next(), Message::text(expected));
        }
        assert!(next().is_ping());
        let Message::Close(Some(close)) = next() else { panic!("closed") };
        assert_eq!((u16::from(close.code), close.reason.as_str()), (1008, "slow"));
    }

    /// Reads from the bytes, forgets what is written.
    struct Client<'a>(&'a mut std::io::Cursor<Vec<u8>>);

    impl std::io::Read for Client<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(out)
        }
    }

    impl std::io::Write for Client<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
