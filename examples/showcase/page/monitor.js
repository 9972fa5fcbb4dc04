import { follow, want } from './background.js';
import { EventStream } from './stream.js';
import { keepAlive, status, wire } from './view.js';

/** The time span of the chart, in seconds. */
const SPAN = 60;
/** The time without a sample that breaks the line, in seconds. */
const BREAK = 2.5;

export function init(section) {
  const log = wire(section);
  const { say } = status(section);
  const chart = section.querySelector('.chart');
  let samples = [];
  let isShown = false;

  function show(name, value) {
    section.querySelector(`[data-figure=${name}]`).textContent = value;
  }

  function hear({ data }) {
    const sample = { ...JSON.parse(data), at: performance.now() / 1000 };
    // A new connection starts with the newest sample, which may have arrived before.
    if (sample.number === samples.at(-1)?.number) return;
    samples = [...samples.filter(({ at }) => sample.at - at <= SPAN), sample];
    section.classList.remove('is-stale');
    say('one sample a second', 'good');
    if (isShown) draw();
  }

  function draw() {
    const sample = samples.at(-1);
    if (sample === undefined) return;
    for (const name of ['cpu', 'memory', 'disk']) show(name, `${sample[name].toFixed(1)} %`);
    show('process', sample.process === null ? '?' : `${(sample.process / 2 ** 20).toFixed(1)} MiB`);
    show('connections', sample.connections);
    for (const name of ['cpu', 'memory', 'disk']) {
      let before = -Infinity;
      const path = samples.map(({ at, [name]: percent }) => {
        const step = at - before > BREAK ? 'M' : 'L';
        before = at;
        return `${step}${(SPAN - (sample.at - at)).toFixed(2)},${(100 - percent).toFixed(2)}`;
      });
      chart.querySelector(`.${name}`).setAttribute('d', path.join(''));
    }
  }

  follow({
    onBlock(block) {
      if (block.event?.type !== 'sample') return;
      log.block(block);
      hear(block.event);
    },
    onState(now) {
      const isLive = now.name === 'live';
      // Old figures must not look current.
      section.classList.toggle('is-stale', !isLive);
      if (isLive) say('waiting for a sample');
      else say('not connected; these figures are old', 'bad');
    },
  });

  const stopChannels = channels(section.querySelector('.channels'));
  // Listens even while the tab is hidden, so that the chart has a past. Over the shared connection
  // it costs next to nothing.
  want('monitor', { channels: ['monitor'] });
  return {
    shown() {
      isShown = true;
      draw();
    },
    hidden() {
      isShown = false;
      stopChannels();
    },
  };
}

/** Connects to the channels in the form. Returns a function that closes the connection. */
function channels(root) {
  const form = root.querySelector('form');
  const log = wire(root);
  const { state } = status(root);
  let stream;
  const stop = () => {
    stream?.close();
    stream = undefined;
  };
  form.addEventListener('submit', (submit) => {
    submit.preventDefault();
    stop();
    log.clear();
    const mine = new EventStream(`channels?${new URLSearchParams({ channels: form.elements.channels.value })}`, {
      silence: 3 * keepAlive,
      onBlock: log.block,
      onState: (now) => state(now, () => mine.reconnect()),
    });
    stream = mine;
  });
  root.addEventListener('toggle', (event) => {
    if (event.target === root && !root.open) stop();
  });
  return stop;
}
