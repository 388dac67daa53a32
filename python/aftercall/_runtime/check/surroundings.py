"""What a run is not given: the clock and chance of each conversation at import, a network of its own, other processes,
folders beside its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from aftercall._runtime.check import certainty
from aftercall._runtime.check.findings import Finding
from aftercall._runtime.check.places import Place, dotted
from aftercall._runtime.check.sources import Source, Sources

CLOCK = "AC0250"
NETWORK_AT_IMPORT = "AC0205"
REFUSED = "AC0256"
WRITES_OUTSIDE = "AC0257"

#: Calls that give another value each time; at module level they run once, in the zygote, for all conversations.
_CLOCK_OR_CHANCE = {
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
    "time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.strftime", "time.ctime",
    "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns",
    "uuid.uuid1", "uuid.uuid4", "os.urandom",
    "random.random", "random.randint", "random.choice", "random.choices", "random.uniform", "random.sample",
    "random.randrange", "random.shuffle", "random.getrandbits", "random.gauss",
    "secrets.token_hex", "secrets.token_urlsafe", "secrets.token_bytes", "secrets.choice", "secrets.randbelow",
}  # fmt: skip
_HTTP_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "request")
_HTTP = {f"{package}.{verb}" for package in ("requests", "httpx") for verb in _HTTP_VERBS} | {
    "urllib.request.urlopen", "urllib.request.urlretrieve", "urllib3.request", "requests.api.request",
}  # fmt: skip

_PROCESS = "No process can be started: do it in Python."
_MAIL = "Queue it: `conv.send_email(to, body, subject)` records it on the run; this version does not send it."
_SOCKET = "There is no network but HTTP: use the service's HTTP API, or one that you put before it."
#: The function → the way out.
_REFUSED = {
    **dict.fromkeys(
        ("subprocess.run", "subprocess.Popen", "subprocess.call", "subprocess.check_call", "subprocess.check_output",
         "subprocess.getoutput", "subprocess.getstatusoutput", "os.system", "os.popen", "os.fork", "os.forkpty",
         "os.posix_spawn", "os.posix_spawnp", "multiprocessing.Process", "multiprocessing.Pool",
         "concurrent.futures.ProcessPoolExecutor", "asyncio.create_subprocess_exec",
         "asyncio.create_subprocess_shell"), _PROCESS),
    **dict.fromkeys(
        (f"os.{how}{end}" for how in ("exec", "spawn") for end in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
        _PROCESS),
    **dict.fromkeys(("smtplib.SMTP", "smtplib.SMTP_SSL", "smtplib.LMTP"), _MAIL),
    **dict.fromkeys(
        ("socket.socket", "socket.create_connection", "socket.create_server", "ftplib.FTP", "ftplib.FTP_TLS",
         "imaplib.IMAP4", "imaplib.IMAP4_SSL", "poplib.POP3", "poplib.POP3_SSL", "telnetlib.Telnet", "nntplib.NNTP",
         "asyncio.open_connection", "asyncio.start_server", "psycopg2.connect", "psycopg.connect", "pymysql.connect",
         "MySQLdb.connect", "mysql.connector.connect", "pymongo.MongoClient", "redis.Redis", "redis.StrictRedis",
         "redis.from_url", "paramiko.SSHClient", "pika.BlockingConnection", "websockets.connect",
         "websocket.create_connection"), _SOCKET),
}  # fmt: skip

#: Functions that write to the path that is their first argument, or the second.
_WRITES = {
    "os.mkdir": 0, "os.makedirs": 0, "os.remove": 0, "os.unlink": 0, "os.rmdir": 0, "os.rename": 1, "os.replace": 1,
    "shutil.copy": 1, "shutil.copy2": 1, "shutil.copyfile": 1, "shutil.copytree": 1, "shutil.move": 1,
    "shutil.rmtree": 0,
}  # fmt: skip
_PATH_WRITES = {"write_text", "write_bytes", "mkdir", "touch", "unlink", "rmdir"}
_PATHS = ("pathlib.Path", "pathlib.PosixPath")
_OPENERS = ("open", "io.open", "codecs.open")


def check(source: Source, sources: Sources) -> Iterator[Finding]:
    """Each call."""
    for node, place in source.nodes:
        if not isinstance(node, ast.Call):
            continue
        name = source.canonical(node.func)
        if place.at_import and name in _CLOCK_OR_CHANCE:
            message = f"{dotted(node.func)}() runs once, at import, and gives every conversation the same value"
            yield Finding("warning", CLOCK, message, source.file, node.lineno, "Call it inside the function.", "import")
        elif place.at_import and name in _HTTP:
            level = certainty.level(source, sources, place, caught=("RequestException", "OSError"))
            message = f"{dotted(node.func)}() asks the network while the project is imported, which is refused"
            fix = "Make the request inside a function: modules are imported once, not once per conversation."
            yield Finding(level, NETWORK_AT_IMPORT, message, source.file, node.lineno, fix, "import")
        elif name in _REFUSED:
            level = certainty.level(source, sources, place, caught=("PermissionError", "OSError"))
            message = f"{dotted(node.func)}() is refused when the function runs"
            yield Finding(level, REFUSED, message, source.file, node.lineno, _REFUSED[name], certainty.when(place))
        elif (path := _written(node, name, source)) is not None:
            yield _outside(source, sources, node, place, path)


def _outside(source: Source, sources: Sources, node: ast.Call, place: Place, path: str) -> Finding:
    level = certainty.level(source, sources, place, caught=("PermissionError", "OSError"))
    message = f"{path!r} cannot be written: a run writes only below its own folder"
    fix = "Write to a relative path or with `tempfile`; what is to be kept goes into `conv.state`."
    return Finding(level, WRITES_OUTSIDE, message, source.file, node.lineno, fix, certainty.when(place))


def _written(node: ast.Call, name: str, source: Source) -> str | None:
    """The absolute path that a call writes to."""
    opener = dotted(node.func)
    if name in _OPENERS or (opener == "open" and "open" not in source.bindings):
        return _absolute(_argument(node, 0, "file")) if _mode_writes(_argument(node, 1, "mode")) else None
    if name in _WRITES:
        return _absolute(_argument(node, _WRITES[name], ""))
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
        made = node.func.value
        if source.canonical(made.func) not in _PATHS:
            return None
        opens = node.func.attr == "open" and _mode_writes(_argument(node, 0, "mode"))
        return _absolute(_argument(made, 0, "")) if node.func.attr in _PATH_WRITES or opens else None
    return None


def _argument(node: ast.Call, index: int, name: str) -> ast.expr | None:
    if len(node.args) > index and not any(isinstance(one, ast.Starred) for one in node.args[: index + 1]):
        return node.args[index]
    return next((one.value for one in node.keywords if one.arg == name), None)


def _mode_writes(mode: ast.expr | None) -> bool:
    return isinstance(mode, ast.Constant) and isinstance(mode.value, str) and bool(set(mode.value) & set("wax+"))


def _absolute(path: ast.expr | None) -> str | None:
    first = path.values[0] if isinstance(path, ast.JoinedStr) and path.values else path
    text = first.value if isinstance(first, ast.Constant) else None
    if isinstance(text, str) and text.startswith("/") and not text.startswith("/dev/"):
        return text if first is path else f"{text}…"
    return None
