// Tests each of the systems in a real browser, as a person uses it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test as anyTest } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { browserName, closeAll, picture, startBridge, startBrowser, startNginx, startServer, takeWorkersOffline, visit } from './harness.mjs';
import { ask, enter, figure, heard, isLive, say, type } from './steps.mjs';
import { until } from './until.mjs';

/** Fails a test that hangs. */
const test = (name, run) => anyTest(name, { timeout: 90_000 }, run);

let server;
let browser;

before(async () => {
  server = await startServer();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  // The server ends its open streams, and then itself.
  const code = await server?.interrupt();
  closeAll();
  assert.equal(code, 0);
});

test("stream.js: the project's vectors in the browser", async () => {
  const { page, close } = await visit(browser, server.address, 'proxy');
  const { cases } = JSON.parse(readFileSync(new URL('../../../../tests/vectors.json', import.meta.url)));
  const script = readFileSync(new URL('vectors.mjs', import.meta.url), 'utf8');
  const wrong = await page.evaluate(async ([cases, script]) => {
    const { Parser } = await import('/stream.js');
    const { check, splits } = await import(`data:text/javascript,${encodeURIComponent(script)}`);
    return Object.values(splits).flatMap((split) => cases.flatMap((vector) => check(Parser, vector, split)));
  }, [cases, script]);
  assert(cases.length > 500);
  assert.deepEqual(wrong, []);
  await close();
});

test('typewriter: it types by itself at first sight', async () => {
  const { section, page, close } = await visit(browser, server.address, 'typewriter');
  await until('some text', () => section.locator('.paper').textContent(), (text) => text.startsWith('Server-Sent'));
  await isLive({ connection: page.locator('#connection .status') });
  await picture(page, 'typewriter-first');
  await close();
});

test('typewriter: a text appears character by character', async () => {
  const visitor = await visit(browser, server.address, 'typewriter');
  const { page, section, status, close } = visitor;
  const text = '你好,世界!Hello 👩‍💻'.repeat(4);
  await type(visitor, text);

  const paper = section.locator('.paper');
  const seen = new Set();
  // Reads all of it at once, because the typing continues.
  const half = await until('half of the text', async () => {
    const now = await section.evaluate((element) => {
      const paper = element.querySelector('.paper');
      const { animationName } = getComputedStyle(paper, '::after');
      return { text: paper.textContent, animationName, progress: element.querySelector('progress').value };
    });
    seen.add(now.text);
    return now;
  }, (now) => now.text.length > text.length / 2);
  assert.notEqual(half.text, text);
  assert.equal(half.animationName, 'blink', 'the cursor');
  assert(half.progress > 0 && half.progress < 1, `progress ${half.progress}`);

  await until('the status', () => status.textContent(), (said) => said === 'done: 52 characters');
  assert.equal(await paper.textContent(), text);
  assert.equal(await paper.evaluate((element) => getComputedStyle(element, '::after').display), 'none', 'the cursor takes no room');
  assert.equal(await section.locator('progress').evaluate((element) => element.value), 1);
  for (const part of seen) assert(text.startsWith(part), part);
  assert(seen.size > 2, 'not all at once');

  // Each row shows the bytes next to their meaning.
  const rows = section.locator('.wire li');
  assert.equal(await rows.count(), 54, 'start, 52 chunks, end');
  assert.equal(await rows.nth(1).locator('pre').textContent(), 'event: chunk\\n\nid: 1\\n\ndata: {"type":"chunk","char":"你","index":0,"total":52}\\n\n\\n\n');
  assert.deepEqual(await rows.nth(1).locator('dd').allTextContents(), ['chunk', '{"type":"chunk","char":"你","index":0,"total":52}', '1']);
  await picture(page, 'typewriter');
  await close();
});

test('typewriter: it continues in another tab, and after the button Cut', async () => {
  const visitor = await visit(browser, server.address, 'typewriter');
  const { page, section, status, close } = visitor;
  const text = '一二三四五六七八九十'.repeat(6);
  await type(visitor, text);
  await until('some of the text', () => section.locator('.paper').textContent(), (now) => now.length > 3);
  await page.getByRole('tab', { name: 'Chat' }).click();
  await pause(300);
  await page.getByRole('tab', { name: 'Typewriter' }).click();
  await section.getByRole('button', { name: 'Cut' }).click();
  await until('the text', () => status.textContent(), (said) => said === 'done: 60 characters', 20_000);
  assert.equal(await section.locator('.paper').textContent(), text);
  await close();
});

