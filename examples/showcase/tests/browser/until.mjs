import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';

/** Waits until a value passes the check. */
export async function until(what, get, isRight, milliseconds = 10_000) {
  const end = Date.now() + milliseconds;
  let value = await get();
  while (!isRight(value)) {
    assert(Date.now() < end, `${what}: still ${JSON.stringify(value)}`);
    await pause(20);
    value = await get();
  }
  return value;
}
