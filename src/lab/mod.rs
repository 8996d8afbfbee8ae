//! Labs that stay: their names, the files that tell of them, and who they are.
//!
//! A lab that stays has a file in the state folder ([`folder`]): a [`State`] as JSON. The lab itself holds a lock on it
//! for as long as it lives, so that whether it lives is the kernel's to say, whatever became of its process id; and of
//! several that want one name, one gets it ([`Claim`]). A [`Running`] lab is one that was found so.

mod claim;
mod folder;
mod identity;
pub mod machine;
mod name;
mod running;

pub use claim::{Claim, is_held};
pub use folder::{folder, folders};
pub use identity::Identity;
pub use name::LabName;
pub use running::{Running, all, find};

use std::fs::File;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};

/// What is known of a lab that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Its name.
    pub name: LabName,
    /// Its first process.
    pub process: Identity,
    /// The script it was made by, as the user gave it.
    pub script: String,
    /// When it was started, in seconds since 1970.
    pub since: u64,
    /// 1 once its script has run, 0 before. A number, so that the file keeps its length when it changes.
    pub ready: u8,
    /// Whether it is on the machine's own network.
    #[serde(default)]
    pub is_machine: bool,
}

/// The longest state that is read.
const LONGEST: u64 = 64 << 10;

impl State {
    /// Reads a state; nothing where a file has none yet.
    fn read(mut file: &File) -> io::Result<Option<State>> {
        use std::io::{Seek, SeekFrom};
        let mut text = String::new();
        file.seek(SeekFrom::Start(0))?;
        file.take(LONGEST).read_to_string(&mut text)?;
        if text.is_empty() {
            return Ok(None);
        }
        serde_json::from_str(&text).map(Some).map_err(io::Error::from)
    }

    /// Writes it over what the file has.
    fn write(&self, file: &File) -> io::Result<()> {
        use std::os::unix::fs::FileExt;
        let text = serde_json::to_string(self).expect("a state is plain data");
        file.write_all_at(text.as_bytes(), 0)?;
        file.set_len(text.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_state_is_read_as_it_was_written_and_garbage_is_an_error() {
        let file = tempfile::tempfile().expect("a file");
        assert_eq!(State::read(&file).expect("an empty file"), None);
        let state = State {
            name: "web".parse().expect("a name"),
            process: Identity::of(1).expect("this machine has a first process"),
            script: "lab.rhai".into(),
            since: 7,
            ready: 0,
            is_machine: false,
        };
        state.write(&file).expect("a state");
        assert_eq!(State::read(&file).expect("a state"), Some(state.clone()));
        let text = serde_json::to_string(&state).expect("text");
        for cut in 1..text.len() {
            let file = tempfile::tempfile().expect("a file");
            (&file).write_all(&text.as_bytes()[..cut]).expect("a part");
            assert!(State::read(&file).is_err(), "{}", &text[..cut]);
        }
        for bad in ["\0\0\0", "[]", "{}", "\u{1b}[31m", "{\"name\":\"../x\"}", "null"] {
            let file = tempfile::tempfile().expect("a file");
            (&file).write_all(bad.as_bytes()).expect("text");
            assert!(State::read(&file).is_err(), "{bad:?}");
        }
        assert!(serde_json::from_str::<State>(&text.replace("web", "../web")).is_err());
        assert!(serde_json::from_str::<State>(&text.replace("since", "sense")).is_err());
    }
}
