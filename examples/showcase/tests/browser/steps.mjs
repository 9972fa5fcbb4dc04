// Does what people do on the page, for the tests.

import { until } from './until.mjs';

/** Returns the figure of this name in a tab. */
export const figure = (section, name) => section.locator(`[data-figure=${name}]`).textContent();

/** Waits until the background stream is live. */
export const isLive = ({ connection }) => until('the connection', () => connection.textContent(), (said) => said === 'live', 20_000);

export const type = async ({ section }, text) => {
  await section.getByLabel('Text').fill(text);
  await section.getByRole('button', { name: 'Type' }).click();
};

export const ask = async ({ section }, question, how) => {
  await section.getByLabel('Question').fill(question);
  await section.getByLabel('How to ask').selectOption(how);
  await section.getByRole('button', { name: 'Send' }).click();
};

export const enter = async ({ section }, room, name) => {
  await section.getByLabel('Room').fill(room);
  await section.getByLabel('Name').fill(name);
  await section.getByRole('button', { name: 'Enter' }).click();
  await until('the room', () => section.locator('.status').first().textContent(), (said) => said.includes(' here: '), 20_000);
};

export const say = async ({ section }, text) => {
  await section.getByLabel('Message', { exact: true }).fill(text);
  await section.getByRole('button', { name: 'Say' }).click();
};

/** Returns the messages in a room, with their authors. */
export const heard = ({ section }) => section.locator('.bubble:not(.note)').evaluateAll((all) => all.map((bubble) => bubble.innerText.replace('\n', ': ')));
