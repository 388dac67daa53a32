//! Nothing of one conversation can be seen by another, and nothing of the supervisor by any.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use serde_json::{Value, json};
use system_tests::{Chance, Place, Project, Server, conversation, until};

/// One plants a secret everywhere it can and stays or goes; the other looks everywhere it can.
///
/// The one that looks must find its own secret in every place that it can look at, else its not finding another one
/// would say nothing. A secret is recognised by its form; the pattern does not match itself.
const FUNCTION: &str = r#"
import builtins
import ctypes
import gc
import os
import re
import time

SECRET = re.compile(rb"planted-([0-9a-f]{32})")
PAGE = 4096
REACH = 48 * 1024 * 1024

libc = ctypes.CDLL(None, use_errno=True)
libc.malloc.restype = ctypes.c_void_p
libc.write.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)
planted = []


def end_function(conv):
    plant(conv)
    if conv.state.looks:
        conv.state.found = look(conv)
    else:
        time.sleep(conv.state.stays_s)


def plant(conv):
    secret = conv.state.secret
    planted.append(secret)
    builtins.planted = secret
    os.environ["PLANTED"] = secret
    os.putenv("PLANTED", secret)
    for name in ("planted.txt", secret):
        with open(name, "w") as file:
            file.write(secret)
    global kept
    kept = ctypes.create_string_buffer(secret.encode() * 100)


def look(conv):
    places = {
        "globals": lambda: repr(planted) + repr(getattr(builtins, "planted", "")) + repr(globals().get("kept")),
        "environment": lambda: repr(dict(os.environ)),
        "garbage collector": objects,
        "own folder": lambda: folder("."),
        "folder above": lambda: folder(".."),
        "folders beside": lambda: "".join(folder(f"../c{n}") for n in range(200) if f"c{n}" != os.path.basename(os.getcwd())),
        "memory by its file": memory_file,
        "memory by addresses": memory,
        "temporary folders": lambda: folder("/tmp") + folder("/dev/shm"),
        "environment of others": lambda: "".join(text(f"/proc/{pid}/environ") for pid in others(conv)),
        "memory of others": lambda: "".join(process_memory(pid) for pid in others(conv)),
        "data folder": lambda: folder(conv.state.data),
        "database": lambda: text(os.path.join(conv.state.data, "aftercall.db")),
        "master key": lambda: text(os.path.join(conv.state.data, "master.key")),
        "socket": lambda: socket(os.path.join(conv.state.data, "aftercall.sock")),
    }
    found = {}
    for name, place in places.items():
        seen = place()
        seen = seen if isinstance(seen, bytes) else seen.encode("utf-8", "surrogateescape")
        found[name] = {"secrets": sorted({match.decode() for match in SECRET.findall(seen)}), "opened": seen.count(b"OPENED")}
    return found


def objects():
    """Every text and every byte string that any container holds."""
    seen = []
    for container in gc.get_objects():
        for held in gc.get_referents(container):
            if isinstance(held, str):
                seen.append(held.encode("utf-8", "surrogateescape"))
            elif isinstance(held, (bytes, bytearray)):
                seen.append(bytes(held))
    return b"\n".join(seen)


def folder(path):
    try:
        names = os.listdir(path)
    except OSError:
        return ""
    return "OPENED " + " ".join(names) + "".join(text(os.path.join(path, name)) for name in names)


def text(path):
    try:
        with open(path, "rb") as file:
            return "OPENED " + file.read(1 << 22).decode("latin-1")
    except OSError:
        return ""


def memory_file():
    try:
        return process_memory("self")
    except OSError:
        return ""


def process_memory(pid):
    try:
        seen = ["OPENED"]
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
            for line in maps:
                low, high = (int(part, 16) for part in line.split()[0].split("-"))
                if " r" in line and high - low < 1 << 28:
                    try:
                        memory.seek(low)
                        seen.append(memory.read(high - low).decode("latin-1"))
                    except (OSError, OverflowError, ValueError):
                        pass
        return "".join(seen)
    except OSError:
        return ""


def memory():
    """All memory within reach of a few addresses, read by having the kernel copy it into a pipe: what is not there is an
    error then and not the end."""
    reading, writing = os.pipe()
    seen = []
    anchors = {id(planted), id(object()), libc.malloc(64), libc.malloc(1 << 20), ctypes.addressof(kept), id(FUNCTION_TEXT)}
    pages = {page for anchor in anchors for page in range((anchor - REACH) // PAGE, (anchor + REACH) // PAGE)}
    for page in sorted(pages):
        if libc.write(writing, page * PAGE, PAGE) == PAGE:
            seen.append(os.read(reading, PAGE))
    return b"".join(seen)


FUNCTION_TEXT = "x" * 100000


def others(conv):
    return [1, os.getppid(), *conv.state.processes]


def socket(path):
    import socket

    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            return "OPENED"
    except OSError:
        return ""
"#;

/// Where the one that looks can look at all; everywhere else it must be refused.
const OPEN_PLACES: [&str; 5] = [
    "globals",
    "environment",
    "garbage collector",
    "own folder",
    "memory by addresses",
];

#[test]
fn a_secret_of_one_conversation_is_nowhere_to_be_found_by_another_neither_beside_it_nor_after_it() {
    let mut chance = Chance::new("isolation");
    let place = Place::new();
    let of_the_supervisor = format!("planted-{}", chance.hex());
    let server = place
        .server()
        .variable("PLANTED_FOR_THE_SUPERVISOR", &of_the_supervisor)
        .start();
    let project = Project::of(FUNCTION);
    server.deploy(project.path(), "secrets");

    let secret = format!("planted-{}", chance.hex());
    let first = conversation("first", &json!({"secret": secret, "stays_s": 0}));
    let run = server.send_all("secrets", &[first]).remove(0);
    assert_eq!(server.finished(&run)["run"]["status"], "succeeded");
    look(&server, &place, &mut chance, "after it");

    let staying = conversation("staying", &json!({"secret": secret, "stays_s": 600}));
    let run = server.send_all("secrets", &[staying]).remove(0);
    let planted = || {
        place
            .attempt_folders()
            .into_iter()
            .find(|folder| folder.join(&secret).exists())
    };
    let folder = until("the secret is planted", planted);
    look(&server, &place, &mut chance, "beside it");
    assert!(folder.exists(), "the first was there all the time");
    server
        .post(&format!("/v1/runs/{run}/cancel"), &json!({}))
        .expect(200);
    until("its folder is gone", || (!folder.exists()).then_some(()));
}

fn look(server: &Server<'_>, place: &Place, chance: &mut Chance, when: &str) {
    let own = chance.hex();
    let processes: Vec<_> = server
        .processes()
        .iter()
        .map(|process| process.pid)
        .chain([server.pid()])
        .collect();
    let state = json!({"secret": format!("planted-{own}"), "looks": true, "data": place.data(), "processes": processes});
    let looking = conversation(&format!("looking {when}"), &state);
    let run = server.send_all("secrets", &[looking]).remove(0);
    let detail = server.finished(&run);
    assert_eq!(detail["run"]["status"], "succeeded", "{detail:#}");
    for (place, seen) in detail["state_after"]["found"].as_object().unwrap() {
        println!("{when}, {place}: {seen}");
        if OPEN_PLACES.contains(&place.as_str()) {
            assert_eq!(
                seen["secrets"],
                json!([own]),
                "{when}, {place}: its own secret, and no other"
            );
        } else {
            assert_eq!(
                seen,
                &json!({"secrets": Value::Array(Vec::new()), "opened": 0}),
                "{when}, {place}"
            );
        }
    }
}