test('a text and an answer continue where they were cut', async () => {
  const bridge = await startBridge(server.address);
  const typewriter = await visit(browser, bridge.address, 'typewriter');
  const chats = { post: await visit(browser, bridge.address, 'chat'), get: await visit(browser, bridge.address, 'chat') };
  const text = '一二三四五六七八九十'.repeat(12);
  await type(typewriter, text);
  for (const how of ['post', 'get']) await ask(chats[how], '为什么?', how);
  const paper = typewriter.section.locator('.paper');
  const outputs = { text: paper, post: chats.post.section.locator('.bubble').last(), get: chats.get.section.locator('.bubble').last() };
  for (const [what, output] of Object.entries(outputs)) {
    await until(`some of ${what}`, () => output.textContent(), (now) => now.length > 5);
  }
  bridge.cut();
  assert((await paper.textContent()).length < text.length, 'it was cut before the end');
  await until('the text', () => typewriter.status.textContent(), (said) => said === 'done: 120 characters', 20_000);
  assert.equal(await paper.textContent(), text);
  for (const how of ['post', 'get']) {
    await until(`the answer by ${how}`, () => chats[how].status.textContent(), (said) => said.startsWith('done: '), 20_000);
    assert.match(await outputs[how].textContent(), /^你问的是:“为什么\?”。服务器每想出一个词,.*又省钱。🙂$/s);
    await chats[how].close();
  }
  await typewriter.close();
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
  test(`chat: the button Stop stops the server, even after a cut, by ${how}`, async () => {
    const bridge = await startBridge(server.address);
    const visitor = await visit(browser, bridge.address, 'chat');
    const { section, status, close } = visitor;
    for (const isCut of [false, true]) {
      await ask(visitor, 'Why?', how);
      await until('some tokens', () => status.textContent(), (said) => /^[5-9] tokens$/.test(said));
      if (isCut) {
        bridge.cut();
        await until('more tokens', () => status.textContent(), (said) => /^(1[2-9]|[2-9]\d) tokens$/.test(said), 20_000);
      }
      await section.getByRole('button', { name: 'Stop' }).click();
      const said = await until('the server', () => status.textContent(), (said) => said.includes('the server stopped'));
      const [, here, there] = /after (\d+) tokens; the server stopped after (\d+)$/.exec(said);
      // A token takes 25 ms, and a busy machine needs some time to notice the end. The whole answer
      // has 120 tokens.
      assert(Number(there) >= Number(here) && Number(there) - Number(here) <= 12, said);
      const answer = await section.locator('.bubble').last().textContent();
      assert(answer.length > 0 && answer.length < 250, 'a part of the answer stays');
    }
    await ask(visitor, 'And now?', how);
    await until('the next answer', () => status.textContent(), (said) => said.startsWith('done: '));
    await close();
    bridge.close();
  });
}

test('chat: a stop gives the unused quota back, and without a quota it says so', async (t) => {
  const own = await startServer({ quota: 700 });
  t.after(() => own.kill());
  const visitor = await visit(browser, own.address, 'chat');
  const { page, section, status, close } = visitor;
  const bill = section.locator('.bill');
  const left = async () => Number(/^(\d+) of 700 tokens left; all are back in 10 min\.$/.exec(await bill.textContent())?.[1]);
  await until('the quota', () => bill.textContent(), (said) => said === '700 of 700 tokens left.');
  await ask(visitor, 'Why?', 'post');
  await until('the reservation', () => bill.textContent(), (said) => /^300 of 700 tokens left, \d+ reserved for answers in progress; /.test(said));
  await picture(page, 'quota');
  await section.getByRole('button', { name: 'Stop' }).click();
  await until('what came back', left, (count) => count > 650 && count < 700);
  for (const how of ['post', 'get', 'post']) {
    const before = await left();
    await ask(visitor, 'Why?', how);
    await until('the end', () => status.textContent(), (said) => said === 'done: 132 tokens', 20_000);
    await until('what is left', left, (count) => count === before - 132);
  }
  const rest = await left();

  await ask(visitor, 'And now?', 'post');
  const refused = new RegExp(`^waiting \\d{3} s: the server answered 429: an answer needs up to 400 tokens; you have ${rest} left$`);
  await until('the reason', () => status.textContent(), (said) => refused.test(said));
  await picture(page, 'no-quota');
  await section.getByRole('button', { name: 'Stop' }).click();
  assert.equal(await section.getByLabel('Question').inputValue(), 'And now?');
  // `EventSource` hides the reason; the line below shows it.
  await ask(visitor, 'And now?', 'get');
  await until('no reason', () => status.textContent(), (said) => said === 'not asked: EventSource got no stream, and does not say why');
  assert.equal(await section.getByLabel('Question').inputValue(), 'And now?');
  await until('the reason', left, (count) => count === rest);
  await close();
});

test('notifications: a cut loses and doubles nothing', async () => {
  const { page, section, close } = await visit(browser, server.address, 'notifications');
  await until('the connection', () => figure(section, 'state'), (state) => state === 'live');
  // The client waits for a random time of up to a second, so a cut may miss nothing.
  for (let cut = 1; cut <= 5; cut += 1) {
    const received = Number(await figure(section, 'received'));
    await section.getByRole('button', { name: 'Cut the connection' }).click();
    await pause(1000);
    await until('the return', () => figure(section, 'received'), (count) => Number(count) > received + 2, 20_000);
  }
  assert(Number(await figure(section, 'replayed')) > 0, 'something was missed');
  await picture(page, 'notifications');
  assert.equal(await figure(section, 'lost'), '0');
  assert.equal(await figure(section, 'doubled'), '0');
  for (const channel of ['order', 'system']) {
    const notes = await section.locator(`.feed .${channel} small`).allTextContents();
    const numbers = notes.map((note) => parseInt(note.split(' ')[1], 10));
    assert(numbers.length > 1);
    assert.deepEqual(numbers.toReversed(), numbers.map((_, index) => numbers.at(-1) + index), 'each once, in order');
  }

  // While another tab is shown, they are counted, and the tabs do not move.
  const place = await page.getByRole('tab', { name: 'Proxy' }).boundingBox();
  await page.getByRole('tab', { name: 'Typewriter' }).click();
  await until('the badge', () => page.locator('#unread').textContent(), (count) => Number(count) >= 2);
  assert.deepEqual(await page.getByRole('tab', { name: 'Proxy' }).boundingBox(), place);
  await close();
});

test('notifications: channels that are off are not lost, and any data is shown', async () => {
  const { page, section, close } = await visit(browser, server.address, 'notifications');
  await until('both', () => section.locator('.feed .order').count(), (count) => count >= 2);
  await section.getByLabel('orders').uncheck();
  const at = await section.locator('.feed .order').count();
  await until('system events', () => section.locator('.feed .system').count(), (count) => count >= 3);
  assert.equal(await section.locator('.feed .order').count(), at);
  await section.getByLabel('orders').check();
  await until('orders again', () => section.locator('.feed .order').count(), (count) => count >= at + 2);
  assert.equal(await figure(section, 'lost'), '0');
  assert.equal(await figure(section, 'doubled'), '0');
  for (const data of ['text', 7, null, ['a'], { a: 1 }, { text: { b: 2 } }]) {
    await page.request.post(`${server.address}/notifications`, { data: { channel: 'system', data } });
    await section.locator('.feed').getByText(JSON.stringify(data), { exact: true }).waitFor();
  }
  await close();
});

test('notifications: for one user, with a header and with one-time tokens', async () => {
  const bridge = await startBridge(server.address);
  const { section, close } = await visit(browser, bridge.address, 'notifications');
  const personal = section.locator('.personal');
  await personal.locator('summary').first().click();
  for (const how of ['header', 'token']) {
    await personal.getByLabel('User').fill(`小明 ${how}`);
    await personal.getByLabel('How to show').selectOption(how);
    await personal.getByRole('button', { name: 'Listen' }).click();
    const data = () => personal.locator('dd').filter({ hasText: 'letter' }).count();
    const status = () => personal.locator('.status').textContent();
    const live = () => until('the connection', status, (said) => said === 'live', 20_000);
    await live();
    await personal.getByRole('button', { name: 'Send me one' }).click();
    await until('the letter', data, (count) => count === 1);
    bridge.cut();
    await until('the cut', status, (said) => said !== 'live');
    // The client may be away or back by now. Either way, the letter arrives once.
    await personal.getByRole('button', { name: 'Send me one' }).click();
    await until('the other letter', data, (count) => count === 2, 20_000);
    await live();
    await pause(300);
    assert.equal(await data(), 2);
  }
  await close();
  bridge.close();
});

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
  await until('the second message', () => heard(ada), (all) => all.length === 2);
  await say(ada, 'good');
  const expected = ['Ada: 你好,小明!', '小明: line one <b>not bold</b>\u2028still one', 'Ada: good'];
  for (const visitor of [ada, ming]) {
    assert.deepEqual(await until('three messages', () => heard(visitor), (all) => all.length === 3), expected);
  }
  assert.deepEqual(await heard(other), []);
  assert.equal(await ada.section.locator('.mine').count(), 2);
  await picture(ada.page, 'rooms');

  // One leaves with the button, another by closing the window.
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

test('rooms: any name, and two people with the same one', async () => {
  const one = await visit(browser, server.address, 'rooms');
  const two = await visit(browser, server.address, 'rooms');
  for (const room of ['.', '..', '/', '%2e', '<img src=x onerror=alert(1)>', 'a,b']) {
    await enter(one, room, 'Ada');
    await enter(two, room, 'Ada');
    await until('both', () => one.status.textContent(), (said) => /^2 here: Ada \(\d+\), Ada \(\d+\)$/.test(said));
    await say(one, room);
    const [said] = await until('the message', () => heard(two), (all) => all.length === 1);
    assert.match(said, /^Ada \(\d+\): /);
    assert(said.endsWith(room));
    assert.equal(await two.section.locator('.mine').count(), 0, 'somebody else said it');
    await one.section.locator('.mine').waitFor();
    for (const visitor of [one, two]) await visitor.section.getByRole('button', { name: 'Leave' }).click();
  }
  // The server refuses this room, and the other channels stay open.
  await one.section.getByLabel('Room').fill(' ');
  await one.section.getByRole('button', { name: 'Enter' }).click();
  await until('the refusal', () => one.status.textContent(), (said) => said === 'not admitted: names have 1 to 40 characters');
  await isLive(one);
  await one.close();
  await two.close();
});

for (const [how, scripts] of [['a shared worker', []], ['a hub in each page', ['delete window.SharedWorker']]]) {
  test(`a reload loses nothing, with ${how}`, async () => {
    const ada = await visit(browser, server.address, 'rooms', { scripts });
    const bob = await visit(browser, server.address, 'rooms', { scripts });
    await ada.open('monitor');
    await enter(ada, 'library', 'Ada');
    await enter(bob, 'library', 'Bob');
    await until('both', () => ada.status.textContent(), (said) => said === '2 here: Ada, Bob');
    await say(ada, 'before');
    await until('the message', () => heard(bob), (all) => all.length === 1);
    await ada.section.getByLabel('Message', { exact: true }).fill('half a sent');
    const reloaded = ada.page.reload();
    for (let number = 0; number < 10; number += 1) {
      await say(bob, `meanwhile ${number}`);
      await until('it is said', () => bob.section.getByLabel('Message', { exact: true }).inputValue(), (text) => text === '');
    }
    await reloaded;
    await until('them again', () => ada.status.textContent(), (said) => said === '2 here: Ada, Bob');
    const all = await until('all messages', () => heard(ada), (all) => all.length >= 11);
    assert.deepEqual(all, ['Ada: before', ...Array.from({ length: 10 }, (_, number) => `Bob: meanwhile ${number}`)]);
    assert.equal(await ada.section.getByLabel('Message', { exact: true }).inputValue(), 'half a sent');
    assert.equal(await bob.section.getByText('Ada has left').count(), 0);
    assert.equal(await ada.section.locator('.mine').count(), 1);
    await ada.close();
    await bob.close();
  });
}

test('the windows of one browser share one connection', async () => {
  const visitor = await visit(browser, server.address, 'rooms');
  const windows = [visitor];
  for (let count = 1; count < 8; count += 1) windows.push(await visitor.open('rooms'));
  for (const [number, window] of windows.entries()) await enter(window, 'square', `P${number}`);
  for (const [number, window] of windows.entries()) await say(window, `from ${number}`);
  for (const window of windows) await until('all messages', () => heard(window), (all) => all.length === 8);
  const typewriter = await visitor.open('typewriter');
  await type(typewriter, 'abc');
  await until('the text', () => typewriter.status.textContent(), (said) => said === 'done: 3 characters');
  const monitor = await visitor.open('monitor');
  await until('few streams for ten windows', () => figure(monitor.section, 'connections'), (count) => Number(count) >= 1 && Number(count) <= 3);
  await visitor.close();
});

for (const isBehindNginx of [false, true]) {
  test(`the page shows a restart of the server, ${isBehindNginx ? 'behind nginx' : 'without nginx'}`, async (t) => {
    let own = await startServer({ pace: 100 });
    t.after(() => own.kill());
    const nginx = isBehindNginx ? await startNginx(own.port) : undefined;
    t.after(() => nginx?.close());
    if (isBehindNginx && nginx === undefined) {
      t.skip('nginx is not installed');
      return;
    }
    const visitor = await visit(browser, nginx?.address ?? own.address, 'rooms');
    const notifications = await visitor.open('notifications');
    const monitor = await visitor.open('monitor');
    const chat = await visitor.open('chat');
    const proxy = await visitor.open('proxy');
    await enter(visitor, 'tea', 'Ada');
    await until('notifications', () => figure(notifications.section, 'received'), (count) => Number(count) > 3);
    await until('figures', () => figure(monitor.section, 'cpu'), (value) => value.endsWith('%'));
    await proxy.section.getByRole('button', { name: 'Ask' }).click();
    await until('some of the answer', () => proxy.section.locator('.paper').textContent(), (text) => text.length > 10);
    await own.kill();

    await until('the state', () => visitor.connection.textContent(), (said) => /^waiting \d+ s: /.test(said));
    await monitor.section.locator('xpath=self::*[contains(@class, "is-stale")]').waitFor();
    assert.equal(await monitor.status.textContent(), 'not connected; these figures are old');
    assert.equal(await visitor.status.textContent(), 'not connected');
    // Text typed now stays in its field.
    await visitor.section.getByLabel('Message', { exact: true }).fill('hello?');
    assert(await visitor.section.getByRole('button', { name: 'Say' }).isDisabled());
    await ask(chat, 'Are you there?', 'post');
    await until('the question waits', () => chat.status.textContent(), (said) => said.includes('waiting'));
    assert.equal(await chat.section.getByLabel('Question').inputValue(), 'Are you there?');
    await until('the button', () => visitor.page.locator('#connection').getByRole('button', { name: 'Reconnect' }).isVisible(), Boolean);
    await picture(visitor.page, `restart-${isBehindNginx ? 'nginx' : 'plain'}`);

    own = await startServer({ port: own.port, pace: 100 });
    // Reconnects earlier than they would by themselves, unless they are already back.
    for (const part of [chat.section, visitor.page.locator('#connection')]) {
      await part.getByRole('button', { name: 'Reconnect' }).click({ timeout: 500 }).catch(() => {});
    }
    await isLive(visitor);
    await until('the room', () => visitor.status.textContent(), (said) => said === '1 here: Ada');
    await visitor.section.getByRole('button', { name: 'Say' }).click();
    assert.deepEqual(await until('the message', () => heard(visitor), (all) => all.length === 1), ['Ada: hello?']);
    await until('the answer', () => chat.status.textContent(), (said) => said.startsWith('done: '), 20_000);
    await until('new figures', () => monitor.status.textContent(), (said) => said === 'one sample a second');
    await until('that some are gone', () => figure(notifications.section, 'lost'), (lost) => lost === '0 or more');
    assert.equal(await notifications.section.locator('.feed .gap').count(), 1);
    assert.equal(await figure(notifications.section, 'doubled'), '0');
    // The page must not ask the provider again without being asked.
    await until('the proxy', () => proxy.status.textContent(), (said) => said.includes('no longer has this answer'), 20_000);
    await visitor.close();
    assert.equal(await own.interrupt(), 0);
  });
}

for (const [how, scripts] of [['a shared worker', []], ['a hub in each page', ['delete window.SharedWorker']]]) {
  test(`offline and back, with ${how}`, async (t) => {
    const isShared = scripts.length === 0;
    if (isShared && browserName !== 'chromium') {
      t.skip('only of Chromium can a shared worker be taken off the network');
      return;
    }
    const visitor = await visit(browser, server.address, 'notifications', { scripts });
    const windows = [visitor, await visitor.open('notifications')];
    for (const window of windows) {
      await isLive(window);
      // A window that has received nothing yet cannot miss anything.
      await until('a notification', () => figure(window.section, 'received'), (count) => Number(count) > 0);
    }
    const bringWorkersBack = isShared ? await takeWorkersOffline(browser) : () => {};
    await visitor.context.setOffline(true);
    for (const { connection, section } of windows) {
      await until('the state', () => connection.textContent(), (said) => said === 'offline: the browser has no network');
      assert.equal(await figure(section, 'state'), 'offline');
    }
    await pause(500);
    await bringWorkersBack();
    await visitor.context.setOffline(false);
    for (const window of windows) {
      await isLive(window);
      await until('what was missed', () => figure(window.section, 'replayed'), (count) => Number(count) > 0);
      assert.equal(await figure(window.section, 'lost'), '0');
      assert.equal(await figure(window.section, 'doubled'), '0');
    }
    await visitor.close();
  });
}

test('monitor: live figures, and several channels over one connection', async () => {
  const { page, section, close } = await visit(browser, server.address, 'monitor');
  const points = async () => ((await section.locator('.chart .cpu').getAttribute('d')) ?? '').split(/[ML]/).length;
  await until('three samples', points, (count) => count >= 4);
  for (const name of ['cpu', 'memory', 'disk']) assert.match(await figure(section, name), /^\d+\.\d %$/);
  assert.match(await figure(section, 'process'), /^\d+\.\d MiB$/);
  await picture(page, 'monitor');

  const channels = section.locator('.channels');
  await channels.locator('summary').first().click();
  await channels.getByRole('button', { name: 'Listen' }).click();
  await until('all channels', () => channels.locator('dd').allTextContents(), (all) => (
    ['sample', 'presence', 'hello', 'order'].every((type) => all.includes(type))));
  await channels.getByLabel('Channels').fill('nonsense');
  await channels.getByRole('button', { name: 'Listen' }).click();
  await until('the refusal', () => channels.locator('.status').textContent(), (said) => said.startsWith('given up: the server answered 400: the channels are'));
  await close();
});

test('proxy: the answer is asked for once, and its failures are events', async () => {
  const { page, section, status, close } = await visit(browser, server.address, 'proxy');
  const paper = section.locator('.paper');
  const failures = {
    cut: 'not the whole answer: the upstream was cut off',
    length: 'not the whole answer: the provider ended it (length)',
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
  const requests = async () => (await (await page.request.get(`${server.address}/upstream/bill`)).json()).requests;
  const before = await requests();
  await section.getByLabel('Fault').selectOption('none');
  await section.getByRole('button', { name: 'Ask' }).click();
  for (const length of [20, 50, 80]) {
    await until('some of the answer', () => paper.textContent(), (text) => text.length > length);
    await section.getByRole('button', { name: 'Cut' }).click();
  }
  await until('the end', () => status.textContent(), (said) => /^done: \d+ characters$/.test(said), 20_000);
  const text = await paper.textContent();
  assert.match(text, /^你问的是:“你好”。.*🙂$/s);
  assert.equal(text.match(/你问的是/g).length, 1, 'once');
  assert.equal(await requests(), before + 1, 'paid once');
  assert.match(await section.locator('.bill').textContent(), /^The provider charges for \d+ requests, \d+ tokens\.$/);
  await picture(page, 'proxy');
  await close();
});

test('the keyboard reaches everything, and keeps its place', async () => {
  const { page, close } = await visit(browser, server.address, 'typewriter');
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.name);
  await page.getByRole('tab', { name: 'Typewriter' }).focus();
  await page.keyboard.press('ArrowRight');
  assert.equal(await focused(), 'Chat');
  assert(await page.locator('#chat').isVisible());
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await focused(), 'Proxy');
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');

  // Tab reaches the conversation, the question, the method, and Send.
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Why?');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'Send');
  await page.keyboard.press('Enter');
  assert.equal(await focused(), 'Stop');
  await until('tokens', () => page.locator('#chat .status').textContent(), (said) => /tokens/.test(said));
  await page.keyboard.press('Enter');
  assert.equal(await focused(), 'question');

  await page.getByRole('tab', { name: 'Rooms' }).click();
  await page.locator('#rooms').getByLabel('Name').fill('Ada');
  await page.keyboard.press('Enter');
  assert.equal(await focused(), 'text', 'the message');
  await close();
});

