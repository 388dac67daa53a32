//! A file system layer for SQLite that fails when it is told to, and is else the system's own.
#![allow(
    unsafe_code,
    reason = "SQLite calls a file system through C function pointers"
)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::size_of;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::ffi;

/// What is to fail, from the next call on.
#[derive(Debug, Default)]
pub struct Faults {
    /// So many syncs of logs from now one fails; 0: none does.
    pub sync_log: AtomicU32,
    /// Likewise of databases.
    pub sync_database: AtomicU32,
    /// Likewise writes to logs, for want of space.
    pub no_space: AtomicU32,
}

impl Faults {
    fn due(countdown: &AtomicU32) -> bool {
        let counted = countdown.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
        counted == Ok(1)
    }
}

/// A file of ours; the real one lies right behind it, in the same allocation.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    faults: &'static Faults,
    is_log: bool,
    is_database: bool,
}

/// Makes a layer under this name, for the rest of the process.
pub fn register(name: &str) -> &'static Faults {
    let faults: &'static Faults = Box::leak(Box::default());
    let name = CString::new(name).unwrap().into_raw();
    // SAFETY: the default layer lives as long as the process, and so do the copy, its name and its faults, all leaked.
    // Whatever a call gets besides a file it hands on, so every other function of the copy serves as it is.
    unsafe {
        let real = ffi::sqlite3_vfs_find(std::ptr::null());
        assert!(!real.is_null());
        let mut layer = *real;
        layer.szOsFile += c_int::try_from(size_of::<File>()).unwrap();
        layer.zName = name;
        layer.pNext = std::ptr::null_mut();
        layer.xOpen = Some(open);
        // The unix layer keeps its own data here, which the functions that were copied go on to read; ours is found by name.
        LAYERS
            .lock()
            .unwrap()
            .push((name as usize, real as usize, faults));
        assert_eq!(
            ffi::sqlite3_vfs_register(Box::leak(Box::new(layer)), 0),
            ffi::SQLITE_OK
        );
    }
    faults
}

/// Names of layers, the real layer of each, and their faults.
static LAYERS: std::sync::Mutex<Vec<(usize, usize, &'static Faults)>> = std::sync::Mutex::new(Vec::new());

unsafe extern "C" fn open(
    layer: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives `szOsFile` bytes for the file: ours, and behind it the real layer's. The name is a C string or null.
    unsafe {
        let found = LAYERS
            .lock()
            .unwrap()
            .iter()
            .find(|(name, ..)| *name == (*layer).zName as usize)
            .copied();
        let Some((_, real, faults)) = found else {
            return ffi::SQLITE_ERROR;
        };
        let real = real as *mut ffi::sqlite3_vfs;
        let rc = (*real).xOpen.unwrap()(real, name, behind(file), flags, out_flags);
        let name = if name.is_null() { c"" } else { CStr::from_ptr(name) };
        let is_log = flags & ffi::SQLITE_OPEN_WAL != 0;
        file.cast::<File>().write(File {
            base: ffi::sqlite3_file {
                // A file without methods is one that was not opened.
                pMethods: if (*behind(file)).pMethods.is_null() {
                    std::ptr::null()
                } else {
                    &raw const METHODS
                },
            },
            faults,
            is_log: is_log && name.to_bytes().ends_with(b"aftercall.db-wal"),
            is_database: !is_log && name.to_bytes().ends_with(b"aftercall.db"),
        });
        rc
    }
}

/// The real file of one of ours.
unsafe fn behind(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: see `open`.
    unsafe { file.cast::<u8>().add(size_of::<File>()).cast() }
}

/// Functions that hand everything on.
macro_rules! handed_on {
    ($($method:ident as $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        $(unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file, $($argument: $type),*) -> $answer {
            // SAFETY: a file that SQLite calls was opened by `open`, so the real one is open, with every method of its version.
            unsafe {
                let real = behind(file);
                (*(*real).pMethods).$method.unwrap()(real, $($argument),*)
            }
        })*
    };
}

handed_on! {
    xClose as close() -> c_int;
    xRead as read(into: *mut c_void, bytes: c_int, at: i64) -> c_int;
    xWrite as write_really(from: *const c_void, bytes: c_int, at: i64) -> c_int;
    xTruncate as truncate(bytes: i64) -> c_int;
    xSync as sync_really(flags: c_int) -> c_int;
    xFileSize as file_size(bytes: *mut i64) -> c_int;
    xLock as lock(level: c_int) -> c_int;
    xUnlock as unlock(level: c_int) -> c_int;
    xCheckReservedLock as check_reserved_lock(answer: *mut c_int) -> c_int;
    xFileControl as file_control(operation: c_int, argument: *mut c_void) -> c_int;
    xSectorSize as sector_size() -> c_int;
    xDeviceCharacteristics as device_characteristics() -> c_int;
    xShmMap as shm_map(page: c_int, size: c_int, extend: c_int, at: *mut *mut c_void) -> c_int;
    xShmLock as shm_lock(offset: c_int, count: c_int, flags: c_int) -> c_int;
    xShmBarrier as shm_barrier() -> ();
    xShmUnmap as shm_unmap(delete: c_int) -> c_int;
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    bytes: c_int,
    at: i64,
) -> c_int {
    // SAFETY: as above.
    unsafe {
        let ours = &*file.cast::<File>();
        if ours.is_log && Faults::due(&ours.faults.no_space) {
            return ffi::SQLITE_FULL;
        }
        write_really(file, from, bytes, at)
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: as above.
    unsafe {
        let ours = &*file.cast::<File>();
        if ours.is_log && Faults::due(&ours.faults.sync_log)
            || ours.is_database && Faults::due(&ours.faults.sync_database)
        {
            return ffi::SQLITE_IOERR_FSYNC;
        }
        sync_really(file, flags)
    }
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // Version 2 has shared memory; 3 would have mapped reading, which we do not use.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
