//! What a script may use: a hostile one ends with an error, soon, and before it hurts the machine.

use nix::sys::resource::Resource;
use rhai::{Dynamic, Engine};

use crate::error::{Kind, Problem};
use crate::memory;
use crate::process::{Interrupt, interrupted, limit};

/// Steps of the engine. A million rounds of a loop take about three million.
const OPERATIONS: u64 = 10_000_000;
/// Calls within calls.
const CALL_LEVELS: usize = 128;
/// Expressions within expressions, at the top level and in functions.
const EXPRESSION_DEPTH: (usize, usize) = (128, 64);
/// Bytes of one string.
const STRING: usize = 4 << 20;
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

pub(super) fn apply(engine: &mut Engine, interrupt: &Interrupt) {
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
    let interrupt = interrupt.clone();
    engine.on_progress(move |_| {
        if interrupt.signal().is_some() {
            return Some(Dynamic::from(*interrupted()));
        }
        (memory::allocated() > MEMORY).then(|| Dynamic::from(*too_much_memory()))
    });
}

fn too_much_memory() -> Box<Problem> {
    Problem::new(
        Kind::Limit,
        format!("the script uses more than {} MiB of memory", MEMORY >> 20),
    )
}
