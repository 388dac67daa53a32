//! Every setting there is: its name in a file, its environment variable follows from that, its kind and its default.

/// What a setting's value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number in a range, both ends included.
    Number(u64, u64),
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Switch,
    /// Several texts; in a variable or flag separated by commas.
    List,
    /// Client certificates by host: a table, or as a list of `HOST=CERTIFICATE:KEY`.
    Certificates,
}

/// Where a default comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// There is none.
    Nothing,
    /// This, written as in an environment variable.
    Fixed(&'static str),
    /// Found out on this machine; the text says how.
    Found(&'static str),
}

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// As in `aftercall.toml`; a dot makes a table.
    pub name: &'static str,
    /// What it looks like.
    pub kind: Kind,
    /// What holds when nobody says anything.
    pub default: Fallback,
    /// For `config show`.
    pub about: &'static str,
    /// Never shown.
    pub secret: bool,
}

impl Key {
    /// Its environment variable: `AFTERCALL_LIMITS_MEMORY_MB`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("AFTERCALL_{}", self.name.replace('.', "_").to_uppercase())
    }
}

const fn key(name: &'static str, kind: Kind, default: Fallback, about: &'static str) -> Key {
    Key {
        name,
        kind,
        default,
        about,
        secret: false,
    }
}

const fn secret(name: &'static str, about: &'static str) -> Key {
    Key {
        name,
        kind: Kind::Text,
        default: Fallback::Nothing,
        about,
        secret: true,
    }
}

use Fallback::{Fixed, Found, Nothing};
use Kind::{Certificates, Choice, List, Number, Switch, Text};