test('a box that is scrolled up stays there', async () => {
  const visitor = await visit(browser, server.address, 'chat');
  const { section, status, close } = visitor;
  for (let count = 0; count < 3; count += 1) {
    await ask(visitor, '什么?', 'post');
    await until('the end', () => status.textContent(), (said) => said.startsWith('done: '), 20_000);
  }
  const talk = section.locator('.talk');
  assert(await talk.evaluate((box) => box.scrollTop > 0), 'it follows the answer');
  await talk.evaluate((box) => { box.scrollTop = 0; });
  await ask(visitor, '什么?', 'post');
  await until('the end', () => status.textContent(), (said) => said.startsWith('done: '), 20_000);
  assert.equal(await talk.evaluate((box) => box.scrollTop), 0);
  await close();
});

test('HTML in every field stays text', async () => {
  const html = '<img src=x onerror="window.hurt = true"><b>bold</b>';
  const visitor = await visit(browser, server.address, 'typewriter');
  const { page, close } = visitor;
  await type(visitor, html);
  await until('the text', () => visitor.section.locator('.paper').textContent(), (text) => text === html);
  const chat = await visitor.open('chat');
  for (const how of ['post', 'get']) {
    await ask(chat, html, how);
    await until('the answer', () => chat.section.locator('.bubble').last().textContent(), (text) => text.includes(html));
    await until('the end', () => chat.status.textContent(), (said) => said.startsWith('done: '), 20_000);
  }
  const room = await visitor.open('rooms');
  const short = '<b onclick=hurt()>x</b>';
  await enter(room, short, short);
  await say(room, html);
  await until('the message', () => heard(room), (all) => all.length === 1 && all[0].includes(html));
  const notifications = await visitor.open('notifications');
  await isLive(notifications);
  await page.request.post(`${server.address}/notifications`, { data: { channel: 'system', data: { text: html } } });
  await notifications.section.locator('.feed').getByText(html).waitFor();
  const proxy = await visitor.open('proxy');
  await proxy.section.getByLabel('Prompt').fill(html);
  await proxy.section.getByRole('button', { name: 'Ask' }).click();
  await until('the answer', () => proxy.section.locator('.paper').textContent(), (text) => text.includes(html));
  for (const window of [visitor, chat, room, notifications, proxy]) {
    assert.equal(await window.page.locator('main img, main .bubble > b > b, .paper b, .feed b').count(), 0);
    assert.equal(await window.page.evaluate(() => window.hurt), undefined);
  }
  await close();
});

test('on a phone nothing is wider than the screen', async () => {
  const options = { viewport: { width: 390, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
  for (const tab of ['typewriter', 'chat', 'notifications', 'rooms', 'monitor', 'proxy']) {
    const visitor = await visit(browser, server.address, tab, options);
    const { page, section, close } = visitor;
    await isLive(visitor);
    if (tab === 'monitor') await until('figures', () => figure(section, 'cpu'), (value) => value.endsWith('%'));
    const [width, height] = await page.evaluate(() => [document.documentElement.scrollWidth, document.body.scrollHeight]);
    assert(width <= 390, `${tab} is ${width} wide`);
    assert(height > 300);
    const shown = await page.getByRole('tab', { selected: true }).boundingBox();
    assert(shown.x >= 0 && shown.x + shown.width <= 390, `the tab of ${tab} is out of sight`);
    await picture(page, `phone-${tab}`);
    await close();
  }
});
