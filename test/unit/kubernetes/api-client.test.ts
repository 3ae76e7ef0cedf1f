import { expect, test } from 'vitest';
import type { Access } from '../../../src/kubernetes/access.ts';
import { HttpApiClient, isFailure, readBody } from '../../../src/kubernetes/api-client.ts';
import { FakeApiServer, sendStatus } from '../../support/kubernetes/fake-api-server.ts';
import { until } from '../../support/until.ts';

/** Counts how often somebody asks who we are. */
function counted(access: Access): Access & { readonly asked: () => number } {
  let asked = 0;
  return {
    ...access,
    connect: () => {
      asked += 1;
      return access.connect();
    },
    asked: () => asked,
  };
}

async function ask(client: HttpApiClient): Promise<boolean> {
  const { signal } = new AbortController();
  const answer = await client.get({ path: '/api/v1/services', query: { limit: 1 }, resource: 'services', signal });
  if (!isFailure(answer)) await readBody(answer.body, 100_000);
  return !isFailure(answer);
}

test('credentials are read again a moment later, and at once when the server does not accept them', async () => {
  await using fake = await FakeApiServer.start();
  const access = counted(fake.access);
  using client = new HttpApiClient(access);
  fake.fault = (_request, response) => {
    sendStatus(response, 401, 'who is that');
    return true;
  };
  expect(await ask(client)).toBe(false);
  fake.fault = () => false;
  expect(await ask(client)).toBe(true);
  const before = access.asked();
  expect(before).toBe(2);
  // Not for each request of many.
  for (let requests = 0; requests < 200; requests += 1) await ask(client);
  expect(access.asked()).toBeLessThan(100);
  await until('them to be read again', async () => (await ask(client)) && access.asked() > before);
});
