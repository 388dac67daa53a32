"""What the project opens at import does not get hold of a file of the function."""

from __future__ import annotations

import pytest


def warned(served):
    return [w for w in served.answer["ready"]["warnings"] if w["code"] == "AC0259"]


@pytest.mark.parametrize(
    ("made", "used"),
    [
        ('open({path!r}, "a")', "KEPT.write('from import')"),
        ('open({path!r}, "ab", buffering=0)', "KEPT.write(b'from import')"),
        ('open({path!r}, "rb")', "KEPT.read()"),
        ("tempfile.TemporaryFile()", "KEPT.write(b'from import')"),
        ("tempfile.NamedTemporaryFile(dir=os.path.dirname({path!r}))", "KEPT.write(b'from import')"),
        ("socket.socketpair()[0]", "KEPT.send(b'from import')"),
        ("sqlite3.connect({path!r})", "KEPT.execute('create table a (b)')"),
        ("asyncio.new_event_loop()", "KEPT.run_until_complete(asyncio.sleep(0))"),
    ],
)
def test_it_is_closed_and_named(zygote, tmp_path, made, used):
    kept = tmp_path / "kept"
    kept.write_bytes(b"")
    served = zygote(
        f"""
        import asyncio, os, socket, sqlite3, tempfile

        KEPT = {made.format(path=str(kept))}

        def end_function(conv):
            files = [open(f"own-{{n}}", "w+b", buffering=0) for n in range(20)]
            try:
                {used}
            except Exception as error:
                conv.state.error = f"{{type(error).__name__}}: {{error}}"
            conv.state.sizes = sum(os.fstat(file.fileno()).st_size for file in files)
        """
    )
    (warning,) = warned(served)
    assert (warning["file"], warning["line"]) == ("functions/end_function.py", 4), warning
    assert warning["message"].startswith("KEPT = "), warning
    attempt = served.run()
    assert attempt.outcome == "returned", attempt.error
    assert attempt.state["sizes"] == 0
    assert "closed" in attempt.state["error"] or "Bad file descriptor" in attempt.state["error"], attempt.state


def test_what_was_written_at_import_is_not_lost(zygote, tmp_path):
    path = tmp_path / "kept"
    zygote(f'LOG = open({str(path)!r}, "w")\nLOG.write("at import")\ndef end_function(conv): ...')
    assert path.read_text() == "at import"


def test_a_database_in_memory_stays_open(zygote):
    served = zygote(
        """
        import sqlite3
        DB = sqlite3.connect(":memory:")
        DB.execute("create table a (b)")

        def end_function(conv):
            conv.state.rows = DB.execute("select count(*) from a").fetchone()[0]
        """
    )
    assert warned(served) == []
    assert served.run().state == {"rows": 0}


def test_logging_writes_a_file_of_the_runs_own(zygote, tmp_path):
    path = tmp_path / "audit.log"
    served = zygote(
        f"""
        import logging, logging.handlers
        logging.basicConfig(filename={str(path)!r}, level="INFO", format="%(message)s")
        logging.getLogger().addHandler(logging.handlers.RotatingFileHandler({str(path)!r} + ".2", delay=True))

        def end_function(conv):
            files = [open(f"own-{{n}}", "w") for n in range(20)]
            logging.info("said")
            logging.shutdown()
            conv.state.said = [open(name).read() for name in ("audit.log", "audit.log.2")]
        """
    )
    assert len(warned(served)) == 2 and str(path) in warned(served)[0]["message"]
    assert served.run().state == served.run().state == {"said": ["said\n", "said\n"]}
    assert path.read_text() == ""


def test_a_project_that_opens_nothing_is_not_warned(zygote):
    served = zygote("import json\nTEXT = open(__file__).read()\ndef end_function(conv): ...")
    assert warned(served) == []


@pytest.mark.parametrize("early", ["import tempfile; tempfile.gettempdir()", "import tempfile", "", "late"])
def test_the_folder_stays_the_same_after_chdir(zygote, early):
    served = zygote(
        f"""
        import os
        {"" if early == "late" else early}

        def end_function(conv):
            import tempfile
            own = os.getcwd()
            made = tempfile.mkdtemp()
            os.mkdir("sub")
            os.chdir("sub")
            with tempfile.NamedTemporaryFile() as file:
                beside = os.path.dirname(file.name)
            told = [os.environ["TMPDIR"], os.environ["HOME"], os.path.expanduser("~"), tempfile.gettempdir()]
            conv.state.right = [path == own for path in [*told, beside, os.path.dirname(made)]]
            conv.state.there = os.path.isdir(made)
            conv.state.own = own
        """,
        mode="late_import" if early == "late" else "serve",
    )
    first, second = served.run(), served.run()
    assert first.outcome == "returned", first.error
    assert all(first.state["right"]) and all(second.state["right"]) and first.state["there"], first.state
    assert first.state["own"] != second.state["own"]
