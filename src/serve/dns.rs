//! A name server over UDP and TCP: the answers are made by [`Names`].

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::listen::{self, Datagrams};
pub use super::names::Names;

/// Answers datagrams.
pub async fn over_udp(socket: Datagrams, names: Arc<Names>) {
    socket.answer(|query| names.answer(query, true)).await;
}

/// Answers over connections, where each message follows its length.
pub async fn over_tcp(listener: TcpListener, names: Arc<Names>) {
    listen::accept(listener, |stream, _| talk(stream, names.clone())).await;
}

async fn talk(mut stream: TcpStream, names: Arc<Names>) -> io::Result<()> {
    loop {
        let mut query = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut query).await?;
        let Some(reply) = names.answer(&query, false) else {
            return Ok(());
        };
        let Ok(length) = u16::try_from(reply.len()) else {
            return Ok(());
        };
        stream
            .write_all(&[&length.to_be_bytes(), reply.as_slice()].concat())
            .await?;
    }
}
