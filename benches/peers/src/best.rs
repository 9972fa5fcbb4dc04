//! Measures the shortest time of many short passes, in several processes: the time that the code
//! takes while nothing disturbs it.
//!
//! Within a process, the stack and the heap of each contender stay in the same place. In another
//! process, they are elsewhere.
//!
//! A program that uses the other half of a core slows down everything on this one for a second or
//! more, and not everything equally. The probe detects that.

use std::{
    env,
    fmt::Display,
    io,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    body,
    column::Column,
    corpora::Corpus,
    decode, encode,
    group::{Group, Plan},
    progress::Progress,
    table::{self, Table},
};

/// A process does not count if the probe took this many times its shortest time.
const DISTURBED: f64 = 1.15;

/// The minimum time from the start of one process to the next.
const SHORTEST: Duration = Duration::from_secs(1);

/// The results of one process: a column for each corpus.
type Run = Vec<Column>;

/// Measures in this process, and writes the results for the process that started it.
pub fn measure(group: Group, corpora: &[Corpus], plan: &Plan) -> Result<(), String> {
    let run: Run = corpora.iter().map(|corpus| group.race(corpus, plan)).collect();
    serde_json::to_writer(io::stdout(), &run).map_err(|error| error.to_string())
}

/// Lets processes measure all groups, prints the results, and returns the medians.
pub fn compare(
    groups: &[Group],
    corpora: &[Corpus],
    processes: u8,
) -> Result<Vec<(Group, Run)>, String> {
    let mut progress = Progress::new(groups.len() * usize::from(processes));
    let mut measured: Vec<(Group, Vec<Run>)> =
        groups.iter().map(|&group| (group, Vec::new())).collect();
    for number in 0..2 * processes {
        // A disturbance takes some time, so the processes of a group are spread over the whole run.
        let fastest = fastest(&measured);
        let is_open = |runs: &[Run]| number < processes || !suffices(runs, fastest, processes);
        for (group, runs) in measured.iter_mut().filter(|(_, runs)| is_open(runs)) {
            progress.step(&format!("process {} of {}", number + 1, group.name()));
            let pause = Instant::now() + SHORTEST;
            runs.push(process(*group, number)?);
            thread::sleep(pause.saturating_duration_since(Instant::now()));
        }
    }

    progress.clear();

    let fastest = fastest(&measured);
    let of_all = |(group, runs): &(Group, Vec<Run>)| (*group, medians(runs, fastest));
    let medians: Vec<_> = measured.iter().map(of_all).collect();
    for (group, columns) in &medians {
        println!("## {}\n", group.title());
        table::print_best(*group, columns);
    }

    println!("## Ratios of the times\n");
    let names = corpora.iter().map(|corpus| corpus.name.to_owned());
    let mut summary = Table::new("fastest peer / ours", names);
    let decoding = || measured.iter().filter(|(group, _)| group.is_decoding());
    for (group, runs) in decoding() {
        summary.row(group.name(), cells(runs, fastest, |column| leads(*group, column)));
    }
    for (_, runs) in decoding().filter(|(group, _)| group.name() == "16KiB") {
        let filters = [decode::KEEP_ALL, decode::REWRITE_ALL];
        let ratios = |column: &Column| filters.map(|name| column.ratio(decode::FEED, name)).into();
        summary.row("Decoder::feed / BlockFilter", cells(runs, fastest, ratios));
    }
    for (group, runs) in measured.iter().filter(|(group, _)| matches!(group, Group::Encode)) {
        summary.row("encoding", cells(runs, fastest, |column| leads(*group, column)));
        let by_hand = |column: &Column| vec![column.ratio(encode::EXTEND, encode::REUSED)];
        summary.row("extend_from_slice / Encoder", cells(runs, fastest, by_hand));
    }
    for (group, runs) in measured.iter().filter(|(group, _)| matches!(group, Group::Body(..))) {
        let name = group.name();
        summary.row(name, cells(runs, fastest, |column| leads(*group, column)));
        for peer in ["sse-stream", "actix-web-lab", "axum"] {
            let ratios = |column: &Column| vec![column.ratio(peer, body::BODY)];
            summary.row(&format!("{name}: {peer} / EventBody"), cells(runs, fastest, ratios));
        }
        let alone = |column: &Column| vec![column.ratio(body::BODY, body::ENCODER)];
        summary.row(&format!("{name}: EventBody / Encoder"), cells(runs, fastest, alone));
    }
    summary.print();
    Ok(medians)
}

