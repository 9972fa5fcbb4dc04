import { wire } from './wire.js';

/** A minute, a sample each second: as many as the chart is wide. */
const SAMPLES = 60;
const HEIGHT = 50;

export function init(section) {
  const log = wire(section);
  const samples = [];
  let source;

  function show(name, value) {
    section.querySelector(`[data-figure=${name}]`).textContent = value;
  }

  function draw(name) {
    const points = samples.map((sample, index) => {
      const x = SAMPLES - samples.length + index + 1;
      return `${x},${(HEIGHT * (1 - sample[name] / 100)).toFixed(2)}`;
    });
    section.querySelector(`polyline.${name}`).setAttribute('points', points.join(' '));
  }

  function hear(event) {
    log.note(event);
    const sample = JSON.parse(event.data);
    samples.push(sample);
    if (samples.length > SAMPLES) samples.shift();
    show('cpu', `${sample.cpu.toFixed(1)} %`);
    show('memory', `${sample.memory.toFixed(1)} %`);
    show('process', sample.process === null ? '?' : `${(sample.process / 2 ** 20).toFixed(1)} MiB`);
    show('connections', sample.connections);
    draw('cpu');
    draw('memory');
  }

  const stopChannels = channels(section.querySelector('.channels'));
  return {
    shown() {
      source ??= new EventSource('monitor');
      source.addEventListener('sample', hear);
    },
    // A connection less, of the six that a browser opens to a server.
    hidden() {
      source?.close();
      source = undefined;
      stopChannels();
    },
  };
}

/** One connection for whatever is wanted. Gives a function that closes it. */
function channels(root) {
  const form = root.querySelector('form');
  const log = wire(root);
  let source;
  form.addEventListener('submit', (submit) => {
    submit.preventDefault();
    source?.close();
    log.clear();
    source = new EventSource(`channels?${new URLSearchParams({ channels: form.elements.channels.value })}`);
    for (const type of ['message', 'presence', 'order', 'system', 'hello', 'sample']) {
      source.addEventListener(type, log.note);
    }
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) log.note({ type: 'error', data: 'there is no such channel' });
    });
  });
  root.addEventListener('toggle', () => {
    if (!root.open) source?.close();
  });
  return () => source?.close();
}
