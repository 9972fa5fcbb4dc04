import { events, status, wire } from './wire.js';

export function init(section) {
  const form = section.querySelector('form');
  const { question, how, send, stop } = form.elements;
  const talk = section.querySelector('.talk');
  const say = status(section);
  const log = wire(section);
  let abort;

  function bubble(text, kind) {
    const bubble = document.createElement('p');
    bubble.className = `bubble ${kind}`;
    bubble.textContent = text;
    talk.append(bubble);
    talk.scrollTop = talk.scrollHeight;
    return bubble;
  }

  form.addEventListener('submit', async (submit) => {
    submit.preventDefault();
    abort?.abort();
    abort = new AbortController();
    const { signal } = abort;
    const asked = question.value;
    bubble(asked, 'mine');
    const answer = bubble('', 'typing is-on');
    question.value = '';
    [send.disabled, stop.disabled] = [true, false];
    log.clear();
    say('thinking');

    let tokens = 0;
    let number;
    try {
      const ask = how.value === 'post' ? byPost : byGet;
      for await (const event of ask(asked, signal)) {
        log.note(event);
        if (event.type === 'done') break;
        const data = JSON.parse(event.data);
        if (event.type === 'start') number = data.answer;
        if (event.type === 'token') {
          tokens += 1;
          answer.append(data.text);
          talk.scrollTop = talk.scrollHeight;
          say(`${tokens} tokens`);
        }
      }
      say(`done: ${tokens} tokens`, 'good');
    } catch (error) {
      if (!signal.aborted) say(`${error.message}`, 'bad');
    }
    answer.classList.remove('is-on');
    [send.disabled, stop.disabled] = [false, true];
    if (signal.aborted) await tellWhatTheServerDoes(number, tokens, say);
  });

  stop.addEventListener('click', () => abort?.abort());
  return {};
}

async function* byPost(question, signal) {
  const response = await fetch('chat', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ question }),
    signal,
  });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  let isWhole = false;
  for await (const event of events(response)) {
    isWhole ||= event.type === 'done';
    yield event;
  }
  if (!isWhole) throw new Error('the answer was cut off');
}

// An `EventSource` calls back; this turns it into something to loop over.
async function* byGet(question, signal) {
  const source = new EventSource(`chat?${new URLSearchParams({ question })}`);
  const queue = [];
  let wake = () => {};
  const put = (event) => { queue.push(event); wake(); };
  for (const type of ['start', 'token', 'done']) source.addEventListener(type, put);
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) put(new Error('the server did not answer with a stream'));
  });
  signal.addEventListener('abort', () => put(signal.reason));
  try {
    for (;;) {
      while (queue.length === 0) await new Promise((resolve) => { wake = resolve; });
      const next = queue.shift();
      if (next instanceof Error) throw next;
      yield next;
      if (next.type === 'done') return;
    }
  } finally {
    // Otherwise it would ask again.
    source.close();
  }
}

async function tellWhatTheServerDoes(number, tokens, say) {
  say(`stopped after ${tokens} tokens; asking the server`);
  if (number === undefined) return;
  const look = async () => (await fetch(`chat/${number}`)).json();
  let before = await look();
  // It has not stopped before it makes no more.
  for (let round = 0; round < 20; round += 1) {
    await new Promise((resolve) => { setTimeout(resolve, 200); });
    const now = await look();
    if (now.state === 'stopped' && now.tokens === before.tokens) {
      say(`stopped here after ${tokens} tokens; the server stopped after ${now.tokens}`, 'good');
      return;
    }
    before = now;
  }
  say(`the server is ${before.state} after ${before.tokens} tokens`, 'bad');
}
