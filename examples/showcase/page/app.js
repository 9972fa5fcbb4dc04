// The tabs. Each system is a module that gets its section; some want to know when they are shown.

import * as chat from './chat.js';
import * as monitor from './monitor.js';
import * as notifications from './notifications.js';
import * as proxy from './proxy.js';
import * as rooms from './rooms.js';
import * as typewriter from './typewriter.js';

const systems = { typewriter, chat, notifications, rooms, monitor, proxy };
const tabs = [...document.querySelectorAll('[role=tab]')];

for (const [name, system] of Object.entries(systems)) {
  const section = document.getElementById(name);
  section.setAttribute('aria-labelledby', `tab-${name}`);
  systems[name] = { section, ...system.init(section) };
}

for (const tab of tabs) {
  tab.id = `tab-${tab.dataset.tab}`;
  tab.setAttribute('aria-controls', tab.dataset.tab);
  tab.addEventListener('click', () => { location.hash = `/${tab.dataset.tab}`; });
}

function show() {
  // The slash, so that the address names no element to scroll to.
  const wanted = location.hash.slice('#/'.length);
  const shown = Object.hasOwn(systems, wanted) ? wanted : 'typewriter';
  for (const tab of tabs) tab.setAttribute('aria-selected', String(tab.dataset.tab === shown));
  for (const [name, { section, shown: onShown, hidden: onHidden }] of Object.entries(systems)) {
    const wasHidden = section.hidden;
    section.hidden = name !== shown;
    if (name === shown) onShown?.();
    else if (!wasHidden) onHidden?.();
  }
}

window.addEventListener('hashchange', show);
show();
