//! A web page, fetched over HTTP: the proof that TCP works, and names with it.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use httparse::{EMPTY_HEADER, Response, Status};
use nix::errno::Errno;
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::timeout;

use super::TIMEOUT;
use super::resolve::{self, Resolver};

/// The largest answer that is read.
const LARGEST: usize = 1 << 20;
/// The most headers it may have.
const HEADERS: usize = 100;

/// A page's address: `http://example.com:8080/path`.
#[derive(Clone, Debug, PartialEq)]
pub struct Url {
    host: Host,
    port: u16,
    path: String,
}

impl Url {
    /// The machine's address, where the URL has it and no name.
    pub fn address(&self) -> Option<IpAddr> {
        match self.host {
            Host::Address(address) => Some(address),
            Host::Name(_) => None,
        }
    }
}

/// The machine that has the page.
#[derive(Clone, Debug, PartialEq)]
enum Host {
    Address(IpAddr),
    Name(String),
}

impl From<IpAddr> for Url {
    fn from(address: IpAddr) -> Url {
        Url {
            host: Host::Address(address),
            port: 80,
            path: "/".into(),
        }
    }
}

impl FromStr for Url {
    type Err = ();

    fn from_str(text: &str) -> Result<Url, ()> {
        let rest = text.strip_prefix("http://").ok_or(())?;
        let rest = rest.split('#').next().unwrap_or_default();
        if !rest.chars().all(|c| c.is_ascii_graphic()) {
            return Err(());
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| ())?),
            _ => (authority, 80),
        };
        let host = match host.strip_prefix('[') {
            Some(inner) => Host::Address(IpAddr::V6(inner.strip_suffix(']').ok_or(())?.parse().map_err(|_| ())?)),
            None => match host.parse() {
                Ok(address) => Host::Address(IpAddr::V4(address)),
                Err(_) if resolve::is_name(host) => Host::Name(host.to_string()),
                Err(_) => return Err(()),
            },
        };
        let path = if path.starts_with('/') {
            path.to_string()
        } else {
            format!("/{path}")
        };
        Ok(Url { host, port, path })
    }
}

impl Url {
    /// The host as a request names it.
    fn authority(&self) -> String {
        let host = match &self.host {
            Host::Address(IpAddr::V6(address)) => format!("[{address}]"),
            Host::Address(address) => address.to_string(),
            Host::Name(name) => name.clone(),
        };
        match self.port {
            80 => host,
            port => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority(), self.path)
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Whether the status is 200 to 299.
    pub ok: bool,
    /// The status, or 0 where no answer came.
    pub status: u16,
    /// The page.
    pub body: String,
    /// Why there is no page, or "".
    pub error: String,
}

/// Sockets in a namespace, ready to fetch.
pub struct Fetcher {
    url: Url,
    resolver: Option<Resolver>,
    four: io::Result<TcpSocket>,
    six: io::Result<TcpSocket>,
}

/// Opens the sockets in the thread's current namespace. Must be called within a tokio runtime.
pub fn open(url: &Url) -> Fetcher {
    Fetcher {
        url: url.clone(),
        resolver: matches!(url.host, Host::Name(_)).then(Resolver::open),
        four: TcpSocket::new_v4(),
        six: TcpSocket::new_v6(),
    }
}

impl Fetcher {
    /// Fetches the page, within this time.
    pub async fn run(self, limit: Duration) -> Report {
        let fetched = match timeout(limit, self.fetch()).await {
            Ok(fetched) => fetched,
            Err(_) => Err(TIMEOUT.to_string()),
        };
        match fetched {
            Ok((status, body)) => Report {
                ok: (200..300).contains(&status),
                status,
                body,
                error: String::new(),
            },
            Err(error) => Report {
                error,
                ..Report::default()
            },
        }
    }

    async fn fetch(self) -> Result<(u16, String), String> {
        let address = match (&self.url.host, &self.resolver) {
            (Host::Address(address), _) => *address,
            (Host::Name(name), Some(resolver)) => resolver.address(name).await?,
            (Host::Name(name), None) => return Err(format!("{name}: no name server")),
        };
        let socket = if address.is_ipv4() { self.four } else { self.six };
        let answer = converse(socket, (address, self.url.port).into(), &self.url);
        read(&answer.await.map_err(|e| words(&e))?)
    }
}

/// One request and its whole answer. By asking in HTTP/1.0 the answer ends with the connection, in one piece.
async fn converse(socket: io::Result<TcpSocket>, address: SocketAddr, url: &Url) -> io::Result<Vec<u8>> {
    let mut stream = socket?.connect(address).await?;
    let request = format!(
        "GET {} HTTP/1.0\r\nHost: {}\r\nUser-Agent: nsx\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        url.path,
        url.authority()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LARGEST as u64 + 1).read_to_end(&mut answer).await?;
    if answer.len() > LARGEST {
        return Err(io::Error::other(format!(
            "the page is larger than {} MiB",
            LARGEST >> 20
        )));
    }
    Ok(answer)
}

fn read(answer: &[u8]) -> Result<(u16, String), String> {
    let mut headers = [EMPTY_HEADER; HEADERS];
    let mut response = Response::new(&mut headers);
    let no_http = || "the answer is not HTTP".to_string();
    let Ok(Status::Complete(start)) = response.parse(answer) else {
        return Err(no_http());
    };
    let mut body = answer.get(start..).unwrap_or_default();
    let said = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse::<usize>().ok());
    if let Some(length) = said {
        body = body.get(..length).ok_or("the answer was cut short")?;
    }
    let status = response.code.ok_or_else(no_http)?;
    Ok((status, String::from_utf8_lossy(body).into_owned()))
}

/// The kernel's own words for an error.
pub(super) fn words(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => Errno::from_raw(number).desc().to_string(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read() {
        for (text, shown) in [
            ("http://8.8.8.8", "http://8.8.8.8/"),
            ("http://example.com/a?b#c", "http://example.com/a?b"),
            ("http://example.com:8080?b", "http://example.com:8080/?b"),
            ("http://[2001:db8::1]/", "http://[2001:db8::1]/"),
            ("http://[2001:db8::1]:81", "http://[2001:db8::1]:81/"),
        ] {
            let url: Result<Url, ()> = text.parse();
            assert_eq!(url.map(|url| url.to_string()).as_deref(), Ok(shown));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in [
            "",
            "example.com",
            "https://example.com",
            "http://",
            "http:///x",
            "http://a b/",
            "http://a/\r\nX: y",
            "http://a:b/",
            "http://[::1",
            "http://user@host/",
        ] {
            assert_eq!(wrong.parse::<Url>(), Err(()), "{wrong:?}");
        }
    }

    #[test]
    fn an_answer_has_the_length_it_says() {
        let page = Ok((200, "page".to_string()));
        assert_eq!(read(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage"), page);
        assert_eq!(read(b"HTTP/1.0 200 OK\r\n\r\npage"), page);
        assert!(read(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\npage").is_err());
        assert!(read(b"SSH-2.0-x\r\n").is_err());
        assert!(read(b"").is_err());
    }
}
