/** Whatever an Envoy asks for by name, it gets what its own pod needs, and nothing that another one has. */
import { expect, test } from 'vitest';
import { runApp, untilReady } from '../support/running-app.ts';
import { until } from '../support/until.ts';
import { detour, endpointSlice, pod, service } from '../support/world/objects.ts';
import { decodeMessage } from '../support/xds/independent.ts';
import { type PlainNode, PlainStream, TYPES } from '../support/xds/plain-stream.ts';

const text = (value: string) => ({ stringValue: value });
const struct = (fields: object) => ({ structValue: { fields } });

function sidecar(id: string, port: number): PlainNode {
  const inbound = struct({ listen: text(`127.0.0.1:${port}`), app: text('127.0.0.1:1') });
  const fields = { inbound: { listValue: { values: [inbound] } }, outbound: text(`127.0.0.1:${port + 1}`) };
  return { id, metadata: { fields: { detour: struct(fields) } } };
}
const gateway: PlainNode = {
  id: 'gateway~shop/edge',
  metadata: { fields: { detour: struct({ listen: text('127.0.0.1:8080') }) } },
};

/** All that it is sent when it asks for everything, and then for what that names. */
async function everythingOf(port: number, node: PlainNode): Promise<PlainStream> {
  const stream = new PlainStream('delta', port, node, true);
  stream.ask(TYPES.clusters, ['*']);
  await until('clusters', () => stream.types.includes(TYPES.clusters));
  const names = (type: string) =>
    [...stream.resources.keys()].flatMap((key) => (key.startsWith(`${type} `) ? [key.slice(type.length + 1)] : []));
  stream.ask(TYPES.endpoints, names(TYPES.clusters));
  stream.ask(TYPES.listeners, ['*']);
  await until('listeners', () => stream.types.includes(TYPES.listeners));
  stream.ask(TYPES.routes, ['*', ...names(TYPES.listeners)]);
  await until('an answer for all that was asked', () => stream.types.includes(TYPES.routes));
  return stream;
}

test('a sidecar that names all that others have gets nothing of it', async () => {
  await using running = await runApp({
    prepare: async (manifests) => {
      for (const namespace of ['shop', 'bank'])
        await manifests.put(
          service({ namespace, name: 'api', annotations: detour({ host: `${namespace}.example.com` }) }),
          endpointSlice({ namespace, service: 'api', pod: 'api-0', port: 8080 }),
          pod({
            namespace,
            name: 'api-pr-1',
            key: 'pr-1',
            deployment: 'api-pr-1',
            port: 9000,
            annotations: detour({ intercept: 'api', match: `x-user=secret-of-the-${namespace}` }),
          }),
        );
    },
  });
  await untilReady(running);
  const { port } = running.app.xds;
  using bank = await everythingOf(port, sidecar('sidecar~bank/api-0', 8080));
  using edge = await everythingOf(port, gateway);
  using own = await everythingOf(port, sidecar('sidecar~shop/api-0', 8080));
  const others = new Set([...bank.resources.keys(), ...edge.resources.keys()]);
  const foreign = [...others].filter((each) => !own.resources.has(each));
  expect(foreign.some((each) => each.startsWith(TYPES.clusters))).toBe(true);
  expect(Buffer.concat([...bank.resources.values()]).includes('secret-of-the-bank')).toBe(true);

  using thief = await everythingOf(port, sidecar('sidecar~shop/api-0', 8080));
  for (const type of Object.values(TYPES)) {
    const wanted = foreign.flatMap((each) => (each.startsWith(`${type} `) ? [each.slice(type.length + 1)] : []));
    if (wanted.length > 0) thief.ask(type, [...wanted, 'bank/api:80', 'name-of-nothing']);
  }
  await until('an answer to all of it', () =>
    foreign.every((each) => thief.removed.has(each) || thief.resources.has(each) || each.startsWith(TYPES.endpoints)),
  );
  const got = [...thief.resources].filter(([name]) => !own.resources.has(name));
  expect(got.filter(([name]) => !name.startsWith(TYPES.endpoints))).toEqual([]);
  // Of a cluster that is not there, it is said that it has none.
  const assignments = got.map(([, bytes]) => decodeMessage('envoy.config.endpoint.v3.ClusterLoadAssignment', bytes));
  expect(assignments.flatMap(({ endpoints }) => endpoints)).toEqual([]);
  expect(Buffer.concat([...thief.resources.values()]).includes('secret-of-the-bank')).toBe(false);
});
