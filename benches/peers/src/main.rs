//! Compares sse-wire with its peers. See `README.md`.

#![deny(unsafe_code)]

#[allow(unsafe_code)]
mod alloc;
#[path = "../../corpora/mod.rs"]
mod corpora;
mod decode;
mod drain;
mod encode;
mod measure;
mod table;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use corpora::{Chunks, Corpus};
use table::{Column, Table};

/// Compares sse-wire with the other crates that decode or encode Server-Sent Events.
#[derive(Parser)]
struct Options {
    /// Only this corpus; may be given more than once.
    #[arg(long, value_name = "NAME")]
    corpus: Vec<String>,
    /// Only chunks of this kind; may be given more than once.
    #[arg(long, value_name = "NAME")]
    chunks: Vec<String>,
    /// Only one half.
    #[arg(long, value_name = "HALF")]
    only: Option<Half>,
    /// How often each contender goes through each corpus; the first two do not count.
    #[arg(long, value_name = "N", default_value_t = 17, value_parser = clap::value_parser!(u16).range(3..))]
    rounds: u16,
    /// Five rounds, and only chunks of 16 KiB.
    #[arg(long, conflicts_with_all = ["rounds", "chunks"])]
    quick: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Half {
    Decode,
    Encode,
}

fn main() -> ExitCode {
    let mut options = Options::parse();
    if options.quick {
        options.rounds = 5;
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
    let cuts = chosen(Chunks::ALL.to_vec(), &options.chunks, |&(name, _)| name)?;
    let rounds = usize::from(options.rounds);
    if options.only != Some(Half::Encode) {
        decode(&corpora, &cuts, rounds);
    }
    if options.only != Some(Half::Decode) {
        encode(&corpora, rounds);
    }
    Ok(())
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

fn decode(corpora: &[Corpus], cuts: &[(&'static str, Chunks)], rounds: usize) {
    const OURS: [&str; 3] = [decode::FEED, decode::FEED_BYTES, decode::EVENT_STREAM];

    let groups: Vec<_> = cuts
        .iter()
        .map(|&(name, chunks)| {
            let column = |corpus: &Corpus| Column {
                corpus: corpus.name,
                bytes: corpus.bytes.len(),
                events: corpus.events.len(),
                scores: measure::race(decode::Cuts::new(corpus, chunks).contenders(), rounds),
            };
            let columns: Vec<_> = corpora.iter().map(column).collect();
            println!("## Decoding, chunks: {name}\n");
            table::print_group(&columns, &OURS);
            columns
        })
        .collect();

    println!("## Decoding, the fastest peer's time in ours\n");
    for ours in OURS {
        let mut table = Table::new(ours, cuts.iter().map(|&(name, _)| name.to_owned()));
        for (number, corpus) in corpora.iter().enumerate() {
            let lead = |columns: &Vec<Column>| columns[number].lead(ours);
            let cell = |(lead, peer)| format!("{} {peer}", table::times(lead));
            let cells = groups.iter().map(|columns| table::or_dash(lead(columns).map(cell)));
            table.row(corpus.name, cells);
        }
        table.print();
    }
}

fn encode(corpora: &[Corpus], rounds: usize) {
    let column = |corpus: &Corpus| Column {
        corpus: corpus.name,
        bytes: encode::encoded_len(&corpus.events),
        events: corpus.events.len(),
        scores: measure::race(encode::contenders(corpus), rounds),
    };
    let columns: Vec<_> = corpora.iter().map(column).collect();
    println!("## Encoding\n");
    table::print_group(&columns, &[encode::REUSED, encode::FRAMES]);
}
