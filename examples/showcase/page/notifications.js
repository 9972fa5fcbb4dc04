import { cut, follow, want } from './background.js';
import { init as initPersonal } from './personal.js';
import { describe, kept, wire } from './view.js';

const SHOWN = 100;
const NONE = { received: 0, replayed: 0, lost: 0, doubled: 0, uncounted: [], isUnsure: false };

export function init(section) {
  const form = section.querySelector('form');
  const feed = section.querySelector('.feed');
  const unread = document.getElementById('unread');
  const log = wire(section);
  const memory = kept('notifications', { figures: NONE, rows: [], run: '', last: {} });
  const { figures, rows } = memory.get();
  /** The run of the log, and the number of the last notification in each channel. */
  let { run, last } = memory.get();
  let isShown = false;
  let unseen = 0;

  const channels = () => [...form.elements.channel].filter(({ checked }) => checked).map(({ value }) => value);

  function show(name, value) {
    section.querySelector(`[data-figure=${name}]`).textContent = value;
  }

  function showFigures() {
    for (const name of ['received', 'replayed', 'doubled']) show(name, figures[name]);
    // The next number in a channel shows how many were lost. The count is a lower bound after a
    // change of the run: the client cannot know how many the last run still had.
    const isExact = !figures.isUnsure && figures.uncounted.length === 0;
    show('lost', isExact ? figures.lost : `${figures.lost} or more`);
  }

  function addRow({ kind, text, note }) {
    const row = document.createElement('li');
    row.className = kind;
    row.appendChild(document.createElement('span')).textContent = text;
    row.appendChild(document.createElement('small')).textContent = note;
    feed.prepend(row);
    while (feed.children.length > SHOWN) feed.lastChild.remove();
  }

  function remember(row) {
    rows.push(row);
    if (rows.length > SHOWN) rows.shift();
    addRow(row);
  }

  function hear({ type, data }, isMissed) {
    const { run: itsRun, number, data: what } = JSON.parse(data);
    // The numbers of another run do not count for this one.
    if (itsRun !== run) {
      figures.isUnsure ||= run !== '';
      last = run === '' ? {} : { order: 0, system: 0 };
      run = itsRun;
    }
    const before = last[type];
    if (before !== undefined && number > before) figures.lost += number - before - 1;
    // The log has lost its end, and reuses the numbers from there on.
    else if (figures.uncounted.includes(type)) figures.isUnsure = true;
    else if (before !== undefined) figures.doubled += 1;
    last[type] = number;
    figures.uncounted = figures.uncounted.filter((name) => name !== type);
    figures.received += 1;
    if (isMissed) figures.replayed += 1;
    remember({
      kind: `${type} ${isMissed ? 'replayed' : ''}`,
      text: text(what),
      note: `${type} ${number}${isMissed ? ', missed' : ''}`,
    });
    unseen = isShown ? 0 : unseen + 1;
    unread.textContent = unseen > 99 ? '99+' : unseen;
    unread.classList.toggle('is-empty', unseen === 0);
  }

  function onBlock(block, isMissed) {
    const { event } = block;
    if (event?.type === 'gap') {
      log.block(block);
      figures.uncounted = Object.keys(last);
      remember({ kind: 'gap', text: `Some may be lost: ${event.data}`, note: '' });
    } else if (event === undefined || event.type === 'hello') {
      log.block(block);
    } else if (channels().includes(event.type)) {
      log.block(block);
      hear(event, isMissed);
    } else {
      return;
    }
    showFigures();
    memory.set({ figures, rows, run, last });
  }

  form.addEventListener('change', () => {
    // Events sent while a channel is off are not lost.
    for (const name of Object.keys(last)) if (!channels().includes(name)) delete last[name];
    figures.uncounted = figures.uncounted.filter((name) => name in last);
    want('notifications', { channels: channels() });
  });
  form.elements.cut.addEventListener('click', () => {
    cut().catch(() => {});
  });

  for (const row of rows) addRow(row);
  showFigures();
  follow({
    onBlock,
    onState(state) {
      show('state', state.name === 'waiting' ? 'waiting' : state.name);
      section.querySelector('[data-figure=state]').title = describe(state);
    },
  });
  want('notifications', { channels: channels() });
  const stopPersonal = initPersonal(section.querySelector('.personal'));
  return {
    shown() {
      isShown = true;
      unseen = 0;
      unread.textContent = '';
      unread.classList.add('is-empty');
    },
    hidden() {
      isShown = false;
      stopPersonal();
    },
  };
}

/** Returns the text of a notification. Anybody may publish any JSON. */
function text(what) {
  if (typeof what?.text !== 'string') return JSON.stringify(what);
  return what.order === undefined ? what.text : `order ${what.order}: ${what.text}`;
}
