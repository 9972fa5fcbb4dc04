//! Checks that every relative link in a Markdown file under version control leads to a file, and
//! every `#fragment` to a heading of it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Result, output};

pub fn check() -> Result<Vec<String>> {
    let files = output(Command::new("git").args(["ls-files", "--", "*.md"]))?;
    let files = String::from_utf8(files)?;
    let mut faults = Vec::new();
    let mut count = 0;
    for file in files.lines().filter(|file| Path::new(file).exists()) {
        for link in links(&prose(&fs::read_to_string(file)?)) {
            count += 1;
            if let Some(fault) = fault(file, &link)? {
                faults.push(format!("{file}: `{link}` {fault}"));
            }
        }
    }
    println!("{count} relative links in {} files", files.lines().count());
    Ok(faults)
}

/// Returns what is wrong with a relative link of a file.
fn fault(file: &str, link: &str) -> Result<Option<&'static str>> {
    let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() {
        PathBuf::from(file)
    } else {
        Path::new(file).parent().unwrap_or(Path::new("")).join(path)
    };
    if !target.exists() {
        return Ok(Some("leads nowhere"));
    }
    let is_markdown = target.extension().is_some_and(|extension| extension == "md");
    let is_missing = |text: String| !headings(&prose(&text)).contains(fragment);
    if !fragment.is_empty() && is_markdown && is_missing(fs::read_to_string(target)?) {
        return Ok(Some("names no heading"));
    }
    Ok(None)
}

/// Returns a text without its code blocks and code spans.
fn prose(text: &str) -> String {
    let mut is_code = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// Returns the relative links: `[..](here)`, `[..]: here`, `src="here"` and `href="here"`.
fn links(prose: &str) -> BTreeSet<String> {
    let starts = ["](", "]: ", "src=\"", "href=\"", "srcset=\""];
    let ends = [')', ' ', '"', '\n'];
    let found = starts.into_iter().flat_map(|start| {
        let rests = prose.split(start).skip(1);
        rests.filter_map(|rest| rest.split(ends).next()).map(|link| link.trim_matches(['<', '>']))
    });
    let is_relative = |link: &&str| !link.is_empty() && !link.contains(':');
    found.filter(is_relative).map(str::to_owned).collect()
}

/// Returns the fragments that GitHub generates from the headings.
fn headings(prose: &str) -> BTreeSet<String> {
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let fragment = |heading: &str| -> String {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = heading.chars().filter(|&one| one.is_alphanumeric() || " -_".contains(one));
        kept.map(|one| if one == ' ' { '-' } else { one }).collect()
    };
    headings.map(fragment).collect()
}

#[cfg(test)]
mod tests {
    use super::{headings, links, prose};

    #[test]
    fn relative_links() {
        let text =
            "[a](b.md) [c](https://d) [e][f]\n```\n[g](h)\n```\n\n[f]: i/j#k\n<img src=\"l.svg\">";
        assert_eq!(links(&prose(text)).into_iter().collect::<Vec<_>>(), ["b.md", "i/j#k", "l.svg"]);
    }

    #[test]
    fn fragments() {
        let found = headings("## How fast is it?\n# `Two` words\n");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["how-fast-is-it", "two-words"]);
    }
}
