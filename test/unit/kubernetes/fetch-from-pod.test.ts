/** A GET to a pod's port through WebSockets like the API server's; the real one is in test/cluster. */
import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import type { Access } from '../../../src/kubernetes/access.ts';
import { isFailure } from '../../../src/kubernetes/api-client.ts';
import { fetchFromPod } from '../../../src/kubernetes/fetch-from-pod.ts';
import { startForwardingServer } from '../../support/kubernetes/forwarding-server.ts';
import { freePort } from '../../support/ports.ts';

const never = new AbortController().signal;

function accessTo(server: URL, token = 'secret'): Access {
  const rest = { ca: undefined, certificate: undefined, key: undefined, serverName: undefined, isInsecure: false };
  return { name: 'test', connect: async () => ({ server, token, ...rest }), forget: () => undefined };
}

/** Answers every path with itself, after `padding` bytes. */
async function startPod(padding = 0): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((request, response) => response.end('x'.repeat(padding) + request.url));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port, [Symbol.asyncDispose]: stop };
}

test('a pod answers, through the API server', async () => {
  await using pod = await startPod();
  const pods = new Map([['detour-system/detour-0', { host: '127.0.0.1', port: pod.port }]]);
  await using server = await startForwardingServer({ pods, token: 'secret' });
  const to = { namespace: 'detour-system', pod: 'detour-0', port: 19_000 };
  expect(await fetchFromPod(accessTo(server.url), to, '/api/intercepts?key=a', never)).toEqual({
    status: 200,
    body: '/api/intercepts?key=a',
  });
  expect(server.asked).toEqual(['/api/v1/namespaces/detour-system/pods/detour-0/portforward?ports=19000']);
});

test('long answers come whole', async () => {
  const padding = 3_000_000;
  await using pod = await startPod(padding);
  await using server = await startForwardingServer({
    pods: new Map([['a/b', { host: '127.0.0.1', port: pod.port }]]),
    token: 'secret',
  });
  const answer = await fetchFromPod(accessTo(server.url), { namespace: 'a', pod: 'b', port: 1 }, '/end', never);
  expect('body' in answer ? [answer.body.length, answer.body.slice(-4)] : answer).toEqual([padding + 4, '/end']);
});

test('a missing right is told with the verbs that are needed, a missing pod as such', async () => {
  await using server = await startForwardingServer({ pods: new Map(), token: 'secret' });
  const to = { namespace: 'a', pod: 'b', port: 1 };
  expect(await fetchFromPod(accessTo(server.url, 'other'), to, '/', never)).toMatchObject({
    status: 403,
    fix: 'whoever Detour runs as needs get and create on pods/portforward',
  });
  expect(await fetchFromPod(accessTo(server.url), to, '/', never)).toMatchObject({ status: 404, code: 'NotFound' });
});

test('a port that nobody listens on, a server that is not there and a caller that gives up are failures that say so', async () => {
  const pods = new Map([['a/b', { host: '127.0.0.1', port: await freePort() }]]);
  await using server = await startForwardingServer({ pods, token: 'secret' });
  const to = { namespace: 'a', pod: 'b', port: 19_000 };
  const closed = await fetchFromPod(accessTo(server.url), to, '/', never);
  expect(isFailure(closed) ? closed.reason : closed).toMatch(/^pod a\/b does not answer on port 19000: connect ECONNREFUSED/);
  const nowhere = new URL(`http://127.0.0.1:${await freePort()}/`);
  const away = await fetchFromPod(accessTo(nowhere), to, '/', never);
  expect(isFailure(away) ? away.reason : away).toMatch(/^the API server http:.* cannot be reached: connect ECONNREFUSED/);
  expect(isFailure(await fetchFromPod(accessTo(server.url), to, '/', AbortSignal.abort()))).toBe(true);
});
