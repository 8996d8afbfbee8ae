//! The address of a name, asked of the name servers in /etc/resolv.conf, as programs do.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as Plain};
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::fetch::words;

/// How long a server may take before the next is asked.
const PATIENCE: Duration = Duration::from_secs(1);
/// The port of name servers.
const PORT: u16 = 53;

/// Sockets towards the name servers.
pub(super) struct Resolver {
    servers: Vec<io::Result<UdpSocket>>,
}

/// Whether a text can be the name of a machine.
pub(super) fn is_name(text: &str) -> bool {
    Name::new(text).is_ok_and(|name| name.is_valid_hostname())
}

impl Resolver {
    /// Opens the sockets in the thread's current namespace. Must be called within a tokio runtime.
    pub(super) fn open() -> Resolver {
        let config = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        Resolver {
            servers: servers(&config).into_iter().map(towards).collect(),
        }
    }

    /// The first address of a name; the error says why there is none.
    pub(super) async fn address(&self, name: &str) -> Result<IpAddr, String> {
        let mut reason = "no name server".to_string();
        for server in &self.servers {
            match server {
                Ok(socket) => match timeout(PATIENCE, first(socket, name)).await {
                    Ok(Ok(Some(address))) => return Ok(address),
                    Ok(Ok(None)) => return Err(format!("{name}: no such name")),
                    Ok(Err(error)) => reason = words(&error),
                    Err(_) => reason = "the name server does not answer".into(),
                },
                Err(error) => reason = words(error),
            }
        }
        Err(format!("{name}: {reason}"))
    }
}

/// The name servers that a resolv.conf lists.
fn servers(config: &str) -> Vec<IpAddr> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next()?.parse().ok())?
    };
    config.lines().filter_map(server).collect()
}

fn towards(server: IpAddr) -> io::Result<UdpSocket> {
    let own: IpAddr = match server {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = Plain::bind((own, 0))?;
    socket.connect(SocketAddr::from((server, PORT)))?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

/// The first IPv4 address of a name, or else the first IPv6 address.
async fn first(server: &UdpSocket, name: &str) -> io::Result<Option<IpAddr>> {
    match ask(server, name, TYPE::A).await? {
        None => ask(server, name, TYPE::AAAA).await,
        found => Ok(found),
    }
}

async fn ask(server: &UdpSocket, name: &str, kind: TYPE) -> io::Result<Option<IpAddr>> {
    let unreadable = |_| io::Error::from(io::ErrorKind::InvalidData);
    let mut query = Packet::new_query(RandomState::new().build_hasher().finish() as u16);
    query.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(name).map_err(unreadable)?;
    let kind: QTYPE = kind.into();
    query
        .questions
        .push(Question::new(name, kind, QCLASS::CLASS(CLASS::IN), false));
    server.send(&query.build_bytes_vec().map_err(unreadable)?).await?;
    let mut buffer = vec![0; 4096];
    loop {
        let length = server.recv(&mut buffer).await?;
        let Ok(reply) = Packet::parse(&buffer[..length]) else {
            continue;
        };
        if reply.id() != query.id() || !reply.has_flags(PacketFlag::RESPONSE) {
            continue;
        }
        return match reply.rcode() {
            RCODE::NoError | RCODE::NameError => Ok(reply.answers.iter().find_map(|record| address(&record.rdata))),
            code => Err(io::Error::other(format!("the name server says {code:?}"))),
        };
    }
}

fn address(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(a) => Some(Ipv4Addr::from(a.address).into()),
        RData::AAAA(a) => Some(Ipv6Addr::from(a.address).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_are_listed_in_order() {
        let config = "# nameserver 1.1.1.1\nsearch x\nnameserver 8.8.8.8\nnameserver\t2001:db8::1\nnameserver y\n";
        let expected: Vec<IpAddr> = ["8.8.8.8", "2001:db8::1"]
            .iter()
            .filter_map(|a| a.parse().ok())
            .collect();
        assert_eq!(servers(config), expected);
    }
}
