//! `nsx run --host`, `nsx up --host`: a lab on the machine's own network, and its teardown.

use std::path::{Path, PathBuf};

use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};

use super::manner::Manner;
use super::{note, up};
use crate::error::{Kind, Problem, Result};
use crate::lab::{Claim, LabName, machine};
use crate::netlink::nftables::{self, Hook};
use crate::netns::NsName;
use crate::ops::ownership::{Owner, Uplink};
use crate::ops::{World, filter};
use crate::sandbox::{self, Began, Ready};
use crate::script::{self, Folder, Lab};

/// A lab on the machine, to be.
pub(super) struct Machine<'a> {
    pub name: &'a LabName,
    pub manner: Manner<'a>,
    pub uplink: Uplink,
    pub stays: bool,
}

/// A script's name, its text, and the folder of its imports.
type Script = (String, String, Folder);

impl Machine<'_> {
    /// Runs the lab; the exit status.
    pub(super) fn run(&self, script: Script) -> Result<u8> {
        let folder = machine::folder()?;
        let claim = Claim::take(&folder, self.name)?;
        let journal = machine::journal(&folder, self.name);
        if journal.exists() {
            claim.release();
            let message = format!(
                "a lab {} was killed, and what it did to the machine is still there",
                self.name
            );
            return Err(Problem::new(Kind::Usage, message).help("nsx clean takes it back"));
        }
        let shown = script.0.clone();
        let complaints = self.manner.complaints();
        let began = sandbox::on_machine(
            self.stays,
            |process| claim.began(process, &shown, true),
            |ready| {
                self.inside(script, &claim, &journal, ready)
                    .unwrap_or_else(|problem| complaints.about(problem))
            },
        );
        match began {
            Ok(Began::Stays) => {
                up::is_up(self.name);
                if let Uplink::Lent(seconds) = self.uplink {
                    note(&format!(
                        "if it holds the uplink, all is taken back in {seconds} s: nsx confirm {} keeps it",
                        self.name
                    ));
                }
                return Ok(0);
            }
            _ => claim.release(),
        }
        let status = match began? {
            Began::Ended(status) => status,
            Began::Stays => 0,
        };
        if journal.exists() {
            note("nsx: something of the lab is left on the machine: nsx clean tries again to take it back");
            return Ok(status.max(Kind::Kernel.exit_status()));
        }
        Ok(status)
    }

    /// In the lab's pid namespace.
    fn inside(&self, (name, text, folder): Script, claim: &Claim, journal: &Path, ready: Option<Ready>) -> Result<u8> {
        script::confine();
        let owner = Owner::begin(journal, &machine::boot()?, self.uplink);
        let world = World::owned(owner.map_err(|e| Problem::system("begin the journal", e))?)?;
        warn_of_dropping(&world);
        let mut lab = Lab::of(world, folder, self.manner.sink(), self.manner.watch());
        let stays = ready.map(|ready| (claim, ready));
        let status = self.manner.run(&mut lab, &[(name, text)], stays);
        hold_signals();
        let world = lab.world();
        world.end_processes();
        let problems = world
            .owner
            .as_ref()
            .map_or_else(Vec::new, |owner| take_back(world, owner));
        if self.stays {
            // Nobody may be left outside to do it.
            claim.release();
        }
        let complaints = self.manner.complaints();
        let statuses = problems.into_iter().map(|problem| complaints.about(problem));
        Ok(statuses.fold(status, u8::max))
    }
}

/// Takes back what the lab did. What fails is tried once more, over other sockets: one that failed is closed.
#[expect(clippy::vec_box, reason = "problems are boxed wherever they go")]
fn take_back(world: &World, owner: &Owner) -> Vec<Box<Problem>> {
    let problems = owner.undo(world);
    if problems.is_empty() {
        return problems;
    }
    match World::new() {
        Ok(again) => owner.undo(&again),
        Err(_) => problems,
    }
}

/// Teardown is not interrupted: from now on signals wait.
pub(super) fn hold_signals() {
    let all: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGALRM]
        .into_iter()
        .collect();
    let _ = sigprocmask(SigmaskHow::SIG_BLOCK, Some(&all), None);
}

/// Where the machine drops what it forwards, as Docker has it do, says so, and what helps. A drop in one table wins over an
/// accept in any other, so the lab cannot answer it.
fn warn_of_dropping(world: &World) {
    let Ok(space) = world.kernel.space(&NsName::host()) else {
        return;
    };
    for found in nftables::dropping(&space, Hook::Forward).unwrap_or_default() {
        let (family, table, chain) = (found.family, &found.table, &found.chain);
        let whose = if table == filter::TABLE {
            "another lab's"
        } else {
            "as Docker sets it"
        };
        note(&format!(
            "warning: the machine drops what it forwards (policy drop of chain {chain} in table {family} {table}, {whose}): the lab's
packets pass only with a rule there, for a bridge br0: nft insert rule {family} {table} {chain} iifname br0 accept"
        ));
    }
    let legacy = PathBuf::from("/proc/net/ip_tables_names");
    if std::fs::read_to_string(legacy).is_ok_and(|names| names.lines().any(|name| name == "filter")) {
        note("warning: the machine has rules of iptables-legacy, which nsx cannot read: iptables-legacy -S FORWARD shows whether they
drop the lab's packets, iptables-legacy -I FORWARD -i br0 -j ACCEPT lets those of a bridge br0 pass");
    }
}
