//! Proof that a network works: ping and traceroute, with raw ICMP sockets of this process, and `fetch` over HTTP.
//!
//! Each has the same two steps. `open` makes the socket in the namespace the thread is in, where it stays;
//! `run` sends and waits, on a tokio runtime, wherever the thread then is. That nobody answers is a result
//! and no error.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use nsx::probe::{Target, ping, traceroute};
//!
//! let target: Target = "10.0.0.101".parse()?;
//! println!("{}", ping::open(&target, &ping::Settings::default())?.run().await);
//! println!("{}", traceroute::open(&target, &traceroute::Settings::default())?.run().await);
//! # Ok(())
//! # }
//! ```

pub mod fetch;
mod packet;
pub mod ping;
mod report;
mod resolve;
mod socket;
pub mod traceroute;
#[cfg(test)]
mod trial;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// The `error` of an echo that nobody answered in time.
pub const TIMEOUT: &str = "timeout";

/// Who is asked: an address, with the device it is on where it means nothing without: `fe80::1%eth0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address.
    pub address: IpAddr,
    /// The device, for an IPv6 address.
    pub device: Option<String>,
}

impl From<IpAddr> for Target {
    fn from(address: IpAddr) -> Target {
        Target { address, device: None }
    }
}

impl FromStr for Target {
    type Err = io::Error;

    fn from_str(text: &str) -> io::Result<Target> {
        let wrong = || {
            let message = format!("wants an address such as \"10.0.0.1\" or \"fe80::1%eth0\", not {text:?}");
            io::Error::new(io::ErrorKind::InvalidInput, message)
        };
        match text.split_once('%') {
            None => Ok(text.parse::<IpAddr>().map_err(|_| wrong())?.into()),
            Some((_, "")) => Err(wrong()),
            Some((address, device)) => {
                let address: Ipv6Addr = address.parse().map_err(|_| wrong())?;
                Ok(Target {
                    address: address.into(),
                    device: Some(device.to_string()),
                })
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.device {
            Some(device) => write!(f, "{}%{device}", self.address),
            None => write!(f, "{}", self.address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_target_may_have_a_device() {
        for text in ["10.0.0.1", "fd00::1", "fe80::1%eth0"] {
            assert_eq!(
                text.parse::<Target>().map(|t| t.to_string()).ok().as_deref(),
                Some(text)
            );
        }
        for text in ["", "host", "10.0.0.1/24", "10.0.0.1%eth0", "fe80::1%"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
