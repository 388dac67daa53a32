"""A zygote as small as one can be: confines itself by what stands in its folder, and serves forks.

Each child executes the source that comes over its channel and sends back what it puts into `answer`.
"""

import ctypes
import errno
import json
import os
import sys
import time
import traceback

preload, here = sys.argv[1], sys.argv[2]
with open(f"{here}/settings.json") as file:
    settings = json.load(file)
lib = ctypes.PyDLL(preload)
lib.ac_install_filter.argtypes = lib.ac_child_filter.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
lib.ac_child_limits.argtypes = [ctypes.c_uint64] * 4


def must(result):
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return result


def program(name):
    with open(f"{here}/{name}", "rb") as file:
        return file.read()


def child():
    source = b""
    while part := os.read(3, 65536):
        source += part
    names = {"settings": settings, "answer": None}
    try:
        exec(compile(source, "attempt", "exec"), names)
        answer = json.dumps(names["answer"])
    except BaseException:
        answer = json.dumps({"raised": traceback.format_exc()})
    os.write(3, answer.encode())


base, child_filter = program("base.bpf"), program("child.bpf")
if base:
    must(lib.ac_install_filter(base, len(base)))
# What a project would import.
sys.path.insert(0, here)
for module in settings["modules"]:
    __import__(module)

for path in settings["child_read"]:
    must(lib.ac_child_read(path.encode()))
must(lib.ac_child_tmp_root(settings["tmp_root"].encode()))
must(lib.ac_child_limits(*settings["limits"]))
must(lib.ac_child_filter(child_filter, len(child_filter)))
for fd in settings["close"]:
    os.close(fd)
must(lib.ac_serve(3))
zygote = os.getpid()
while must(lib.ac_next()):
    if settings["fork_fails"]:
        must(lib.ac_forked(-errno.EAGAIN))
        continue
    started = time.monotonic_ns()
    if settings["once"]:
        must(lib.ac_forked(zygote))
        pid = 0
    else:
        pid = must(lib.ac_fork())
    if pid == 0:
        if settings["enter_late"]:
            while os.getppid() == zygote:
                time.sleep(0.005)
        forked, forked_cpu = time.monotonic_ns(), time.process_time_ns()
        must(lib.ac_enter())
        entered, entered_cpu = time.monotonic_ns(), time.process_time_ns()
        settings["forked_ns"], settings["entered_ns"] = forked - started, entered - forked
        settings["enter_cpu_ns"] = entered_cpu - forked_cpu
        child()
        os._exit(0)
    must(lib.ac_forked(pid))
