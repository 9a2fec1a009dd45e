//! SoupBinTCP 4.00: packets on a TCP stream, one codec for both ends.
//!
//! A packet is a big-endian u16 length of what follows, a type byte and a payload. The type bytes of
//! server and client do not overlap but for `U` and `+`, which mean the same from both.

use crate::wire::trimmed;

/// Largest packet that is taken or sent, in bytes, its two length bytes included. The specification
/// names no bound; ours keeps one client from making the venue buffer much.
pub const PACKET_SIZE_MAX: usize = 4096;
/// Bytes before the payload: length and type.
pub const HEADER_SIZE: usize = 3;

/// [`Packet::ServerHeartbeat`] as it is sent: nothing has to be put together for it.
pub(crate) const SERVER_HEARTBEAT: [u8; 3] = [0, 1, b'H'];

const SESSION_SIZE: usize = 10;
const SEQUENCE_SIZE: usize = 20;
const USERNAME_SIZE: usize = 6;
const PASSWORD_SIZE: usize = 10;

/// One packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// `+`, either way: text for people.
    Debug(&'a [u8]),
    /// `A`, server.
    LoginAccepted(LoginAccepted<'a>),
    /// `J`, server: the connection is closed after it.
    LoginRejected(LoginReject),
    /// `S`, server: the next message of the session's stream.
    Sequenced(&'a [u8]),
    /// `U`, either way: a message outside of the stream.
    Unsequenced(&'a [u8]),
    /// `H`, server: still there.
    ServerHeartbeat,
    /// `Z`, server: the session will have no more messages.
    EndOfSession,
    /// `L`, client.
    Login(Login<'a>),
    /// `R`, client: still there.
    ClientHeartbeat,
    /// `O`, client: close the connection.
    Logout,
}

/// The body of `A`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginAccepted<'a> {
    /// The session, without padding; at most 10 characters.
    pub session: &'a [u8],
    /// Number of the next sequenced packet.
    pub sequence: u64,
}

/// The body of `L`. Fields come without padding, in the case they were sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Login<'a> {
    /// At most 6 characters; case does not matter.
    pub username: &'a [u8],
    /// At most 10 characters; case does not matter.
    pub password: &'a [u8],
    /// At most 10 characters; empty for the current session.
    pub session: &'a [u8],
    /// The first sequenced packet wanted; 0 (or blank) for only what comes next.
    pub sequence: u64,
}

/// Why a login was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginReject {
    /// `A`: unknown name, wrong password, or not allowed here.
    NotAuthorized,
    /// `S`: no such session, or its stream has not got that far.
    SessionNotAvailable,
}

/// Bytes that are no packet. The stream cannot be read on after one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoupError {
    /// A length of 0: there is no type byte.
    Empty,
    /// A length above [`PACKET_SIZE_MAX`].
    TooLong {
        /// The length that was announced.
        length: u16,
    },
    /// No such packet type.
    UnknownType(u8),
    /// A packet of fixed length has another one.
    Length {
        /// Type byte.
        packet: u8,
        /// Payload bytes that it should have.
        expected: usize,
        /// Payload bytes that it has.
        found: usize,
    },
    /// A sequence number that is not made of digits.
    Sequence,
    /// A reject code other than `A` and `S`.
    RejectCode(u8),
}

impl std::fmt::Display for SoupError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => write!(f, "packet of length 0: a packet has at least its type byte"),
            Self::TooLong { length } => {
                write!(f, "packet of length {length}: at most {} are taken", PACKET_SIZE_MAX - 2)
            }
            Self::UnknownType(byte) => write!(f, "packet type 0x{byte:02X} is none of SoupBinTCP 4.00"),
            Self::Length { packet, expected, found } => {
                write!(f, "packet {}: payload of {found} bytes, expected {expected}", char::from(*packet))
            }
            Self::Sequence => write!(f, "sequence number: digits padded with spaces expected"),
            Self::RejectCode(byte) => write!(f, "login reject code 0x{byte:02X}: A or S expected"),
        }
    }
}

impl std::error::Error for SoupError {}

