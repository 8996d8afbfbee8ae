//! What a script may use: a hostile one ends with an error, soon, and before it hurts the machine.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use nix::sys::resource::Resource;
use nix::time::{ClockId, clock_gettime};
use rhai::{Dynamic, Engine};

use super::Shared;
use crate::error::{Kind, Problem};
use crate::memory;
use crate::process::{interrupted, limit};

/// Steps of the engine. A million rounds of a loop take about three million.
const OPERATIONS: u64 = 10_000_000;
/// Calls within calls.
const CALL_LEVELS: usize = 128;
/// Expressions within expressions, at the top level and in functions.
const EXPRESSION_DEPTH: (usize, usize) = (128, 64);
/// Bytes of one string.
const STRING: usize = 4 << 20;
/// Processor time from one thing that a script does in its lab to the next: a step may take long where an array is large.
const COMPUTING: Duration = Duration::from_millis(1500);
/// Items of one array or map.
const ITEMS: usize = 500_000;
/// Modules that can be imported.
const MODULES: usize = 200;
/// Bytes that the process may have allocated.
const MEMORY: usize = 200 << 20;
/// Bytes of address space: far more than [`MEMORY`], for what is mapped and not allocated.
const ADDRESS_SPACE: u64 = 1 << 30;
/// Bytes of stack: enough for [`CALL_LEVELS`] of the deepest expressions.
const STACK: u64 = 64 << 20;

/// Limits the process itself. Programs that it starts get back what nsx was started with.
pub fn confine() {
    limit(Resource::RLIMIT_AS, ADDRESS_SPACE);
    limit(Resource::RLIMIT_STACK, STACK);
    // A namespace takes three descriptors: raise the soft limit as far as the hard one allows.
    limit(Resource::RLIMIT_NOFILE, u64::MAX);
}

/// The processor time that goes into a script's own computing.
#[derive(Default)]
pub(super) struct Computing {
    spent: Cell<Duration>,
    seen: Cell<Duration>,
}

impl Computing {
    /// The script does something in its lab.
    pub(super) fn begin(&self) {
        self.spent.take();
        self.seen.set(processor_time());
    }

    /// Whether it goes on for too long. To be asked every few steps: what takes long between two is not the script's own.
    fn is_too_long(&self) -> bool {
        const FEW_STEPS: Duration = Duration::from_millis(50);
        let now = processor_time();
        let since = now.saturating_sub(self.seen.replace(now));
        if since < FEW_STEPS {
            self.spent.set(self.spent.get() + since);
        }
        self.spent.get() > COMPUTING
    }
}

fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

pub(super) fn apply(engine: &mut Engine, shared: &Rc<Shared>) {
    engine
        .set_max_operations(OPERATIONS)
        .set_max_call_levels(CALL_LEVELS)
        .set_max_expr_depths(EXPRESSION_DEPTH.0, EXPRESSION_DEPTH.1)
        .set_max_string_size(STRING)
        .set_max_array_size(ITEMS)
        .set_max_map_size(ITEMS)
        .set_max_modules(MODULES)
        .set_max_variables(10_000)
        .set_max_functions(5_000);
    let interrupt = shared.world.interrupt.clone();
    let computing = shared.computing.clone();
    engine.on_progress(move |steps| {
        if interrupt.signal().is_some() {
            return Some(Dynamic::from(*interrupted()));
        }
        if steps.is_multiple_of(16) && computing.is_too_long() {
            return Some(Dynamic::from(*too_long()));
        }
        (memory::allocated() > MEMORY).then(|| Dynamic::from(*too_much_memory()))
    });
}

/// The script takes too many steps, or a step of it too long.
pub(super) fn too_long() -> Box<Problem> {
    Problem::new(
        Kind::Limit,
        "the script takes too many steps: is there a loop without an end?",
    )
}

fn too_much_memory() -> Box<Problem> {
    Problem::new(
        Kind::Limit,
        format!("the script uses more than {} MiB of memory", MEMORY >> 20),
    )
}
