/** What replicas tell each other they tell nobody else: who is one, the API server says. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import type { Logger } from '../../src/logger.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/api-server.ts';
import { replicaPod } from '../support/status/status-objects.ts';
import { until } from '../support/until.ts';

const LOG: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

let api: ApiServer;
beforeAll(async () => {
  api = await startApiServer();
}, 90_000);
afterAll(() => api[Symbol.asyncDispose]());

test('a replica answers the others, from the moment that their pods are there, and no pod that is none', async () => {
  const where = ['--source', 'kubernetes', '--kubeconfig', await api.kubeconfigFile('admin')];
  const listen = ['--xds-listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0', '--health-listen', '127.0.0.1:0'];
  const { config } = readConfig([...where, ...listen], {});
  if (config === undefined) throw new Error('these settings are right');
  await using app = await startApp(config, { log: LOG, version: '1.2.3' });
  const ask = async (path: string) => (await fetch(`http://127.0.0.1:${app.health?.port}${path}`)).status;
  await api.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'detour-system' } }]);
  const replica = replicaPod('detour-1', 19_000);
  const other = { ...replica, metadata: { ...replica.metadata, name: 'other', labels: { app: 'other' } } };
  await api.apply([other]);
  expect([await ask('/api/replica'), await ask('/api/intercepts?proxies')]).toEqual([403, 403]);
  await api.apply([replica]);
  await until('an answer', async () => (await ask('/api/replica')) === 200);
  expect(await ask('/api/intercepts?proxies')).toBe(200);
  expect(await ask('/api/proxies')).toBe(404);
});
