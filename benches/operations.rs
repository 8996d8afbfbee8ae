//! What single operations cost, in a sandbox: `cargo bench --bench operations`.

use divan::{Bencher, black_box};
use nsx::ops::{Op, World};
use nsx::script::{End, Folder, Lab};
use std::path::Path;

fn main() {
    let ended = nsx::sandbox::run(|| {
        divan::main();
        0
    });
    std::process::exit(ended.map_or(4, i32::from));
}

fn lab() -> Lab {
    let folder = Folder::open(Path::new("/")).expect("a folder");
    Lab::new(folder, Box::new(|_| Ok(())), None).expect("a lab")
}

fn run(lab: &mut Lab, script: &str) {
    let ended = lab.run("bench", script);
    assert!(matches!(ended, End::Done(0)), "the script runs: {script}");
}

/// The engine, with everything a script can call.
#[divan::bench]
fn a_lab() -> Lab {
    lab()
}

/// A module of the standard library: read, resolved, made.
#[divan::bench]
fn import_topology(bencher: Bencher) {
    bencher
        .with_inputs(lab)
        .bench_values(|mut lab| run(&mut lab, "import \"std/topology\" as topology;"));
}

/// One request to the kernel and its acknowledgement, without a script.
#[divan::bench]
fn a_request(bencher: Bencher) {
    let (world, op) = (World::new().expect("a world"), Op::lo_up());
    bencher.bench_local(|| black_box(&op).apply(&world).expect("lo is there"));
}

/// A hundred calls of a verb that is one request each.
#[divan::bench]
fn a_hundred_calls(bencher: Bencher) {
    let mut lab = lab();
    bencher.bench_local(|| run(&mut lab, "for i in 0..100 { host.link.set(\"lo\", #{ up: true }); }"));
}

/// A namespace, and its end.
#[divan::bench(sample_count = 20)]
fn a_namespace(bencher: Bencher) {
    let mut lab = lab();
    bencher.bench_local(|| run(&mut lab, "netns::add(\"ns0\").del();"));
}
