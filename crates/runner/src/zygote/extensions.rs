//! Extension modules that survive a fork which runs nobody's handlers.

/// Each was looked at as its wheel for CPython 3.11 on glibc comes: it starts no thread when it is imported and used, neither it
/// nor a library that it brings refers to `pthread_atfork`, its package registers nothing with `os.register_at_fork`, and a
/// hundred children of `_Fork` used it. What gives random numbers (`cryptography`) gave each child others.
///
/// `numpy` is not among them: the OpenBLAS that it brings has handlers of its own.
const KNOWN: [&str; 15] = [
    "_brotli",
    "_cffi_backend",
    "charset_normalizer.cd",
    "charset_normalizer.md",
    "charset_normalizer.md__mypyc",
    "cryptography.hazmat.bindings._rust",
    "lxml._elementpath",
    "lxml.etree",
    "markupsafe._speedups",
    "msgpack._cmsgpack",
    "orjson.orjson",
    "pydantic_core._pydantic_core",
    "regex._regex",
    "rpds.rpds",
    "yaml._yaml",
];

/// Those of a process's extension modules, the standard library's left out, of which nothing is known.
pub fn unknown(loaded: &[String]) -> Vec<&str> {
    let mut unknown: Vec<&str> = loaded.iter().map(String::as_str).collect();
    unknown.retain(|name| !is_known(name));
    unknown
}

fn is_known(name: &str) -> bool {
    // `requests` keeps its dependencies under its own name as well, and one of them under that of its predecessor.
    let Some(name) = name.strip_prefix("requests.packages.") else {
        return KNOWN.contains(&name);
    };
    match name.strip_prefix("chardet.") {
        Some(module) => KNOWN.contains(&&*format!("charset_normalizer.{module}")),
        None => KNOWN.contains(&name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_requests_calls_its_own_is_known_and_a_strangers_module_is_not() {
        let loaded = [
            "charset_normalizer.md",
            "mine.charset_normalizer.md",
            "numpy.linalg._umath_linalg",
            "requests.packages.chardet.cd",
            "requests.packages.charset_normalizer.md",
            "requests.packages.mine",
        ];
        let unknown_names = [
            "mine.charset_normalizer.md",
            "numpy.linalg._umath_linalg",
            "requests.packages.mine",
        ];
        assert_eq!(unknown(&loaded.map(str::to_owned)), unknown_names);
    }
}
