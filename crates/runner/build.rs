//! Puts what runs inside zygotes into the binary: the Python runtime and the native library that it loads.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use sha2::{Digest, Sha256};

fn main() {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let root = here
        .ancestors()
        .nth(2)
        .expect("crates/runner lies two below the root")
        .to_path_buf();
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    let python = root.join("python");
    let mut files = Vec::new();
    collect(&python.join("aftercall"), &python, &mut files);
    files.sort();
    let preload = build_preload(&root, &out);
    let mut hash = Sha256::new();
    let mut table = String::from(
        "/// Path below the runtime's folder, content.\npub static FILES: &[(&str, &[u8])] = &[\n",
    );
    for (name, path) in files.iter().chain([&("libpreload.so".to_owned(), preload)]) {
        let content = fs::read(path).expect("it was there a moment ago");
        hash.update((name.len() as u64).to_be_bytes());
        hash.update(name);
        hash.update((content.len() as u64).to_be_bytes());
        hash.update(&content);
        println!("cargo::rerun-if-changed={}", path.display());
        writeln!(
            table,
            "    ({name:?}, include_bytes!({:?})),",
            path.display().to_string()
        )
        .expect("to a string");
    }
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    writeln!(
        table,
        "];\n/// SHA-256 over all of it.\npub const HASH: &str = {hex:?};"
    )
    .expect("to a string");
    fs::write(out.join("runtime_files.rs"), table).expect("OUT_DIR is ours");
    println!("cargo::rerun-if-changed={}", python.join("aftercall").display());
}

fn collect(folder: &Path, root: &Path, files: &mut Vec<(String, PathBuf)>) {
    for entry in fs::read_dir(folder).expect("the Python runtime lies beside the crates") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "__pycache__") {
                println!("cargo::rerun-if-changed={}", path.display());
                collect(&path, root, files);
            }
        } else if path
            .extension()
            .is_some_and(|e| e == "py" || e == "pyi" || e == "typed")
        {
            let name = path
                .strip_prefix(root)
                .expect("it lies below")
                .display()
                .to_string();
            files.push((name, path));
        }
    }
}

/// A library cannot be another crate's ordinary dependency when it is to be loaded at run time, so it is built here, in a
/// target folder of its own: cargo's lock on ours is held by the build that we are part of.
fn build_preload(root: &Path, out: &Path) -> PathBuf {
    let target = out.join("preload");
    let status = Command::new(env::var("CARGO").expect("cargo sets it"))
        .current_dir(root)
        .args([
            "build",
            "--package",
            "preload",
            "--release",
            "--quiet",
            "--locked",
            "--target-dir",
        ])
        .arg(&target)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .status()
        .expect("cargo runs");
    assert!(status.success(), "building the preload library failed");
    for source in ["crates/preload", "crates/confinement/src"] {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    target.join("release").join(if cfg!(target_os = "macos") {
        "libpreload.dylib"
    } else {
        "libpreload.so"
    })
}
