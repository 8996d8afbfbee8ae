//! Servers that nsx itself runs in a lab's namespaces: a web page ([`http`]), names ([`dns`]).
//!
//! Each has the same two steps. [`listen`] opens sockets in the namespace the thread is in, where they stay;
//! then tasks on the lab's runtime answer, whenever the lab waits for something. No thread, no program.

pub mod dns;
pub mod http;
pub mod listen;
mod names;

use std::cell::RefCell;
use std::future::Future;

use tokio::task::JoinHandle;

use crate::netns::NsName;

/// The servers of a lab.
#[derive(Default)]
pub struct Servers {
    running: RefCell<Vec<(NsName, JoinHandle<()>)>>,
}

impl Servers {
    /// Lets a server run beside the lab. Must be called within the lab's runtime.
    pub fn start(&self, netns: &NsName, server: impl Future<Output = ()> + Send + 'static) {
        let task = tokio::spawn(server);
        self.running.borrow_mut().push((netns.clone(), task));
    }

    /// Ends those in `netns` and closes their sockets, which would keep the namespace alive.
    pub async fn end(&self, netns: &NsName) {
        let running = self.running.take();
        let (ending, others) = running.into_iter().partition(|(name, _)| name == netns);
        self.running.replace(others);
        let ending: Vec<_> = ending;
        for (_, task) in ending {
            task.abort();
            // Returns when the task is dropped, and its sockets with it.
            let _ = task.await;
        }
    }
}
