//! A web page over HTTP/1.1, one request a connection.

use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use httparse::{Request, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::listen;

/// The longest head of a request that is read.
const HEAD: usize = 8 << 10;
/// The most headers it may have.
const HEADERS: usize = 64;
/// The most that is read of a body, which nobody wants.
const BODY: usize = 1 << 20;

/// Serves a page at `/`. Without a text of its own it says who asks, as the server sees them.
pub async fn run(listener: TcpListener, page: Option<Arc<str>>) {
    listen::accept(listener, |stream, client| talk(stream, client, page.clone())).await;
}

async fn talk(mut stream: TcpStream, client: SocketAddr, page: Option<Arc<str>>) -> io::Result<()> {
    let Some(asked) = read_head(&mut stream).await? else {
        return Ok(());
    };
    let body = match &page {
        Some(text) => text.to_string(),
        None => format!("this is {}, you are {}\n", stream.local_addr()?.ip(), client.ip()),
    };
    stream.write_all(reply(&asked, body).as_bytes()).await?;
    stream.shutdown().await?;
    // Closing with something unread would reset the connection, and the client might lose the answer.
    tokio::io::copy(&mut stream.take(BODY as u64), &mut tokio::io::sink()).await?;
    Ok(())
}

/// What a request asks for.
#[derive(Debug, PartialEq)]
enum Asked {
    /// The page.
    Get,
    /// What `Get` would say, without the page itself.
    Head,
    /// What there is not: the answer's status and reason.
    Refused(u16, &'static str),
}

const BAD: Asked = Asked::Refused(400, "Bad Request");
const TOO_LARGE: Asked = Asked::Refused(431, "Request Header Fields Too Large");

/// Reads the head of a request; `None` where the client left before its end.
async fn read_head(stream: &mut TcpStream) -> io::Result<Option<Asked>> {
    let mut head = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(None);
        }
        if let Some(asked) = parse(&head) {
            return Ok(Some(asked));
        }
        if head.len() > HEAD {
            return Ok(Some(TOO_LARGE));
        }
    }
}

/// What the head of a request asks for; `None` where it has not ended yet.
fn parse(head: &[u8]) -> Option<Asked> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = Request::new(&mut headers);
    match request.parse(head) {
        Ok(Status::Partial) => return None,
        Ok(Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Some(TOO_LARGE),
        Err(_) => return Some(BAD),
    }
    let hosts = request
        .headers
        .iter()
        .filter(|h| h.name.eq_ignore_ascii_case("host"))
        .count();
    if hosts > 1 || (hosts == 0 && request.version == Some(1)) {
        return Some(BAD);
    }
    Some(match (request.method, request.path.and_then(path)) {
        (_, None) => BAD,
        (Some("GET"), Some("/")) => Asked::Get,
        (Some("HEAD"), Some("/")) => Asked::Head,
        (Some("GET" | "HEAD"), Some(_)) => Asked::Refused(404, "Not Found"),
        _ => Asked::Refused(405, "Method Not Allowed"),
    })
}

/// The path of a request's target without its query: `/` of `/?x`, of `http://example.com`, and of `*`.
fn path(target: &str) -> Option<&str> {
    let path = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => rest.find(['/', '?']).map_or("/", |at| &rest[at..]),
        _ if target == "*" => "/",
        _ => Some(target).filter(|target| target.starts_with('/'))?,
    };
    let path = path.split('?').next().unwrap_or_default();
    Some(if path.is_empty() { "/" } else { path })
}

fn reply(asked: &Asked, page: String) -> String {
    let (status, reason, body) = match asked {
        Asked::Get | Asked::Head => (200, "OK", page),
        Asked::Refused(status, reason) => (*status, *reason, format!("{status} {reason}\n")),
    };
    let kind = if body.trim_start().starts_with('<') {
        "html"
    } else {
        "plain"
    };
    let mut text = format!(
        "HTTP/1.1 {status} {reason}\r\nDate: {}\r\nContent-Type: text/{kind}; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n",
        httpdate::fmt_http_date(SystemTime::now()),
        body.len(),
    );
    if status == 405 {
        text.push_str("Allow: GET, HEAD\r\n");
    }
    let body = if *asked == Asked::Head { "" } else { &body };
    let _ = write!(text, "\r\n{body}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn asks(head: &str, expected: Option<Asked>) {
        assert_eq!(parse(head.as_bytes()), expected, "{head:?}");
    }

    #[test]
    fn a_request_is_read_when_its_head_has_ended() {
        asks("GET / HTTP/1.1\r\nHost: x\r\n", None);
        asks("GET / HTTP/1.1\r\nHost: x\r\n\r\n", Some(Asked::Get));
        asks("HEAD /?q=/x HTTP/1.1\r\nhost: x\r\n\r\n", Some(Asked::Head));
        asks("GET http://example.com HTTP/1.1\r\nHost: x\r\n\r\n", Some(Asked::Get));
        asks(
            "GET http://example.com/?x HTTP/1.1\r\nHost: x\r\n\r\n",
            Some(Asked::Get),
        );
        asks("GET / HTTP/1.0\r\n\r\n", Some(Asked::Get));
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let refused = |status, reason| Some(Asked::Refused(status, reason));
        asks("GET /x HTTP/1.1\r\nHost: x\r\n\r\n", refused(404, "Not Found"));
        asks("POST / HTTP/1.1\r\nHost: x\r\n\r\n", refused(405, "Method Not Allowed"));
        asks(
            "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
            refused(405, "Method Not Allowed"),
        );
        for bad in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET x HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET / HTTP/3.7\r\nHost: x\r\n\r\n",
            "\u{1}\u{2}\r\n\r\n",
        ] {
            asks(bad, Some(BAD));
        }
        asks(
            &format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(65)),
            Some(TOO_LARGE),
        );
    }

    #[test]
    fn an_answer_says_its_length() {
        let whole = reply(&Asked::Get, "<p>é</p>".into());
        assert!(whole.starts_with("HTTP/1.1 200 OK\r\nDate: "), "{whole}");
        assert!(whole.contains("Content-Type: text/html; charset=utf-8\r\nContent-Length: 9\r\nConnection: close\r\n"));
        assert!(whole.ends_with("\r\n\r\n<p>é</p>"), "{whole}");
        let head = reply(&Asked::Head, "page".into());
        assert!(
            head.contains("Content-Length: 4\r\n") && head.ends_with("\r\n\r\n"),
            "{head}"
        );
        let refused = reply(&Asked::Refused(405, "Method Not Allowed"), "page".into());
        assert!(refused.contains("Allow: GET, HEAD\r\n"), "{refused}");
    }
}
