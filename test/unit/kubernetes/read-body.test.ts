import { expect, test } from 'vitest';
import { readBody } from '../../../src/kubernetes/api-client.ts';

test('an answer is read up to a bound, and no further', async () => {
  let given = 0;
  async function* endless() {
    for (;;) {
      given += 1;
      yield Buffer.alloc(1_000);
    }
  }
  expect(await readBody(endless(), 10_000)).toBeUndefined();
  expect(given).toBe(11);
  async function* short() {
    yield Buffer.from('a');
    yield Buffer.from('b');
  }
  expect((await readBody(short(), 2))?.toString()).toBe('ab');
});
