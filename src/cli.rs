//! The command line, as clap types and nothing else.

use std::path::PathBuf;

use crate::draw::Format;
use crate::ops::ownership::Uplink;
use clap::{ArgAction, Args, Parser, Subcommand};

/// Network labs as scripts: ip(8)'s grammar, in a sandbox, on the real kernel.
#[derive(Debug, Parser)]
#[command(name = "nsx", version, disable_help_subcommand = true, after_help = EXAMPLE)]
pub struct Cli {
    /// What to do; without it, `repl`.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXAMPLE: &str = "\
Example: save as lab.rhai and run it with `nsx run lab.rhai`; no root is needed.

    let ns0 = netns::add(\"ns0\");
    host.link.add(\"veth0\", #{ type: \"veth\", peer: #{ name: \"eth0\", netns: ns0 } });
    host.addr.add(\"10.0.0.1/24\", #{ dev: \"veth0\" });
    ns0.addr.add(\"10.0.0.2/24\", #{ dev: \"eth0\" });
    host.link.set(\"veth0\", #{ up: true });
    ns0.link.set(\"eth0\", #{ up: true });
    assert(host.ping(ns0).ok, \"the host reaches ns0\");";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a lab in a sandbox of its own; nothing of it is left afterwards
    Run(Run),
    /// Run a lab and keep it, in its sandbox, until `nsx down`
    Up(Up),
    /// List the labs that stay
    Ls(Ls),
    /// Run a command in a namespace of a lab that stays
    Exec(Exec),
    /// Open a shell in a namespace of a lab that stays
    Shell(Shell),
    /// End labs that stay
    Down(Down),
    /// Let a lab keep what it did to the machine's uplink (--allow-uplink)
    Confirm(Confirm),
    /// Take back what labs on the machine itself left when they were killed
    Clean,
    /// Run scripts as tests, each in a sandbox of its own, several at once
    Test(Test),
    /// Open a lab to live in, line by line; so does nsx alone
    Repl(Repl),
    /// Learn how networks are made of namespaces, by making them
    Learn(Learn),
    /// Prove lessons
    Lesson(Lesson),
    /// Say whether scripts are right: resolve every name, then run them in a throw-away sandbox
    Check(Check),
    /// Draw a lab: what a script has built at its end, or a lab that stays
    Graph(Graph),
    /// Make a shell script of a lab, that runs without nsx
    Export(Export),
    /// Make a script of shell lines or of a post: `ip`, `bridge`, `tc`, `iptables`, `sysctl` and their kin
    Import(Import),
    /// Explain an error's code
    Explain(Explain),
    /// Explain the language: a noun, a verb, a function, a module
    Help(Help),
    /// Write the manual pages
    Man(Man),
    /// Print what a shell needs to complete nsx's command line
    Completions(Completions),
}

/// `nsx man`.
#[derive(Debug, Args)]
#[command(after_help = "Examples: nsx man | man -l -, nsx man ~/.local/share/man/man1")]
pub struct Man {
    /// The folder for all pages, nsx.1 and one for each subcommand; without it, nsx(1) on standard output
    pub folder: Option<PathBuf>,
}

/// `nsx completions`.
#[derive(Debug, Args)]
#[command(after_help = "Example: nsx completions bash > ~/.local/share/bash-completion/completions/nsx")]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// `nsx check`.
#[derive(Debug, Args)]
#[command(after_help = "Example: nsx check scripts/*.rhai")]
pub struct Check {
    /// The scripts
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Stop when every name is resolved
    #[arg(long)]
    pub no_run: bool,
    /// Errors as JSON on standard error, one a line; on standard output a line for each file
    #[arg(long)]
    pub json: bool,
}

/// `nsx explain`.
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 ok, 2 there is no such code.

Examples: nsx explain, nsx explain NSX012")]
pub struct Explain {
    /// The code, such as NSX012; without it, all of them in a line each
    #[arg(conflicts_with = "form")]
    pub code: Option<String>,
    /// The whole catalogue as JSON, for programs
    #[arg(long, group = "form")]
    pub json: bool,
    /// The whole catalogue as Markdown: docs/errors.md
    #[arg(long, group = "form")]
    pub markdown: bool,
}

/// `nsx run`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 ok, 1 an assertion failed, 2 usage, 3 the script is wrong or an operation failed,
4 a privilege or a kernel feature is missing, 130 interrupted.

Example: nsx run scripts/veth.rhai"
)]
pub struct Run {
    /// The script, or - for standard input
    pub file: PathBuf,
    /// What the script sees as `args`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<String>,
    /// With --host: the lab's name; without it, the script's
    #[arg(long, requires = "host")]
    pub name: Option<String>,
    #[command(flatten)]
    pub machine: Machine,
    /// Do not show what the script prints
    #[arg(short, long, conflicts_with = "explain")]
    pub quiet: bool,
    /// Show each operation as the command that does the same, with its line, on standard error
    #[arg(short = 'v', long, visible_alias = "verbose", action = ArgAction::Count)]
    pub explain: u8,
    /// Errors as JSON on standard error, one a line
    #[arg(long)]
    pub json: bool,
}

/// `nsx graph`.
#[derive(Debug, Args)]
#[command(
    after_help = "A script is run in a sandbox, what it prints is not shown, and the lab is drawn as it stands when the script ends, before
what it left for on_exit; if the script fails, too. Exit status: that of the script, as with nsx run.

Pairs of veth are lines, broken where an end is down; a crossing joins nothing. Of more than 24 namespaces, json and dot have
all, the others the first and those that most is joined to.

Examples: nsx graph scripts/bridge.rhai, nsx graph scripts/nat.rhai -o nat.svg, nsx graph --lab net --format mermaid"
)]
pub struct Graph {
    /// The script, or - for standard input
    #[arg(required_unless_present = "lab", conflicts_with = "lab")]
    pub file: Option<PathBuf>,
    /// What the script sees as `args`
    #[arg(last = true)]
    pub args: Vec<String>,
    /// A lab that stays (nsx up)
    #[arg(long, value_name = "LAB")]
    pub lab: Option<String>,
    /// text, ascii, svg, png, mermaid, dot or json; without it, as the file's name ends, or text, which is ascii where the
    /// locale is not UTF-8
    #[arg(long, value_parser = clap::value_parser!(Format))]
    pub format: Option<Format>,
    /// Write to a file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `nsx export`.
#[derive(Debug, Args)]
#[command(
    after_help = "The lab is run in a sandbox, and what it did is written: `ip`, `bridge`, `tc`, `sysctl`, `nft`, its programs, and its
pings as checks. The script runs in namespaces of its own, too, unless it is told --here.

Exit status: that of the lab, as with nsx run.

Example: nsx export --shell scripts/veth.rhai > veth.sh && sh veth.sh"
)]
pub struct Export {
    /// Write a shell script
    #[arg(long, required = true)]
    pub shell: bool,
    /// The lab, or - for standard input
    pub file: PathBuf,
    /// What the lab sees as `args`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<String>,
}

/// `nsx import`.
#[derive(Debug, Args)]
#[command(
    after_help = "What a command printed becomes a claim where it says something; what is not understood becomes a comment that
says why, and is counted on standard error.

Exit status: 0 ok, 1 something is not understood and --strict was given, 2 usage.

Example: nsx import post.md > post.rhai && nsx run post.rhai"
)]
pub struct Import {
    /// A shell script or a post in Markdown, or - for standard input
    pub file: PathBuf,
    /// Keep a post's prose as comments
    #[arg(long)]
    pub prose: bool,
    /// Fail where a command is not understood
    #[arg(long)]
    pub strict: bool,
}

