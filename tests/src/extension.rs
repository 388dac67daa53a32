//! C extensions of a test's own.

use std::process::Command;

use crate::project::Project;

/// With `THREAD` it starts a native thread when it is imported; with `HANGS` a process that is forked with its handlers hangs,
/// with `HANGS_WHERE` only while there is a file of that name in the working folder.
const SOURCE: &str = r#"
#include <Python.h>
#include <pthread.h>
#include <unistd.h>

static void *wait_for_good(void *unused) { for (;;) pause(); return unused; }
static void hang(void) {
#ifdef HANGS_WHERE
    if (access(HANGS_WHERE, F_OK) != 0) return;
#endif
    for (;;) pause();
}

static PyObject *answer(PyObject *self, PyObject *unused) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "native", NULL, -1, methods};

PyMODINIT_FUNC PyInit_native(void) {
#ifdef THREAD
    pthread_t thread;
    if (pthread_create(&thread, NULL, wait_for_good, NULL) != 0) return PyErr_SetFromErrno(PyExc_OSError);
#endif
#if defined(HANGS) || defined(HANGS_WHERE)
    if (pthread_atfork(NULL, NULL, hang) != 0) return PyErr_NoMemory();
#endif
    return PyModule_Create(&module);
}
"#;

/// Gives a project the module `functions.native`, whose `answer()` is 42.
///
/// # Panics
/// Where there is no C compiler, or Python has no headers.
pub fn add_extension(project: &Project, flags: &[&str]) {
    let headers = python("import sysconfig; print(sysconfig.get_path('include'))");
    let suffix = python("import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'))");
    project.write("native.c", SOURCE.as_bytes());
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-pthread", "-w", "-I", &headers, "-o"])
        .arg(project.file(&format!("functions/native{suffix}")))
        .arg(project.file("native.c"))
        .args(flags)
        .output()
        .expect("cc starts: a C compiler is needed (apt-get install gcc)");
    let errors = String::from_utf8_lossy(&built.stderr);
    assert!(
        built.status.success(),
        "the headers of python3 are needed (apt-get install python3-dev): {errors}"
    );
}

fn python(code: &str) -> String {
    let output = Command::new("python3").args(["-c", code]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
