//! `serve`: a web page or names, served in a namespace by nsx itself; and `fetch`, to see them.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::types::Span;
use super::value::not_wanted;
use super::{Act, Answer, Args, Key, Options, Shape, Typed, Value, Verb, World, addr, fact};
use crate::error::{Part, Problem, Result};
use crate::netns::NsName;
use crate::options;
use crate::probe::fetch::{self, Url};
use crate::serve::listen::{self, Place};
use crate::serve::{dns, http};

/// The declaration of `serve`.
pub(super) const SERVE: Verb = Verb {
    name: "serve",
    usage: "PROTOCOL",
    keys: &[PlaceOptions::KEYS, HttpOptions::KEYS, DnsOptions::KEYS],
    doc: "Serves \"http\" (a page at `/`) or \"dns\" (addresses of names, over UDP and TCP) in the namespace, on all its addresses, IPv4
and IPv6. nsx itself answers, whenever the lab waits for something: a ping, a program, `sleep`. It ends with the namespace.

`ip netns exec NAME python3 -m http.server 80 &`

Without `body` the page says who asks, as the server sees them: `this is 10.0.0.1, you are 10.0.0.2`.

```rhai
host.serve(\"http\", #{ body: \"hello\" });
assert_eq(host.fetch(\"http://127.0.0.1/\").body, \"hello\");

host.link.set(\"lo\", #{ up: true });
host.addr.add(\"8.8.8.8/32\", #{ dev: \"lo\" });
host.serve(\"dns\", #{ records: #{ \"example.com\": [\"127.0.0.1\", \"::1\"], \"dns.google\": \"8.8.8.8\" } });
```",
    act: Act::Ask(serve),
};

/// The declaration of `fetch`.
pub(super) const FETCH: Verb = Verb {
    name: "fetch",
    usage: "URL",
    keys: &[FetchOptions::KEYS],
    doc: "Fetches a web page over HTTP. No answer is a result, not an error. Instead of a URL a namespace may be given: then its
first global address. A name is asked of the name servers in /etc/resolv.conf, which in a lab are 8.8.8.8 and
2001:4860:4860::8888.

`ip netns exec NAME curl -m 3 URL`

The result has `ok` (the status is 200 to 299), `status`, `body`, and `error` (why there was no answer, or \"\").

```rhai
host.serve(\"http\", #{ port: 8080 });
let page = host.fetch(\"http://127.0.0.1:8080/\");
assert(page.ok, \"it is there\");
assert_eq(page.body, \"this is 127.0.0.1, you are 127.0.0.1\\n\");
assert_eq(host.fetch(\"http://127.0.0.1:8080/nope\").status, 404);
assert_eq(host.fetch(\"http://127.0.0.1/\").error, \"Connection refused\");
```",
    act: Act::Ask(fetch),
};

options! {
    /// Where a server listens.
    struct PlaceOptions {
        /// its port; 80 for http, 53 for dns
        port: u16,
        /// the one address it listens on; all
        address: IpAddr,
    }
}

options! {
    /// The keys of `serve("http")`.
    struct HttpOptions {
        /// the page; one that says who asks
        body: String,
    }
}

options! {
    /// The keys of `serve("dns")`.
    struct DnsOptions {
        /// names and their addresses
        records: Records,
    }
}

options! {
    /// The keys of `fetch`.
    struct FetchOptions {
        /// how long it may take; 3s
        timeout: Span,
    }
}

/// How long `fetch` waits unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is served.
#[derive(Clone, Copy)]
enum Protocol {
    Http,
    Dns,
}

impl Typed for Protocol {
    const WANTS: &'static str = "\"http\" or \"dns\"";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Str(text) if text == "http" => Ok(Protocol::Http),
            Value::Str(text) if text == "dns" => Ok(Protocol::Dns),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        match self {
            Protocol::Http => "http".into(),
            Protocol::Dns => "dns".into(),
        }
    }
}

/// Names, each with its addresses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Records(Vec<(String, Vec<IpAddr>)>);

impl Typed for Records {
    const WANTS: &'static str = "a map such as #{ \"example.com\": [\"192.0.2.1\", \"2001:db8::1\"] }";

    fn read(value: &Value) -> Result<Self, String> {
        let Value::Map(map) = value else {
            return Err(not_wanted::<Self>(value));
        };
        let record = |(name, value): (&String, &Value)| {
            let read = match value {
                Value::List(_) => Vec::read(value),
                one => IpAddr::read(one).map(|address| vec![address]),
            };
            let addresses = read.map_err(|why| format!("{name:?} {why}"))?;
            Ok((name.clone(), addresses))
        };
        map.iter().map(record).collect::<Result<_, String>>().map(Records)
    }

    fn spell(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.join(",")
    }
}

