//! Named points in the program at which a crash test ends it, as a power cut would: no destructor runs, nothing is flushed.
//!
//! `AFTERCALL_FAIL_POINT=store.accept.after_commit:3` kills the process the third time that it passes there; without
//! a number, the first time. With `:panic` after the number the thread panics there instead, as a fault of ours would have it.
//! Compiled in with feature `fail-points` (and in this crate's own tests); else it is nothing.

/// Dies here if the environment asks for it.
#[cfg(any(test, feature = "fail-points"))]
#[macro_export]
macro_rules! fail_point {
    ($name:expr) => {
        $crate::fail_point::passed($name)
    };
}

/// Nothing: the feature `fail-points` is off.
#[cfg(not(any(test, feature = "fail-points")))]
#[macro_export]
macro_rules! fail_point {
    ($name:expr) => {{
        let _: &str = $name;
    }};
}

/// The environment variable that names the point, and optionally how often it is to be passed first.
pub const VARIABLE: &str = "AFTERCALL_FAIL_POINT";

#[cfg(any(test, feature = "fail-points"))]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    struct Armed {
        name: String,
        passes_left: AtomicU64,
        panics: bool,
    }

    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

    fn from_environment() -> Option<Armed> {
        let text = std::env::var(super::VARIABLE).ok()?;
        let (point, panics) = text
            .strip_suffix(":panic")
            .map_or((&*text, false), |point| (point, true));
        let (name, nth) = point.rsplit_once(':').unwrap_or((point, "1"));
        let nth = nth.parse::<u64>().ok().filter(|nth| *nth > 0);
        let nth = nth.unwrap_or_else(|| {
            panic!(
                "{}={text}: after the colon stands a count from 1",
                super::VARIABLE
            )
        });
        Some(Armed {
            name: name.to_owned(),
            passes_left: AtomicU64::new(nth),
            panics,
        })
    }

    /// Kills the process, or panics, if this is the point, and the time, that the environment names.
    pub fn passed(name: &str) {
        let Some(armed) = ARMED.get_or_init(from_environment) else {
            return;
        };
        if armed.name == name && armed.passes_left.fetch_sub(1, Ordering::AcqRel) == 1 {
            assert!(!armed.panics, "fail point {name}");
            // Both end the process; the second is for a system that delivers the first late.
            let _ = kill_process(getpid(), Signal::KILL);
            std::process::abort();
        }
    }
}

#[cfg(any(test, feature = "fail-points"))]
pub use armed::passed;
