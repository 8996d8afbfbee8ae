//! What the kernel tells unasked: that devices change.

use std::io;

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{AsyncSocket, AsyncSocketExt, SocketAddr, TokioSocket};

use super::Space;
use crate::error::{Problem, Result};

/// RTNLGRP_LINK.
const LINKS: u32 = 1;

/// A socket on which the kernel tells of every change of a namespace's devices. It keeps the namespace alive.
pub struct LinkWatch(TokioSocket);

impl LinkWatch {
    /// Listens in a namespace.
    pub fn open(space: &Space) -> Result<LinkWatch> {
        let open = || -> io::Result<LinkWatch> {
            let _entered = space.runtime.enter();
            let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
            socket.socket_mut().bind(&SocketAddr::new(0, 0))?;
            socket.socket_mut().add_membership(LINKS)?;
            Ok(LinkWatch(socket))
        };
        let opened = space.within(open)?;
        opened.map_err(|e| Problem::system(&format!("listen in netns {}", space.name), e))
    }

    /// Waits for the next messages. An error means that some were lost, and none a silence of the kernel's.
    pub async fn next(&mut self) -> io::Result<Vec<RouteNetlinkMessage>> {
        let (bytes, _) = self.0.recv_from_full().await?;
        let mut messages = Vec::new();
        let mut rest = &bytes[..];
        while let Ok(message) = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest) {
            let length = (message.header.length as usize).next_multiple_of(4);
            if let NetlinkPayload::InnerMessage(inner) = message.payload {
                messages.push(inner);
            }
            match rest.get(length..) {
                Some(more) if length > 0 && !more.is_empty() => rest = more,
                _ => break,
            }
        }
        Ok(messages)
    }
}
