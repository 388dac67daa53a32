//! Named points at which tests make the process die, as if the machine had been switched off there.
//!
//! They are compiled in only with the feature `fail-points`; `AFTERCALL_FAIL_POINT=name` or `name:n` kills the process at the
//! first or `n`-th time that it passes there.

/// Dies here if a test wants it.
#[macro_export]
macro_rules! fail_point {
    ($name:literal) => {
        #[cfg(feature = "fail-points")]
        $crate::fail_point::pass($name);
    };
}

/// Passes a point. Use [`fail_point!`](crate::fail_point!), which is nothing at all without the feature.
#[cfg(feature = "fail-points")]
pub fn pass(name: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static WANTED: LazyLock<Option<(String, AtomicU32)>> = LazyLock::new(|| {
        let text = std::env::var("AFTERCALL_FAIL_POINT").ok()?;
        let (name, count) = text.split_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), AtomicU32::new(count.parse().ok()?)))
    });
    if let Some((wanted, left)) = &*WANTED
        && wanted == name
        && left.fetch_sub(1, Ordering::AcqRel) == 1
    {
        eprintln!("fail point {name}: dying");
        drop(rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL));
    }
}
