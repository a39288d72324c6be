//! Keeps the generated code of `sdk-rust` equal to `proto/`: it is made anew and compared byte for byte.
//! With NETILY_REGENERATE=1 the checked-in files are replaced instead (`make generate`). It stands here and is built without the
//! command line, so that neither a server nor a tool that still speaks the old contract keeps the new one from being made.

mod calls;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use protox::Compiler;

/// File name → content.
type Files = BTreeMap<String, Vec<u8>>;

/// The SDK's own tests serve, too.
const SERVER_ONLY: &str = "#[cfg(any(feature = \"server\", test))]";

#[test]
fn generated_code_is_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let checked_in = root.join("sdk-rust/src/gen");
    let fresh = generate(&root.join("proto"));

    if std::env::var_os("NETILY_REGENERATE").is_some_and(|value| value == "1") {
        replace(&checked_in, &fresh);
    }
    let stale = differences(&fresh, &read(&checked_in));
    assert!(stale.is_empty(), "run `make generate`: sdk-rust/src/gen differs from proto/ in {}", stale.join(", "));
}

/// Compiles every `.proto` below `protos` into Rust and into one descriptor set.
fn generate(protos: &Path) -> Files {
    let sources = proto_files(protos);
    assert!(!sources.is_empty(), "no .proto file below {}", protos.display());

    let mut compiler = Compiler::new([protos]).expect("the proto folder");
    compiler.include_imports(true).open_files(&sources).expect("valid protos");
    // Source positions and comments are five times the rest, and reflection needs neither.
    let descriptor = compiler.include_source_info(false).encode_file_descriptor_set();
    let commented = compiler.include_source_info(true).file_descriptor_set();

    let out = tempfile::tempdir().expect("a temporary folder");
    let tonic = tonic_prost_build::configure().server_mod_attribute(".", SERVER_ONLY).service_generator();
    prost_build::Config::new()
        .out_dir(out.path())
        .include_file("packages.rs")
        .enable_type_names()
        .skip_debug(calls::secret_messages(&commented.file))
        .service_generator(Box::new(calls::SdkGenerator::new(tonic, &commented.file)))
        .compile_fds(commented)
        .expect("generated code");

    let mut files = read(out.path());
    files.insert("descriptor.bin".to_owned(), descriptor);
    files
}

/// Every `.proto` below `folder`, sorted, so that the order of the file system decides nothing.
fn proto_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in entries(folder) {
        if path.is_dir() {
            found.extend(proto_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(folder: &Path) -> Files {
    let named = |path: PathBuf| {
        let name = path.file_name().expect("a file name").to_string_lossy().into_owned();
        (name, fs::read(&path).expect("a readable file"))
    };
    entries(folder).into_iter().filter(|path| path.is_file()).map(named).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    listing.map(|entry| entry.expect("a folder entry").path()).collect()
}

/// Names of the files that are missing on one side or not the same on both.
fn differences(fresh: &Files, checked_in: &Files) -> Vec<String> {
    let names = fresh.keys().chain(checked_in.keys().filter(|name| !fresh.contains_key(*name)));
    names.filter(|name| fresh.get(*name) != checked_in.get(*name)).cloned().collect()
}

fn replace(folder: &Path, fresh: &Files) {
    fs::create_dir_all(folder).expect("the folder of generated code");
    for name in read(folder).keys().filter(|name| !fresh.contains_key(*name)) {
        fs::remove_file(folder.join(name)).expect("a stale file removed");
    }
    for (name, content) in fresh {
        fs::write(folder.join(name), content).expect("a generated file written");
    }
}
