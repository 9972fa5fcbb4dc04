// Each of the systems, used in a real browser as a person would.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { picture, startBridge, startBrowser, startServer, until, visit } from './harness.mjs';

let server;
let browser;

before(async () => {
  server = await startServer();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  // Streams that are still open end, and so does the server.
  assert.equal(await server?.interrupt(), 0);
});

test('typewriter: a text appears character by character', async () => {
  const { page, section, status, close } = await visit(browser, server.address, 'typewriter');
  const text = '你好,世界!Hello 👩‍💻';
  await section.getByLabel('Text').fill(text);
  await section.getByRole('button', { name: 'Type' }).click();

  const paper = section.locator('.paper');
  const seen = new Set();
  await until('half of the text', async () => {
    const now = await paper.textContent();
    seen.add(now);
    return now.length;
  }, (length) => length > 4);
  assert(await paper.evaluate((element) => element.classList.contains('is-on')), 'the cursor blinks');
  assert.equal(await paper.evaluate((element) => getComputedStyle(element, '::after').animationName), 'blink');
  const progress = await section.locator('progress').evaluate((element) => element.value);
  assert(progress > 0 && progress < 1, `progress ${progress}`);
  await picture(page, 'typewriter');

  await until('the status', () => status.textContent(), (said) => said === 'done: 13 characters');
  assert.equal(await paper.textContent(), text);
  assert(!await paper.evaluate((element) => element.classList.contains('is-on')), 'the cursor is gone');
  assert.equal(await section.locator('progress').evaluate((element) => element.value), 1);
  for (const part of seen) assert(text.startsWith(part), part);
  assert(seen.size > 2, 'not all at once');
  assert.equal(await section.locator('.wire li').count(), 15, 'start, 13 chunks, end');
  await close();
});

const ask = async ({ section }, question, how) => {
  await section.getByLabel('Question').fill(question);
  await section.getByLabel('How to ask').selectOption(how);
  await section.getByRole('button', { name: 'Send' }).click();
};

test('a text and an answer go on where they were cut', async () => {
  const bridge = await startBridge(server.address);
  const typewriter = await visit(browser, bridge.address, 'typewriter');
  const text = '一二三四五六七八九十'.repeat(8);
  await typewriter.section.getByLabel('Text').fill(text);
  await typewriter.section.getByRole('button', { name: 'Type' }).click();
  const chat = await visit(browser, bridge.address, 'chat');
  await ask(chat, '为什么?', 'get');
  const paper = typewriter.section.locator('.paper');
  const answer = chat.section.locator('.bubble').last();
  for (const [what, output] of [['text', paper], ['answer', answer]]) {
    await until(`some of the ${what}`, () => output.textContent(), (now) => now.length > 5);
  }
  bridge.cut();
  await until('the cut', () => typewriter.status.textContent(), (said) => said.includes('coming back'));
  assert((await paper.textContent()).length < text.length, 'it was cut before the end');

  await until('the text', () => typewriter.status.textContent(), (said) => said === 'done: 80 characters', 20_000);
  assert.equal(await paper.textContent(), text);
  await until('the answer', () => chat.status.textContent(), (said) => said.startsWith('done: '), 20_000);
  assert.match(await answer.textContent(), /^你问的是:“为什么\?”。服务器每想出一个词,.*又省钱。🙂$/s);
  await typewriter.close();
  await chat.close();
  bridge.close();
});

test('chat: the same answer by POST and by GET', async () => {
  const visitor = await visit(browser, server.address, 'chat');
  const { page, section, status, close } = visitor;
  const answers = [];
  for (const how of ['post', 'get']) {
    await ask(visitor, '什么是服务器推送?', how);
    const answer = section.locator('.bubble').last();
    const lengths = new Set();
    await until('the end', async () => {
      lengths.add((await answer.textContent()).length);
      return status.textContent();
    }, (said) => said.startsWith('done: '));
    assert(lengths.size > 5, `the answer came in ${lengths.size} steps`);
    answers.push(await answer.textContent());
  }
  assert.match(answers[0], /^你问的是:“什么是服务器推送\?”。.*\n.*又省钱。🙂$/s);
  assert.equal(answers[0], answers[1]);
  await picture(page, 'chat');
  await close();
});

