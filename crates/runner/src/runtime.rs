//! The Python runtime and the native library, as they are in the binary and as they lie on disk.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use project::InterpreterFacts;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/runtime_files.rs"));
}

/// Names everything that runs inside a zygote beside the user's own code: 64 hexadecimal digits.
pub const HASH: &str = embedded::HASH;

/// What a zygote runs, below the runtime's folder.
pub const ZYGOTE: &str = "aftercall/_runtime/zygote.py";

/// Where a runtime lies.
#[derive(Debug, Clone)]
pub struct Runtime {
    /// The folder that goes on Python's path.
    pub folder: PathBuf,
}

impl Runtime {
    /// Writes the runtime into `folder/<hash>`, unless it is there. A write that was cut off leaves nothing that counts.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn extract(folder: &Path) -> io::Result<Self> {
        let target = folder.join(&HASH[..16]);
        if target.is_dir() {
            return Ok(Self { folder: target });
        }
        fs::create_dir_all(folder)?;
        let unfinished = folder.join(format!(".{}.{}", &HASH[..16], std::process::id()));
        for (name, content) in embedded::FILES {
            let path = unfinished.join(name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            let mut file = fs::File::create(path)?;
            file.write_all(content)?;
            file.sync_all()?;
        }
        match fs::rename(&unfinished, &target) {
            Ok(()) => {}
            // Another process was faster with the same bytes.
            Err(_) if target.is_dir() => fs::remove_dir_all(&unfinished)?,
            Err(error) => return Err(error),
        }
        Ok(Self { folder: target })
    }

    /// Has the runtime compiled by the interpreter that is to run it, unless it was: a zygote that compiles for itself is
    /// slower to start, and leaves its children more pages to copy.
    ///
    /// # Errors
    /// Whatever the system says. An interpreter that cannot compile is told of in the log: everything works without.
    pub fn compile(&self, interpreter: &InterpreterFacts) -> io::Result<()> {
        let name = format!(".compiled-{}", interpreter.identity().replace(['/', ' '], "-"));
        let mark = self.folder.join(name);
        if mark.exists() {
            return Ok(());
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
            fs::write(mark, [])?;
        } else {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            tracing::warn!(status = %output.status, said, "the Python runtime could not be compiled ahead");
        }
        Ok(())
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
