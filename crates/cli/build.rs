//! Puts the type stubs (`python/stubs/generate.py` writes them) and the template of a project into the binary, file by file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut text = String::new();
    for (table, folder) in [
        ("STUBS", "stubs"),
        ("TEMPLATE", "template"),
        ("TAKEOVER", "takeover"),
    ] {
        let root = here.join(folder);
        let mut files = Vec::new();
        collect(&root, &root, &mut files);
        files.sort();
        writeln!(
            text,
            "/// The files of `{folder}`: path below it, content.\npub static {table}: &[(&str, &str)] = &["
        )
        .expect("to a string");
        for (name, path) in files {
            let path = path.display().to_string();
            writeln!(text, "    ({name:?}, include_str!({path:?})),").expect("to a string");
        }
        text.push_str("];\n");
    }
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("carried.rs"), text).expect("OUT_DIR is ours");
}

fn collect(folder: &Path, root: &Path, files: &mut Vec<(String, PathBuf)>) {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder).expect("it lies beside this file") {
        let path = entry.expect("a readable folder").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            // What tools leave where they are used.
            if !name.starts_with('.') && name != "__pycache__" {
                collect(&path, root, files);
            }
        } else {
            let below = path.strip_prefix(root).expect("it lies below");
            files.push((below.display().to_string(), path));
        }
    }
}