for (const how of ['post', 'get']) {
  test(`chat: stop ends the work of the server, by ${how}`, async () => {
    const visitor = await visit(browser, server.address, 'chat');
    const { section, status, close } = visitor;
    await ask(visitor, 'Why?', how);
    await until('some tokens', () => status.textContent(), (said) => /^[5-9] tokens$/.test(said));
    await section.getByRole('button', { name: 'Stop' }).click();
    const said = await until('the server', () => status.textContent(), (said) => said.includes('the server stopped'));
    const [, here, there] = /after (\d+) tokens; the server stopped after (\d+)$/.exec(said);
    assert(Number(there) - Number(here) <= 3, said);
    assert(Number(here) < 15, said);
    const answer = await section.locator('.bubble').last().textContent();
    assert(answer.length > 0 && answer.length < 100, 'a part of the answer stays');
    await ask(visitor, 'And now?', how);
    await until('the next answer', () => status.textContent(), (said) => said.startsWith('done: '));
    await close();
  });
}

const figure = async (section, name) => section.locator(`[data-figure=${name}]`).textContent();

test('notifications: a cut loses and doubles nothing', async () => {
  const { page, section, close } = await visit(browser, server.address, 'notifications');
  await until('the connection', () => figure(section, 'state'), (state) => state === 'open');
  for (let cut = 1; cut <= 3; cut += 1) {
    const before = Number(await figure(section, 'replayed'));
    await section.getByRole('button', { name: 'Cut the connection' }).click();
    await until('the cut', () => figure(section, 'state'), (state) => state === 'cut');
    const data = { text: `said while you were away, ${cut}` };
    await page.request.post(`${server.address}/notifications`, { data: { channel: 'system', data } });
    await until('the return', () => figure(section, 'state'), (state) => state === 'open');
    await until('what was missed', () => figure(section, 'replayed'), (count) => Number(count) > before);
    await until('the message', () => section.locator('.feed').getByText(data.text).count(), (count) => count === 1);
  }
  await picture(page, 'notifications');
  assert.equal(await figure(section, 'lost'), '0');
  assert.equal(await figure(section, 'doubled'), '0');
  const numbers = await section.locator('.feed small').evaluateAll((all) => all.map((small) => parseInt(small.textContent, 10)));
  const first = numbers.at(-1);
  assert.deepEqual(numbers.toReversed(), numbers.map((_, index) => first + index), 'each once, in order');

  // In another tab they are counted.
  await page.getByRole('tab', { name: 'Typewriter' }).click();
  await until('the badge', () => page.locator('#unread').textContent(), (count) => Number(count) >= 2);
  await close();
});

test('notifications: only the channels that are wanted', async () => {
  const { section, close } = await visit(browser, server.address, 'notifications');
  await section.getByLabel('orders').uncheck();
  const at = await section.locator('.feed .order').count();
  await until('system events', () => section.locator('.feed .system').count(), (count) => count >= 3);
  assert.equal(await section.locator('.feed .order').count(), at);
  await close();
});

const enter = async ({ section }, room, name) => {
  await section.getByLabel('Room').fill(room);
  await section.getByLabel('Name').fill(name);
  await section.getByRole('button', { name: 'Enter' }).click();
  await section.getByRole('button', { name: 'Say' }).and(section.locator(':enabled')).waitFor();
};

const say = async ({ section }, text) => {
  await section.getByLabel('Message').fill(text);
  await section.getByRole('button', { name: 'Say' }).click();
};

const heard = ({ section }) => section.locator('.bubble:not(.note)').evaluateAll((all) => all.map((bubble) => bubble.innerText.replace('\n', ': ')));

