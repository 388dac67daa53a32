//! A loop that breaks off by a fault of ours ends the process: a server that goes on to accept conversations and runs none of
//! them looks healthy for as long as nobody counts.

/// The exit status that says so: a fault of Aftercall's own, as with every command.
const FAULT: i32 = 3;

/// Held by a loop for as long as it is there.
pub(crate) struct Alarm(pub &'static str);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(
                "{} broke off by a fault of Aftercall's own, and nothing runs without it: ending, so that the next start \
                 goes on where this one was; please report this",
                self.0
            );
            std::process::exit(FAULT);
        }
    }
}
