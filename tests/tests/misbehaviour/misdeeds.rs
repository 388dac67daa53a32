//! What end functions do wrong.

/// One way to misbehave, and what must come of it.
pub struct Misdeed {
    pub way: &'static str,
    /// `""`: the attempt succeeds.
    pub code: &'static str,
    body: &'static str,
    /// The user's own line that the error must show; `""` where no exception can be caught.
    pub line: &'static str,
}

const fn misdeed(way: &'static str, code: &'static str, line: &'static str, body: &'static str) -> Misdeed {
    Misdeed {
        way,
        code,
        body,
        line,
    }
}

/// `{line}` in a body stands for the line.
pub const MISDEEDS: &[Misdeed] = &[
    misdeed(
        "raises",
        "AC0301",
        "raise LookupError(f\"no order {conv.id}\")",
        "{line}",
    ),
    misdeed(
        "raises_a_bare_base_exception",
        "AC0301",
        "raise BaseException(\"bare\")",
        "{line}",
    ),
    misdeed(
        "raises_what_cannot_be_shown",
        "AC0301",
        "raise Unshowable()",
        "class Unshowable(Exception):\n    def __str__(self):\n        return 1 / 0\n{line}",
    ),
    misdeed("interrupts", "AC0301", "raise KeyboardInterrupt", "{line}"),
    misdeed("exits", "AC0303", "sys.exit(3)", "{line}"),
    misdeed("exits_at_once", "AC0303", "", "os._exit(7)"),
    misdeed(
        "kills_itself",
        "AC0304",
        "",
        "os.kill(os.getpid(), signal.SIGKILL)",
    ),
    misdeed("aborts", "AC0304", "", "os.abort()"),
    misdeed(
        "reads_address_zero",
        "AC0304",
        "",
        "import ctypes\nctypes.string_at(0)",
    ),
    misdeed(
        "allocates_without_end",
        "AC0305",
        "kept.append(bytearray(16 * 1024 * 1024))",
        "kept = []\nwhile True:\n    {line}",
    ),
    misdeed(
        "allocates_at_once",
        "AC0305",
        "huge = bytearray(8 * 1024 ** 3)",
        "{line}",
    ),
    misdeed(
        "recurses_for_ever",
        "AC0306",
        "return deeper(n + 1) + 1",
        "def deeper(n):\n    {line}\ndeeper(0)",
    ),
    misdeed(
        "recurses_for_ever_where_nothing_but_memory_ends_it",
        "AC0305",
        "return deeper(n + 1)",
        "def deeper(n):\n    {line}\nsys.setrecursionlimit(10 ** 9)\ndeeper(0)",
    ),
    misdeed(
        "prints_for_ever",
        "AC0308",
        "",
        "while True:\n    print('x' * 1000)",
    ),
    misdeed(
        "floods_descriptor_1",
        "AC0308",
        "",
        "while True:\n    os.write(1, b'y' * 65536)",
    ),
    misdeed(
        "floods_descriptor_1_with_empty_lines",
        "AC0308",
        "",
        "while True:\n    os.write(1, b'\\n' * 65536)",
    ),
    misdeed(
        "never_ends",
        "AC0302",
        "time.sleep(1)  # for ever",
        "while True:\n    {line}",
    ),
    misdeed(
        "ignores_sigterm_and_never_ends",
        "AC0302",
        "time.sleep(2)",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True:\n    {line}",
    ),
    misdeed(
        "awaits_for_ever",
        "AC0302",
        "await asyncio.sleep(4)",
        "import asyncio\nasync def waits():\n    while True:\n        {line}\nasync def gathers():\n    await asyncio.gather(asyncio.sleep(0), waits())\nreturn gathers()",
    ),
    misdeed(
        "spins_with_signals_blocked",
        "AC0302",
        "",
        "signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))\nwhile True:\n    pass",
    ),
    misdeed(
        "catches_everything_for_ever",
        "AC0302",
        "time.sleep(3)",
        "while True:\n    try:\n        {line}\n    except BaseException:\n        pass",
    ),
    misdeed(
        "writes_rubbish_to_descriptor_3",
        "AC0307",
        "",
        "os.write(3, b'\\xff' * 64)\ntime.sleep(60)",
    ),
    misdeed(
        "forges_a_result",
        "AC0307",
        "",
        "os.write(3, b'\\x00\\x00\\x00\\x01\\x08\\x05')\ntime.sleep(60)",
    ),
    misdeed("closes_descriptor_3", "AC0307", "", "os.close(3)"),
    misdeed("closes_everything", "AC0307", "", "os.closerange(0, 256)"),
    misdeed(
        "closes_descriptor_3_and_runs_on",
        "AC0307",
        "",
        "os.closerange(3, 100)\ntime.sleep(60)",
    ),
    misdeed(
        "opens_a_file_at_descriptor_3",
        "AC0307",
        "",
        "os.close(3)\nopen('there', 'w')\nconv.log.info('unheard')",
    ),
    misdeed(
        "exits_at_once_as_a_runtime_does_that_failed",
        "AC0303",
        "",
        "os._exit(118)",
    ),
    misdeed(
        "exits_at_once_as_one_does_that_cannot_be_confined",
        "AC0303",
        "",
        "os._exit(125)",
    ),
    misdeed(
        "breaks_the_runtime",
        "AC0902",
        "",
        "from aftercall._runtime.child import Child\ndef fails(*_):\n    raise AssertionError('ours')\nChild._finish = fails",
    ),
    misdeed(
        "leaves_too_much",
        "AC0314",
        "",
        "conv.state.huge = 'z' * (20 * 1024 * 1024)",
    ),
    misdeed("forks_for_ever", "AC0301", "os.fork()", "while True:\n    {line}"),
    misdeed(
        "starts_a_program",
        "AC0301",
        "subprocess.run([\"/bin/true\"])",
        "import subprocess\n{line}",
    ),
    misdeed(
        "kills_its_parent",
        "AC0301",
        "os.kill(os.getppid(), signal.SIGKILL)",
        "{line}",
    ),
    misdeed(
        "kills_everybody",
        "AC0301",
        "os.kill(-1, signal.SIGKILL)",
        "{line}",
    ),
    misdeed(
        "opens_too_many_files",
        "AC0301",
        "kept.append(open(__file__))",
        "kept = []\nwhile True:\n    {line}",
    ),
    misdeed(
        "writes_too_large_a_file",
        "AC0301",
        "file.write(bytes(1024 * 1024)); file.flush()",
        "with open('large', 'wb') as file:\n    while True:\n        {line}",
    ),
    misdeed(
        "sends_a_request",
        "AC0401",
        "urllib.request.urlopen(\"http://127.0.0.1:9/\")",
        "import urllib.request\n{line}",
    ),
    misdeed(
        "sends_a_request_and_makes_something_else_of_the_refusal",
        "AC0401",
        "raise RuntimeError(\"CRM is down\")",
        "import urllib.request\ntry:\n    urllib.request.urlopen(\"http://127.0.0.1:9/\")\nexcept OSError:\n    {line}",
    ),
    misdeed(
        "opens_a_socket",
        "AC0301",
        "socket.create_connection((\"127.0.0.1\", 9))",
        "import socket\n{line}",
    ),
    misdeed(
        "prints_much_and_returns",
        "",
        "",
        "for _ in range(30000):\n    print('w' * 300)",
    ),
    misdeed(
        "leaves_a_thread",
        "",
        "",
        "import threading\nthreading.Thread(target=time.sleep, args=(0.3,)).start()",
    ),
    misdeed(
        "leaves_a_thread_that_never_ends",
        "",
        "",
        "import threading\ndef spin():\n    while True:\n        time.sleep(1)\nthreading.Thread(target=spin).start()",
    ),
    misdeed(
        "raises_at_exit",
        "",
        "",
        "import atexit\natexit.register(lambda: 1 / 0)",
    ),
    misdeed("returns_something_odd", "", "", "return lambda: (yield object())"),
    misdeed(
        "starts_threads_until_there_are_no_more",
        "",
        "",
        "import atexit, threading\nconv.log.info('starts')\natexit.register(time.sleep, 0)\natexit.register(time.sleep, 0)\ntry:\n    for _ in range(100000):\n        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nexcept RuntimeError:\n    return\nraise AssertionError('there were more')",
    ),
    misdeed(
        "keeps_something_odd_in_state",
        "",
        "",
        "conv.state.odd = [object(), open(__file__), lambda: 1]",
    ),
    misdeed(
        "logs_something_odd",
        "",
        "",
        "conv.log.info('odd', value=object(), error=ValueError('v'), nan=float('nan'))",
    ),
    misdeed(
        "hands_over_what_nobody_can_read",
        "",
        "",
        "class Exits(dict):\n    def items(self):\n        sys.exit(1)\n    __repr__ = __str__ = items\nnested = 1\nfor _ in range(5000):\n    nested = [nested]\nfor value in (Exits(a=1), nested, 10 ** 5000, 'x' * 10 ** 7, '\\ud800', {'\\ud800': 1, 1: 2, '1': 3}, {'$serde_json::private::Number': 1}):\n    conv.log.info(value, value=value)\n    conv.write_metric('M', value)\n    conv.send_sms('+15550001', '+15550002', value)\n    conv.state.value = value\n    conv.state[Exits] = value",
    ),
];

/// A project's file in which each is a function of its own, chosen by `conv.state.way`; `behaves` does no harm.
pub fn function() -> String {
    let mut source = "import os\nimport signal\nimport sys\nimport time\n\n\n".to_owned();
    for Misdeed { way, body, line, .. } in MISDEEDS {
        let body = body.replace("{line}", line).replace('\n', "\n    ");
        source += &format!("def {way}(conv):\n    {body}\n\n\n");
    }
    source
        + "def behaves(conv):\n    conv.state.behaved = True\n\n\ndef end_function(conv):\n    return globals()[conv.state.way](conv)\n"
}
