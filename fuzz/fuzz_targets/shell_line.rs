//! Lines for a shell: none is too strange, places lie within it, and what is understood is spelled so that it reads back the
//! same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nsx::netns::NsName;
use nsx::shell;

fuzz_target!(|line: &str| {
    let host = NsName::host();
    let statements = match shell::read(line, &host) {
        Ok(statements) => statements,
        Err(misread) => {
            assert!(misread.place.start <= misread.place.end && misread.place.end <= line.len(), "{line:?}");
            return;
        }
    };
    for op in statements.iter().filter_map(|said| said.call()?.op().ok()?) {
        let spelled = op.spell();
        let again = shell::read(&spelled, &host).unwrap_or_else(|misread| panic!("{spelled:?}: {}", misread.problem));
        let again: Vec<_> = again.iter().filter_map(|said| said.call()?.op().ok()?).map(|op| op.spell()).collect();
        assert_eq!(again, [spelled]);
    }
    let _ = shell::import("line", line, shell::Settings { prose: true });
});
