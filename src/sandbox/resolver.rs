//! Names in the lab. The machine's name server cannot be reached from a sandbox; programs in it ask 8.8.8.8, which is
//! there once the lab has an Internet (`std/internet`).

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use nix::mount::{MsFlags, mount};

/// Where programs look.
const CONFIG: &str = "/etc/resolv.conf";
/// Our own, in the sandbox's /run.
const OURS: &str = "/run/resolv.conf";
/// Short waits: in a lab an answer comes at once or never.
const TEXT: &str = "# Of an nsx lab: std/internet answers at these addresses.
nameserver 8.8.8.8
nameserver 2001:4860:4860::8888
options timeout:1 attempts:2
";
/// The most links that are followed.
const LINKS: usize = 8;

/// Puts our resolv.conf where programs look, if there is such a place. Writes nothing outside /run, which must be
/// the sandbox's own by now.
pub(super) fn set() -> io::Result<()> {
    const NONE: Option<&str> = None;
    if Path::new(CONFIG).exists() {
        write(Path::new(OURS))?;
        return Ok(mount(Some(OURS), CONFIG, NONE, MsFlags::MS_BIND, NONE)?);
    }
    // A link into the machine's /run, which is not there any more (systemd-resolved, resolvconf).
    match missing(Path::new(CONFIG)) {
        Some(target) => write(&target),
        None => Ok(()),
    }
}

fn write(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, TEXT)?;
    fs::set_permissions(path, Permissions::from_mode(0o644))
}

/// The file in /run that a link leads to and that is not there.
fn missing(link: &Path) -> Option<PathBuf> {
    let mut path = link.to_path_buf();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = real(&path.parent()?.join(target))?,
            Err(_) => {
                let is_plain = !path.components().any(|part| part == Component::ParentDir);
                return (is_plain && path != link && path.starts_with("/run/")).then_some(path);
            }
        }
    }
    None
}

/// The path with the folders that exist made canonical. The last part is kept: it may be a link itself.
fn real(path: &Path) -> Option<PathBuf> {
    let mut after: Vec<&OsStr> = vec![path.file_name()?];
    for folder in path.ancestors().skip(1) {
        if let Ok(canonical) = folder.canonicalize() {
            return Some(after.iter().rev().fold(canonical, |path, part| path.join(part)));
        }
        after.push(folder.components().next_back()?.as_os_str());
    }
    None
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_leads_into_run_or_nowhere() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let up = "../".repeat(folder.path().canonicalize().expect("a path").components().count() - 1);
        for (target, expected) in [
            (
                format!("{up}run/nsx-test/resolve/stub.conf"),
                Some("/run/nsx-test/resolve/stub.conf"),
            ),
            ("/run/nsx-test/x".into(), Some("/run/nsx-test/x")),
            ("/run/nsx-test/../../etc/x".into(), None),
            ("/nsx-test/x".into(), None),
            ("second".into(), Some("/run/nsx-test/y")),
            ("loop".into(), None),
        ] {
            for (name, target) in [
                ("link", target.as_str()),
                ("second", "/run/nsx-test/y"),
                ("loop", "link"),
            ] {
                let _ = fs::remove_file(at(name));
                symlink(target, at(name)).expect("a link");
            }
            assert_eq!(missing(&at("link")), expected.map(PathBuf::from), "{target}");
        }
        assert_eq!(missing(&at("nothing")), None);
    }
}
