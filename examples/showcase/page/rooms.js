import { follow, want } from './background.js';
import { keepField, kept, scrolled, status, wire } from './view.js';

const SHOWN = 200;

export function init(section) {
  const join = section.querySelector('.join');
  const say = section.querySelector('.say');
  const talk = section.querySelector('.talk');
  const { say: tell } = status(section);
  const log = wire(section);
  const { room, name, leave } = join.elements;
  const { text } = say.elements;
  const button = say.querySelector('button');
  const field = keepField(text, 'message');
  keepField(room, 'room');
  keepField(name, 'name');
  /** The member's seat, if any, and the bubbles of this room. Both survive a reload. */
  const memory = kept('rooms', { seat: null, bubbles: [], key: null });
  /** `key` is the public key for this member's secret. */
  let { seat, bubbles, key } = memory.get();
  let present = new Map();
  let isLive = false;

  const save = () => memory.set({ seat, bubbles, key });

  function addBubble({ text, kind, author }) {
    const bubble = document.createElement('p');
    bubble.className = `bubble ${kind}`;
    if (author) bubble.appendChild(document.createElement('b')).textContent = author;
    bubble.append(text);
    scrolled(talk, () => {
      talk.append(bubble);
      while (talk.children.length > SHOWN) talk.firstChild.remove();
    });
  }

  function remember(bubble) {
    bubbles.push(bubble);
    if (bubbles.length > SHOWN) bubbles.shift();
    save();
    addBubble(bubble);
  }

  function update() {
    const isInside = seat !== null;
    for (const element of [room, name, join.querySelector('button')]) element.disabled = isInside;
    leave.disabled = !isInside;
    // The field stays usable while the connection is lost, so that no typed text is lost.
    text.disabled = !isInside;
    button.disabled = !isInside || !isLive;
    if (!isInside) return;
    if (!isLive) tell('not connected', 'bad');
    else if (present.size === 0) tell('entering');
  }

  /** Returns a member's name. If others share it, appends the end of the member's key. */
  function label(key, name, members) {
    const isShared = [...members].some(([other, its]) => other !== key && its === name);
    return isShared ? `${name} (${key % 10_000})` : name;
  }

  const events = {
    joined(data) {
      if (data.member !== seat.member) return;
      key = data.key;
      save();
      present = new Map();
    },
    refused({ member, why }) {
      if (member !== seat.member) return;
      exit();
      tell(`not admitted: ${why}`, 'bad');
    },
    presence({ members, named }) {
      const now = new Map(named.map(({ key, name }) => [key, name]));
      if (present.size > 0) {
        for (const [key, name] of now) if (!present.has(key)) remember({ text: `${label(key, name, now)} is here`, kind: 'note' });
        for (const [key, name] of present) if (!now.has(key)) remember({ text: `${label(key, name, present)} has left`, kind: 'note' });
      }
      present = now;
      const names = [...now].map(([key, name]) => label(key, name, now));
      tell(`${members} here: ${names.join(', ')}${members > names.length ? ', …' : ''}`, 'good');
    },
    message({ key: author, name, text }) {
      remember({ text, kind: author !== null && author === key ? 'mine' : '', author: author === null ? name : label(author, name, present) });
    },
  };

  function onBlock(block) {
    if (seat === null) return;
    const { event } = block;
    if (event?.type === 'gap') {
      remember({ text: 'Some messages may be missing here.', kind: 'note' });
    } else if (event && Object.hasOwn(events, event.type)) {
      const data = JSON.parse(event.data);
      if (data.room !== seat.room) return;
      events[event.type](data);
    } else if (event) {
      return;
    }
    log.block(block);
  }

  function enter() {
    present = new Map();
    want('rooms', { seats: [seat] });
    update();
  }

  function exit() {
    seat = null;
    save();
    want('rooms', { seats: [] });
    update();
  }

  join.addEventListener('submit', (submit) => {
    submit.preventDefault();
    seat = { room: room.value, name: name.value, member: `${Math.random().toString(36).slice(2)}${Date.now()}` };
    [bubbles, key] = [[], null];
    save();
    talk.replaceChildren();
    enter();
    text.focus();
  });

  leave.addEventListener('click', () => {
    exit();
    tell('you have left');
    room.focus();
  });

  say.addEventListener('submit', async (submit) => {
    submit.preventDefault();
    if (button.disabled) return;
    const said = text.value;
    let why;
    button.disabled = true;
    try {
      const response = await fetch('rooms', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ room: seat.room, member: seat.member, name: seat.name, text: said }),
      });
      if (!response.ok) why = await response.text();
    } catch {
      why = 'no connection';
    }
    update();
    // The text stays in its field until the server has it.
    if (why !== undefined) tell(`not sent: ${why}`, 'bad');
    else if (text.value === said) field.clear();
  });

  for (const bubble of bubbles) addBubble(bubble);
  talk.scrollTop = talk.scrollHeight;
  follow({
    onBlock,
    onState({ name }) {
      isLive = name === 'live';
      update();
    },
  });
  if (seat !== null) {
    [room.value, name.value] = [seat.room, seat.name];
    enter();
  }
  update();
  return {};
}
