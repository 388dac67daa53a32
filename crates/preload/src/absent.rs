//! Elsewhere than on Linux: nothing of this can be had, and every function says so.

use std::ffi::{CStr, c_int};

use crate::Errno;

const ABSENT: Result<c_int, Errno> = Err(Errno(libc::ENOSYS));

pub(crate) struct Zygote;

pub(crate) unsafe fn zygote() -> Zygote {
    Zygote
}

pub(crate) fn install_filter(_program: &[u8]) -> Result<c_int, Errno> {
    ABSENT
}

pub(crate) fn put_clock_off(_clock: u32, _by_ns: i64) {}

pub(crate) fn use_clock(_clock: u32) {}

pub(crate) fn thread_count() -> Result<c_int, Errno> {
    ABSENT
}

impl Zygote {
    pub(crate) fn keep_filter(&self, _program: &[u8]) -> Result<c_int, Errno> {
        ABSENT
    }

    pub(crate) fn keep_read_path(&self, _path: &CStr) -> Result<c_int, Errno> {
        ABSENT
    }

    pub(crate) fn keep_tmp_root(&self, _path: &CStr) -> Result<c_int, Errno> {
        ABSENT
    }

    pub(crate) fn keep_limits(
        &self,
        _cpu: u64,
        _memory: u64,
        _file: u64,
        _open: u64,
    ) -> Result<c_int, Errno> {
        ABSENT
    }

    pub(crate) fn serve(&self, _control: c_int) -> Result<c_int, Errno> {
        ABSENT
    }

    pub(crate) fn next(&self) -> Result<c_int, Errno> {
        ABSENT
    }

    pub(crate) fn fork(&self) -> Result<c_int, Errno> {
        ABSENT
    }

    pub(crate) fn forked(&self, _pid: c_int) -> Result<c_int, Errno> {
        ABSENT
    }

    pub(crate) fn enter(&self) -> Result<c_int, Errno> {
        ABSENT
    }
}
