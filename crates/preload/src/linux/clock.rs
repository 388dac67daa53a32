//! The time of day, put off by clock. Every function here stands before the C library's of the same name once this library is preloaded;
//! without a clock that is put off it hands on what that one says.
//!
//! Only the clock that people read is put off: monotonic ones and sleeps are real. Who waits until a time of day has read it here, and
//! waits in the kernel, so those times are put back.

use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicPtr, Ordering};
use std::{mem, ptr};

use crate::CLOCKS;
use libc::{clockid_t, pthread_cond_t, pthread_mutex_t, sem_t, time_t, timespec, timeval};

const SECOND_NS: i64 = 1_000_000_000;
/// Deadlines before it (1980) are none of the time of day: they are monotonic, as a condition variable may want them.
const FIRST_TIME_OF_DAY_S: i64 = 315_532_800;
/// `TIME_UTC`, of C11.
const TIME_UTC: c_int = 1;

/// By how much each clock is put off, nanoseconds.
static OFF_NS: [AtomicI64; CLOCKS] = [const { AtomicI64::new(0) }; CLOCKS];
/// Whether any was ever: most processes never have one that is.
static EVER: AtomicBool = AtomicBool::new(false);
thread_local! {
    static CLOCK: Cell<usize> = const { Cell::new(0) };
}

pub(crate) fn put_clock_off(clock: u32, by_ns: i64) {
    let own = usize::try_from(clock).ok().filter(|clock| *clock != 0);
    if let Some(off) = own.and_then(|clock| OFF_NS.get(clock)) {
        off.store(by_ns, Ordering::Relaxed);
        EVER.store(true, Ordering::Relaxed);
    }
}

pub(crate) fn use_clock(clock: u32) {
    CLOCK.set(usize::try_from(clock).unwrap_or(0));
}

/// By how much the calling thread's clock is put off.
fn off_ns() -> i64 {
    if !EVER.load(Ordering::Relaxed) {
        return 0;
    }
    let clock = CLOCK.try_with(Cell::get).unwrap_or(0); // a thread that ends has none
    OFF_NS.get(clock).map_or(0, |off| off.load(Ordering::Relaxed))
}

/// A function of the C library, found once.
struct Real {
    name: &'static CStr,
    /// The version that is meant, where there are several and the first is not the one that programs get.
    version: Option<&'static CStr>,
    found: AtomicPtr<c_void>,
}

impl Real {
    const fn new(name: &'static CStr) -> Self {
        Self {
            name,
            version: None,
            found: AtomicPtr::new(ptr::null_mut()),
        }
    }

    const fn versioned(name: &'static CStr, version: &'static CStr) -> Self {
        Self {
            version: Some(version),
            ..Self::new(name)
        }
    }

    fn address(&self) -> *mut c_void {
        let found = self.found.load(Ordering::Relaxed);
        if !found.is_null() {
            return found;
        }
        // SAFETY: names and versions are C strings.
        let found = unsafe {
            let of_version = self
                .version
                .map_or(ptr::null_mut(), |version| versioned_symbol(self.name, version));
            if of_version.is_null() {
                libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr())
            } else {
                of_version
            }
        };
        self.found.store(found, Ordering::Relaxed);
        found
    }
}

#[cfg(target_env = "gnu")]
unsafe fn versioned_symbol(name: &CStr, version: &CStr) -> *mut c_void {
    unsafe extern "C" {
        fn dlvsym(
            handle: *mut c_void,
            name: *const libc::c_char,
            version: *const libc::c_char,
        ) -> *mut c_void;
    }
    // SAFETY: both are C strings.
    unsafe { dlvsym(libc::RTLD_NEXT, name.as_ptr(), version.as_ptr()) }
}

#[cfg(not(target_env = "gnu"))]
unsafe fn versioned_symbol(_name: &CStr, _version: &CStr) -> *mut c_void {
    ptr::null_mut()
}

/// Calls the C library's own function; `-1` with `ENOSYS` where it has none.
macro_rules! real {
    ($real:expr, $type:ty, $($argument:expr),*) => {{
        static REAL: Real = $real;
        let address = REAL.address();
        if address.is_null() {
            *libc::__errno_location() = libc::ENOSYS;
            -1
        } else {
            mem::transmute::<*mut c_void, $type>(address)($($argument),*)
        }
    }};
}