/// All of them, in the order in which they are shown. The numbers are the project's published defaults.
pub const KEYS: &[Key] = &[
    key(
        "data",
        Text,
        Found("$XDG_DATA_HOME/aftercall, else ~/.local/share/aftercall"),
        "the server's data folder; its socket lies in it",
    ),
    key(
        "server",
        Text,
        Nothing,
        "the server's address; without one its socket in the data folder is used",
    ),
    secret("key", "the API key for `server`"),
    key(
        "ca_file",
        Text,
        Found("this system's certificates"),
        "for an https `server`: the authorities to trust instead, PEM",
    ),
    key("project", Text, Nothing, "the project that commands are about"),
    key(
        "environment",
        Choice(&["sandbox", "pre-release", "live"]),
        Fixed("sandbox"),
        "the environment that commands are about",
    ),
    key(
        "python",
        Text,
        Found("python3 on PATH"),
        "the interpreter that runs projects, 3.11 or newer",
    ),
    key(
        "confinement",
        Choice(&["required", "best-effort", "off"]),
        Fixed("required"),
        "how strictly code is confined",
    ),
    key(
        "listen",
        List,
        Fixed("127.0.0.1:8700"),
        "addresses that the server listens on, beside its socket",
    ),
    key(
        "insecure_no_auth",
        Switch,
        Fixed("false"),
        "no API keys; only where every address is loopback",
    ),
    key(
        "gateway.allow",
        List,
        Fixed(""),
        "networks that end functions may reach beside the public Internet: 10.20.0.0/16",
    ),
    key(
        "gateway.ca_files",
        List,
        Fixed(""),
        "authorities to trust for https beside this system's, PEM files",
    ),
    key(
        "gateway.system_ca",
        Switch,
        Fixed("true"),
        "whether this system's authorities are trusted for https",
    ),
    key(
        "gateway.client_certificates",
        Certificates,
        Fixed(""),
        "client certificates by host, PEM files: HOST=CERTIFICATE:KEY, or a table",
    ),
    secret(
        "gateway.proxy",
        "a forward proxy for the requests of end functions, http://[user:password@]host:port",
    ),
    key(
        "gateway.no_proxy",
        List,
        Fixed(""),
        "hosts that are reached without the proxy: a name with all below it, an address, a network, *",
    ),
    key(
        "gateway.allow_unverified",
        List,
        Fixed(""),
        "hosts whose certificates go unverified where code asks for that, named as in no_proxy",
    ),
    key(
        "deadline_s",
        Number(1, 86_400),
        Fixed("600"),
        "wall time of one attempt, seconds",
    ),
    key(
        "grace_s",
        Number(0, 3_600),
        Fixed("10"),
        "for threads and exit handlers after the function returned, seconds",
    ),
    key(
        "attempts",
        Number(1, 100),
        Fixed("5"),
        "attempts after which a run is a dead letter",
    ),
    key(
        "backoff.base_s",
        Number(0, 86_400),
        Fixed("10"),
        "the range to wait in after the first failure, seconds",
    ),
    key(
        "backoff.factor",
        Number(1, 100),
        Fixed("3"),
        "by how much that range grows with each failure",
    ),
    key(
        "backoff.cap_s",
        Number(0, 604_800),
        Fixed("1800"),
        "the range's largest size, seconds",
    ),
    key(
        "age_limit_h",
        Number(1, 8_760),
        Fixed("72"),
        "no new attempt once a run is this old, hours",
    ),
    key(
        "limits.memory_mb",
        Number(64, 1_048_576),
        Fixed("1024"),
        "address space of an attempt, MiB",
    ),
    key(
        "limits.cpu_s",
        Number(1, 86_400),
        Fixed("600"),
        "processor time of an attempt, seconds",
    ),
    key(
        "limits.open_files",
        Number(16, 65_536),
        Fixed("256"),
        "open files of an attempt",
    ),
    key(
        "limits.tmp_mb",
        Number(1, 65_536),
        Fixed("64"),
        "what an attempt's own folder may hold, MiB",
    ),
    key(
        "concurrency",
        Number(1, 100_000),
        Found("8 for each core"),
        "attempts that run at once",
    ),
    key(
        "warm_zygotes",
        Number(1, 1_000),
        Fixed("16"),
        "deployments that are kept imported",
    ),
    key(
        "import_timeout_s",
        Number(1, 3_600),
        Fixed("30"),
        "for the imports of a project, seconds",
    ),
    key(
        "dependencies.index_url",
        Text,
        Found("pip's own index"),
        "where projects' packages come from",
    ),
    key(
        "dependencies.extra_index_urls",
        List,
        Nothing,
        "further indexes; a package is taken from whichever has its newest version",
    ),
    key(
        "dependencies.wheelhouse",
        Text,
        Nothing,
        "a folder of wheels to install from, in place of every index",
    ),
    key(
        "dependencies.base",
        List,
        Nothing,
        "requirements of every project, unless it names the package itself",
    ),
    key(
        "dependencies.allow_source",
        Switch,
        Fixed("false"),
        "build packages that have no wheel: runs their code while installing",
    ),
    key(
        "dependencies.timeout_s",
        Number(1, 3_600),
        Fixed("300"),
        "for finding a project's packages, and for installing them, seconds each",
    ),
    key(
        "dependencies.user",
        Number(0, 4_294_967_294),
        Fixed("65534"),
        "who installs where the server is root: this user and group; 0: root",
    ),
    key(
        "dependencies.ca_file",
        Text,
        Found("this system's certificates"),
        "for https indexes: the authorities to trust instead, PEM",
    ),
    secret(
        "dependencies.proxy",
        "a proxy that indexes are reached through, a URL",
    ),
    key(
        "queue_limit",
        Number(1, 100_000_000),
        Fixed("1000000"),
        "unfinished runs at which nothing more is accepted",
    ),
    key(
        "drain_s",
        Number(0, 86_400),
        Fixed("30"),
        "how long a stop waits for what is running, seconds",
    ),
    key(
        "tmp_root",
        Text,
        Found("a folder below /dev/shm, else the system's for temporary files"),
        "where attempts have their folders",
    ),
    key(
        "master_key_from",
        Text,
        Found("file:master.key in the data folder"),
        "where the key is that seals the data folder: file:PATH, env:VARIABLE or command:PROGRAM",
    ),
    key(
        "log",
        Text,
        Fixed("info"),
        "what is logged: a level, or module=level pairs",
    ),
    key(
        "log_format",
        Choice(&["auto", "human", "json"]),
        Fixed("auto"),
        "how it is logged; auto: for people on a terminal, else JSON",
    ),
];

/// The setting of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}
