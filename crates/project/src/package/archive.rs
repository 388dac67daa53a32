//! A project as a tar archive. What comes in may come from anywhere, so nothing of it is believed.

use std::collections::BTreeMap;
use std::io::Read as _;

use domain::Code;
use tar::{Archive, Builder, EntryType, Header};

use super::{MAX_BYTES, MAX_FILES, Size, path};
use crate::error::ProjectError;

/// The largest archive of a project, bytes: its largest content, and for each file a header, a long name and padding.
pub const MAX_ARCHIVE_BYTES: u64 = MAX_BYTES + MAX_FILES as u64 * 4 * 512 + 64 * 1024;

/// Most entries, folders and the like counted too.
const MAX_ENTRIES: usize = 2 * MAX_FILES;

pub(super) fn read(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, ProjectError> {
    if bytes.len() as u64 > MAX_ARCHIVE_BYTES {
        let message = format!("the archive is larger than {MAX_ARCHIVE_BYTES} bytes");
        return Err(ProjectError::new(
            Code::ProjectTooLarge,
            message,
            "leave out what end_function does not need",
        ));
    }
    let mut files = BTreeMap::new();
    let mut size = Size::default();
    let mut archive = Archive::new(bytes);
    for (index, entry) in archive
        .entries()
        .map_err(|error| bad(&error.to_string()))?
        .enumerate()
    {
        if index >= MAX_ENTRIES {
            return Err(bad(&format!("it has more than {MAX_ENTRIES} entries")));
        }
        let mut entry = entry.map_err(|error| bad(&error.to_string()))?;
        let raw = entry.path_bytes().into_owned();
        let name = String::from_utf8(raw).map_err(|_| bad("a path is not UTF-8"))?;
        let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
        match entry.header().entry_type() {
            EntryType::Regular => {}
            EntryType::Directory | EntryType::XGlobalHeader => continue,
            other => {
                return Err(bad(&format!(
                    "it holds something that is neither file nor folder ({other:?})"
                ))
                .in_file(name));
            }
        }
        path::check(&name)?;
        // The announced size is checked before a byte of it is read; the archive holds what it announces or ends early.
        size.add(&name, entry.size())?;
        let mut content = Vec::new();
        entry
            .read_to_end(&mut content)
            .map_err(|error| bad(&error.to_string()).in_file(name.as_str()))?;
        if content.len() as u64 != entry.size() {
            return Err(bad("it ends in the middle of this file").in_file(name));
        }
        if files.insert(name.clone(), content).is_some() {
            return Err(bad("it holds this file twice").in_file(name));
        }
    }
    Ok(files)
}

pub(super) fn write(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        archive
            .append_data(&mut header, name, content.as_slice())
            .expect("writing into memory, with a checked path");
    }
    archive.into_inner().expect("writing into memory")
}

fn bad(reason: &str) -> ProjectError {
    ProjectError::new(
        Code::BadArchive,
        format!("the archive cannot be used: {reason}"),
        "let `aftercall deploy FOLDER` pack it, or pack plain files with relative paths: tar -C FOLDER -cf - .",
    )
}