test('rooms: two browsers in one room, and one in another', async () => {
  const ada = await visit(browser, server.address, 'rooms');
  const ming = await visit(browser, server.address, 'rooms');
  const other = await visit(browser, server.address, 'rooms');
  await enter(ada, '茶馆', 'Ada');
  await enter(ming, '茶馆', '小明');
  await enter(other, 'garden', 'Eve');
  await until('both', () => ada.status.textContent(), (said) => said === '2 here: Ada, 小明');
  await until('her arrival', () => ada.section.getByText('小明 is here').count(), (count) => count === 1);

  await say(ada, '你好,小明!');
  await until('the first message', () => heard(ming), (all) => all.length === 1);
  await say(ming, 'line one <b>not bold</b>\u2028still one');
  await say(ada, 'good');
  const expected = ['Ada: 你好,小明!', '小明: line one <b>not bold</b>\u2028still one', 'Ada: good'];
  for (const visitor of [ada, ming]) {
    const all = await until('three messages', () => heard(visitor), (all) => all.length === 3);
    assert.deepEqual(all.toSorted(), expected.toSorted());
  }
  assert.deepEqual(await heard(other), []);
  await picture(ada.page, 'rooms');

  // One leaves by the button, another by closing the window.
  await ming.section.getByRole('button', { name: 'Leave' }).click();
  await until('that he left', () => ada.status.textContent(), (said) => said === '1 here: Ada');
  assert.equal(await ada.section.getByText('小明 has left').count(), 1);
  await enter(ming, '茶馆', '小明');
  await until('both again', () => ada.status.textContent(), (said) => said === '2 here: Ada, 小明');
  await ming.close();
  await until('that he left again', () => ada.status.textContent(), (said) => said === '1 here: Ada');
  await ada.close();
  await other.close();
});

test('monitor: live figures, and several channels over one connection', async () => {
  const { page, section, close } = await visit(browser, server.address, 'monitor');
  const points = async () => ((await section.locator('polyline.cpu').getAttribute('points')) ?? '').split(' ').length;
  await until('three samples', points, (count) => count >= 3);
  assert.match(await figure(section, 'cpu'), /^\d+\.\d %$/);
  assert.match(await figure(section, 'memory'), /^\d+\.\d %$/);
  assert.match(await figure(section, 'process'), /^\d+\.\d MiB$/);
  assert(Number(await figure(section, 'connections')) >= 2, 'this one, and the notifications');

  const channels = section.locator('.channels');
  await channels.locator('summary').click();
  await channels.getByRole('button', { name: 'Listen' }).click();
  await until('all channels', () => channels.locator('li b').allTextContents(), (names) => {
    const types = names.map((name) => name.split(' ')[0]);
    return ['sample', 'presence', 'hello', 'order'].every((type) => types.includes(type));
  });
  await picture(page, 'monitor');
  await channels.getByLabel('Channels').fill('nonsense');
  await channels.getByRole('button', { name: 'Listen' }).click();
  await until('the refusal', () => channels.locator('li').allTextContents(), (all) => all.some((text) => text.includes('no such channel')));
  await close();
});

test('proxy: an answer told anew, and its failures as events', async () => {
  const { page, section, status, close } = await visit(browser, server.address, 'proxy');
  const paper = section.locator('.paper');
  const failures = {
    cut: 'not the whole answer: the upstream was cut off',
    error: 'not the whole answer: the model is overloaded',
    busy: 'not the whole answer: the upstream answered 429 Too Many Requests',
  };
  for (const [fault, message] of Object.entries(failures)) {
    await section.getByLabel('Prompt').fill('你好');
    await section.getByLabel('Fault').selectOption(fault);
    await section.getByRole('button', { name: 'Ask' }).click();
    await until(fault, () => status.textContent(), (said) => said === message);
    const text = await paper.textContent();
    assert(fault === 'busy' ? text === '' : text.startsWith('你问的是'), `${fault}: ${text}`);
  }
  await picture(page, 'proxy');
  await section.getByLabel('Fault').selectOption('none');
  await section.getByRole('button', { name: 'Ask' }).click();
  await until('the end', () => status.textContent(), (said) => /^done: \d+ characters$/.test(said));
  assert.match(await paper.textContent(), /^你问的是:“你好”。.*🙂$/s);
  await close();
});

test('on a phone nothing is wider than the screen', async () => {
  const options = { viewport: { width: 375, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
  for (const tab of ['typewriter', 'chat', 'notifications', 'rooms', 'monitor', 'proxy']) {
    const { page, close } = await visit(browser, server.address, tab, options);
    const [width, height] = await page.evaluate(() => [document.documentElement.scrollWidth, document.body.scrollHeight]);
    assert(width <= 375, `${tab} is ${width} wide`);
    assert(height > 300);
    const shown = await page.getByRole('tab', { selected: true }).boundingBox();
    assert(shown.x >= 0 && shown.x + shown.width <= 375, `the tab of ${tab} is out of sight`);
    await picture(page, `phone-${tab}`);
    await close();
  }
});
