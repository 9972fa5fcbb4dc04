import { status, wire } from './wire.js';

export function init(section) {
  const join = section.querySelector('.join');
  const say = section.querySelector('.say');
  const talk = section.querySelector('.talk');
  const tell = status(section);
  const log = wire(section);
  let source;
  let present = new Set();

  function bubble(text, kind, name) {
    const bubble = document.createElement('p');
    bubble.className = `bubble ${kind}`;
    if (name) {
      const author = document.createElement('b');
      author.textContent = name;
      bubble.append(author);
    }
    bubble.append(text);
    talk.append(bubble);
    while (talk.children.length > 200) talk.firstChild.remove();
    talk.scrollTop = talk.scrollHeight;
  }

  function setInside(isInside) {
    for (const element of say.elements) element.disabled = !isInside;
    for (const element of join.elements) element.disabled = isInside === (element.name !== 'leave');
  }

  function leave() {
    source?.close();
    source = undefined;
    present = new Set();
    setInside(false);
  }

  const address = () => `rooms/${encodeURIComponent(join.elements.room.value)}`;
  const me = () => join.elements.name.value;

  function announce({ members, names }) {
    const now = new Set(names);
    if (present.size > 0) {
      for (const name of now) if (!present.has(name)) bubble(`${name} is here`, 'note');
      for (const name of present) if (!now.has(name)) bubble(`${name} has left`, 'note');
    }
    present = now;
    tell(`${members} here: ${names.join(', ')}${members > names.length ? ', …' : ''}`, 'good');
  }

  join.addEventListener('submit', (submit) => {
    submit.preventDefault();
    leave();
    talk.replaceChildren();
    source = new EventSource(`${address()}?${new URLSearchParams({ name: me() })}`);
    source.addEventListener('open', () => setInside(true));
    source.addEventListener('error', () => tell('the connection is gone; coming back', 'bad'));
    source.addEventListener('presence', (event) => {
      log.note(event);
      announce(JSON.parse(event.data));
    });
    source.addEventListener('dropped', (event) => {
      log.note(event);
      leave();
      tell(`put out of the room: ${JSON.parse(event.data).why}`, 'bad');
    });
    source.addEventListener('message', (event) => {
      log.note(event);
      const { name, text } = JSON.parse(event.data);
      bubble(text, name === me() ? 'mine' : '', name);
    });
  });

  join.elements.leave.addEventListener('click', () => {
    leave();
    tell('you have left');
  });

  say.addEventListener('submit', async (submit) => {
    submit.preventDefault();
    const text = say.elements.text.value;
    say.elements.text.value = '';
    const response = await fetch(address(), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: me(), text }),
    });
    if (!response.ok) tell(`not said: ${await response.text()}`, 'bad');
  });
  return {};
}