impl Records {
    fn names(self) -> Result<dns::Names> {
        let mut names = dns::Names::default();
        for (name, addresses) in self.0 {
            names
                .add(&name, addresses)
                .map_err(|why| Problem::argument(format!("`records`: {why}")).at(Part::Key("records".into())))?;
        }
        Ok(names)
    }
}

fn serve(world: &World, netns: &NsName, mut args: Args) -> Result<Answer> {
    match args.required("the protocol")? {
        protocol @ Protocol::Http => {
            let place = place(&mut args, 80)?;
            let options = HttpOptions::take(&mut args)?;
            finish(args, HttpOptions::KEYS)?;
            let page = options.body.map(Arc::from);
            let listeners = open(world, netns, protocol, place, listen::tcp)?;
            start(world, netns, listeners, |listener| http::run(listener, page.clone()));
        }
        protocol @ Protocol::Dns => {
            let place = place(&mut args, 53)?;
            let options = DnsOptions::take(&mut args)?;
            finish(args, DnsOptions::KEYS)?;
            let names = Arc::new(options.records.unwrap_or_default().names()?);
            let both = |place| Ok((listen::udp(place)?, listen::tcp(place)?));
            let (sockets, listeners) = open(world, netns, protocol, place, both)?;
            start(world, netns, sockets, |socket| dns::over_udp(socket, names.clone()));
            start(world, netns, listeners, |listener| {
                dns::over_tcp(listener, names.clone())
            });
        }
    }
    Ok(Answer::None)
}

fn place(args: &mut Args, port: u16) -> Result<Place> {
    let options = PlaceOptions::take(args)?;
    let port = options.port.unwrap_or(port);
    if port == 0 {
        return Err(Problem::argument("`port` is at least 1").at(Part::Key("port".into())));
    }
    Ok(Place {
        address: options.address,
        port,
    })
}

fn finish(args: Args, own: &[Key]) -> Result<()> {
    args.finish(&[PlaceOptions::KEYS, own].concat())
}

/// Opens a server's sockets in the namespace.
fn open<T>(
    world: &World,
    netns: &NsName,
    protocol: Protocol,
    place: Place,
    sockets: impl FnOnce(Place) -> io::Result<T>,
) -> Result<T> {
    world.kernel.block_on(async {
        let space = world.space(netns)?;
        space.within(|| sockets(place))?.map_err(|error| {
            let what = format!("serve {} on port {} in {netns}", protocol.spell(), place.port);
            let problem = Problem::system(&what, error);
            match (problem.errno, place.address) {
                (Some(Errno::EADDRNOTAVAIL), Some(address)) => problem.at(Part::Key("address".into())).help(format!(
                    "give {netns} that address first: {netns}.addr.add(\"{address}/…\", …)"
                )),
                (Some(Errno::EADDRINUSE), _) => problem.help("something serves there already: take another port"),
                _ => problem,
            }
        })
    })
}

/// Starts a server on each socket.
fn start<Socket, Server>(world: &World, netns: &NsName, sockets: Vec<Socket>, server: impl Fn(Socket) -> Server)
where
    Server: Future<Output = ()> + Send + 'static,
{
    let _runtime = world.kernel.enter();
    for socket in sockets {
        world.servers.start(netns, server(socket));
    }
}

/// Which page: a URL, or a namespace for the one of its first global address.
enum Page {
    Url(Url),
    Netns(NsName),
}

impl Typed for Page {
    const WANTS: &'static str = "a URL such as \"http://10.0.0.1/\", or a netns";

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Netns(name) => Ok(Page::Netns(name.clone())),
            Value::Str(text) => text.parse().map(Page::Url).map_err(|()| not_wanted::<Self>(value)),
            other => Err(not_wanted::<Self>(other)),
        }
    }

    fn spell(&self) -> String {
        match self {
            Page::Url(url) => url.to_string(),
            Page::Netns(name) => name.to_string(),
        }
    }
}

fn fetch(world: &World, netns: &NsName, mut args: Args) -> Result<Answer> {
    let page: Page = args.required("the page")?;
    let options = FetchOptions::take(&mut args)?;
    args.finish(FetchOptions::KEYS)?;
    let limit = options.timeout.map_or(PATIENCE, |span| span.0);
    let url = match page {
        Page::Url(url) => url,
        Page::Netns(name) => addr::first_global(world, &name)?.into(),
    };
    let address = url.address();
    let report = world.kernel.block_on(async {
        let space = world.space(netns)?;
        let fetcher = space.within(|| fetch::open(&url))?;
        world.interrupt.or(fetcher.run(limit)).await
    })?;
    if let Some(address) = address {
        world.tries.note(netns, address, "tcp", report.status != 0);
    }
    Ok(Answer::One(Shape::Plain, fact::json(&report)))
}
