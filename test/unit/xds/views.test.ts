import { expect, test } from 'vitest';
import { DEFAULT_CARRIERS } from '../../../src/model/carriers.ts';
import { proxyOf } from '../../../src/model/node.ts';
import type { Member } from '../../../src/xds/audience.ts';
import { Session } from '../../../src/xds/session.ts';
import { Views } from '../../../src/xds/views.ts';
import { Differences, EMPTY_MODEL, fakeResource } from '../../support/xds/fake-world.ts';

/** A gateway that listens where no other does. */
function gateway(port: number): Member {
  const proxy = proxyOf({ id: `gateway~shop/edge-${port}`, metadata: { detour: { listen: `127.0.0.1:${port}` } } });
  if ('error' in proxy) throw new Error(proxy.error);
  return {
    proxy,
    nodeId: `edge-${port}`,
    envoy: `edge-${port}`,
    start: (view) =>
      new Session({ id: `s${port}`, protocol: 'delta', isAggregated: true, view, now: 0, gateMs: 1, maxBytes: 1_000 }),
    wake: () => undefined,
  };
}

test('views that nobody reads are kept up to a number of resources, and the oldest go first', () => {
  let now = 0;
  const views = new Views({
    settings: { carriers: DEFAULT_CARRIERS, lua: '' },
    createTranslation: () => new Differences(() => ['a', 'b', 'c'].map((name) => fakeResource('cluster', name, ''))),
    now: () => now,
    idleMs: 60_000,
    maxIdle: 10,
    defer: () => undefined,
    onConverged: () => undefined,
  });
  views.publish(EMPTY_MODEL, undefined);
  const members = Array.from({ length: 6 }, (_, index) => gateway(8_000 + index));
  for (const member of members) views.join(member);
  expect([...views.views()]).toHaveLength(6);
  for (const member of members.slice(1)) {
    now += 1;
    views.leave(member);
  }
  // Three with three resources each; and the one that is read.
  const ports = [...views.views()].map(({ key }) => /80\d\d/.exec(key)?.[0]);
  expect(ports).toEqual(['8000', '8003', '8004', '8005']);
});
