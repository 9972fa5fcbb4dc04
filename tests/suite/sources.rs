//! What the sources themselves promise.

use std::{fs, path::Path};

/// Returns the sources in a folder, without their comments and unit tests.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources.extend(self::sources(&path));
        } else {
            let text = fs::read_to_string(&path).expect("UTF-8");
            let code = text.split("#[cfg(test)]\nmod tests").next().expect("a first part");
            let is_code = |line: &&str| !line.trim_start().starts_with("//");
            let code: Vec<_> = code.lines().filter(is_code).collect();
            sources.push((path.display().to_string(), code.join("\n")));
        }
    }
    sources
}

/// Only `field::split` knows the names of fields. All other code that reads asks it.
#[test]
fn names_of_fields_are_compared_in_one_place() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(sources.len() > 50, "{} files", sources.len());
    let mut comparisons = Vec::new();
    for (path, code) in sources.iter().filter(|(path, _)| !path.ends_with("linear.rs")) {
        for name in ["data", "event", "id", "retry", ":"] {
            let first = &name[..1];
            for comparison in [
                format!("starts_with(b\"{name}"),
                format!("strip_prefix(b\"{name}"),
                format!("starts_with(&b\"{name}"),
                format!("== b\"{name}"),
                format!("== Some(&b'{first}')"),
                format!("[b'{first}', "),
                format!("| b\"{name}\""),
                format!("b\"{name}\" |"),
                format!("b\"{name}\" =>"),
            ] {
                if code.contains(&comparison) {
                    comparisons.push((path.clone(), comparison));
                }
            }
        }
    }
    let (inside, outside): (Vec<_>, Vec<_>) =
        comparisons.into_iter().partition(|(path, _)| path.ends_with("field.rs"));
    assert!(inside.len() >= 5, "the search finds what it should: {inside:?}");
    assert_eq!(outside, []);
}
