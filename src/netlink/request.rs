//! One netlink socket: requests, dumps, transactions, and the kernel's words when it refuses.
//!
//! The kernel carries a request out while it is sent, so there is nothing to wait for beside it: a request is one
//! `send` and one `recv`, on the thread that makes it.

use std::cell::Cell;
use std::fmt::Debug;
use std::io;
use std::marker::PhantomData;
use std::ops::{ControlFlow, RangeInclusive};
use std::os::fd::{AsFd, BorrowedFd};

use netlink_packet_core::{
    ErrorMessage, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_MULTIPART, NLM_F_REQUEST, NetlinkDeserializable,
    NetlinkHeader, NetlinkMessage, NetlinkPayload, NetlinkSerializable,
};
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt::ReceiveTimeout};
use nix::sys::time::TimeVal;

use crate::error::{Problem, Result};

/// The kernel answers a request while it is sent; a reply that takes this many seconds is a defect.
const PATIENCE: i64 = 20;

/// How often a dump is read again when the table changed under it, and a change is sent again for want of room.
const TRIES: usize = 8;

/// The most that the kernel puts into one datagram of a dump.
const DATAGRAM: usize = 32 << 10;

/// A netlink socket that speaks messages `M`.
pub struct Socket<M> {
    socket: netlink_sys::Socket,
    last: Cell<u32>,
    speaks: PhantomData<fn(M)>,
}

