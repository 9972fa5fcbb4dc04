//! Many streams at once.

use futures_util::{StreamExt, stream};
use sse_wire::ByteStreamExt;

use crate::{
    in_time,
    servers::{self, TOGETHER},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_streams_lose_nothing() {
    let (address, _) = servers::axum().await;
    // An HTTP/2 connection carries many streams, which avoids the limit on open files. Every server
    // allows a hundred.
    let client = || {
        let client = reqwest::Client::builder().no_proxy().http2_prior_knowledge();
        client.build().expect("a client")
    };
    let clients: Vec<_> = (0..TOGETHER / 100).map(|_| client()).collect();
    let url = format!("http://{address}/together");
    let all = stream::iter(0..TOGETHER).map(|number| {
        let request = clients[number % clients.len()].get(&url).send();
        async move {
            let mut events = request.await.expect("a response").bytes_stream().events();
            let first = events.next().await.expect("an event").expect("no error");
            assert_eq!(first.data(), "all there");
            let mut expected = 0;
            while let Some(event) = events.next().await {
                assert_eq!(event.expect("no error").data(), expected.to_string());
                expected += 1;
            }
            assert!(events.end().expect("the end").is_clean());
            expected
        }
    });
    let counts: Vec<_> = in_time(all.buffer_unordered(TOGETHER).collect()).await;
    assert_eq!(counts, [20; TOGETHER]);
}
