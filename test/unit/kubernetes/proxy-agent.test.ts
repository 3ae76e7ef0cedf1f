/** A kubeconfig with a proxy-url: requests and port-forwards go by it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HttpApiClient, isFailure } from '../../../src/kubernetes/api-client.ts';
import { kubeconfigAccess } from '../../../src/kubernetes/kubeconfig.ts';
import { freePort } from '../../support/ports.ts';

test('the API server is asked by the proxy', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'detour-proxy-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true }));
  const asked: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket) => {
    asked.push(request.url ?? '');
    // Nobody is there: that it is asked is enough.
    const away = connect(Number(request.url?.split(':')[1]), '127.0.0.1');
    away.on('error', () => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  stack.defer(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const address = proxy.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const port = await freePort();
  const file = join(folder, 'config');
  const clusters = [{ name: 'c', cluster: { server: `https://127.0.0.1:${port}`, 'proxy-url': url } }];
  const users = [{ name: 'me', user: { token: 't' } }];
  const contexts = [{ name: 'c', context: { cluster: 'c', user: 'me' } }];
  await writeFile(file, JSON.stringify({ 'current-context': 'c', clusters, contexts, users }));
  const access = kubeconfigAccess({ files: [file], context: undefined, environment: {}, now: Date.now });
  using client = new HttpApiClient(access);
  const answer = await client.get({ path: '/version', query: {}, resource: 'version', signal: AbortSignal.timeout(20_000) });
  expect(isFailure(answer) ? answer.reason : answer).toContain('cannot be reached');
  expect(asked).toEqual([`127.0.0.1:${port}`]);
  expect((await access.connect()).agent).toBe((await access.connect()).agent);
}, 30_000);
