//! The library is embedded into the binary and loaded by every zygote: what nobody calls stays out of it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,--gc-sections,--strip-all,-z,relro,-z,now");
    }
}
