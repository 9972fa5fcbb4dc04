//! Checks that every public type, trait, function, constant and method is shown in an example on
//! its page, or links to an item that is.
//!
//! This reads rustdoc's JSON description of the crate. Only nightly toolchains have that option,
//! unless `RUSTC_BOOTSTRAP` allows it. Its format changes now and then, which makes this check
//! fail.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;

use crate::{Result, elements, metadata, output, text};

pub fn check() -> Result<Vec<String>> {
    let metadata = metadata()?;
    // A separate folder, because with `RUSTC_BOOTSTRAP` cargo builds all dependencies again.
    let folder = Path::new(text(&metadata["target_directory"])).join("json");
    let mut rustdoc = Command::new("cargo");
    rustdoc
        .args(["rustdoc", "-q", "-p", "sse-wire", "--all-features", "--target-dir"])
        .arg(&folder);
    rustdoc.args(["--", "-Zunstable-options", "--output-format=json"]).env("RUSTC_BOOTSTRAP", "1");
    output(&mut rustdoc)?;
    let described: Value = serde_json::from_slice(&fs::read(folder.join("doc/sse_wire.json"))?)?;

    let index = Index(&described["index"]);
    let reexports = index.all(&index.get(&described["root"])["inner"]["module"]["items"]);
    let items = reexports.map(|item| index.get(&item["inner"]["use"]["id"]));
    let pages: Vec<_> = items.filter(|item| !item.is_null()).map(|item| index.page(item)).collect();
    let shown: BTreeSet<_> = pages.iter().flat_map(Page::shown).collect();
    let mut faults = Vec::new();
    let mut count = 0;
    for page in &pages {
        for item in page.items() {
            count += 1;
            let mut links = item["links"].as_object().into_iter().flat_map(|links| links.values());
            if !shown.contains(&id(item)) && !links.any(|link| shown.contains(&link.to_string())) {
                let (owner, name) = (text(&page.owner["name"]), text(&item["name"]));
                faults.push(if owner == name {
                    name.to_owned()
                } else {
                    format!("{owner}::{name}")
                });
            }
        }
    }
    if count < 100 {
        return Err(format!("rustdoc describes no more than {count} items").into());
    }
    println!("{count} items, {} of them without an example or a link to one", faults.len());
    Ok(faults)
}

fn id(item: &Value) -> String {
    item["id"].to_string()
}

/// All items by their IDs.
struct Index<'a>(&'a Value);

impl<'a> Index<'a> {
    /// Returns an item, or `null` for an item of another crate.
    fn get(&self, id: &Value) -> &'a Value {
        &self.0[id.to_string()]
    }

    fn all(&self, ids: &'a Value) -> impl Iterator<Item = &'a Value> {
        elements(ids).iter().map(|id| self.get(id))
    }

    fn page(&self, owner: &'a Value) -> Page<'a> {
        let inner = &owner["inner"];
        let impls = self.all(&inner["struct"]["impls"]).chain(self.all(&inner["enum"]["impls"]));
        let of_impls = impls
            .map(|item| &item["inner"]["impl"])
            .filter(|inner| inner["trait"].is_null())
            .flat_map(|inner| self.all(&inner["items"]))
            .filter(|item| item["visibility"] == "public");
        let of_trait = self.all(&inner["trait"]["items"]);
        let is_checked = |item: &&Value| item["inner"]["assoc_type"].is_null();
        Page { owner, members: of_impls.chain(of_trait).filter(is_checked).collect() }
    }
}

/// A page of rustdoc: a type, with its methods and constants.
struct Page<'a> {
    owner: &'a Value,
    members: Vec<&'a Value>,
}

impl<'a> Page<'a> {
    fn items(&self) -> impl Iterator<Item = &'a Value> {
        [self.owner].into_iter().chain(self.members.iter().copied())
    }

    /// Returns the IDs of the items that the examples of this page show: those that they name, and
    /// the type itself if there is any example.
    fn shown(&self) -> Vec<String> {
        let is_word = |one: char| one.is_alphanumeric() || one == '_';
        let examples =
            self.items().flat_map(|item| text(&item["docs"]).split("```").skip(1).step_by(2));
        let words: BTreeSet<_> =
            examples.flat_map(|code| code.split(move |one| !is_word(one))).collect();
        let is_shown = |item: &&Value| {
            words.contains(text(&item["name"])) || !words.is_empty() && id(item) == id(self.owner)
        };
        // An example on an item shows it, even if it does not name it: `for .. in ..`.
        let has_own = |item: &Value| text(&item["docs"]).contains("```");
        self.items().filter(|item| is_shown(item) || has_own(item)).map(id).collect()
    }
}
