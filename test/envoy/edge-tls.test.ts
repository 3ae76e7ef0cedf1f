/** A real gateway that ends TLS: which certificate is shown, what is spoken, where the listener without TLS leads. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { answerOf } from '../support/world/client.ts';
import { type Edge, EdgeWorld, HOST, seen, ZONE } from '../support/world/edge.ts';
import { greet } from '../support/world/tls-client.ts';

let world: EdgeWorld;
let edge: Edge;
beforeAll(async () => {
  world = await EdgeWorld.open();
  edge = await world.gateway();
});
afterAll(async () => {
  await edge?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
});

const named = async (servername: string, host = HOST): Promise<string | undefined> =>
  (await edge.ask({ host }, { servername })).certificate.subjectAltName;

test('a client is shown the certificate of the name it asks for: exact ones before wildcards', async () => {
  expect(await named(HOST)).toBe(`DNS:${HOST}`);
  expect(await named(`pr-42--${HOST}`)).toBe(`DNS:${ZONE}`);
  expect(await named('other.example.com')).toBe(`DNS:${ZONE}`);
  expect(await named(HOST.toUpperCase())).toBe(`DNS:${HOST}`);
});

test('a client that asks for no name, or for one that no certificate has, is shown the first', async () => {
  expect(await named('')).toBe(`DNS:${HOST}`);
  expect(await named('elsewhere.example.org')).toBe(`DNS:${HOST}`);
  // A wildcard stands for one label.
  expect(await named('a.b.example.com')).toBe(`DNS:${HOST}`);
});

test('a preview URL works under a wildcard certificate, whatever a connection was opened for', async () => {
  const host = `pr-42--${HOST}`;
  const pods = [await world.world.pod({ service: 'frontend', copy: 'pr-42', pod: 'frontend-pr-42' })];
  await world.world.preview({ key: 'pr-42', pods });
  const reply = await until('the preview', async () => {
    const reply = await edge.ask({ host });
    return reply.headers['x-detour-served-by'] === 'pr-42' ? reply : undefined;
  });
  expect(reply.certificate.checkHost(host)).toBeDefined();
  expect(reply.status).toBe(200);
  // Browsers send requests for all names of a certificate over one connection.
  const other = await edge.ask({ host: HOST }, { servername: host });
  expect([other.status, answerOf({ bytes: 0, sha256: '', ms: 0, ...other }).copy]).toEqual([200, 'baseline']);
  await world.world.noPreview(pods);
});

test('HTTP/2 and HTTP/1.1 are spoken as the client likes, to an app that knows HTTP/1.1 alone', async () => {
  const spoken = async (...protocols: readonly string[]): Promise<unknown> => {
    const reply = await edge.ask({}, { protocols });
    return [reply.protocol, reply.status];
  };
  expect(await spoken('h2', 'http/1.1')).toEqual(['h2', 200]);
  expect(await spoken('http/1.1', 'h2')).toEqual(['h2', 200]);
  expect(await spoken('http/1.1')).toEqual(['http/1.1', 200]);
  expect(await spoken()).toEqual([undefined, 200]);
});

test('TLS 1.2 and 1.3 are spoken, and nothing older', async () => {
  const speak = async (version: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'): Promise<unknown> => {
    const more = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' };
    const greeting = await greet({ port: edge.tlsPort, ca: world.authority.cert, servername: HOST, more });
    greeting.socket.destroy();
    return greeting.version;
  };
  expect(await speak('TLSv1.3')).toBe('TLSv1.3');
  expect(await speak('TLSv1.2')).toBe('TLSv1.2');
  await expect(speak('TLSv1.1')).rejects.toThrow(/alert protocol version/);
});

test('the app is told that the client came by https, and its address, whatever the client says of itself', async () => {
  const lies = { 'x-forwarded-proto': 'http', 'x-forwarded-for': '203.0.113.7' };
  const headers = seen(await edge.ask({ headers: lies }));
  expect(headers['x-forwarded-proto']).toBe('https');
  // What it says comes before what is known: Envoy writes its own address for loopback.
  expect(headers['x-forwarded-for']).toMatch(/^203\.0\.113\.7,./);
  expect(seen(await edge.ask({ headers: lies }, { protocols: ['http/1.1'] }))['x-forwarded-proto']).toBe('https');
});

test('the page of an unknown preview links to the host by what the page came by, with its port', async () => {
  const page = await edge.ask({ host: `nobody--${HOST}:8443` }, { servername: `nobody--${HOST}` });
  expect([page.status, page.text.includes(`href="//${HOST}:8443/"`)]).toEqual([404, true]);
});

test('the listener without TLS leads to https: same host and path, and the method stays', async () => {
  const location = async (host: string, path = '/a?b=c', method = 'GET'): Promise<unknown> => {
    const reply = await edge.askPlain({ host, path, method });
    return [reply.status, reply.headers['location']];
  };
  expect(await location(HOST)).toEqual([308, `https://${HOST}/a?b=c`]);
  expect(await location(HOST, '/', 'POST')).toEqual([308, `https://${HOST}/`]);
  expect(await location(`${HOST}:8080`)).toEqual([308, `https://${HOST}/a?b=c`]);
  expect(await location(`pr-42--${HOST}`)).toEqual([308, `https://pr-42--${HOST}/a?b=c`]);
  // What a client claims does not get it past the redirect.
  const lies = await edge.askPlain({ headers: { 'x-forwarded-proto': 'https' } });
  expect(lies.status).toBe(308);
});

test('it leads to another port where HTTPS is there', async () => {
  await using other = await world.gateway(['--http', 'redirect:8443']);
  expect((await other.askPlain({ host: `${HOST}:8080`, path: '/a' })).headers['location']).toBe(`https://${HOST}:8443/a`);
});

test('it serves as well where that is asked for, and the app can tell', async () => {
  await using other = await world.gateway(['--http', 'serve']);
  expect(seen(await other.askPlain())['x-forwarded-proto']).toBe('http');
  expect(seen(await other.ask())['x-forwarded-proto']).toBe('https');
});

test('it is not there where no address is given', async () => {
  await using other = await world.gateway([], { plain: false });
  await expect(other.askPlain()).rejects.toThrow(/ECONNREFUSED/);
});
