// Runs the tabs. Each system is a module that gets its section. Some have functions that run when
// the section is shown or hidden.

import { follow, reconnect } from './background.js';
import * as chat from './chat.js';
import * as monitor from './monitor.js';
import * as notifications from './notifications.js';
import * as proxy from './proxy.js';
import * as rooms from './rooms.js';
import * as typewriter from './typewriter.js';
import { status } from './view.js';

const systems = { typewriter, chat, notifications, rooms, monitor, proxy };
const names = Object.keys(systems);
const tabs = [...document.querySelectorAll('[role=tab]')];

const connection = status(document.getElementById('connection'));
follow({ onState: (state) => connection.state(state, reconnect) });

for (const [name, system] of Object.entries(systems)) {
  const section = document.getElementById(name);
  section.setAttribute('aria-labelledby', `tab-${name}`);
  systems[name] = { section, ...system.init(section) };
}

for (const [index, tab] of tabs.entries()) {
  tab.id = `tab-${tab.dataset.tab}`;
  tab.setAttribute('aria-controls', tab.dataset.tab);
  tab.addEventListener('click', () => {
    // Setting `location.hash` would show the tab only later, perhaps after the next key.
    history.pushState(null, '', `#/${tab.dataset.tab}`);
    show();
  });
  tab.addEventListener('keydown', (press) => {
    const { length } = tabs;
    const to = { ArrowRight: index + 1, ArrowLeft: index - 1 + length, Home: 0, End: length - 1 }[press.key];
    if (to === undefined) return;
    press.preventDefault();
    tabs[to % length].focus();
    tabs[to % length].click();
  });
}

function show() {
  // The slash keeps the browser from scrolling to the element of that name.
  const wanted = location.hash.slice('#/'.length);
  const shown = names.includes(wanted) ? wanted : 'typewriter';
  for (const tab of tabs) {
    const isShown = tab.dataset.tab === shown;
    tab.setAttribute('aria-selected', String(isShown));
    // The Tab key reaches the selected tab, and the arrow keys reach the others.
    tab.tabIndex = isShown ? 0 : -1;
  }
  for (const [name, { section, shown: onShown, hidden: onHidden }] of Object.entries(systems)) {
    const wasHidden = section.hidden;
    section.hidden = name !== shown;
    if (name === shown) onShown?.();
    else if (!wasHidden) onHidden?.();
  }
}

window.addEventListener('hashchange', show);
show();
