import { request } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { readyAnswer } from '../../../src/admin/health.ts';
import { type AdminLimits, type AdminServer, json, startAdminServer, text } from '../../../src/admin/http.ts';
import type { Logger } from '../../../src/logger.ts';
import { until } from '../../support/until.ts';

const errors: string[] = [];
const ignore = () => undefined;
const LOG: Logger = { debug: ignore, info: ignore, warn: ignore, error: (message) => errors.push(message) };

function start(limits?: AdminLimits): Promise<AdminServer> {
  return startAdminServer(
    { host: '127.0.0.1', port: 0 },
    {
      '/hello': { summary: 'greets', answer: (query) => text(`hello ${query.get('who') ?? 'you'}\n`) },
      '/data': { summary: 'data', answer: () => json({ a: 1 }) },
      '/broken': {
        summary: 'breaks',
        answer: () => {
          throw new Error('secret');
        },
      },
    },
    LOG,
    limits,
  );
}

/** As it is on the wire: `fetch` would tidy the target first. */
function get(
  server: AdminServer,
  target: string,
  method = 'GET',
): Promise<{ status: number; type: string; body: string; allow: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: server.address.port, path: target, method, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        body += part;
      });
      const { 'content-type': type = '', allow = '' } = response.headers;
      response.on('end', () => resolve({ status: response.statusCode ?? 0, type, body, allow }));
    });
    sent.on('error', reject).end();
  });
}

describe('the admin endpoint', () => {
  test('answers by path, with the query', async () => {
    await using server = await start();
    expect(server.address.port).toBeGreaterThan(0);
    expect(await get(server, '/hello?who=me')).toMatchObject({
      status: 200,
      type: 'text/plain; charset=utf-8',
      body: 'hello me\n',
    });
    expect(JSON.parse((await get(server, '/data')).body)).toEqual({ a: 1 });
    expect(await get(server, '/hello', 'HEAD')).toMatchObject({ status: 200, body: '' });
    expect(JSON.parse((await get(server, '/')).body)).toMatchObject({ paths: { '/hello': 'greets' } });
  });

  test.each([['POST'], ['PUT'], ['DELETE'], ['OPTIONS']])('refuses %s with JSON that says why', async (method) => {
    await using server = await start();
    const answer = await get(server, '/hello', method);
    expect(answer).toMatchObject({ status: 405, allow: 'GET, HEAD', type: 'application/json; charset=utf-8' });
    expect(JSON.parse(answer.body)).toMatchObject({ error: `${method} is not allowed here.` });
  });

  test.each(['/nothing', '/hello/', '//hello', '/constructor', '/__proto__', '/%00', '/../hello', `/${'x'.repeat(5000)}`])(
    'has nothing at %s, and says what there is',
    async (path) => {
      await using server = await start();
      const answer = await get(server, path);
      expect(answer.status).toBe(404);
      expect(answer.body.length).toBeLessThan(600);
      expect(JSON.parse(answer.body)).toMatchObject({ hint: expect.stringContaining('/hello, /data') });
    },
  );

  test('lives on when an answer breaks, logs it, and does not tell the inside', async () => {
    await using server = await start();
    const answer = await get(server, '/broken');
    expect(answer.status).toBe(500);
    expect(answer.body).not.toContain('secret');
    expect(errors).toEqual(['GET /broken failed']);
    expect((await get(server, '/data')).status).toBe(200);
  });

  test('stops although a connection is kept alive', async () => {
    const server = await start();
    await fetch(`http://127.0.0.1:${server.address.port}/data`);
    await server.stop();
    await expect(get(server, '/data')).rejects.toThrow('ECONNREFUSED');
  });

  test('has so many connections at once: more are closed, and the others are answered', async () => {
    await using server = await start({ connections: 2, idleMs: 30_000 });
    const { port } = server.address;
    const sockets = Array.from({ length: 5 }, () => connect(port, '127.0.0.1'));
    let closed = 0;
    for (const socket of sockets)
      socket
        .on('error', ignore)
        .on('close', () => (closed += 1))
        .resume();
    await until('three to be closed', () => closed === 3);
    const left = sockets.find(({ destroyed }) => !destroyed);
    const answer = new Promise<string>((resolve) => left?.once('data', (bytes: Buffer) => resolve(bytes.toString())));
    left?.write('GET /hello HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await answer).toContain('200 OK');
    for (const socket of sockets) socket.destroy();
  });

  test('gives up a client that does not read its answer', async () => {
    const large = { summary: 'much', answer: () => text('x'.repeat(50_000_000)) };
    const routes = { '/large': large, '/hello': { summary: 'greets', answer: () => text('hello') } };
    await using server = await startAdminServer({ host: '127.0.0.1', port: 0 }, routes, LOG, { connections: 1, idleMs: 100 });
    const socket = connect(server.address.port, '127.0.0.1');
    socket.on('error', ignore).write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n');
    await new Promise((resolve) => socket.once('readable', resolve));
    await until('its place to be free', async () => (await get(server, '/hello')).status === 200);
    socket.destroy();
  });

  test('says when its address is taken', async () => {
    await using server = await start();
    await expect(startAdminServer(server.address, {}, LOG)).rejects.toThrow('EADDRINUSE');
  });
});

describe('readiness', () => {
  const xds = { name: 'xds', met: true, detail: 'listens' };
  const source = { name: 'source', met: false, detail: 'is read for the first time' };

  test('is 200 when all is there', () => {
    expect(readyAnswer([xds], false)).toEqual(text('ok\n'));
    expect(readyAnswer([xds], true)).toEqual(text('[+] xds: listens\nready\n'));
  });

  test('is 503 and says what it waits for', () => {
    expect(readyAnswer([xds, source], false)).toEqual(
      text('[-] source: is read for the first time\nnot ready: waiting for source\n', 503),
    );
    expect(readyAnswer([xds, source], true).body).toContain('[+] xds: listens');
  });
});