/// Measures in another process, whose stack starts elsewhere.
fn process(group: Group, number: u8) -> Result<Run, String> {
    let told = |error: &dyn Display| format!("process {number} of {}: {error}", group.name());
    let mut command = Command::new(env::current_exe().map_err(|error| told(&error))?);
    // Makes glibc keep freed memory, as in a server that has run for a while. Otherwise, earlier
    // passes would decide if each large event causes page faults.
    command
        .envs([("MALLOC_TRIM_THRESHOLD_", "1073741824"), ("MALLOC_MMAP_THRESHOLD_", "33554432")]);
    // The environment is above the stack in memory, so its size moves the stack.
    command.args(env::args_os().skip(1)).env("PAD", "x".repeat(usize::from(number) * 700));
    command.args(["--measure", group.name()]).stderr(Stdio::inherit());
    let output = command.output().map_err(|error| told(&error))?;
    if !output.status.success() {
        return Err(told(&output.status));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| told(&error))
}

/// Returns the shortest time of the probe in all processes.
fn fastest(measured: &[(Group, Vec<Run>)]) -> Duration {
    let columns = measured.iter().flat_map(|(_, runs)| runs).flatten();
    columns.map(|column| column.probe).min().unwrap_or_default()
}

/// Returns `true` if there are enough undisturbed columns of each corpus for a median.
fn suffices(runs: &[Run], fastest: Duration, processes: u8) -> bool {
    let undisturbed = |number: &usize| {
        let runs = runs.iter().filter(|run| !is_disturbed(&run[*number], fastest));
        runs.count() > usize::from(processes) / 2
    };
    (0..runs[0].len()).all(|number| undisturbed(&number))
}

fn is_disturbed(column: &Column, fastest: Duration) -> bool {
    column.probe > fastest.mul_f64(DISTURBED)
}

/// Returns the columns of one corpus: the undisturbed ones, or all if there are none.
fn columns(runs: &[Run], number: usize, fastest: Duration) -> Vec<&Column> {
    let all: Vec<_> = runs.iter().map(|run| &run[number]).collect();
    let undisturbed: Vec<_> =
        all.iter().copied().filter(|column| !is_disturbed(column, fastest)).collect();
    if undisturbed.is_empty() { all } else { undisturbed }
}

/// Returns the median of the processes, for each contender and corpus.
fn medians(runs: &[Run], fastest: Duration) -> Run {
    let mut medians = runs[0].clone();
    for (number, column) in medians.iter_mut().enumerate() {
        let columns = columns(runs, number, fastest);
        for (contender, score) in column.scores.iter_mut().enumerate() {
            let scores = || columns.iter().map(|column| &column.scores[contender]);
            let mut times: Vec<_> = scores().filter_map(|score| score.time).collect();
            times.sort_unstable();
            score.time = times.get(times.len() / 2).copied();
            score.flaw = scores().find_map(|score| score.flaw.clone());
        }
    }
    medians
}

/// Returns the time of the fastest peer, divided by that of each of ours.
fn leads(group: Group, column: &Column) -> Vec<Option<f64>> {
    let lead = |&ours: &&str| column.lead(ours).map(|(lead, _)| lead);
    group.ours().iter().map(lead).collect()
}

/// Returns a cell for each corpus: the ratios within each process, as medians of the processes.
fn cells(
    runs: &[Run],
    fastest: Duration,
    ratios: impl Fn(&Column) -> Vec<Option<f64>>,
) -> Vec<String> {
    let cell = |number: usize| {
        let found: Vec<_> = columns(runs, number, fastest).into_iter().map(&ratios).collect();
        let median = |which: usize| {
            let mut values: Vec<_> = found.iter().filter_map(|ratios| ratios[which]).collect();
            values.sort_unstable_by(f64::total_cmp);
            table::or_dash(values.get(values.len() / 2).map(|&value| table::rounded(value)))
        };
        (0..found[0].len()).map(median).collect::<Vec<_>>().join(" / ")
    };
    (0..runs[0].len()).map(cell).collect()
}
