//! The Python runtime and the native library, as they are in the binary and as they lie on disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use project::InterpreterFacts;
use project::unpacked::{Contents, Put};
use sha2::{Digest as _, Sha256};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/runtime_files.rs"));
}

/// Names everything that runs inside a zygote beside the user's own code: 64 hexadecimal digits.
pub const HASH: &str = embedded::HASH;

/// What a zygote runs, below the runtime's folder.
pub const ZYGOTE: &str = "aftercall/_runtime/zygote.py";

/// Where an interpreter puts what it compiled.
const CACHE: &str = "__pycache__";
/// How the names begin of files that tell what one interpreter compiled.
const MARK: &str = ".compiled-";

/// What [`Runtime::compile`] leaves beside the files of the binary.
fn is_of_the_interpreter(name: &str) -> bool {
    let is_compiled = Path::new(name)
        .parent()
        .is_some_and(|folder| folder.ends_with(CACHE));
    is_compiled || name.starts_with(MARK)
}

fn contents() -> Contents<'static> {
    Contents::new(embedded::FILES.iter().copied()).allowing(is_of_the_interpreter)
}

/// Where a runtime lies.
#[derive(Debug, Clone)]
pub struct Runtime {
    /// The folder that goes on Python's path.
    pub folder: PathBuf,
}

impl Runtime {
    /// Sees to it that `folder/<hash>` holds this runtime and nothing else: one that is damaged or was changed is replaced, in
    /// one step. To be called while nothing else writes below `folder`, and no zygote runs from it.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn extract(folder: &Path) -> io::Result<Self> {
        let target = folder.join(&HASH[..16]);
        let swept = project::sweep_unfinished(folder)?;
        if swept > 0 {
            tracing::info!(
                swept,
                "removed runtimes that were cut off while they were written"
            );
        }
        if let Put::Mended(what) = contents().put(&target)? {
            tracing::warn!(folder = %target.display(), what, "the Python runtime had changed on disk; it is written anew");
        }
        Ok(Self { folder: target })
    }

    /// In what it differs from what is in the binary by now, in a few words.
    ///
    /// # Errors
    /// Whatever the system says; that it is gone, above all.
    pub fn difference(&self) -> io::Result<Option<String>> {
        contents().difference(&self.folder)
    }

    /// Has the runtime compiled by the interpreter that is to run it, unless it was and nothing of it has changed: a zygote
    /// that compiles for itself is slower to start, and leaves its children more pages to copy.
    ///
    /// # Errors
    /// Whatever the system says. An interpreter that cannot compile is told of in the log: everything works without.
    pub fn compile(&self, interpreter: &InterpreterFacts) -> io::Result<()> {
        let name = format!("{MARK}{}", interpreter.identity().replace(['/', ' '], "-"));
        let mark = self.folder.join(name);
        // What is compiled is run without a look at its source, so it is only trusted while it is what was compiled.
        match fs::read(&mark) {
            Ok(known) if known == self.compiled()?.as_bytes() => return Ok(()),
            Ok(_) => {
                tracing::warn!("the compiled Python runtime had changed on disk; it is compiled anew");
                self.forget_compiled()?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let output = Command::new(&interpreter.executable)
            .args([
                "-I",
                "-m",
                "compileall",
                "-q",
                "--invalidation-mode",
                "unchecked-hash",
            ])
            .arg(self.folder.join("aftercall"))
            .env_clear()
            .stdin(Stdio::null())
            .output()?;
        if output.status.success() {
            fs::write(mark, self.compiled()?)?;
        } else {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            tracing::warn!(status = %output.status, said, "the Python runtime could not be compiled ahead");
            self.forget_compiled()?;
        }
        Ok(())
    }

    /// Everything that interpreters compiled: a digest and a name a line.
    fn compiled(&self) -> io::Result<String> {
        let mut lines = Vec::new();
        for cache in self.caches() {
            let entries = match fs::read_dir(&cache) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let path = entry?.path();
                let digest = Sha256::digest(fs::read(&path)?);
                let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                let name = path.strip_prefix(&self.folder).unwrap_or(&path).display();
                lines.push(format!("{hex}  {name}\n"));
            }
        }
        lines.sort();
        Ok(lines.concat())
    }

    fn forget_compiled(&self) -> io::Result<()> {
        for cache in self.caches() {
            match fs::remove_dir_all(cache) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Where interpreters put what they compiled: one folder in each that holds sources.
    fn caches(&self) -> BTreeSet<PathBuf> {
        let sources = embedded::FILES.iter().filter(|(name, _)| name.ends_with(".py"));
        sources
            .filter_map(|(name, _)| Some(self.folder.join(name).parent()?.join(CACHE)))
            .collect()
    }

    /// What the interpreter is told to run as a zygote.
    #[must_use]
    pub fn zygote(&self) -> PathBuf {
        self.folder.join(ZYGOTE)
    }

    /// The native library that a zygote loads.
    #[must_use]
    pub fn preload(&self) -> PathBuf {
        self.folder.join("libpreload.so")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use project::{InterpreterChoice, find_interpreter};

    use super::*;

    #[test]
    fn a_runtime_that_is_damaged_or_changed_is_written_anew() {
        let root = tempfile::tempdir().unwrap();
        let runtime = Runtime::extract(root.path()).unwrap();
        let child = runtime.folder.join("aftercall/_runtime/child.py");
        let whole = fs::read(&child).unwrap();
        let damages: [fn(&Path) -> io::Result<()>; 4] = [
            |child| fs::remove_file(child),
            |child| fs::write(child, ""),
            |child| {
                fs::write(
                    child,
                    vec![b'#'; usize::try_from(fs::metadata(child)?.len()).unwrap()],
                )
            },
            |child| fs::write(child.with_file_name("json.py"), "raise SystemExit"),
        ];
        for damage in damages {
            damage(&child).unwrap();
            assert!(runtime.difference().unwrap().is_some());
            Runtime::extract(root.path()).unwrap();
            assert_eq!(fs::read(&child).unwrap(), whole);
            assert!(!child.with_file_name("json.py").exists());
        }
        fs::create_dir(root.path().join(".unfinished-1-0-abc")).unwrap();
        Runtime::extract(root.path()).unwrap();
        assert_eq!(
            fs::read_dir(root.path()).unwrap().count(),
            1,
            "only the runtime is left"
        );
    }

    #[test]
    fn compiled_files_that_changed_are_compiled_anew_and_others_are_kept() {
        let root = tempfile::tempdir().unwrap();
        let runtime = Runtime::extract(root.path()).unwrap();
        let search_path = std::env::var_os("PATH");
        let python = find_interpreter(InterpreterChoice {
            wanted: None,
            search_path: search_path.as_deref(),
        })
        .unwrap();
        runtime.compile(&python).unwrap();
        let first = runtime.compiled().unwrap();
        let name = first.lines().next().unwrap().split_once("  ").unwrap().1;
        let name = runtime.folder.join(name);
        let written = || fs::metadata(&name).unwrap().modified().unwrap();
        let at = written();
        Runtime::extract(root.path()).unwrap().compile(&python).unwrap();
        assert_eq!(written(), at, "what is whole is kept");
        fs::write(&name, "").unwrap();
        Runtime::extract(root.path()).unwrap().compile(&python).unwrap();
        assert!(!fs::read(&name).unwrap().is_empty());
    }
}
