//! Attempts that wait until a test tells them to go on: nothing then depends on how fast the machine is.

use rustix::process::Signal;

use crate::processes::Process;
use crate::server::Server;
use crate::wait::until;

const SIGUSR1: u32 = 10;

/// `functions/waiting.py`, for projects of a test: `until_told()` returns once [`tell`] has been called.
pub const WAITING_PY: &str = r#"
import signal
import time


class Told(Exception):
    pass


def tell(number, frame):
    raise Told


def until_told():
    try:
        signal.signal(signal.SIGUSR1, tell)
        time.sleep(3600)
    except Told:
        pass
"#;

/// The processes of `count` attempts, once that many wait all at once.
#[must_use]
pub fn waiting(server: &Server<'_>, count: usize) -> Vec<Process> {
    until("so many attempts wait at once", || {
        let all = server.processes().into_iter();
        let waiting: Vec<_> = all.filter(|process| process.catches(SIGUSR1)).collect();
        (waiting.len() == count).then_some(waiting)
    })
}

/// Lets them go on.
pub fn tell(waiting: &[Process]) {
    for process in waiting {
        process.signal(Signal::USR1);
    }
}
