//! Checks that every crate in the lock file has a license that suits users of sse-wire, and that
//! the library has no duplicate dependencies.
//!
//! Tests and examples may have duplicates: some of them compare two versions on purpose.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{Result, elements, metadata, text};

/// Licenses that only require a notice.
const LICENSES: [&str; 11] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Licenses that data, but not code, may have in tests and examples.
const OF_DATA: [&str; 2] = ["CDLA-Permissive-2.0", "CC0-1.0"];

pub fn check() -> Result<Vec<String>> {
    let metadata = metadata()?;
    let nodes: BTreeMap<_, _> = elements(&metadata["resolve"]["nodes"])
        .iter()
        .map(|node| (text(&node["id"]), node))
        .collect();
    let packages: BTreeMap<_, _> = elements(&metadata["packages"])
        .iter()
        .map(|package| (text(&package["id"]), package))
        .collect();
    let (root, _) = packages
        .iter()
        .find(|(_, package)| package["name"] == "sse-wire")
        .ok_or("there is no package sse-wire")?;
    let brought = brought(root, &nodes);

    let mut faults = Vec::new();
    let mut versions = BTreeMap::<_, Vec<_>>::new();
    for (id, package) in &packages {
        let (name, version) = (text(&package["name"]), text(&package["version"]));
        let license = text(&package["license"]);
        let is_allowed =
            |one: &str| LICENSES.contains(&one) || !brought.contains(id) && OF_DATA.contains(&one);
        if !holds(license, &is_allowed) {
            faults.push(format!("{name} {version} has the license `{license}`"));
        }
        if brought.contains(id) {
            versions.entry(name).or_default().push(version);
        }
    }
    for (name, versions) in versions.iter().filter(|(_, versions)| versions.len() > 1) {
        faults.push(format!("sse-wire brings {name} more than once: {}", versions.join(", ")));
    }
    println!("{} crates, {} of them brought by sse-wire", packages.len(), brought.len() - 1);
    Ok(faults)
}

/// Returns a package and all of the dependencies that its users compile.
fn brought<'a>(root: &'a str, nodes: &BTreeMap<&'a str, &'a Value>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::from([root]);
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        for dependency in elements(&nodes[id]["deps"]) {
            let is_brought =
                elements(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"] != "dev");
            let id = text(&dependency["pkg"]);
            if is_brought && found.insert(id) {
                open.push(id);
            }
        }
    }
    found
}

/// Returns `true` if the allowed licenses satisfy an expression such as `(MIT OR X) AND Y`.
fn holds(expression: &str, is_allowed: &impl Fn(&str) -> bool) -> bool {
    // Some old manifests use a slash.
    let expression = expression.replace('/', " OR ");
    let operands = |operator| split(&expression, operator);
    let (all, any) = (operands(" AND "), operands(" OR "));
    // AND binds more tightly, so an OR outside of parentheses splits the expression first.
    if any.len() > 1 {
        any.iter().any(|one| holds(one, is_allowed))
    } else if all.len() > 1 {
        all.iter().all(|one| holds(one, is_allowed))
    } else {
        let one = expression.trim();
        match one.strip_prefix('(').and_then(|one| one.strip_suffix(')')) {
            Some(inner) => holds(inner, is_allowed),
            None => is_allowed(one),
        }
    }
}

/// Splits an expression at an operator, but not within parentheses.
fn split<'a>(expression: &'a str, operator: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0);
    for (at, byte) in expression.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ if depth == 0 && expression[at..].starts_with(operator) => {
                parts.push(&expression[start..at]);
                start = at + operator.len();
            }
            _ => {}
        }
    }
    parts.push(&expression[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::holds;

    #[test]
    fn licenses() {
        let holds = |expression| holds(expression, &|one| one == "MIT" || one == "ISC");
        for good in ["MIT", "MIT OR X", "X/MIT", "(MIT OR X) AND ISC", "X AND Y OR MIT", "((MIT))"]
        {
            assert!(holds(good), "{good}");
        }
        for bad in ["", "X", "MIT AND X", "(MIT OR ISC) AND X", "X OR Y", "MIT WITH X"] {
            assert!(!holds(bad), "{bad}");
        }
    }
}
