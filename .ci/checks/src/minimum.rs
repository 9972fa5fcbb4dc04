//! Checks that the library compiles with the lowest version of each dependency that its manifest
//! allows.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use crate::{Result, elements, metadata, output, text};

pub fn check() -> Result<Vec<String>> {
    let metadata = metadata()?;
    let library = elements(&metadata["packages"])
        .iter()
        .find(|package| package["name"] == "sse-wire")
        .ok_or("there is no package sse-wire")?;
    let root = Path::new(text(&library["manifest_path"])).parent().ok_or("there is no root")?;
    let features = library["features"].as_object().into_iter().flatten();
    let features: Vec<_> = features.map(|(name, _)| name).collect();

    // A separate package, whose lock file contains nothing of the tests and examples.
    let mut manifest = format!(
        "[workspace]\n[package]\nname = \"minimum\"\nedition = \"2024\"\n[dependencies]\n\
         sse-wire = {{ path = \"{}\", features = {features:?} }}\n",
        root.display()
    );
    for dependency in elements(&library["dependencies"]) {
        if dependency["kind"].is_null() {
            let (name, minimum) = (text(&dependency["name"]), minimum(text(&dependency["req"]))?);
            println!("{name} {minimum}");
            writeln!(
                manifest,
                "{name} = {{ version = \"={minimum}\", default-features = false }}"
            )?;
        }
    }
    let folder = Path::new(text(&metadata["target_directory"])).join("minimum");
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("src/lib.rs"), "")?;
    // Deleted first, because cargo keeps the versions in an existing lock file.
    if folder.join("Cargo.lock").exists() {
        fs::remove_file(folder.join("Cargo.lock"))?;
    }
    output(Command::new("cargo").args(["check", "--quiet"]).current_dir(folder))?;
    Ok(Vec::new())
}

/// Returns the lowest version that a requirement such as `^1.2` allows.
fn minimum(requirement: &str) -> Result<String> {
    let version = requirement.strip_prefix('^').unwrap_or(requirement);
    if version.starts_with(|first: char| !first.is_ascii_digit()) || version.contains(',') {
        return Err(format!("what is the lowest version of `{requirement}`?").into());
    }
    Ok(match version.matches('.').count() {
        0 => format!("{version}.0.0"),
        1 => format!("{version}.0"),
        _ => version.to_owned(),
    })
}
