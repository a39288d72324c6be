//! The rules of the house that a compiler does not know: what may import what, and how long a file may be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The longest that a file of ours may be. What is generated may be longer.
const LONGEST_LINES: usize = 700;
/// What may use a module that stands below it, and why.
const EXCEPTIONS: [(&str, &str); 6] = [
    ("app", "auth"),    // holds the keys of tokens and the place where passwords are hashed, opened once with the other doors
    ("app", "collect"), // holds where payments and callbacks gather to be written together
    ("app", "router"),  // holds the list of addresses that may be called
    ("jobs", "wake"),   // a job that is due wakes its lane; the names of lanes are the queue's
    ("jobs", "db"),     // the queue is rows, and a transaction's end tells others: these three are one door
    ("wake", "db"),
];

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// Every file below a folder, but for what others made.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let name = entry.file_name().expect("a name").to_string_lossy().into_owned();
        if entry.is_dir() && !name.starts_with('.') && !["target", "node_modules", "gen", "dist"].contains(&name.as_str()) {
            files(&entry, found);
        } else if entry.is_file() {
            found.push(entry);
        }
    }
}

/// The modules of the server in the order of `lib.rs`.
fn order() -> Vec<String> {
    let lib = fs::read_to_string(workspace().join("server/src/lib.rs")).expect("lib.rs");
    lib.lines().filter_map(|line| line.trim().strip_prefix("pub mod ")?.strip_suffix(';')).map(str::to_owned).collect()
}

/// The modules that a text names behind `crate::`, also within braces: `crate::{demo, serve}`.
fn named(text: &str) -> Vec<String> {
    let word = |text: &str| text.trim_start().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>();
    let mut found = Vec::new();
    for rest in text.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            found.push(word(rest));
            continue;
        };
        let (mut depth, mut begins) = (0, true);
        for (at, c) in list.char_indices() {
            if depth == 0 && begins && !c.is_whitespace() {
                found.push(word(&list[at..]));
                begins = false;
            }
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                _ => {}
            }
        }
    }
    found
}

#[test]
fn a_module_uses_only_what_stands_above_it() {
    let order = order();
    let place: BTreeMap<&str, usize> = order.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    assert!(place.len() > 25, "lib.rs was not read: {order:?}");
    let root = workspace().join("server/src");
    let mut sources = Vec::new();
    files(&root, &mut sources);
    let (mut seen, mut used, mut wrong) = (0, Vec::new(), Vec::new());
    for path in sources.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
        let inside = path.strip_prefix(&root).expect("a file of the server").to_string_lossy().into_owned();
        let own = inside.split(['/', '.']).next().expect("a name");
        // The tests of a module may use whatever they need.
        let Some(mine) = place.get(own).filter(|_| !inside.ends_with("tests.rs") && !inside.contains("/tests/")) else { continue };
        let text = fs::read_to_string(path).expect("a source");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for other in named(line).iter().filter(|other| *other != own) {
                seen += 1;
                match place.get(other.as_str()) {
                    Some(theirs) if theirs < mine => {}
                    Some(_) if EXCEPTIONS.contains(&(own, other)) => used.push((own.to_owned(), other.clone())),
                    _ => wrong.push(format!("{inside} uses {other}")),
                }
            }
        }
    }
    assert!(seen > 300, "only {seen} imports were read");
    assert!(wrong.is_empty(), "a module may use what stands above it in lib.rs: {wrong:#?}");
    let idle: Vec<_> = EXCEPTIONS.iter().filter(|(own, other)| !used.contains(&((*own).to_owned(), (*other).to_owned()))).collect();
    assert!(idle.is_empty(), "exceptions that nobody needs: {idle:?}");
}

#[test]
fn imports_are_read_in_every_form() {
    assert_eq!(named("use crate::{demo, serve::{a, b}, worker};"), ["demo", "serve", "worker"]);
    assert_eq!(named("use crate::db::{Db, Tx}; let x = crate::clock::now();"), ["db", "clock"]);
}

#[test]
fn no_file_of_ours_is_too_long() {
    let mut all = Vec::new();
    files(workspace(), &mut all);
    let ours = |path: &&PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        ["rs", "sql", "proto", "ts", "tsx", "js", "mjs", "html", "css", "sh", "md", "toml"].contains(&extension)
    };
    let mut long = Vec::new();
    let mut seen = 0;
    for path in all.iter().filter(ours) {
        seen += 1;
        let lines = fs::read_to_string(path).map_or(0, |text| text.lines().count());
        if lines > LONGEST_LINES {
            long.push(format!("{}: {lines} lines", path.display()));
        }
    }
    assert!(seen > 200, "only {seen} files were found");
    assert!(long.is_empty(), "split by meaning before it hurts: {long:#?}");
}

/// A page that names tests as its proof names tests that exist.
#[test]
fn tests_that_pages_name_exist() {
    let page = include_str!("../../../docs/decisions/0015-found-by-attack-and-use.md");
    let mut found = Vec::new();
    for folder in ["tests/tests/all", "server/src"] {
        files(&workspace().join(folder), &mut found);
    }
    let sources: Vec<(PathBuf, String)> = found
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .map(|path| (path.clone(), fs::read_to_string(path).expect("a source")))
        .collect();
    let rows = page.split("Not mended yet").next().expect("the table").lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    for named in rows.flat_map(|row| row.rsplit(" | ").next().expect("the tests").split('`').skip(1).step_by(2)) {
        let (module, test) = named.rsplit_once("::").map_or((None, named), |(module, test)| (Some(module), test));
        let declared = |(path, text): &(PathBuf, String)| {
            module.is_none_or(|module| path.file_stem().is_some_and(|stem| stem == module)) && text.contains(&format!("fn {test}("))
        };
        assert!(sources.iter().any(declared), "there is no test {named}");
    }
}
