//! `mcp`: a call that is resumed, and calls that cannot be.

use crate::outcome;

#[tokio::test]
async fn a_call_is_resumed_until_its_result_comes() {
    let (stdout, stderr, code) = outcome("mcp", &[]).await;
    let lines: Vec<_> = stdout
        .lines()
        // Without the delay, which is random.
        .map(|line| line.split_once(" in ").map_or(line, |(start, _)| start))
        .collect();
    let progress = |number, step| {
        let params = serde_json::json!({ "progress": number, "total": 4, "message": step });
        format!("\"notifications/progress\": {params}")
    };
    assert_eq!(
        lines,
        [
            // Only an ID and `retry: 0` arrived.
            "[the stream ended; going on after tea/2/0",
            &progress(1, "Warming the pot"),
            &progress(2, "Boiling the water"),
            "[the stream ended; going on after tea/2/2",
            &progress(3, "Steeping: 三分钟"),
            // The fourth message was truncated, and still arrives only once.
            "[the connection was lost; going on after tea/2/3",
            &progress(4, "Pouring"),
            "[the stream ended; going on after tea/2/4",
            r#"{"content":[{"text":"A cup of Darjeeling. 请慢用!","type":"text"}]}"#,
        ]
    );
    assert_eq!((&*stderr, code), ("", Some(0)));
}

#[tokio::test]
async fn a_call_that_cannot_be_resumed_fails() {
    for (tool, message) in [
        ("toast", "the connection was lost, before there was an ID to resume with"),
        ("soup", "the server answered 404"),
    ] {
        let (_, stderr, code) = outcome("mcp", &[tool]).await;
        assert_eq!((&*stderr, code), (&*format!("Error: {message}\n"), Some(1)), "{tool}");
    }
}

#[tokio::test]
async fn an_answer_may_be_json() {
    let (stdout, stderr, code) = outcome("mcp", &["milk", r#"{"warm":true}"#]).await;
    assert!(stderr.contains("the server failed") && stderr.contains("Unknown tool"), "{stderr}");
    assert_eq!((&*stdout, code), ("", Some(1)));
}

#[tokio::test]
async fn what_came_instead_of_an_answer_is_shown() {
    for (tool, message) in [
        ("denied", "the server answered 401: b\"Who are you?\""),
        (
            "busy",
            "the server answered 429 with JSON: b\"{\\\"error\\\":\\\"Slow down.\\\"}\" (try again in 20s)",
        ),
        ("zipped", "the server answered 200 with a body that is still compressed"),
        ("proxy", "the server answered 502 with HTML or XML: b\"<html><head>"),
    ] {
        let (stdout, stderr, code) = outcome("mcp", &[tool]).await;
        assert!(stderr.starts_with(&format!("Error: {message}")), "{tool}: {stderr}");
        assert_eq!((&*stdout, code), ("", Some(1)), "{tool}");
    }
}