impl<M> AsFd for Socket<M> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl<M> Socket<M>
where
    M: NetlinkSerializable + NetlinkDeserializable + Debug + Clone,
{
    /// Opens a socket of `protocol` in the namespace the thread is in, extended acks on.
    pub fn open(protocol: isize) -> io::Result<Socket<M>> {
        let socket = netlink_sys::Socket::new(protocol)?;
        socket.set_ext_ack(true)?;
        socket.set_cap_ack(true)?;
        setsockopt(&socket, ReceiveTimeout, &TimeVal::new(PATIENCE, 0))?;
        Ok(Socket {
            socket,
            last: Cell::new(0),
            speaks: PhantomData,
        })
    }

    /// One change, acknowledged. Tried again, a few times, where the kernel had no room for it (ENOBUFS).
    pub fn change(&self, message: M, flags: u16) -> Result<()> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.exchange(message.clone(), NLM_F_REQUEST | NLM_F_ACK | flags) {
                Err(problem) if problem.errno == Some(Errno::ENOBUFS) && tries < TRIES => {}
                other => return other.map(|_| ()),
            }
        }
    }

    /// One question; the messages of its answer.
    pub fn ask(&self, message: M) -> Result<Vec<M>> {
        Ok(self.exchange(message, NLM_F_REQUEST)?.0)
    }

    /// A whole table. Read again, a few times, when it changed meanwhile (NLM_F_DUMP_INTR).
    pub fn dump(&self, message: M) -> Result<Vec<M>> {
        for _ in 0..TRIES {
            match self.exchange(message.clone(), NLM_F_REQUEST | NLM_F_DUMP) {
                Ok((messages, false)) => return Ok(messages),
                Ok(_) => {}
                // A part of the table got lost: there was no room for it.
                Err(problem) if problem.errno == Some(Errno::ENOBUFS) => {}
                Err(problem) => return Err(problem),
            }
        }
        Err(Problem::kernel(Errno::EINTR, "the table changed each time it was read"))
    }

    /// Several messages as one transaction: `begin` and `end` stand around them and are not answered.
    /// When one is refused, the kernel has done nothing.
    pub fn transact(
        &self,
        begin: NetlinkMessage<M>,
        changes: Vec<NetlinkMessage<M>>,
        end: NetlinkMessage<M>,
    ) -> Result<(), Refusal> {
        let mut waiting = changes.len();
        let changes = changes.into_iter().enumerate().map(|(index, mut change)| {
            // The kernel does not read the sender's port and gives it back with a refusal.
            change.header.port_number = index as u32;
            change
        });
        let sent = self.send([begin].into_iter().chain(changes).chain([end]));
        let sent = sent.map_err(Refusal::whole)?;
        let mut refusal = None;
        let answered = self.receive(sent.clone(), |reply| {
            if let NetlinkPayload::Error(error) = reply.payload {
                waiting = waiting.saturating_sub(1);
                refusal = refusal.take().or_else(|| Refusal::read(&error));
                // What is answered in the name of the first message is about all of them.
                if waiting == 0 || reply.header.sequence_number == *sent.start() {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        });
        answered.map_err(Refusal::whole)?;
        refusal.map_or(Ok(()), Err)
    }

    /// Sends a request and reads the answer to its end: its messages, and whether the table changed meanwhile.
    fn exchange(&self, message: M, flags: u16) -> Result<(Vec<M>, bool)> {
        let mut request = framed(message);
        request.header.flags = flags;
        let sent = self.send([request])?;
        let (mut messages, mut interrupted, mut refusal) = (Vec::new(), false, None);
        let answered = self.receive(sent, |reply| {
            let is_one_of_many = reply.header.flags & NLM_F_MULTIPART != 0;
            interrupted |= reply.header.flags & NLM_F_DUMP_INTR != 0;
            match reply.payload {
                NetlinkPayload::InnerMessage(message) => {
                    messages.push(message);
                    if is_one_of_many || flags & NLM_F_ACK != 0 {
                        return ControlFlow::Continue(());
                    }
                }
                NetlinkPayload::Error(error) => refusal = refused(&error),
                NetlinkPayload::Done(done) if done.code < 0 => {
                    refusal = Some(Problem::kernel(Errno::from_raw(-done.code), ""));
                }
                _ => {}
            }
            ControlFlow::Break(())
        });
        answered?;
        match refusal {
            Some(problem) => Err(problem),
            None => Ok((messages, interrupted)),
        }
    }

    /// Sends messages in one datagram; their sequence numbers.
    fn send(&self, messages: impl IntoIterator<Item = NetlinkMessage<M>>) -> Result<RangeInclusive<u32>> {
        let first = self.last.get().wrapping_add(1);
        let mut datagram = Vec::new();
        for mut message in messages {
            self.last.set(self.last.get().wrapping_add(1));
            message.header.sequence_number = self.last.get();
            message.finalize();
            let start = datagram.len();
            datagram.resize(start + message.buffer_len(), 0);
            message.serialize(&mut datagram[start..]);
        }
        loop {
            match self.socket.send(&datagram, 0) {
                Ok(_) => return Ok(first..=self.last.get()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unsaid(&error)),
            }
        }
    }

    /// Hands over the replies to the messages that were `sent`, until `take` has had enough.
    fn receive(
        &self,
        sent: RangeInclusive<u32>,
        mut take: impl FnMut(NetlinkMessage<M>) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut datagram = Vec::with_capacity(DATAGRAM);
        loop {
            datagram.clear();
            match self.socket.recv(&mut datagram, libc::MSG_TRUNC) {
                Ok(length) if length > datagram.len() => {
                    return Err(Problem::kernel(
                        Errno::EMSGSIZE,
                        "a reply is larger than there is room for",
                    ));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(unsaid(&error)),
            }
            let mut rest = &datagram[..];
            while !rest.is_empty() {
                let reply = NetlinkMessage::<M>::deserialize(rest).map_err(|error| {
                    Problem::kernel(Errno::EBADMSG, format!("a reply that cannot be read: {error}"))
                })?;
                let length = (reply.header.length as usize).next_multiple_of(4);
                rest = rest.get(length..).unwrap_or_default();
                // Anything else answers what nobody waits for any more.
                if sent.contains(&reply.header.sequence_number) && take(reply).is_break() {
                    return Ok(());
                }
            }
        }
    }
}

fn framed<M>(message: M) -> NetlinkMessage<M> {
    NetlinkMessage::new(NetlinkHeader::default(), NetlinkPayload::InnerMessage(message))
}

/// What the kernel refused of a transaction: the first of its changes that cannot be done.
#[derive(Debug)]
pub struct Refusal {
    /// The errno and the kernel's words.
    pub problem: Box<Problem>,
    /// Which of the changes, if it is about one.
    pub index: Option<usize>,
    /// The place in that change's message that the kernel points at, from the start of the message.
    pub offset: Option<usize>,
}

impl Refusal {
    /// A refusal of the whole transaction.
    pub fn whole(problem: Box<Problem>) -> Refusal {
        Refusal {
            problem,
            index: None,
            offset: None,
        }
    }

    fn read(error: &ErrorMessage) -> Option<Refusal> {
        const PORT: std::ops::Range<usize> = 12..16;
        let number = |bytes: &[u8]| bytes.try_into().ok().map(|bytes| u32::from_ne_bytes(bytes) as usize);
        let index = error.header.get(PORT).and_then(number);
        let offset = ack_attribute(&error.header, OFFSET).and_then(number);
        Some(Refusal {
            problem: refused(error)?,
            index,
            offset,
        })
    }
}

/// A socket that could not carry a request, or no answer in time.
fn unsaid(error: &io::Error) -> Box<Problem> {
    let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
    match errno {
        Errno::EAGAIN => Problem::kernel(
            Errno::ETIMEDOUT,
            format!("no answer on the netlink socket in {PATIENCE} s"),
        ),
        _ => Problem::kernel(errno, ""),
    }
}

/// The problem a NACK stands for; nothing for an ack.
fn refused(error: &ErrorMessage) -> Option<Box<Problem>> {
    let code = error.code?;
    Some(Problem::kernel(
        Errno::from_raw(-code.get()),
        kernel_words(&error.header),
    ))
}

/// The extended ack's attributes: text, and where in the request the fault is.
const TEXT: u16 = 1;
const OFFSET: u16 = 2;

fn kernel_words(header_and_attributes: &[u8]) -> String {
    let payload = ack_attribute(header_and_attributes, TEXT).unwrap_or_default();
    let text = payload.split(|b| *b == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).trim_end_matches('.').to_string()
}

/// An attribute of the extended ack: after the request's own header (16 bytes, capped) stand attributes of
/// 4-byte aligned length.
fn ack_attribute(header_and_attributes: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut rest = header_and_attributes.get(16..)?;
    while let [l0, l1, t0, t1, ..] = *rest {
        let (length, kind) = (u16::from_ne_bytes([l0, l1]) as usize, u16::from_ne_bytes([t0, t1]));
        let payload = rest.get(4..length)?;
        if kind & 0x3fff == wanted {
            return Some(payload);
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_which_change_and_where() {
        let mut error = ErrorMessage::default();
        error.code = std::num::NonZeroI32::new(-libc::ENOENT);
        error.header = vec![0u8; 12];
        error.header.extend(2u32.to_ne_bytes());
        error.header.extend([8, 0, OFFSET as u8, 0, 84, 1, 0, 0]);
        let refusal = Refusal::read(&error).unwrap();
        assert_eq!((refusal.index, refusal.offset), (Some(2), Some(340)));
        assert_eq!(refusal.problem.errno, Some(Errno::ENOENT));
        error.code = None;
        assert!(Refusal::read(&error).is_none());
    }

    #[test]
    fn the_kernels_words_are_found_among_the_attributes() {
        let mut bytes = vec![0u8; 16];
        bytes.extend([8, 0, 2, 0, 1, 2, 3, 4]);
        bytes.extend([9, 0, 1, 0]);
        bytes.extend(b"Hey.\0");
        assert_eq!(kernel_words(&bytes), "Hey");
        assert_eq!(ack_attribute(&bytes, OFFSET), Some(&[1, 2, 3, 4][..]));
        for cut in 0..bytes.len() {
            kernel_words(&bytes[..cut]);
        }
        assert_eq!(kernel_words(&[]), "");
    }
}
