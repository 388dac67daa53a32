//! Which paths an interpreter needs, and which few of them a child's own Landlock layer names.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use crate::elf;
use crate::policy::{InterpreterFacts, ZygotePolicy};

/// Read by nearly every program: the loader's cache and libraries, time zones, CA certificates, and the names
/// that need no database. Beside these, `/dev/zero` and the random devices, for programs that open them.
const SYSTEM: [&str; 19] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/mime.types",
    "/usr/share/zoneinfo",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls",
    "/dev/null",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
];

/// Most rules that a child's Landlock layer should have beside its own folder: each costs its every attempt.
pub const CHILD_READ_PATHS: usize = 8;

/// What `python` needs to read to start and to import its standard library: only what exists, symbolic links
/// resolved (Landlock looks at where a file really is), nothing that lies below another path of the list.
pub fn interpreter_paths(python: &InterpreterFacts) -> Vec<PathBuf> {
    let own = [&python.executable, &python.prefix, &python.base_prefix];
    let all = own.into_iter().chain(&python.library).map(PathBuf::as_path);
    outermost(all.chain(SYSTEM.iter().map(Path::new)).filter_map(resolved))
}

/// What must be executable to start `program`: the file itself, and the loader that it names.
///
/// # Errors
/// When the program, or the loader, does not exist or cannot be read.
pub fn execute_paths(program: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = vec![program.canonicalize()?];
    if let Some(loader) = elf::loader(program)? {
        paths.push(loader.canonicalize()?);
    }
    Ok(paths)
}

/// The paths of a child's own Landlock layer: few and coarse, covering all that `policy` lets be read or
/// executed, and never its `tmp_root`.
///
/// The layer's one task is that a child cannot reach its siblings' folders. What a coarse path would let it read
/// beyond the policy stays refused by the zygote's layer, which holds as well. So neighbours are joined under
/// their common folder, the closest first, as long as that folder is neither `/` nor holds `tmp_root`. Devices
/// stay by themselves: `/dev/null` can be written to as well, what is below a folder of the list cannot. More
/// than [`CHILD_READ_PATHS`] come out only where nothing more can be joined.
pub fn child_read_paths(policy: &ZygotePolicy) -> Vec<PathBuf> {
    let tmp_root = resolved(&policy.tmp_root).unwrap_or_else(|| policy.tmp_root.clone());
    let given = policy
        .read
        .iter()
        .chain(&policy.execute)
        .filter_map(|path| resolved(path));
    let mut paths = outermost(given.filter(|path| !tmp_root.starts_with(path)));
    while paths.len() > CHILD_READ_PATHS {
        // The list is sorted, so the deepest common folder of any two is one of two neighbours.
        let joined = paths
            .windows(2)
            .filter(|pair| !pair.iter().any(|path| is_device(path)))
            .filter_map(|pair| common_folder(&pair[0], &pair[1]))
            .filter(|folder| folder.parent().is_some() && !tmp_root.starts_with(folder))
            .max_by_key(|folder| folder.components().count());
        match joined {
            Some(folder) => paths = outermost(paths.into_iter().chain([folder])),
            None => break,
        }
    }
    paths
}

fn resolved(path: &Path) -> Option<PathBuf> {
    // `/` would hold every tmp_root and the whole machine: an interpreter that calls it its prefix is served by
    // the system's folders above.
    path.canonicalize().ok().filter(|path| path.parent().is_some())
}

fn is_device(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.file_type().is_char_device())
}

fn outermost(paths: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut kept: Vec<PathBuf> = Vec::new();
    // Sorted by component, a folder comes right before all that is below it.
    for path in paths.collect::<BTreeSet<_>>() {
        if kept.last().is_none_or(|last| !path.starts_with(last)) {
            kept.push(path);
        }
    }
    kept
}

fn common_folder(left: &Path, right: &Path) -> Option<PathBuf> {
    let common = left
        .components()
        .zip(right.components())
        .take_while(|(left, right)| left == right);
    let folder: PathBuf = common.map(|(component, _)| component).collect();
    (folder != left && folder != right).then_some(folder)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::policy::{Limits, Mode};

    fn policy(read: &[&Path], tmp_root: &Path) -> ZygotePolicy {
        ZygotePolicy {
            mode: Mode::Required,
            read: read.iter().map(|path| path.to_path_buf()).collect(),
            execute: Vec::new(),
            tmp_root: tmp_root.to_owned(),
            network: false,
            limits: Limits {
                cpu: Duration::from_secs(1),
                address_space: 0,
                file_size: 0,
                open_files: 0,
            },
        }
    }

    #[test]
    fn a_child_reads_all_of_the_policy_through_few_paths_and_never_the_folder_of_siblings() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let mut read = Vec::new();
        for name in [
            "a/1", "a/2", "a/3", "b/x/1", "b/x/2", "c/1", "c/2", "d", "dev/1", "dev/2",
        ] {
            std::fs::create_dir_all(root.join(name)).unwrap();
            read.push(root.join(name));
        }
        let tmp_root = root.join("dev/shm/tmp");
        std::fs::create_dir_all(&tmp_root).unwrap();
        let read: Vec<&Path> = read.iter().map(PathBuf::as_path).collect();

        let read = [&read[..], &[Path::new("/dev/null"), Path::new("/dev/zero")]].concat();

        let paths = child_read_paths(&policy(&read, &tmp_root));

        assert!(paths.len() <= CHILD_READ_PATHS, "{paths:?}");
        for path in read {
            assert!(
                paths.iter().any(|kept| path.starts_with(kept)),
                "{path:?} is covered by {paths:?}"
            );
        }
        assert!(!paths.iter().any(|kept| tmp_root.starts_with(kept)), "{paths:?}");
        assert!(paths.contains(&PathBuf::from("/dev/null")), "{paths:?}");
    }

    #[test]
    fn a_folder_that_holds_the_siblings_folders_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        let tmp_root = root.path().join("below");
        std::fs::create_dir(&tmp_root).unwrap();
        assert_eq!(
            child_read_paths(&policy(&[root.path(), &tmp_root], &tmp_root)),
            Vec::<PathBuf>::new()
        );
    }

    #[test]
    fn paths_are_resolved_and_nested_ones_dropped() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("real/lib/python3")).unwrap();
        std::os::unix::fs::symlink(root.join("real"), root.join("link")).unwrap();
        let facts = InterpreterFacts {
            executable: root.join("missing/python"),
            prefix: root.join("link"),
            base_prefix: root.join("real"),
            library: vec![root.join("link/lib/python3"), root.join("real-too")],
        };
        let paths = interpreter_paths(&facts);
        let own: Vec<_> = paths.iter().filter(|path| path.starts_with(&root)).collect();
        assert_eq!(own, [&root.join("real")]);
        assert!(paths.iter().all(|path| path.exists()));
    }
}
