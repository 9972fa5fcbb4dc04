//! Draws the times: a panel for each group and corpus, and a bar for each contender.
//!
//! The colors follow the reader's light or dark theme. The background is that of the page.

use std::fmt::Write as _;

use crate::{
    column::Column,
    group::Group,
    measure::{Score, Side},
    table,
};

const PANEL: usize = 300;
const NAMES: usize = 138;
const FIGURES: usize = 46;
const BARS: usize = PANEL - NAMES - FIGURES;
const BAR: usize = 17;
const TITLE: usize = 40;
const HEAD: usize = 34;
const FOOT: usize = 30;

/// A bar that is this many times as long as the shortest is cut off. Otherwise one slow contender
/// would reduce all others to a dot.
const LONGEST: f64 = 8.0;

const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#1f2328}\
.head{font-weight:600;font-size:14px}.name,.time{font-size:11px}.note{font-size:11px;fill:#656d76}\
.ours{fill:#0969da}.peer{fill:#afb8c1}.ours.name{font-weight:600}text.peer{fill:#1f2328}\
@media(prefers-color-scheme:dark){\
text,text.peer{fill:#e6edf3}.note{fill:#8d96a0}.ours{fill:#58a6ff}.peer{fill:#57606a}}";

/// Draws the measurements. Contenders that are wrong or too slow have no bar.
pub fn draw(measured: &[(Group, Vec<Column>)]) -> String {
    let columns = measured.iter().map(|(_, columns)| columns.len()).max().unwrap_or_default();
    let mut body = String::new();
    let mut top = HEAD;
    for (group, columns) in measured {
        let contenders = columns.iter().map(|column| shown(*group, column).len()).max();
        for (number, column) in columns.iter().enumerate() {
            panel(&mut body, *group, column, number * PANEL, top);
        }
        top += TITLE + BAR * contenders.unwrap_or_default();
    }
    let (width, height) = (columns * PANEL, top + FOOT);
    let foot = top + FOOT - 8;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" role=\"img\">\n\
         <title>Nanoseconds per event of sse-wire and of other crates</title>\n\
         <style>{STYLE}</style>\n\
         <text class=\"head\" x=\"0\" y=\"18\">Nanoseconds per event: shorter is faster</text>\n\
         {body}\
         <text class=\"note\" x=\"0\" y=\"{foot}\">Blue: sse-wire. Grey: other crates. Each panel \
         has its own scale. A gap: cut off at {LONGEST} times the shortest bar.</text>\n</svg>\n"
    )
}

/// Returns the contenders that have a bar, the fastest first: ours that are compared with the
/// peers, and the peers.
fn shown(group: Group, column: &Column) -> Vec<&Score> {
    let is_shown = |score: &&Score| {
        let takes_part = match score.side {
            Side::Ours => group.ours().contains(&score.name.as_str()),
            Side::Peer => true,
            Side::Yardstick => false,
        };
        takes_part && score.time.is_some() && score.flaw.is_none()
    };
    let mut shown: Vec<_> = column.scores.iter().filter(is_shown).collect();
    shown.sort_by_key(|score| score.time);
    shown
}

fn panel(svg: &mut String, group: Group, column: &Column, left: usize, top: usize) {
    let nanos = |score: &Score| {
        score.time.map_or(0.0, |time| time.as_secs_f64() * 1e9 / column.events as f64)
    };
    let scores = shown(group, column);
    let times = || scores.iter().map(|score| nanos(score));
    let longest = times().fold(0.0, f64::max).min(LONGEST * times().fold(f64::MAX, f64::min));
    text(svg, "", (left, top + 18), &format!("{}: {}", group.title(), column.corpus));
    for (number, score) in scores.iter().enumerate() {
        let class = if score.side == Side::Ours { "ours" } else { "peer" };
        let line = top + 26 + number * BAR;
        let length = (nanos(score) / longest).min(1.0) * BARS as f64;
        let bars = left + NAMES;
        text(svg, &format!("{class} name"), (left, line + 11), &score.name);
        // A gap near the end shows that a bar is cut off.
        let parts = if nanos(score) > longest {
            vec![(0.0, length - 10.0), (length - 7.0, 7.0)]
        } else {
            vec![(0.0, length)]
        };
        for (start, length) in parts {
            let x = bars as f64 + start;
            let _ = writeln!(
                svg,
                "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{line}\" width=\"{length:.1}\" \
                 height=\"13\"/>"
            );
        }
        let time = table::rounded(nanos(score));
        text(svg, "time", (bars + length.ceil() as usize + 5, line + 11), &time);
    }
}

fn text(svg: &mut String, class: &str, (x, y): (usize, usize), text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    // Writing to a string cannot fail.
    let _ = writeln!(svg, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}</text>");
}
