//! Which loader a program names: the kernel opens it for execution, so Landlock must let it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

const HEADER_SIZE: usize = 64;
const PROGRAM_HEADER_SIZE: u64 = 56;
const PT_INTERP: u32 = 3;
/// The kernel's own limit on the loader's name (`PATH_MAX`), bytes.
const LOADER_NAME_LIMIT: u64 = 4096;

/// The `PT_INTERP` of a 64-bit little-endian ELF file; `None` when it names none, or is no such file.
pub(crate) fn loader(program: &Path) -> io::Result<Option<PathBuf>> {
    let mut file = File::open(program)?;
    let mut header = [0; HEADER_SIZE];
    match file.read_exact(&mut header) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let is_elf64_little_endian = header.starts_with(b"\x7fELF\x02\x01");
    if !is_elf64_little_endian {
        return Ok(None);
    }
    let table = word(&header, 32);
    let entries = u64::from(u16::from_le_bytes([header[56], header[57]]));
    for index in 0..entries {
        let mut entry = [0; PROGRAM_HEADER_SIZE as usize];
        file.seek(SeekFrom::Start(table.saturating_add(index * PROGRAM_HEADER_SIZE)))?;
        file.read_exact(&mut entry)?;
        if u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]) == PT_INTERP {
            let mut name = Vec::new();
            file.seek(SeekFrom::Start(word(&entry, 8)))?;
            file.take(word(&entry, 32).min(LOADER_NAME_LIMIT))
                .read_to_end(&mut name)?;
            name.pop_if(|last| *last == 0);
            return Ok(Some(PathBuf::from(OsStr::from_bytes(&name))));
        }
    }
    Ok(None)
}

fn word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_program_names_a_loader_that_exists_and_a_script_names_none() {
        let own = std::env::current_exe().unwrap();
        if cfg!(all(target_os = "linux", target_env = "gnu")) {
            let loader = loader(&own).unwrap().unwrap();
            assert!(loader.is_absolute() && loader.exists(), "{loader:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script");
        std::fs::write(&script, "#!/bin/sh\n").unwrap();
        assert_eq!(loader(&script).unwrap(), None);
    }
}