/// The packet that `bytes` begin with and how many bytes it takes, or `None` while it is incomplete.
///
/// # Errors
/// The bytes are no packet; a bad length is told before the rest has come.
pub fn decode(bytes: &[u8]) -> Result<Option<(Packet<'_>, usize)>, SoupError> {
    let [high, low, rest @ ..] = bytes else { return Ok(None) };
    let length = u16::from_be_bytes([*high, *low]);
    let size = usize::from(length);
    if size == 0 {
        return Err(SoupError::Empty);
    }
    if size + 2 > PACKET_SIZE_MAX {
        return Err(SoupError::TooLong { length });
    }
    let Some(body) = rest.get(..size) else { return Ok(None) };
    let packet = packet(body[0], &body[1..])?;
    Ok(Some((packet, size + 2)))
}

fn packet(kind: u8, payload: &[u8]) -> Result<Packet<'_>, SoupError> {
    let fixed = |expected: usize| {
        let found = payload.len();
        if found == expected { Ok(()) } else { Err(SoupError::Length { packet: kind, expected, found }) }
    };
    Ok(match kind {
        b'U' => Packet::Unsequenced(payload),
        b'S' => Packet::Sequenced(payload),
        b'+' => Packet::Debug(payload),
        b'H' => fixed(0).map(|()| Packet::ServerHeartbeat)?,
        b'R' => fixed(0).map(|()| Packet::ClientHeartbeat)?,
        b'Z' => fixed(0).map(|()| Packet::EndOfSession)?,
        b'O' => fixed(0).map(|()| Packet::Logout)?,
        b'A' => {
            fixed(SESSION_SIZE + SEQUENCE_SIZE)?;
            let (session, sequence) = payload.split_at(SESSION_SIZE);
            Packet::LoginAccepted(LoginAccepted { session: trimmed(session), sequence: number(sequence)? })
        }
        b'J' => {
            fixed(1)?;
            match payload[0] {
                b'A' => Packet::LoginRejected(LoginReject::NotAuthorized),
                b'S' => Packet::LoginRejected(LoginReject::SessionNotAvailable),
                other => return Err(SoupError::RejectCode(other)),
            }
        }
        b'L' => {
            fixed(USERNAME_SIZE + PASSWORD_SIZE + SESSION_SIZE + SEQUENCE_SIZE)?;
            let (username, rest) = payload.split_at(USERNAME_SIZE);
            let (password, rest) = rest.split_at(PASSWORD_SIZE);
            let (session, sequence) = rest.split_at(SESSION_SIZE);
            Packet::Login(Login {
                username: trimmed(username),
                password: trimmed(password),
                session: trimmed(session),
                sequence: number(sequence)?,
            })
        }
        other => return Err(SoupError::UnknownType(other)),
    })
}

/// Blank is 0. A number above u64 is `u64::MAX`, which is above every stream's end.
fn number(field: &[u8]) -> Result<u64, SoupError> {
    trimmed(field).iter().try_fold(0u64, |sum, byte| {
        if !byte.is_ascii_digit() {
            return Err(SoupError::Sequence);
        }
        Ok(sum.saturating_mul(10).saturating_add(u64::from(byte - b'0')))
    })
}

impl Packet<'_> {
    /// Appends the packet. Names that are too long for their field are cut off; a payload above
    /// [`PACKET_SIZE_MAX`] is too.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Debug(text) => payload(out, b'+', text),
            Self::Sequenced(message) => payload(out, b'S', message),
            Self::Unsequenced(message) => payload(out, b'U', message),
            Self::ServerHeartbeat => payload(out, b'H', &[]),
            Self::EndOfSession => payload(out, b'Z', &[]),
            Self::ClientHeartbeat => payload(out, b'R', &[]),
            Self::Logout => payload(out, b'O', &[]),
            Self::LoginRejected(LoginReject::NotAuthorized) => payload(out, b'J', b"A"),
            Self::LoginRejected(LoginReject::SessionNotAvailable) => payload(out, b'J', b"S"),
            Self::LoginAccepted(LoginAccepted { session, sequence }) => {
                frame(out, b'A', |out| {
                    right_justified::<SESSION_SIZE>(out, session);
                    right_justified::<SEQUENCE_SIZE>(out, sequence.to_string().as_bytes());
                });
            }
            Self::Login(login) => frame(out, b'L', |out| {
                out.extend_from_slice(&crate::wire::padded::<USERNAME_SIZE>(login.username));
                out.extend_from_slice(&crate::wire::padded::<PASSWORD_SIZE>(login.password));
                right_justified::<SESSION_SIZE>(out, login.session);
                right_justified::<SEQUENCE_SIZE>(out, login.sequence.to_string().as_bytes());
            }),
        }
    }
}

