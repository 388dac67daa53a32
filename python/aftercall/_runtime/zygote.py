"""The zygote: confines itself, imports the project once, and forks a child for every attempt.

Started as ``python -s -P …/aftercall/_runtime/zygote.py`` with its control socket as descriptor 3. docs/protocol.md,
section 2, has the packets. It never holds a secret or a payload: freed memory stays readable in its children.
"""

from __future__ import annotations

import gc

gc.disable()  # before anything is imported: a collection would write into every page that children share

import faulthandler  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from json import dumps, loads  # noqa: E402
from time import perf_counter  # noqa: E402

from aftercall._runtime import capture, clock, exits, refusals, seeding  # noqa: E402
from aftercall._runtime.child import STACK_SIGNAL, Child  # noqa: E402
from aftercall._runtime.frames import EXIT_CHANNEL_LOST  # noqa: E402
from aftercall._runtime.http import hooks  # noqa: E402
from aftercall._runtime.http.effects import effects  # noqa: E402
from aftercall._runtime.http.rehearsal import rehearse_requests  # noqa: E402
from aftercall._runtime.http.site import set_project  # noqa: E402
from aftercall._runtime.immortal import immortalise  # noqa: E402
from aftercall._runtime.imports import Project, ProjectFinder  # noqa: E402
from aftercall._runtime.limits import MAX_PACKET, MAX_WARNING, MAX_WARNINGS  # noqa: E402
from aftercall._runtime.native import Plain, Preload, os_fork  # noqa: E402
from aftercall._runtime.opened import close_opened, descriptors  # noqa: E402
from aftercall._runtime.project import ImportFailed, LoadedProject, load  # noqa: E402
from aftercall._runtime.rehearsal import rehearse  # noqa: E402
from aftercall._runtime.tracebacks import Places, error_document  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Settings = dict[str, object]
    Warning_ = dict[str, object]

CONTROL_FD = 3
VERSION = 1

HOOKS = {**hooks.HOOKS, **seeding.HOOKS, "logging": capture.logging_imported}


class Zygote:
    """One process of one deployment."""

    def __init__(self, settings: Settings, defaults: dict[str, object]) -> None:
        self._settings = settings
        self._defaults = defaults
        self._entry = str(settings.get("entry") or "functions/end_function.py")
        self._mode = settings.get("mode")
        root = settings.get("project")
        self._project = Project(root, self._entry) if isinstance(root, str) else None
        self._places = Places(self._project.root if self._project else None)
        self._loaded: LoadedProject | None = None
        self._warnings: list[Warning_] = []
        path = settings.get("preload")
        self._native: Preload | Plain = Preload(path) if isinstance(path, str) else Plain()

    def confine(self) -> None:
        """Installs the base filter and keeps what children get. Before any code of the project runs."""
        settings = self._settings
        confine = bool(settings.get("confine"))
        limits = settings.get("limits")
        read = settings.get("child_read")
        self._native.prepare_children(
            _program(settings.get("child_filter")) if confine else None,
            [str(path) for path in read] if confine and isinstance(read, list) else [],
            str(settings.get("tmp_root") or ""),
            {name: value for name, value in limits.items() if isinstance(value, int)}
            if isinstance(limits, dict)
            else {},
        )
        program = _program(settings.get("base_filter"))
        if confine and program:
            self._native.install_filter(program)

    def prepare(self) -> None:
        """Sets the process up as user code expects it."""
        sys.argv = ["aftercall"]
        seeding.install()
        if isinstance(self._native, Preload):
            clock.install(self._native.put_off, self._native.use_clock)
        os.environ.pop("LD_PRELOAD", None)
        # Wherever a child is: it starts in a folder of its own, and makes these absolute for Python.
        os.environ["TMPDIR"] = os.environ["HOME"] = "."
        _add_virtualenv(self._settings.get("virtualenv"))
        if self._project is not None:
            sys.path.append(self._project.root)
            set_project(self._project.root)
        ProjectFinder(self._project, HOOKS).install()
        capture.install()
        exits.install()
        refusals.install()

    def import_project(self) -> None:
        """Imports the project, unless that is left to the children. `ImportFailed` when it cannot be."""
        if self._project is None:
            return
        if self._mode == "probe":
            from aftercall._runtime.check import check_project

            self._warnings += check_project(self._project)
        if self._mode != "late_import":
            before = descriptors()
            # Where it crashes, or is when its time is over, the supervisor reads on the output.
            faulthandler.enable(2)
            faulthandler.register(STACK_SIGNAL, 2, all_threads=True)  # type: ignore[attr-defined,unused-ignore]
            self._loaded = self._load()
            faulthandler.unregister(STACK_SIGNAL)  # type: ignore[attr-defined,unused-ignore]  # not on Windows
            faulthandler.disable()
            for what, at in close_opened(before, self._project):
                self._warn("AC0259", what, at)

    def _load(self) -> LoadedProject | None:
        if self._project is None:
            return None
        loaded = load(self._project)
        for name, error in loaded.import_called_functions():
            document = error_document(error, self._places)
            frames: list[dict[str, object]] = document["frames"]  # type: ignore[assignment]
            at = next((frame for frame in reversed(frames) if frame["own"]), None)
            self._warn(
                "AC0203",
                f"conv.functions.{name} cannot be imported: {document['type']}: {document['message']}",
                at,
            )
        if loaded.function.__code__.co_flags & 0x180 if hasattr(loaded.function, "__code__") else False:
            # An `async def` needs asyncio, and a child would take 50 ms to import it.
            from aftercall._runtime import awaiting  # noqa: F401
        for site, what in effects.refused_at_import:
            file, _, line = site.rpartition(":")
            self._warn(
                "AC0205",
                f"{what} was refused while the project was being imported",
                {"file": file, "line": int(line) if line.isdigit() else 0},
            )
        return loaded

    def _warn(self, code: str, message: str, at: dict[str, object] | None) -> None:
        at = at or {"file": self._entry, "line": 0}
        self._warnings.append({"code": code, "message": message[:MAX_WARNING], "file": at["file"], "line": at["line"]})

    def ready(self, import_ms: float) -> dict[str, object]:
        """What the supervisor hears once children can be forked."""
        version = sys.version_info
        return {
            "ready": {
                "python": f"{version.major}.{version.minor}.{version.micro}",
                "extensions": _extensions(),
                "threads": _thread_names(),
                "import_ms": round(import_ms, 3),
                "warnings": self._warnings[:MAX_WARNINGS],
            }
        }

    def serve(self, fork: str, settle: bool) -> None:
        """Forks a child per request until the control socket closes. Returns in no child.

        With `settle` it first spends time to make each child cheaper: many are to come.
        """
        native = self._native
        load = (lambda: self._loaded) if self._mode != "late_import" else self._load
        child = Child(load, self._places, defaults=self._defaults)
        forks: Callable[[], int] = os_fork if fork == "fork" else native.fork
        rehearse()
        if fork != "none":
            rehearse_requests()
        native.serve(CONTROL_FD)
        if settle:
            immortalise()
        gc.freeze()
        while native.next():
            pid = os.getpid() if fork == "none" else forks()
            if fork == "none":
                native.forked(pid)
                pid = 0
            if pid == 0:
                native.enter()
                child.run()
            native.forked(pid)


