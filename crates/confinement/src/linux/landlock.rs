//! The zygote's Landlock layer: the base that all its children stand on.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, Scope, make_bitflags,
};

use crate::policy::ZygotePolicy;

/// The newest ABI whose rights are asked for: the newest that was tested. Older kernels enforce what they know.
const NEWEST_TESTED: ABI = ABI::V7;

/// Never granted: neither devices, nor sockets and pipes that others could meet at.
const READ_FILE: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile});
const READ_FOLDER: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});
const TMP_ROOT: BitFlags<AccessFs> = make_bitflags!(AccessFs::{
    ReadFile | ReadDir | WriteFile | Truncate | MakeReg | MakeDir | MakeSym | RemoveFile | RemoveDir | Refer
});

/// The ruleset of `policy`, ready for `landlock_restrict_self`; `None` where the kernel has no Landlock.
///
/// # Errors
/// A path of the policy that cannot be opened: a policy that names what is not there is a mistake, and what
/// would be left out silently here would be a mystery there.
pub(super) fn ruleset(policy: &ZygotePolicy) -> io::Result<Option<OwnedFd>> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST_TESTED))
        .and_then(|ruleset| match policy.network {
            true => Ok(ruleset),
            false => ruleset.handle_access(AccessNet::from_all(NEWEST_TESTED)),
        })
        .and_then(|ruleset| ruleset.scope(Scope::from_all(NEWEST_TESTED)))
        .and_then(Ruleset::create)
        .map_err(io::Error::other)?;
    for path in &policy.read {
        ruleset = allow(ruleset, path, BitFlags::EMPTY)?;
    }
    for path in &policy.execute {
        ruleset = allow(ruleset, path, AccessFs::Execute.into())?;
    }
    ruleset = add(ruleset, open(&policy.tmp_root)?, TMP_ROOT)?;
    Ok(ruleset.into())
}

fn allow(ruleset: RulesetCreated, path: &Path, more: BitFlags<AccessFs>) -> io::Result<RulesetCreated> {
    let kind = path.metadata().map_err(|error| naming(path, error))?.file_type();
    let access = if kind.is_dir() {
        READ_FOLDER
    } else if kind.is_char_device() {
        // /dev/null is there to be written to, and is opened with O_TRUNC.
        READ_FILE | AccessFs::WriteFile | AccessFs::Truncate
    } else {
        READ_FILE
    };
    add(ruleset, open(path)?, access | more)
}

fn add(ruleset: RulesetCreated, at: impl AsFd, access: BitFlags<AccessFs>) -> io::Result<RulesetCreated> {
    ruleset
        .add_rule(PathBeneath::new(at, access))
        .map_err(io::Error::other)
}

fn open(path: &Path) -> io::Result<PathFd> {
    PathFd::new(path).map_err(|error| naming(path, io::Error::other(error)))
}

fn naming(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// The kernel's Landlock ABI; `None` where it has none or has it switched off.
pub(super) fn abi() -> Option<u32> {
    const CREATE_RULESET_VERSION: libc::c_uint = 1;
    // SAFETY: with this flag the call reads no memory and only answers a number.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<libc::c_void>(),
            0_usize,
            CREATE_RULESET_VERSION,
        )
    };
    u32::try_from(version).ok().filter(|version| *version > 0)
}