/// `nsx repl`.
#[derive(Debug, Args)]
#[command(
    after_help = "What is piped into it is run as a script. Within, :help tells of its commands.

Example: nsx repl scripts/bridge.rhai"
)]
pub struct Repl {
    /// A script to begin with
    pub file: Option<PathBuf>,
    /// Live in a lab that stays (nsx up); it goes on afterwards
    #[arg(long, value_name = "LAB")]
    pub lab: Option<String>,
}

/// `nsx up`.
#[derive(Debug, Args)]
#[command(
    after_help = "The lab stays when its script has run well; what it started and serves goes on. Exit status: as of nsx run.

Example: nsx up scripts/bridge.rhai --name net, nsx exec net ns0 -- ip addr, nsx down net"
)]
pub struct Up {
    /// The script, or - for standard input
    pub file: PathBuf,
    /// What the script sees as `args`
    #[arg(last = true)]
    pub args: Vec<String>,
    /// The lab's name; without it, the script's
    #[arg(long)]
    pub name: Option<String>,
    #[command(flatten)]
    pub machine: Machine,
    /// Do not show what the script prints
    #[arg(short, long, conflicts_with = "explain")]
    pub quiet: bool,
    /// Show each operation as the command that does the same, with its line, on standard error
    #[arg(short = 'v', long, visible_alias = "verbose", action = ArgAction::Count)]
    pub explain: u8,
}

/// Where a lab runs.
#[derive(Clone, Debug, Args)]
pub struct Machine {
    /// On the machine's own network, not in a sandbox; as root. What the lab makes is taken back at its end
    #[arg(long)]
    pub host: bool,
    /// Let the script change the device that carries the default route or your ssh connection; all is taken back after so
    /// many seconds (30) unless `nsx confirm LAB` comes before
    #[arg(long, requires = "host", value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "30", value_parser = clap::value_parser!(u32).range(1..))]
    pub allow_uplink: Option<u32>,
}

