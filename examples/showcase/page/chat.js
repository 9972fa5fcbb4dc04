import { EventStream } from './stream.js';
import { keepAlive, keepField, kept, scrolled, status, wire } from './view.js';

/** The number of bubbles that survive a reload. */
const KEPT = 40;

/** The longest URL, in characters. nginx answers 414 from 8 KiB on, and other proxies do so earlier. */
const MAX_ADDRESS = 2000;

export function init(section) {
  const form = section.querySelector('form');
  const { question, how, send, stop } = form.elements;
  const talk = section.querySelector('.talk');
  const bill = section.querySelector('.bill');
  const { say, state } = status(section);
  const log = wire(section);
  const field = keepField(question, 'question');
  const bubbles = kept('chat', []);
  let stopAsking = () => {};

  function bubble(text, kind) {
    const bubble = document.createElement('p');
    bubble.className = `bubble ${kind}`;
    bubble.textContent = text;
    scrolled(talk, () => talk.append(bubble));
    return bubble;
  }

  function keep() {
    bubbles.set([...talk.children].slice(-KEPT).map(({ textContent, classList }) => (
      { text: textContent, isMine: classList.contains('mine') })));
  }
  for (const { text, isMine } of bubbles.get()) bubble(text, isMine ? 'mine' : '');
  talk.scrollTop = talk.scrollHeight;
  window.addEventListener('pagehide', keep);

  function setAsking(isAsking) {
    const focused = document.activeElement;
    [send.disabled, stop.disabled] = [isAsking, !isAsking];
    // A disabled button loses the focus, and the keyboard user their place.
    if (focused === send && isAsking) stop.focus();
    if (focused === stop && !isAsking) question.focus();
  }

  let looked = 0;
  async function showQuota() {
    looked += 1;
    const mine = looked;
    let text = '';
    try {
      text = describeQuota(await (await fetch('chat/quota')).json());
    } catch {
      // Shows nothing rather than an old figure that looks current.
    }
    // Responses may arrive out of order.
    if (mine === looked) bill.textContent = text;
  }

  form.addEventListener('submit', (submit) => {
    submit.preventDefault();
    // The Enter key can submit the form while an answer is arriving.
    if (send.disabled) return;
    if (how.value === 'get' && addressOf(question.value).length > MAX_ADDRESS) {
      say('not asked: too long for a URL; choose POST', 'bad');
      return;
    }
    const asked = bubble(question.value, 'mine');
    const answer = bubble('', 'typing is-on');
    let number;
    let tokens = 0;
    setAsking(true);
    say('asking');
    log.clear();

    function end() {
      connection.close();
      answer.classList.remove('is-on');
      // The server does not have the question, and it is still in its field.
      if (number === undefined) for (const bubble of [asked, answer]) bubble.remove();
      setAsking(false);
      keep();
    }

    function onEvent(event) {
      if (event.type === 'done') {
        end();
        say(`done: ${tokens} tokens`, 'good');
        showQuota();
        return;
      }
      const data = JSON.parse(event.data);
      if (event.type === 'start') {
        if (number === undefined) field.clear();
        number = data.answer;
        // The server continues after this many tokens. The number is 0 if it no longer knows the
        // answer.
        if (data.known !== tokens) {
          answer.textContent = '';
          tokens = 0;
        }
        say('thinking');
        showQuota();
      } else if (event.type === 'token') {
        tokens += 1;
        scrolled(talk, () => answer.append(data.text));
        say(`${tokens} tokens`);
      }
    }

    function onState(now) {
      if (now.name === 'live') return;
      state(now, () => connection.reconnect());
      if (now.name === 'waiting' || now.name === 'given up') showQuota();
      if (now.name !== 'given up') return;
      // Keeps half an answer, which the buttons can continue or stop.
      if (number === undefined) {
        end();
        say(`not asked: ${now.reason}`, 'bad');
      }
    }

    const ask = how.value === 'post' ? byPost : byGet;
    const connection = ask(question.value, { onEvent, onState, log });
    stopAsking = async () => {
      end();
      await tellWhatTheServerDoes(number, tokens, say);
      showQuota();
    };
  });

  stop.addEventListener('click', () => stopAsking());
  return { shown: showQuota };
}

function describeQuota({ limit, left, reserved, renewed_in: seconds }) {
  const held = reserved > 0 ? `, ${reserved} reserved for answers in progress` : '';
  const renewed = seconds === null ? '' : `; all are back in ${seconds > 90 ? `${Math.ceil(seconds / 60)} min` : `${seconds} s`}`;
  return `${left} of ${limit} tokens left${held}${renewed}.`;
}

const addressOf = (question) => `chat?${new URLSearchParams({ question })}`;

const byPost = (question, { onEvent, onState, log }) => new EventStream('chat', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ question }),
  silence: 3 * keepAlive,
  onBlock: log.block,
  onEvent,
  onState,
});

/** Asks with the browser's own client, behind the same interface as far as possible. */
function byGet(question, { onEvent, onState, log }) {
  const address = addressOf(question);
  let source;
  function open() {
    source = new EventSource(address);
    for (const type of ['start', 'token', 'done']) {
      source.addEventListener(type, (event) => {
        log.event(event);
        onEvent(event);
      });
    }
    source.addEventListener('open', () => onState({ name: 'live' }));
    source.addEventListener('error', () => {
      // The event contains no reason and no time of the next attempt. After a 502, there is no next
      // attempt.
      onState(source.readyState === EventSource.CLOSED
        ? { name: 'given up', reason: 'EventSource got no stream, and does not say why' }
        : { name: 'connecting' });
    });
  }
  open();
  return {
    close: () => source.close(),
    // A new `EventSource` cannot send the last event ID, so the answer starts from the beginning.
    reconnect() { source.close(); open(); },
  };
}

async function tellWhatTheServerDoes(number, tokens, say) {
  if (number === undefined) {
    say('stopped before the server knew the question');
    return;
  }
  say(`stopped after ${tokens} tokens; asking the server`);
  const look = async () => (await fetch(`chat/${number}`)).json();
  try {
    let before = await look();
    // The server has stopped when it makes no more tokens.
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
  } catch {
    say(`stopped here after ${tokens} tokens; the server does not answer`, 'bad');
  }
}
