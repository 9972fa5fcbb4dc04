import { EventStream } from './stream.js';
import { keepAlive, keepField, status, wire } from './view.js';

export function init(section) {
  const form = section.querySelector('form');
  const { text } = form.elements;
  const type = typist(section);
  const start = () => type('typewriter', { text: text.value });
  keepField(text, 'typewriter');
  form.addEventListener('submit', (submit) => {
    submit.preventDefault();
    start();
  });
  let isFirst = true;
  return {
    shown() {
      // Starts by itself the first time, so that something moves.
      if (isFirst) start();
      isFirst = false;
    },
  };
}

/** Returns a function that types a stream of `start`, `chunk`, `end` and `failure` events. */
export function typist(section, { onEnd } = {}) {
  const paper = section.querySelector('.paper');
  const progress = section.querySelector('progress');
  const { cut } = section.querySelector('form').elements;
  const { say, state } = status(section);
  const log = wire(section);
  let stream;
  let typed = 0;
  let lost = 0;

  cut.addEventListener('click', () => stream?.reconnect());

  function stop() {
    stream?.close();
    stream = undefined;
    cut.disabled = true;
    paper.classList.remove('is-on');
    onEnd?.();
  }

  const steps = {
    start({ total }) {
      if (total === null) progress.removeAttribute('value');
      else progress.value = typed / total;
      say('typing');
    },
    chunk({ char, index, total }) {
      // The text already has this character.
      if (index < typed) return;
      lost += index - typed;
      typed = index + 1;
      paper.append(char);
      if (total === null) say(`${typed} characters`);
      else {
        progress.value = typed / total;
        say(`${typed} of ${total}`);
      }
    },
    end({ total, finish }) {
      stop();
      progress.value = 1;
      if (lost > 0 || typed !== total) say(`not the whole text: ${typed - lost} of ${total} characters`, 'bad');
      else if (finish !== null && finish !== 'stop') say(`not the whole answer: the provider ended it (${finish})`, 'bad');
      else say(`done: ${total} characters`, 'good');
    },
    failure({ message }) {
      stop();
      progress.value = 0;
      say(`not the whole answer: ${message}`, 'bad');
    },
  };

  return function type(address, question) {
    stop();
    log.clear();
    [typed, lost] = [0, 0];
    paper.textContent = '';
    paper.classList.add('is-on');
    progress.value = 0;
    cut.disabled = false;
    const mine = new EventStream(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(question),
      silence: 3 * keepAlive,
      onBlock: log.block,
      onEvent({ type, data }) { steps[type]?.(JSON.parse(data)); },
      onState(now) {
        if (now.name === 'live') say('typing');
        else state(now, () => mine.reconnect());
        paper.classList.toggle('is-on', now.name !== 'given up');
      },
    });
    stream = mine;
  };
}
