import { status, wire } from './wire.js';

export function init(section) {
  const form = section.querySelector('form');
  const type = typist(section);
  form.addEventListener('submit', (submit) => {
    submit.preventDefault();
    type(`typewriter?${new URLSearchParams({ text: form.elements.text.value })}`);
  });
  return { hidden: type.stop };
}

/** Types what an event stream of `start`, `chunk`, `end` and `failure` tells. */
export function typist(section) {
  const paper = section.querySelector('.paper');
  const progress = section.querySelector('progress');
  const say = status(section);
  const log = wire(section);
  let source;

  function stop() {
    source?.close();
    source = undefined;
    paper.classList.remove('is-on');
  }

  function type(address) {
    stop();
    log.clear();
    source = new EventSource(address);
    let typed = 0;
    const on = (name, act) => source.addEventListener(name, (event) => {
      log.note(event);
      act(JSON.parse(event.data));
    });
    on('start', ({ total }) => {
      // A second start follows a cut, and the text goes on.
      if (typed > 0) return;
      paper.textContent = '';
      paper.classList.add('is-on');
      if (total === null) progress.removeAttribute('value');
      else progress.value = 0;
      say('typing');
    });
    on('chunk', ({ char, index, total }) => {
      typed = index + 1;
      paper.append(char);
      if (total === null) return;
      progress.value = typed / total;
      say(`${typed} of ${total}`);
    });
    on('end', ({ total }) => {
      stop();
      progress.value = 1;
      say(`done: ${total} characters`, 'good');
    });
    on('failure', ({ message }) => {
      stop();
      progress.value = 0;
      say(`not the whole answer: ${message}`, 'bad');
    });
    source.addEventListener('error', () => {
      const isOver = source?.readyState === EventSource.CLOSED;
      say(isOver ? 'the server did not answer with a stream' : 'the connection is gone; coming back', 'bad');
      if (isOver) stop();
    });
  }

  return Object.assign(type, { stop });
}
