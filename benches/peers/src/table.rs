//! Prints aligned tables, which are also valid Markdown.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    column::{Column, ratio},
    group::Group,
    measure::{Flaw, PATIENCE, Score},
};

/// A table: its head, whose first cell is the name of the table, and its rows.
pub struct Table(Vec<Vec<String>>);

impl Table {
    pub fn new(name: &str, columns: impl IntoIterator<Item = String>) -> Self {
        Self(vec![std::iter::once(name.to_owned()).chain(columns).collect()])
    }

    pub fn row(&mut self, label: &str, cells: impl IntoIterator<Item = String>) {
        self.0.push(std::iter::once(label.to_owned()).chain(cells).collect());
    }

    pub fn print(&self) {
        let width = |column: usize| self.0.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<_> = (0..self.0[0].len()).filter_map(width).collect();
        for (number, row) in self.0.iter().enumerate() {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
                if column == 0 {
                    format!("| {cell:<width$} ")
                } else {
                    format!("| {cell:>width$} ")
                }
            });
            println!("{}|", cells.collect::<String>());
            if number == 0 {
                let rule = |(column, &width): (usize, &usize)| match column {
                    0 => format!("|{:-<1$}", "", width + 2),
                    _ => format!("|{:-<1$}:", "", width + 1),
                };
                println!("{}|", widths.iter().enumerate().map(rule).collect::<String>());
            }
        }
        println!();
    }
}

/// Prints all figures of all corpora.
pub fn print_group(group: Group, columns: &[Column]) {
    let megabytes =
        |column: &Column, time: Duration| column.bytes as f64 / time.as_secs_f64() / 1e6;
    figures("MB/s", columns, |column, score| Some(rounded(megabytes(column, score.time?)))).print();
    print_times(group, columns);
    figures("allocations/event", columns, |column, score| {
        Some(format!("{:.2}", score.allocations as f64 / column.events as f64))
    })
    .print();

    let ours = group.ours();
    let mut ratios = figures(&format!("time / {}'s", ours[0]), columns, |column, score| {
        Some(times(ratio(score.time, column.score(ours[0])?.time)?))
    });
    fastest_peers(&mut ratios, columns);
    for ours in ours {
        let lead = |column: &Column| or_dash(column.lead(ours).map(|(lead, _)| times(lead)));
        ratios.row(&format!("its time / {ours}'s"), columns.iter().map(lead));
    }
    ratios.print();
    print_flaws(columns);
}

/// Prints the times, and the fastest peer.
pub fn print_best(group: Group, columns: &[Column]) {
    print_times(group, columns);
    print_flaws(columns);
}

fn print_times(group: Group, columns: &[Column]) {
    let nanos = |time: Duration, count: usize| rounded(time.as_secs_f64() * 1e9 / count as f64);
    let mut table =
        figures("ns/event", columns, |column, score| Some(nanos(score.time?, column.events)));
    fastest_peers(&mut table, columns);
    table.print();
    if group.is_single() {
        let per_byte = |column: &Column, score: &Score| Some(nanos(score.time?, column.bytes));
        figures("ns/byte", columns, per_byte).print();
    }
}

fn fastest_peers(table: &mut Table, columns: &[Column]) {
    let fastest = |column: &Column| column.fastest_peer().map(|peer| peer.name.clone());
    table.row("fastest peer", columns.iter().map(|column| or_dash(fastest(column))));
}

/// Returns a table with a row for each contender, and a column for each corpus.
fn figures(
    name: &str,
    columns: &[Column],
    figure: impl Fn(&Column, &Score) -> Option<String>,
) -> Table {
    let mut table = Table::new(name, columns.iter().map(|column| column.corpus.clone()));
    let scores = columns.first().map_or(&[][..], |column| &column.scores);
    for (number, score) in scores.iter().enumerate() {
        let cells = columns.iter().map(|column| {
            let score = &column.scores[number];
            cell(score, figure(column, score))
        });
        table.row(&label(&score.name), cells);
    }
    table
}

/// Formats a figure, and marks flaws.
fn cell(score: &Score, figure: Option<String>) -> String {
    match score.flaw {
        Some(Flaw::TooSlow) => "too slow".to_owned(),
        Some(Flaw::Failed(_)) => "failed".to_owned(),
        Some(Flaw::Wrong(_)) => format!("{}*", or_dash(figure)),
        None => or_dash(figure),
    }
}

pub fn or_dash(figure: Option<String>) -> String {
    figure.unwrap_or_else(|| "-".to_owned())
}

fn print_flaws(columns: &[Column]) {
    let mut flaws = BTreeMap::<_, Vec<_>>::new();
    for column in columns {
        for score in &column.scores {
            let flaw = match &score.flaw {
                Some(Flaw::TooSlow) => format!("too slow, more than {PATIENCE:?} for a pass"),
                Some(Flaw::Failed(why)) => format!("failed, {why}"),
                Some(Flaw::Wrong(what)) => format!("* {what}"),
                None => continue,
            };
            flaws.entry((&score.name, flaw)).or_default().push(column.corpus.as_str());
        }
    }
    for ((name, flaw), corpora) in &flaws {
        println!("- {name}: {flaw}: {}", corpora.join(", "));
    }
    if !flaws.is_empty() {
        println!();
    }
}

/// Returns the name, with the version that was built.
fn label(name: &str) -> String {
    let lock = include_str!("../Cargo.lock");
    let version = lock.split_once(&format!("\nname = \"{name}\"\nversion = \""));
    match version.and_then(|(_, rest)| rest.split_once('"')) {
        Some((version, _)) => format!("{name} {version}"),
        None => name.to_owned(),
    }
}

pub fn times(ratio: f64) -> String {
    format!("{}x", rounded(ratio))
}

/// Formats a figure with about three digits.
pub fn rounded(figure: f64) -> String {
    match figure {
        100.0.. => format!("{figure:.0}"),
        10.0.. => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}
