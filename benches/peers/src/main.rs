//! Compares sse-wire with its peers. See `README.md`.

#![deny(unsafe_code)]

#[allow(unsafe_code)]
mod alloc;
mod best;
mod body;
mod column;
#[path = "../../corpora/mod.rs"]
mod corpora;
mod cut;
mod decode;
mod drain;
mod encode;
mod group;
mod measure;
mod picture;
mod progress;
mod sink;
mod table;

use std::{fs, path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};
use column::Column;
use corpora::Corpus;
use group::{Group, Plan};
use measure::Figure;
use progress::Progress;
use table::Table;

/// Compares sse-wire with the other crates that decode or encode Server-Sent Events.
#[derive(Parser)]
struct Options {
    /// Only this corpus; may be given more than once.
    #[arg(long, value_name = "NAME")]
    corpus: Vec<String>,
    /// Only chunks of this kind; may be given more than once.
    #[arg(long, value_name = "NAME")]
    chunks: Vec<String>,
    /// Only one part; may be given more than once.
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
    /// How often each contender reads each corpus; the first two passes do not count [default: 17,
    /// with --best 62].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(3..))]
    rounds: Option<u16>,
    /// Five rounds, and only chunks of 16 KiB.
    #[arg(long, conflicts_with_all = ["rounds", "chunks", "best"])]
    quick: bool,
    /// Show the shortest time of many short passes, in several processes; works on a busy machine,
    /// too.
    #[arg(long)]
    best: bool,
    /// With --best: include all peers, not only those that are the fastest somewhere.
    #[arg(long, requires = "best")]
    all_peers: bool,
    /// With --best: the number of processes; the result is their median.
    #[arg(long, value_name = "N", default_value_t = 5, requires = "best")]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=50))]
    processes: u8,
    /// Draw the times as well, as an SVG picture in this file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// For a process that --best starts: the group to measure.
    #[arg(long, hide = true, requires = "best")]
    measure: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Decode,
    Encode,
    Body,
}

impl Part {
    fn of(group: Group) -> Self {
        match group {
            Group::Decode(..) => Self::Decode,
            Group::Encode => Self::Encode,
            Group::Body(..) => Self::Body,
        }
    }
}

fn main() -> ExitCode {
    let mut options = Options::parse();
    if options.quick {
        options.rounds = Some(5);
        options.chunks = vec!["16KiB".to_owned()];
    }
    match compare(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn compare(options: &Options) -> Result<(), String> {
    let corpora = chosen(corpora::all(), &options.corpus, |corpus| corpus.name)?;
    let cuts = chosen(cut::all(), &options.chunks, |&(name, _)| name)?;
    let plan = Plan {
        rounds: options.rounds.map_or(if options.best { 62 } else { 17 }, usize::from),
        figure: if options.best { Figure::Least } else { Figure::Median },
        has_all_peers: options.all_peers || !options.best,
    };
    let decoding = cuts.into_iter().map(|(name, chunks)| Group::Decode(name, chunks));
    let bodies = body::all().into_iter().map(|(name, burst)| Group::Body(name, burst));
    let mut groups: Vec<_> = decoding.chain([Group::Encode]).chain(bodies).collect();
    if !options.only.is_empty() {
        groups.retain(|group| options.only.contains(&Part::of(*group)));
    }
    if let Some(name) = &options.measure {
        let group = groups.into_iter().find(|group| group.name() == name);
        return best::measure(group.ok_or("there is nothing to measure")?, &corpora, &plan);
    }
    let measured = if options.best {
        best::compare(&groups, &corpora, options.processes)?
    } else {
        medians(&groups, &corpora, &plan)
    };
    match &options.svg {
        Some(file) => fs::write(file, picture::draw(&measured))
            .map_err(|error| format!("{}: {error}", file.display())),
        None => Ok(()),
    }
}

fn chosen<T>(
    all: Vec<T>,
    names: &[String],
    name: fn(&T) -> &'static str,
) -> Result<Vec<T>, String> {
    if let Some(unknown) = names.iter().find(|&chosen| all.iter().all(|one| name(one) != chosen)) {
        let known: Vec<_> = all.iter().map(name).collect();
        return Err(format!("there is no {unknown}, only {}", known.join(", ")));
    }
    let is_chosen = |one: &T| names.is_empty() || names.iter().any(|chosen| chosen == name(one));
    Ok(all.into_iter().filter(is_chosen).collect())
}

fn medians(groups: &[Group], corpora: &[Corpus], plan: &Plan) -> Vec<(Group, Vec<Column>)> {
    let (decoding, others): (Vec<_>, Vec<_>) = groups.iter().partition(|group| group.is_decoding());
    let mut progress = Progress::new(groups.len() * corpora.len());
    let mut measured = |&group: &Group| {
        let columns = corpora.iter().map(|corpus| {
            progress.step(&format!("{} {}", group.name(), corpus.name));
            group.race(corpus, plan)
        });
        let columns: Vec<_> = columns.collect();
        progress.clear();
        println!("## {}\n", group.title());
        table::print_group(group, &columns);
        (group, columns)
    };
    let mut all: Vec<_> = decoding.iter().map(&mut measured).collect();
    if !all.is_empty() {
        print_leads(corpora, &all);
    }
    all.extend(others.iter().map(measured));
    all
}

fn print_leads(corpora: &[Corpus], decoded: &[(Group, Vec<Column>)]) {
    println!("## Decoding: the fastest peer's time, divided by ours\n");
    for ours in decoded[0].0.ours() {
        let names = decoded.iter().map(|(group, _)| group.name().to_owned());
        let mut table = Table::new(ours, names);
        for (number, corpus) in corpora.iter().enumerate() {
            let lead = |columns: &[Column]| {
                let lead = columns[number].lead(ours);
                table::or_dash(lead.map(|(lead, peer)| format!("{} {peer}", table::times(lead))))
            };
            table.row(corpus.name, decoded.iter().map(|(_, columns)| lead(columns)));
        }
        table.print();
    }
}