/// Appends a packet of type `kind` whose payload `write` appends: messages are framed in place.
#[inline]
pub fn frame(out: &mut Vec<u8>, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0, 0, kind]);
    write(out);
    out.truncate(start + PACKET_SIZE_MAX);
    let length = (out.len() - start - 2) as u16;
    out[start..start + 2].copy_from_slice(&length.to_be_bytes());
}

fn payload(out: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    frame(out, kind, |out| out.extend_from_slice(bytes));
}

fn right_justified<const N: usize>(out: &mut Vec<u8>, text: &[u8]) {
    let text = &text[..text.len().min(N)];
    out.extend(std::iter::repeat_n(b' ', N - text.len()));
    out.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(packet: Packet<'_>, bytes: &[u8]) {
        let mut out = Vec::new();
        packet.encode(&mut out);
        assert_eq!(out, bytes);
        assert_eq!(decode(bytes), Ok(Some((packet, bytes.len()))));
        for cut in 0..bytes.len() {
            assert_eq!(decode(&bytes[..cut]), Ok(None), "of the first {cut} bytes");
        }
    }

    #[test]
    fn packets_have_the_bytes_of_the_tables() {
        check(Packet::ServerHeartbeat, &SERVER_HEARTBEAT);
        check(Packet::ClientHeartbeat, &[0, 1, b'R']);
        check(Packet::EndOfSession, &[0, 1, b'Z']);
        check(Packet::Logout, &[0, 1, b'O']);
        check(Packet::Debug(b"hi"), &[0, 3, b'+', b'h', b'i']);
        check(Packet::Sequenced(b"x"), &[0, 2, b'S', b'x']);
        check(Packet::Unsequenced(b""), &[0, 1, b'U']);
        check(Packet::LoginRejected(LoginReject::SessionNotAvailable), &[0, 2, b'J', b'S']);
        let accepted = LoginAccepted { session: b"26112401", sequence: 12 };
        check(Packet::LoginAccepted(accepted), b"\0\x1fA  26112401                  12");
        let login = Login { username: b"demo01", password: b"secret", session: b"", sequence: 0 };
        check(Packet::Login(login), b"\0\x2fLdemo01secret                                 0");
    }

    #[test]
    fn padding_may_stand_on_either_side() {
        let bytes =
            [&b"\0\x2fL"[..], b" d1   ", b"      p wd", b"26112401  ", b"7                   "].concat();
        let login = Login { username: b"d1", password: b"p wd", session: b"26112401", sequence: 7 };
        assert_eq!(decode(&bytes), Ok(Some((Packet::Login(login), bytes.len()))));
    }

    #[test]
    fn what_is_no_packet_is_told_early() {
        assert_eq!(decode(&[0, 0]), Err(SoupError::Empty));
        assert_eq!(decode(&[0xFF, 0xFF]), Err(SoupError::TooLong { length: 0xFFFF }));
        assert_eq!(decode(&[0, 1, b'?']), Err(SoupError::UnknownType(b'?')));
        assert_eq!(decode(&[0, 2, b'O', 0]), Err(SoupError::Length { packet: b'O', expected: 0, found: 1 }));
        assert_eq!(decode(&[0, 2, b'J', b'x']), Err(SoupError::RejectCode(b'x')));
        let mut login = b"\0\x2fLdemo01secret                                 0".to_vec();
        login[48] = b'-';
        assert_eq!(decode(&login), Err(SoupError::Sequence));
    }

    #[test]
    fn a_sequence_above_the_number_range_is_the_highest() {
        let login = b"\0\x2fLdemo01secret              99999999999999999999";
        let Ok(Some((Packet::Login(login), _))) = decode(login) else { panic!("not a login") };
        assert_eq!(login.sequence, u64::MAX);
    }
}