impl Machine {
    /// What becomes of a change that could cut the machine off.
    pub fn uplink(&self) -> Uplink {
        self.allow_uplink.map_or(Uplink::Guarded, Uplink::Lent)
    }
}

/// `nsx confirm`.
#[derive(Debug, Args)]
pub struct Confirm {
    /// The lab
    pub lab: String,
}

/// `nsx ls`.
#[derive(Debug, Args)]
pub struct Ls {
    /// As JSON, for programs
    #[arg(long)]
    pub json: bool,
}

/// `nsx exec`.
#[derive(Debug, Args)]
#[command(after_help = "Exit status: the command's, 127 if it cannot be started.

Example: nsx exec net ns0 -- ping -c 1 10.0.0.101")]
pub struct Exec {
    /// The lab
    pub lab: String,
    /// The namespace; the lab's own root namespace is `host`
    pub netns: String,
    /// The command
    #[arg(last = true, required = true)]
    pub command: Vec<String>,
}

/// `nsx shell`.
#[derive(Debug, Args)]
#[command(after_help = "Example: nsx shell net ns0")]
pub struct Shell {
    /// The lab
    pub lab: String,
    /// The namespace
    #[arg(default_value = "host")]
    pub netns: String,
}

/// `nsx down`.
#[derive(Debug, Args)]
#[command(after_help = "It returns when the kernel has ended all that was in the lab.

Example: nsx down net, nsx down --all")]
pub struct Down {
    /// The labs
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub labs: Vec<String>,
    /// All that this user has
    #[arg(long)]
    pub all: bool,
}

/// `nsx test`.
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 all passed, 1 one failed, 2 usage, 130 interrupted.

Example: nsx test scripts --junit report.xml")]
pub struct Test {
    /// Scripts and lessons, and folders to look for them in
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// Only those whose path has this in it
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// How many run at once; without it, one for each processor
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub jobs: Option<u16>,
    /// Write a report in JUnit's XML, for CI
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// `nsx learn`.
#[derive(Debug, Args)]
#[command(
    after_help = "How far you came is kept, and where you were is set up again. Within, :help tells of the commands.

Examples: nsx learn, nsx learn veth, nsx learn 2 --lang zh-CN"
)]
pub struct Learn {
    /// The lesson: its name, its number, or a file; without it, what there is to learn
    pub lesson: Option<String>,
    /// The language: en or zh-CN; without it, that of LC_ALL or LANG
    #[arg(long, value_name = "LANG")]
    pub lang: Option<String>,
    /// Begin with the first step
    #[arg(long)]
    pub anew: bool,
}

/// `nsx lesson`.
#[derive(Debug, Args)]
pub struct Lesson {
    /// What to do
    #[command(subcommand)]
    pub command: LessonCommand,
}

/// What is done with lessons.
#[derive(Debug, Subcommand)]
pub enum LessonCommand {
    /// Try what lessons say on the kernel: checks, hints, mistakes, outputs
    Test(LessonTest),
}

/// `nsx lesson test`.
#[derive(Debug, Args)]
#[command(
    after_help = "Of a lesson, each step is tried in sandboxes of its own. The languages of one lesson, files of one name, are held
to differ in nothing but prose. Exit status: 0 all is so, 1 something is not, 2 usage, 130 interrupted.

Examples: nsx lesson test, nsx lesson test lessons/en/2-veth.md, nsx lesson test lessons --jobs 4"
)]
pub struct LessonTest {
    /// Files, folders to look for lessons in, or names of lessons that nsx has; without them, all that nsx has
    pub paths: Vec<PathBuf>,
    /// Only this step, in this process
    #[arg(long, value_name = "ID")]
    pub step: Option<String>,
    /// How many run at once; without it, three for each processor
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub jobs: Option<u16>,
    /// Write a report in JUnit's XML, for CI
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// `nsx help`.
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 ok, 2 there is no such topic.

Examples: nsx help, nsx help route, nsx help route.add, nsx help assert, nsx help process,
nsx help --definitions > nsx.d.rhai")]
pub struct Help {
    /// What to tell of, such as route, route.add, assert, process; without it, what there is
    #[arg(conflicts_with = "form")]
    pub topic: Vec<String>,
    /// The whole reference as JSON, for programs
    #[arg(long, group = "form")]
    pub json: bool,
    /// The whole reference as Markdown: docs/reference.md
    #[arg(long, group = "form")]
    pub markdown: bool,
    /// Definitions in Rhai's .d.rhai form, for editors
    #[arg(long, group = "form")]
    pub definitions: bool,
}