def _program(text: object) -> bytes | None:
    if not isinstance(text, str) or not text:
        return None
    from binascii import a2b_base64

    return a2b_base64(text)


def _add_virtualenv(path: object) -> None:
    """Puts a project's own packages before those of the interpreter."""
    if not isinstance(path, str):
        return
    import site

    before = list(sys.path)
    site.addsitedir(path)
    added = [entry for entry in sys.path if entry not in before]
    own = {*site.getsitepackages(), site.getusersitepackages()}
    at = next((index for index, entry in enumerate(before) if entry in own), len(before))
    sys.path[:] = [*before[:at], *added, *before[at:]]


def _extensions() -> list[str]:
    """Extension modules that are not the standard library's: the supervisor decides which of them fork safely."""
    standard = os.path.dirname(os.__file__)  # `sysconfig` would say so too, for a megabyte of tables
    names = []
    for name, module in list(sys.modules.items()):
        file = getattr(getattr(module, "__spec__", None), "origin", None) or ""
        is_extension = type(getattr(module, "__loader__", None)).__name__ == "ExtensionFileLoader"
        if is_extension and not (file.startswith(standard + "/") and "/site-packages/" not in file):
            names.append(name)
    return sorted(names)


def _thread_names() -> list[str]:
    threading = sys.modules.get("threading")
    if threading is None:
        return []
    return [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]


def _receive() -> dict[str, object] | None:
    data = os.read(CONTROL_FD, MAX_PACKET)
    if not data:
        return None
    packet = loads(data)
    return packet if isinstance(packet, dict) else None


def _receive_defaults(size: object) -> dict[str, object]:
    """What the project says of all its conversations: JSON of `size` bytes, in as many packets as it takes."""
    data = b""
    while isinstance(size, int) and len(data) < size:
        packet = os.read(CONTROL_FD, MAX_PACKET)
        if not packet:
            raise ValueError("the control socket closed within the project's defaults")
        data += packet
    defaults = loads(data) if data else {}
    if not isinstance(defaults, dict):
        raise ValueError("the project's defaults are no object")
    return defaults


def _send(packet: dict[str, object]) -> None:
    data = dumps(packet, ensure_ascii=False, default=str).encode("utf-8", "replace")
    try:
        os.write(CONTROL_FD, data)
    except OSError:  # the project has closed it, or nobody is left to hear
        os._exit(EXIT_CHANNEL_LOST)


def main() -> int:
    """Exit status: 0 when the supervisor has closed the control socket, 1 when the zygote could not serve."""
    packet = _receive()
    settings = packet.get("configure") if packet else None
    if not isinstance(settings, dict):
        settings = packet
    if settings is None:
        return 0
    if settings.get("version") != VERSION:
        return _fail("AC0311", f"control version {settings.get('version')} is not known here, only {VERSION}")
    try:
        zygote = Zygote(settings, _receive_defaults(settings.get("defaults")))
        zygote.confine()
    except (OSError, AttributeError, ValueError) as error:
        return _fail("AC0311", f"the zygote could not be confined: {error}")
    zygote.prepare()
    began = perf_counter()
    try:
        zygote.import_project()
    except ImportFailed as failure:
        _send({"failed": {"code": failure.code, "error": failure.document}})
        return 1
    _send(zygote.ready((perf_counter() - began) * 1000))
    packet = _receive()
    go = packet.get("go") if packet else None
    if not isinstance(go, dict):
        return 0
    zygote.serve(str(go.get("fork")), bool(go.get("settle")))
    return 0


def _fail(code: str, message: str) -> int:
    document: dict[str, object] = {
        "type": "ZygoteError",
        "message": message,
        "traceback": message,
        "frames": [],
        "cause": None,
    }
    _send({"failed": {"code": code, "error": document}})
    return 1


if __name__ == "__main__":
    status = main()
    # No finalisation: objects of the project have nothing left to do here, and threads of it would be joined.
    os._exit(status)
