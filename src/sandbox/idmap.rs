//! Which users and groups exist in the sandbox.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use nix::errno::Errno;
use nix::unistd::{Pid, User, getegid, geteuid};

use super::Failed;

/// A range of ids: the first one inside, the first one outside, how many.
type Range = (u32, u32, u32);

/// Writes the id maps of `child`. As root every id is itself, so that daemons can change user; else this user is
/// root, beside the ids that /etc/subuid lends, where newuidmap can map them.
pub(super) fn write(child: Pid) -> Result<(), Failed> {
    if geteuid().is_root() {
        let all = |file| fs::read_to_string(file).map(|map| identity(&map)).unwrap_or_default();
        let (uids, gids) = (all("/proc/self/uid_map"), all("/proc/self/gid_map"));
        if put(child, "uid_map", &uids)
            .and_then(|()| put(child, "gid_map", &gids))
            .is_ok()
        {
            return Ok(());
        }
    } else if let Some((uids, gids)) = lent() {
        let helpers = [("newuidmap", uids), ("newgidmap", gids)].map(|(helper, ranges)| start(helper, child, &ranges));
        let done: Vec<bool> = helpers
            .into_iter()
            .map(|started| started.is_some_and(succeeded))
            .collect();
        if done == [true, true] {
            return Ok(());
        }
    }
    // What a helper wrote before the other failed stays; only what is missing is written.
    let failed = Failed::at("map the user's id into the sandbox");
    put_if_empty(child, "uid_map", &[(0, geteuid().as_raw(), 1)]).map_err(&failed)?;
    let _ = fs::write(format!("/proc/{child}/setgroups"), "deny");
    put_if_empty(child, "gid_map", &[(0, getegid().as_raw(), 1)]).map_err(&failed)
}

/// The map in which each id that exists here is itself.
fn identity(map: &str) -> Vec<Range> {
    map.lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().map(str::parse::<u32>);
            let (inside, _, count) = (numbers.next()?.ok()?, numbers.next()?, numbers.next()?.ok()?);
            Some((inside, inside, count))
        })
        .collect()
}

fn put(child: Pid, file: &str, ranges: &[Range]) -> nix::Result<()> {
    let text: String = ranges
        .iter()
        .map(|(inside, outside, count)| format!("{inside} {outside} {count}\n"))
        .collect();
    fs::write(format!("/proc/{child}/{file}"), text)
        .map_err(|e| Errno::from_raw(e.raw_os_error().unwrap_or(nix::libc::EIO)))
}

fn put_if_empty(child: Pid, file: &str, ranges: &[Range]) -> nix::Result<()> {
    match fs::read_to_string(format!("/proc/{child}/{file}")) {
        Ok(present) if !present.is_empty() => Ok(()),
        _ => put(child, file, ranges),
    }
}

/// The ranges of uids and gids this user may map, itself as root first.
fn lent() -> Option<(Vec<Range>, Vec<Range>)> {
    let uid = geteuid();
    let name = User::from_uid(uid).ok()??.name;
    let ranges = |file: &str, own: u32| {
        let text = fs::read_to_string(file).ok()?;
        let (first, count) = subordinate(&text, &name, uid.as_raw())?;
        Some(vec![(0, own, 1), (1, first, count)])
    };
    Some((
        ranges("/etc/subuid", uid.as_raw())?,
        ranges("/etc/subgid", getegid().as_raw())?,
    ))
}

/// The first range that `text`, in the form of /etc/subuid, lends to a user: its start and its length.
fn subordinate(text: &str, name: &str, uid: u32) -> Option<(u32, u32)> {
    text.lines().find_map(|line| {
        let mut fields = line.trim().split(':');
        let owner = fields.next()?;
        let range = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        (owner == name || owner == uid.to_string()).then_some(range)
    })
}

fn start(helper: &str, child: Pid, ranges: &[Range]) -> Option<Child> {
    let path = find(helper)?;
    let numbers = ranges
        .iter()
        .flat_map(|(inside, outside, count)| [*inside, *outside, *count]);
    Command::new(path)
        .arg(child.to_string())
        .args(numbers.map(|number| number.to_string()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()
}

fn succeeded(mut helper: Child) -> bool {
    helper.wait().is_ok_and(|status| status.success())
}

fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_there_is_maps_to_itself() {
        assert_eq!(identity("         0          0 4294967295\n"), [(0, 0, 4294967295)]);
        assert_eq!(identity("0 1000 1\n1 100000 65536\n"), [(0, 0, 1), (1, 1, 65536)]);
        assert_eq!(identity("rubbish"), []);
    }

    #[test]
    fn a_range_is_lent_by_name_or_by_number() {
        let text = "other:1:2\n\nmia:100000:65536\n1001:300000:10\nbad:x:y\n";
        assert_eq!(subordinate(text, "mia", 7), Some((100000, 65536)));
        assert_eq!(subordinate(text, "nobody", 1001), Some((300000, 10)));
        assert_eq!(subordinate(text, "bad", 1), None);
    }
}