fn put_off(time: &mut timespec, by_ns: i64) {
    let ns = time.tv_nsec + by_ns % SECOND_NS;
    time.tv_sec += by_ns / SECOND_NS + ns.div_euclid(SECOND_NS);
    time.tv_nsec = ns.rem_euclid(SECOND_NS);
}

/// # Safety
/// As for the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
    type Function = unsafe extern "C" fn(clockid_t, *mut timespec) -> c_int;
    // SAFETY: the function of that name has that type; the rest is the caller's contract.
    unsafe {
        let result = real!(Real::new(c"clock_gettime"), Function, clock, time);
        if result == 0 && matches!(clock, libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE) {
            let off = off_ns();
            if off != 0 {
                put_off(&mut *time, off);
            }
        }
        result
    }
}

fn now() -> timespec {
    let mut time = timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: it points at a timespec.
    unsafe { clock_gettime(libc::CLOCK_REALTIME, &raw mut time) };
    time
}

/// # Safety
/// As for the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gettimeofday(time: *mut timeval, zone: *mut c_void) -> c_int {
    type Function = unsafe extern "C" fn(*mut timeval, *mut c_void) -> c_int;
    // SAFETY: as above.
    unsafe {
        let result = real!(Real::new(c"gettimeofday"), Function, time, zone);
        if result == 0 && !time.is_null() && off_ns() != 0 {
            let now = now();
            (*time).tv_sec = now.tv_sec;
            (*time).tv_usec = now.tv_nsec / 1_000;
        }
        result
    }
}

/// # Safety
/// As for the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn time(at: *mut time_t) -> time_t {
    let now = now().tv_sec;
    if !at.is_null() {
        // SAFETY: the caller's contract.
        unsafe { *at = now };
    }
    now
}

/// # Safety
/// As for the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timespec_get(time: *mut timespec, base: c_int) -> c_int {
    if base != TIME_UTC {
        return 0;
    }
    // SAFETY: the caller's contract.
    unsafe { *time = now() };
    base
}

/// A deadline as the kernel is to hear it.
///
/// # Safety
/// `until` is null or points at a time.
unsafe fn put_back(until: *const timespec) -> Option<timespec> {
    let off = off_ns();
    if off == 0 || until.is_null() {
        return None;
    }
    // SAFETY: the caller's contract.
    let mut until = unsafe { *until };
    if until.tv_sec < FIRST_TIME_OF_DAY_S {
        return None;
    }
    put_off(&mut until, -off);
    Some(until)
}

/// # Safety
/// As for the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_timedwait(semaphore: *mut sem_t, until: *const timespec) -> c_int {
    type Function = unsafe extern "C" fn(*mut sem_t, *const timespec) -> c_int;
    // SAFETY: as above.
    unsafe {
        let real = put_back(until);
        let until = real.as_ref().map_or(until, ptr::from_ref);
        real!(Real::new(c"sem_timedwait"), Function, semaphore, until)
    }
}

/// # Safety
/// As for the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_cond_timedwait(
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
    until: *const timespec,
) -> c_int {
    type Function = unsafe extern "C" fn(*mut pthread_cond_t, *mut pthread_mutex_t, *const timespec) -> c_int;
    // SAFETY: as above.
    unsafe {
        let real = put_back(until);
        let until = real.as_ref().map_or(until, ptr::from_ref);
        // Of x86-64 there are two, and the older one has conditions of another size.
        real!(
            Real::versioned(c"pthread_cond_timedwait", c"GLIBC_2.3.2"),
            Function,
            condition,
            mutex,
            until
        )
    }
}

/// # Safety
/// As for the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_mutex_timedlock(
    mutex: *mut pthread_mutex_t,
    until: *const timespec,
) -> c_int {
    type Function = unsafe extern "C" fn(*mut pthread_mutex_t, *const timespec) -> c_int;
    // SAFETY: as above.
    unsafe {
        let real = put_back(until);
        let until = real.as_ref().map_or(until, ptr::from_ref);
        real!(Real::new(c"pthread_mutex_timedlock"), Function, mutex, until)
    }
}
