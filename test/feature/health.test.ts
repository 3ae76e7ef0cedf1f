/** Who may ask what: the admin endpoint is this machine's, and what others may ask is little. */
import { request } from 'node:http';
import { expect, test } from 'vitest';
import { runApp, untilReady } from '../support/running-app.ts';

const HEALTH = ['--health-listen', '127.0.0.1:0'];

function ask(port: number, path: string, method = 'GET', host = '127.0.0.1'): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, path, method, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        body += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject).end();
  });
}

test('the admin endpoint answers no address but its own', async () => {
  await using running = await runApp();
  const { port } = running.app.admin;
  expect((await ask(port, '/healthz')).status).toBe(200);
  await expect(ask(port, '/healthz', 'GET', '127.0.0.2')).rejects.toThrow('ECONNREFUSED');
});

test('nothing can be written: whatever is no GET is answered with 405, at every path of both endpoints', async () => {
  await using running = await runApp({ args: HEALTH });
  await untilReady(running);
  const { admin, health } = running.app;
  const { paths } = JSON.parse((await running.get('/')).body);
  expect(Object.keys(paths)).toContain('/api/intercepts');
  for (const port of [admin.port, health?.port ?? 0])
    for (const path of ['/', ...Object.keys(paths), '/api/nothing'])
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])
        expect({ path, method, status: (await ask(port, path, method)).status }).toEqual({ path, method, status: 405 });
});

test('others than this machine may ask whether it is well, and nothing else', async () => {
  await using running = await runApp({ args: HEALTH });
  await untilReady(running);
  const port = running.app.health?.port ?? 0;
  const { paths } = JSON.parse((await running.get('/')).body);
  const answers = await Promise.all(Object.keys(paths).map(async (path) => [path, (await ask(port, path)).status]));
  expect(Object.fromEntries(answers)).toEqual({
    ...Object.fromEntries(Object.keys(paths).map((path) => [path, 404])),
    '/healthz': 200,
    '/readyz': 200,
    '/api/replica': 403,
    '/api/intercepts': 403,
  });
  // A stranger learns no names of Envoys and previews.
  expect(JSON.parse((await ask(port, '/api/replica')).body)).toEqual({
    error: '127.0.0.1 is no replica of this control plane.',
    hint: 'Ask on the admin port, by a port-forward.',
  });
});

test('metrics are told to others only where that is wanted', async () => {
  await using running = await runApp({ args: [...HEALTH, '--health-metrics', 'on'] });
  const answer = await ask(running.app.health?.port ?? 0, '/metrics');
  expect([answer.status, answer.body]).toEqual([200, expect.stringContaining('detour_ready')]);
});
