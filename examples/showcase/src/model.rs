//! Mocks a language model that always says the same.

use std::time::Duration;

use futures_util::Stream;
use tokio::time::sleep;
use unicode_segmentation::UnicodeSegmentation;

const ENGLISH: &str = "You asked: “{}”. A server that streams its answer writes each token as an \
    event, and a blank line ends it. The page shows what has come so far; the rest is still being \
    thought of.\nWhen you press Stop, the connection closes, the server notices, and no further \
    token is made. That saves work, and often money. 🙂";

const CHINESE: &str = "你问的是:“{}”。服务器每想出一个词,就把它当作一个事件发出来,空行表示结束。\
    网页只显示已经到达的部分,其余的还在思考。\n按下停止按钮,连接就会关闭,服务器马上发现,\
    不再生成任何词。这样既省力,又省钱。🙂";

/// The largest number of tokens in an answer.
pub const MAX_TOKENS: usize = 400;

/// The number of characters of a question that an answer repeats.
const QUOTED: usize = 200;

#[derive(Clone, Copy)]
pub struct Model {
    /// The time that each token takes.
    thinking: Duration,
}

impl Model {
    pub fn new(thinking: Duration) -> Self {
        Self { thinking }
    }

    /// Returns the tokens of the answer after the first `known`. A token is a word in some
    /// languages and a character in others. The same question always has the same answer, so an
    /// answer can resume after a lost connection.
    pub fn answer(self, question: &str, known: usize) -> impl Stream<Item = String> + Send + use<> {
        let is_chinese = question.chars().any(|char| ('\u{4E00}'..='\u{9FFF}').contains(&char));
        let answer = if is_chinese { CHINESE } else { ENGLISH };
        let question = question.trim();
        let quoted = match question.grapheme_indices(true).nth(QUOTED) {
            Some((end, _)) => format!("{}…", &question[..end]),
            None => question.to_owned(),
        };
        let answer = answer.replace("{}", &quoted);
        async_stream::stream! {
            for token in answer.split_word_bounds().take(MAX_TOKENS).skip(known) {
                sleep(self.thinking).await;
                yield token.to_owned();
            }
        }
    }
}
