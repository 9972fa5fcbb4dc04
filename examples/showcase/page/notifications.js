import { wire } from './wire.js';

const SHOWN = 100;

export function init(section) {
  const form = section.querySelector('form');
  const feed = section.querySelector('.feed');
  const unread = document.getElementById('unread');
  const log = wire(section);
  const client = crypto.randomUUID?.() ?? String(Math.random());
  const figures = { received: 0, replayed: 0, lost: 0, doubled: 0 };
  let source;
  // The number of the last event in each channel's own count is not known, so losses are counted
  // only while both channels are listened to, when the IDs have no gaps.
  let last;
  let isShown = false;
  let unseen = 0;
  // What comes at once after a reconnection was missed.
  let cameBack = -Infinity;

  function show(name, value) {
    section.querySelector(`[data-figure=${name}]`).textContent = value;
  }

  function hear(event) {
    log.note(event);
    const number = Number(event.lastEventId.split('-').pop());
    const isReplayed = performance.now() - cameBack < 300;
    if (last !== undefined && number <= last) figures.doubled += 1;
    else if (last !== undefined && channels().length === 2) figures.lost += number - last - 1;
    last = number;
    figures.received += 1;
    if (isReplayed) figures.replayed += 1;
    for (const [name, value] of Object.entries(figures)) show(name, value);

    const row = document.createElement('li');
    row.className = `${event.type} ${isReplayed ? 'replayed' : ''}`;
    const text = document.createElement('span');
    const { order, text: said } = JSON.parse(event.data);
    text.textContent = order === undefined ? said : `order ${order}: ${said}`;
    const id = document.createElement('small');
    id.textContent = isReplayed ? `${number}, missed` : number;
    row.append(text, id);
    feed.prepend(row);
    while (feed.children.length > SHOWN) feed.lastChild.remove();

    unseen = isShown ? 0 : unseen + 1;
    unread.textContent = unseen;
    unread.hidden = unseen === 0;
  }

  const channels = () => [...form.elements.channel].filter(({ checked }) => checked).map(({ value }) => value);

  function listen() {
    source?.close();
    last = undefined;
    if (channels().length === 0) {
      show('state', 'off');
      return;
    }
    let wasCut = false;
    source = new EventSource(`notifications?${new URLSearchParams({ channels: channels().join(','), client })}`);
    show('state', 'opening');
    source.addEventListener('open', () => {
      show('state', 'open');
      if (wasCut) cameBack = performance.now();
    });
    source.addEventListener('error', () => {
      wasCut = true;
      show('state', 'cut');
    });
    source.addEventListener('hello', (event) => {
      log.note(event);
      last = Number(event.lastEventId.split('-').pop());
    });
    source.addEventListener('gap', (event) => {
      log.note(event);
      last = undefined;
    });
    source.addEventListener('order', hear);
    source.addEventListener('system', hear);
  }

  form.addEventListener('change', listen);
  form.elements.cut.addEventListener('click', () => {
    fetch(`notifications/cut?${new URLSearchParams({ client })}`, { method: 'POST' });
  });
  listen();
  return {
    shown() {
      isShown = true;
      unseen = 0;
      unread.hidden = true;
    },
    hidden() { isShown = false; },
  };
}
