//! Well-known packages, each installed for a project of its own and used under confinement: what the table in
//! docs/dependencies.md says of them is what this finds. `AFTERCALL_WRITE=1` writes the table.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use system_tests::{Place, Project, Receiver, Server, conversation, repository, test_python};

const DOCUMENT: &str = "docs/dependencies.md";
const BEGIN: &str = "<!-- written by tests/tests/well_known.rs -->\n";
const END: &str = "<!-- end -->\n";
/// The columns that are the same on every machine; the others are what was measured.
const STABLE: usize = 6;

/// What the function of each project does: times its package's import, uses it, and sends if it has something to.
const FUNCTION: &str = r#"
import time

BEGAN = time.perf_counter()
from functions import sample
IMPORT_MS = (time.perf_counter() - BEGAN) * 1000


def end_function(conv):
    conv.state.import_ms = IMPORT_MS
    conv.state.used = sample.use() == sample.EXPECTED
    conv.state.sent = "-"
    if hasattr(sample, "send"):
        sample.send(conv.state.receiver)
        conv.state.sent = "works"
"#;

struct Row {
    package: String,
    cells: Vec<String>,
}

#[test]
fn well_known_packages_do_under_confinement_what_the_table_says() {
    let house = PathBuf::from(std::env::var_os("AFTERCALL_WHEELHOUSE").expect(
        "AFTERCALL_WHEELHOUSE is not set: `make test-system` fills it; by hand: scripts/fill-wheelhouse PYTHON \
         tests/well-known/requirements.txt FOLDER",
    ));
    let missing = fs::read_to_string(house.join("missing")).unwrap_or_default();
    for requirement in missing.lines() {
        println!("NOT TRIED: {requirement} could not be fetched");
    }
    let place = Place::new();
    let server = place
        .server()
        .set("python", test_python().display())
        .set("dependencies.wheelhouse", house.display())
        .set("gateway.allow", "127.0.0.0/8")
        .start();
    let asked = fs::read_to_string(samples().join("requirements.txt")).unwrap();
    let all: Vec<_> = asked.lines().filter(|line| line.contains("==")).collect();
    assert!(all.len() >= 9, "{all:?}");
    let tried = all
        .iter()
        .filter(|asked| !missing.lines().any(|one| one == **asked));
    let receiver = Receiver::new();
    let rows: Vec<_> = tried
        .map(|requirement| try_one(&server, &receiver, requirement))
        .collect();
    let table = table(&rows);
    println!("{table}");
    let path = repository().join(DOCUMENT);
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text
        .split_once(BEGIN)
        .expect("the document has a place for the table");
    let (written, after) = rest.split_once(END).unwrap();
    if std::env::var_os("AFTERCALL_WRITE").is_some() {
        assert!(missing.is_empty(), "not all could be tried");
        fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    for row in &rows {
        let line = written
            .lines()
            .find(|line| line.starts_with(&format!("| {} ", row.package)));
        let line = line.unwrap_or_else(|| panic!("{} is not in {DOCUMENT}", row.package));
        let told: Vec<_> = line.split('|').map(str::trim).skip(1).take(STABLE).collect();
        assert_eq!(
            told,
            row.cells[..STABLE],
            "{DOCUMENT} says otherwise; AFTERCALL_WRITE=1 writes it anew"
        );
    }
}

fn samples() -> PathBuf {
    repository().join("tests/well-known")
}

fn try_one(server: &Server<'_>, receiver: &Receiver, requirement: &str) -> Row {
    let (package, version) = requirement.split_once("==").unwrap();
    let project = Project::of(FUNCTION);
    let sample = fs::read(samples().join(format!("{package}.py"))).unwrap();
    project.write("functions/sample.py", &sample);
    project.write("requirements.txt", requirement.as_bytes());
    let deployment = server.deploy(project.path(), package);
    // Twice: what a first child leaves broken, a second one finds.
    let (state, seen) = (json!({"receiver": receiver.url()}), receiver.seen().len());
    let ids = ["first", "second"].map(|nth| conversation(&format!("{package}-{nth}"), &state));
    let runs = server.send_all(package, &ids);
    let details: Vec<_> = runs.iter().map(|run| server.finished(run)).collect();
    for detail in &details {
        assert_eq!(detail["run"]["status"], "succeeded", "{package}: {detail:#}");
        assert_eq!(detail["state_after"]["used"], true, "{package}: {detail:#}");
    }
    let state = &details[0]["state_after"];
    let sends = if state["sent"] == "works" {
        details.len()
    } else {
        0
    };
    assert_eq!(
        receiver.seen().len() - seen,
        sends,
        "{package}: what is sent arrives"
    );
    println!("{package}: {} {}", deployment["fork_reason"], state["sent"]);
    let status = server.get("/v1/status");
    let zygotes = status["runner"]["zygotes"].as_array().unwrap();
    let zygote = zygotes
        .iter()
        .find(|one| one["deployment"] == deployment["id"])
        .unwrap();
    let packages = deployment["packages"].as_array().unwrap().len() - 1;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Row {
        package: package.to_owned(),
        cells: vec![
            package.to_owned(),
            version.to_owned(),
            "works".to_owned(),
            format!("`{}`", text(&deployment["fork_way"])),
            text(&state["sent"]),
            refused(&deployment),
            (threads(zygote) - 1).to_string(),
            packages.to_string(),
            format!("{:.0}", state["import_ms"].as_f64().unwrap()),
            format!("{:.0}", resident_mib(zygote)),
        ],
    }
}

/// What was refused while it was imported.
fn refused(deployment: &Value) -> String {
    let warnings = deployment["warnings"].as_array().unwrap();
    let at_import = warnings
        .iter()
        .filter(|text| text.as_str().unwrap().starts_with("AC0205"));
    match at_import.count() {
        0 => "nothing".to_owned(),
        count => format!("{count} requests"),
    }
}

fn process(zygote: &Value, file: &str) -> String {
    let pid = zygote["pid"].as_i64().unwrap();
    fs::read_to_string(Path::new("/proc").join(pid.to_string()).join(file)).unwrap()
}

fn number(status: &str, name: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn threads(zygote: &Value) -> u32 {
    number(&process(zygote, "status"), "Threads:") as u32
}

fn resident_mib(zygote: &Value) -> f64 {
    number(&process(zygote, "status"), "VmRSS:") / 1024.0
}

fn table(rows: &[Row]) -> String {
    let heads = [
        "package",
        "version",
        "used as in `tests/well-known`",
        "forks by",
        "sends",
        "refused at import",
        "threads left",
        "brings along",
        "import, ms",
        "zygote, MiB",
    ];
    let mut text = format!("| {} |\n|{}\n", heads.join(" | "), " --- |".repeat(heads.len()));
    for row in rows {
        writeln!(text, "| {} |", row.cells.join(" | ")).unwrap();
    }
    text
}
