/** The webhooks' server by itself: what it refuses, and what it does while its files are not as they should be. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebhookServer } from '../../../src/webhooks/webhook-server.ts';
import { Authority, type Certificate } from '../../support/certificates.ts';
import { until } from '../../support/until.ts';

let folder = '';
const file = (name: string): string => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'detour-webhooks-'));
  for (const name of ['a', 'b']) {
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`];
    await promisify(execFile)('openssl', ['req', '-x509', ...kind, '-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)]);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

beforeEach(async () => {
  for (const kind of ['key', 'crt']) await cp(file(`a.${kind}`), file(`tls.${kind}`));
  for (const name of ['ca.crt', 'clients.crt']) await rm(file(name), { force: true });
});

interface Running extends AsyncDisposable {
  readonly server: WebhookServer;
  readonly said: string[];
  readonly counted: string[];
  /** Why somebody was refused. */
  readonly strangers: string[];
}

async function start({ xdsCa = false, clientCa = false } = {}): Promise<Running> {
  const [said, counted, strangers]: [string[], string[], string[]] = [[], [], []];
  const say = (message: string): void => void said.push(message);
  const server = await new WebhookServer({
    listen: { host: '127.0.0.1', port: 0 },
    certificate: { cert: file('tls.crt'), key: file('tls.key') },
    clientCa: clientCa ? file('clients.crt') : undefined,
    xdsCa: xdsCa ? { file: file('ca.crt'), serverName: 'detour.detour-system' } : undefined,
    sidecars: {
      xds: [{ host: 'detour.detour-system', port: 18_000 }],
      ipFamilies: ['ipv4'],
      image: 'envoy:1',
      captureImage: 'detour:1',
      resources: { requests: {}, limits: {} },
      concurrency: 1,
      systemNamespace: 'detour-system',
    },
    faultsOf: () => [],
    onCertificate: (expiresAt, isFailing) => {
      const days = expiresAt === undefined ? 'none' : Math.round((expiresAt - Date.now()) / 86_400_000);
      said.push(`certificate: ${days} ${isFailing ? 'failing' : 'fine'}`);
    },
    onReview: (webhook, outcome) => counted.push(`${webhook} ${outcome}`),
    onStranger: (from, why) => strangers.push(`${from} ${why}`),
    log: { debug: say, info: say, warn: say, error: say },
    reloadMs: 20,
  }).start();
  return { server, said, counted, strangers, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

interface Answer {
  readonly status: number;
  readonly body: string;
  /** The common name in the certificate that was shown. */
  readonly shown: string;
}

const NOBODY = { rejectUnauthorized: false, keepAlive: false };

function send(
  { server }: Running,
  path: string,
  body: string | undefined,
  method = 'POST',
  agent = new Agent(NOBODY),
): Promise<Answer> {
  const { host, port } = server.address;
  return new Promise((resolve, reject) => {
    const outgoing = request({ host, port, path, method, agent }, (response) => {
      const { socket } = response;
      const shown =
        'getPeerCertificate' in socket
          ? // Not told again on a connection that resumes the session of another.
            String((socket.getPeerCertificate as () => { subject?: { CN: string } })().subject?.CN)
          : '';
      text(response).then((said) => resolve({ status: response.statusCode ?? 0, body: said, shown }), reject);
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'api-' },
  spec: { containers: [{ name: 'app', image: 'a' }] },
};

function review(more: object = {}): string {
  const ask = {
    uid: 'u-1',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    namespace: 'shop',
    operation: 'CREATE',
    object: POD,
  };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: { ...ask, ...more } });
}

test('answers with a patch, as Kubernetes reads it, and is counted', async () => {
  await using running = await start();
  const { status, body } = await send(running, '/inject?timeout=3s', review());
  const { response, ...rest } = JSON.parse(body);
  expect([status, rest]).toEqual([200, { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }]);
  expect(response).toMatchObject({ uid: 'u-1', allowed: true, patchType: 'JSONPatch' });
  const patch = JSON.parse(Buffer.from(response.patch, 'base64').toString());
  expect(patch.map(({ op, path }: { op: string; path: string }) => `${op} ${path}`)).toEqual(['add /spec/initContainers']);
  expect(running.counted).toEqual(['inject injected']);
});

test.each<readonly [string, string, string | undefined, string, number]>([
  ['a GET', '/inject', undefined, 'GET', 405],
  ['a path that is none', '/', review(), 'POST', 404],
  ['no JSON', '/inject', 'pod', 'POST', 400],
  ['another kind of object', '/validate', JSON.stringify(POD), 'POST', 400],
  ['a review of another version', '/inject', review().replace('admission.k8s.io/v1', 'admission.k8s.io/v1beta1'), 'POST', 400],
  ['a review without a uid', '/inject', review({ uid: '' }), 'POST', 400],
  ['an object that is a list', '/inject', review({ object: [] }), 'POST', 400],
])('%s is refused, and nothing is counted', async (_, path, body, method, status) => {
  await using running = await start();
  expect((await send(running, path, body, method)).status).toBe(status);
  expect(running.counted).toEqual([]);
});

test('a body that is too long is not read to its end', async () => {
  await using running = await start();
  const answer = await send(running, '/inject', 'x'.repeat(8 * 1024 * 1024 + 1)).catch((error: Error) => error);
  // It may be told, or the connection may be gone before all of it was sent.
  if (answer instanceof Error) expect(answer.message).toMatch(/EPIPE|ECONNRESET|hang up/);
  else expect(answer.status).toBe(413);
  expect((await send(running, '/inject', review())).status).toBe(200);
});

describe('pods that are odd', () => {
  test.each<readonly [string, object]>([
    ['with a text for a list', { ...POD, spec: { containers: 'app' } }],
    ['with nothing', {}],
    ['with keys of objects', { ...POD, metadata: { annotations: { constructor: 'x', 'detour.dev/__proto__': 'y' } } }],
  ])('%s are let through', async (_, object) => {
    await using running = await start();
    const { status, body } = await send(running, '/inject', review({ object }));
    expect([status, JSON.parse(body).response.allowed]).toEqual([200, true]);
  });

  test('of other kinds, and those that only change, are let through as they are', async () => {
    await using running = await start();
    for (const more of [{ kind: { kind: 'Deployment' } }, { operation: 'UPDATE' }]) {
      const { body } = await send(running, '/inject', review(more));
      expect(JSON.parse(body).response).toEqual({ uid: 'u-1', allowed: true });
    }
  });
});

describe('its files', () => {
  test('are waited for', async () => {
    await rm(file('tls.crt'));
    await using running = await start();
    await expect(send(running, '/inject', review())).rejects.toThrow();
    expect(running.said.join('\n')).toMatch(/the webhooks' certificate cannot be used: .+ cannot be read: ENOENT/);
    await cp(file('a.crt'), file('tls.crt'));
    await until('it to answer', async () => (await send(running, '/inject', review())).status === 200);
  });

  test('that do not fit each other leave what was there', async () => {
    await using running = await start();
    await cp(file('b.crt'), file('tls.crt'));
    await until('it to say so', () => running.said.some((line) => line.includes('certificate cannot be used')));
    expect((await send(running, '/inject', review())).shown).toBe('a');
    await cp(file('b.key'), file('tls.key'));
    await until('the new one', async () => (await send(running, '/inject', review())).shown === 'b');
    const told = (): readonly string[] => running.said.filter((line) => line.startsWith('certificate: '));
    await until('it to be well', () => told().at(-1) === 'certificate: 2 fine');
    expect(told().slice(0, 2)).toEqual(['certificate: 2 fine', 'certificate: 2 failing']);
  });

  test('with the authorities for sidecars: without them no pod gets one that could not speak', async () => {
    await using running = await start({ xdsCa: true });
    expect((await send(running, '/inject', review())).status).toBe(500);
    expect(running.counted).toEqual(['inject failed']);
    expect((await send(running, '/validate', review())).status).toBe(200);
    await writeFile(file('ca.crt'), await readFile(file('a.crt')));
    const { body } = await until('it to answer', async () => {
      const answer = await send(running, '/inject', review());
      return answer.status === 200 && answer;
    });
    const patch = Buffer.from(JSON.parse(body).response.patch, 'base64').toString();
    expect(patch).toContain('serviceAccountToken');
    await cp(file('b.crt'), file('ca.crt'));
    const isNew = async (): Promise<boolean> => {
      const answer = await send(running, '/inject', review());
      return Buffer.from(JSON.parse(answer.body).response.patch, 'base64').toString() !== patch;
    };
    await until('new pods to have the new authority', isNew);
  });
});

describe('with authorities of callers', () => {
  const [ours, theirs] = [new Authority(), new Authority()];
  const YESTERDAY = Date.now() - 86_400_000;
  const showing = (certificate: Certificate | undefined, more: object = {}): Agent =>
    new Agent({ ...NOBODY, ...certificate, ...more });
  const clients = (...authorities: readonly Authority[]): Promise<void> =>
    writeFile(file('clients.crt'), authorities.map(({ cert }) => cert).join(''));

  test('who shows a certificate of theirs is answered, others are refused in words, counted, and not listened to', async () => {
    await clients(ours);
    await using running = await start({ clientCa: true });
    const ask = async (certificate: Certificate | undefined, path = '/validate'): Promise<string> => {
      const { status, body } = await send(running, path, review(), 'POST', showing(certificate));
      return `${status} ${JSON.parse(body).error ?? JSON.parse(body).response.allowed}`;
    };
    expect(await ask(ours.issue({ names: ['DNS:api-server'] }))).toBe('200 true');
    const refusal = '403 A caller has to show a certificate of --webhook-client-ca; this one ';
    expect(await ask(undefined)).toBe(`${refusal}shows no certificate.`);
    expect(await ask(theirs.issue({}), '/inject')).toMatch(/^403 .* shows a certificate that does not count: .+\.$/);
    expect(await ask(ours.issue({ from: 0, until: YESTERDAY }))).toMatch(/^403 .* does not count: CERT_HAS_EXPIRED\.$/);
    expect(await ask(undefined, '/elsewhere')).toBe(`${refusal}shows no certificate.`);
    expect(running.counted).toEqual(['validate fine', 'validate refused', 'inject refused', 'validate refused']);
    expect(running.strangers).toHaveLength(4);
    expect(running.strangers[0]).toBe('127.0.0.1 shows no certificate');
  });

  test('a connection that goes on with the session of another admits nobody', async () => {
    await clients(ours);
    await using running = await start({ clientCa: true });
    // It keeps sessions, and opens a connection for each request.
    const stranger = showing(undefined);
    const ask = async (agent: Agent): Promise<number> => (await send(running, '/validate', review(), 'POST', agent)).status;
    for (let round = 0; round < 3; round += 1) expect(await ask(stranger)).toBe(403);
    const known = showing(ours.issue({}));
    for (let round = 0; round < 3; round += 1) expect(await ask(known)).toBe(200);
    expect(running.strangers).toEqual(Array.from({ length: 3 }, () => '127.0.0.1 shows no certificate'));
  });

  test('a long review of somebody who may not ask is refused in words, too', async () => {
    await clients(ours);
    await using running = await start({ clientCa: true });
    const long = review({ object: { ...POD, metadata: { annotations: { note: 'x'.repeat(2_000_000) } } } });
    expect((await send(running, '/validate', long)).status).toBe(403);
  });

  test('other authorities count at once, on connections that are open too; those that cannot be read change nothing', async () => {
    await clients(ours, theirs);
    await using running = await start({ clientCa: true });
    // Both keep their connections, and their sessions for further ones.
    const [one, other] = [ours.issue({}), theirs.issue({})].map((each) => showing(each, { keepAlive: true }));
    const status = async (agent: Agent | undefined): Promise<number> =>
      (await send(running, '/validate', review(), 'POST', agent)).status;
    expect([await status(one), await status(other)]).toEqual([200, 200]);
    await clients(theirs);
    await until('the first to be refused', async () => (await status(one)) === 403);
    expect([await status(other), await status(showing(ours.issue({}))), await status(showing(theirs.issue({})))]).toEqual([
      200, 403, 200,
    ]);
    await writeFile(file('clients.crt'), 'none');
    await until('it to say so', () => running.said.some((line) => line.includes('authorities of callers cannot be used')));
    expect(running.said.findLast((line) => line.startsWith('certificate: '))).toBe('certificate: 2 failing');
    // Another certificate of the server does not make it well.
    for (const kind of ['key', 'crt']) await cp(file(`b.${kind}`), file(`tls.${kind}`));
    await until('the new one', async () => (await send(running, '/validate', review())).shown === 'b');
    expect([await status(one), await status(other)]).toEqual([403, 200]);
    expect(running.said.findLast((line) => line.startsWith('certificate: '))).toBe('certificate: 2 failing');
    await clients(ours);
    await until('the first to be answered', async () => (await status(one)) === 200);
    await until(
      'it to be well',
      () => running.said.findLast((line) => line.startsWith('certificate: ')) === 'certificate: 2 fine',
    );
    one?.destroy();
    other?.destroy();
  });

  test('before they are there nobody is answered', async () => {
    await using running = await start({ clientCa: true });
    const caller = showing(ours.issue({}));
    await expect(send(running, '/validate', review(), 'POST', caller)).rejects.toThrow();
    await clients(ours);
    await until('it to answer', async () => (await send(running, '/validate', review(), 'POST', caller)).status === 200);
    expect(running.counted).toEqual(['validate fine']);
  });
});
