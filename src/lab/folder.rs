//! The folder that labs' states are kept in: the user's own, and nobody else's.

use std::env;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use crate::error::{Kind, Problem, Result};

/// The folder of this user's labs, made where it is not there yet: `nsx` in `$XDG_RUNTIME_DIR`; without that, `/run/nsx` for
/// root and `/tmp/nsx-UID` for anybody else. One that others could write to is refused.
pub fn folder() -> Result<PathBuf> {
    let path = place(env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from), geteuid().as_raw());
    open(&path)?;
    Ok(path)
}

/// The folders that this user's labs can be in: for root, those on the machine's own network have one of their own.
pub fn folders() -> Result<Vec<PathBuf>> {
    let own = folder()?;
    let machine = PathBuf::from(MACHINE);
    if !geteuid().is_root() || own == machine || !machine.exists() {
        return Ok(vec![own]);
    }
    open(&machine)?;
    Ok(vec![own, machine])
}

/// The folder of the labs on the machine's own network: there is one machine, whoever's session it is.
pub(super) const MACHINE: &str = "/run/nsx";

fn place(runtime: Option<PathBuf>, user: u32) -> PathBuf {
    match runtime.filter(|path| path.is_absolute()) {
        Some(path) => path.join("nsx"),
        None if user == 0 => MACHINE.into(),
        None => format!("/tmp/nsx-{user}").into(),
    }
}

/// Makes a private folder, or checks that the one there is private.
pub(super) fn open(path: &Path) -> Result<()> {
    let refused = |why: String| {
        Problem::new(
            Kind::Usage,
            format!("the state folder {} cannot be used: {why}", path.display()),
        )
    };
    match DirBuilder::new().mode(0o700).create(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
            return Err(refused(e.to_string()).help("XDG_RUNTIME_DIR names the folder to make it in"));
        }
        _ => {}
    }
    let found = fs::symlink_metadata(path).map_err(|e| refused(e.to_string()))?;
    let user = geteuid().as_raw();
    if !found.is_dir() {
        return Err(refused("it is no folder".into()));
    }
    if found.uid() != user {
        return Err(refused(format!(
            "it belongs to the user {}, not to {user}",
            found.uid()
        )));
    }
    if found.mode() & 0o077 != 0 {
        return Err(refused("others may enter it".into()).help(format!("chmod 700 {}", path.display())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn the_place_follows_from_the_user() {
        assert_eq!(place(Some("/run/user/7".into()), 7), Path::new("/run/user/7/nsx"));
        assert_eq!(place(Some("relative".into()), 7), Path::new("/tmp/nsx-7"));
        assert_eq!(place(None, 7), Path::new("/tmp/nsx-7"));
        assert_eq!(place(None, 0), Path::new("/run/nsx"));
    }

    #[test]
    fn a_folder_that_others_can_reach_is_refused() {
        let above = tempfile::tempdir().expect("a folder");
        let at = |name: &str| above.path().join(name);
        open(&at("new")).expect("it is made");
        open(&at("new")).expect("it is there");
        assert_eq!(fs::metadata(at("new")).expect("a folder").mode() & 0o777, 0o700);
        fs::set_permissions(at("new"), fs::Permissions::from_mode(0o755)).expect("opened");
        assert!(open(&at("new")).unwrap_err().message.contains("others may enter it"));
        symlink(at("new"), at("link")).expect("a link");
        assert!(open(&at("link")).unwrap_err().message.contains("no folder"));
        fs::write(at("file"), "").expect("a file");
        assert!(open(&at("file")).unwrap_err().message.contains("no folder"));
        assert!(open(&at("a/b")).is_err());
    }
}
