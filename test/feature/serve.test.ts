/** `detour` as a process: what it prints, how it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { AdsClient } from '../support/ads-client.ts';
import { until } from '../support/until.ts';
import { createManifests } from '../support/world/manifests.ts';
import { detour, service } from '../support/world/objects.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const ANY_PORT = ['--xds-listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'];

class Run implements AsyncDisposable {
  out = '';
  err = '';
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | NodeJS.Signals>;

  /** @param isDeaf nobody reads standard output. */
  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}, isDeaf = false) {
    const env = { PATH: process.env['PATH'] ?? '', ...environment };
    const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
    if (isDeaf) child.stdout.destroy();
    this.#child = child;
    this.#exit = new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal ?? -1)));
  }

  /** The exit code, or the signal that it died of. */
  get exit(): Promise<number | NodeJS.Signals> {
    return this.#exit;
  }

  async adminUrl(): Promise<string> {
    return until('the address', () => /admin on (?<url>\S+)/.exec(this.out)?.groups?.['url']);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGKILL');
    await this.#exit;
  }
}

describe('detour serve', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('says where it listens, is quiet, and ends with 0 on %s', async (signal) => {
    await using manifests = await createManifests();
    await manifests.put(service({ namespace: 'shop', name: 'api' }));
    await using run = new Run(['serve', '--source', `directory:${manifests.folder}`, ...ANY_PORT]);
    const admin = await run.adminUrl();
    await until('readiness', async () => (await fetch(`${admin}/readyz`)).ok);
    run.kill(signal);
    expect(await run.exit).toBe(0);
    expect(run.out).toMatch(/^detour: xDS on 127\.0\.0\.1:\d+, admin on http:\/\/127\.0\.0\.1:\d+\n$/);
    expect(run.err).toBe('');
  });

  test('lets its Envoys go over the drain time, not ready meanwhile; a second signal ends it at once', async () => {
    await using manifests = await createManifests();
    await manifests.put(service({ namespace: 'shop', name: 'api' }));
    const draining = async (seconds: string): Promise<{ readonly run: Run; readonly client: AdsClient }> => {
      const args = ['--source', `directory:${manifests.folder}`, '--drain-time', seconds, '--log-level', 'info', ...ANY_PORT];
      const run = new Run(['serve', ...args]);
      const admin = await run.adminUrl();
      await until('readiness', async () => (await fetch(`${admin}/readyz`)).ok);
      const port = Number(/xDS on 127\.0\.0\.1:(?<port>\d+)/.exec(run.out)?.groups?.['port']);
      const client = new AdsClient({ port, node: 'gateway~shop/edge', detour: { listen: '127.0.0.1:8080' } });
      await until('the client to be served', () => client.responses.length > 0);
      run.kill('SIGTERM');
      await until('the readiness to end', async () => (await fetch(`${admin}/readyz`)).status === 503);
      expect(await (await fetch(`${admin}/readyz`)).text()).toContain('[-] xds: is stopping, and lets its 1 streams go');
      expect(await (await fetch(`${admin}/metrics`)).text()).toContain('\ndetour_draining 1\n');
      return { run, client };
    };

    const patient = await draining('1');
    await using _patient = patient.run;
    using _first = patient.client;
    expect(await patient.run.exit).toBe(0);
    expect(patient.client.end).toContain('The control plane is stopping');
    expect(patient.run.err).toContain('"streams":1,"ended":1,"left":0,"msg":"Envoys have gone"}');

    const hurried = await draining('60');
    await using _hurried = hurried.run;
    using _second = hurried.client;
    const began = performance.now();
    hurried.run.kill('SIGTERM');
    expect(await hurried.run.exit).toBe(0);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(hurried.client.end).toContain('The control plane is stopping');
  });

  test('takes its settings from variables, and logs JSON lines that say what follows', async () => {
    const environment = {
      DETOUR_SOURCE: 'directory:/nowhere/at/all',
      DETOUR_XDS_LISTEN: '127.0.0.1:0',
      DETOUR_ADMIN_LISTEN: '127.0.0.1:0',
    };
    await using run = new Run(['serve'], environment);
    await until('the warning', () => run.err.endsWith('\n'));
    const [line = ''] = run.err.split('\n');
    expect(JSON.parse(line)).toMatchObject({
      level: 'warn',
      source: 'directory:/nowhere/at/all',
      msg: expect.stringContaining('ENOENT'),
      consequence: expect.stringContaining('Nothing is served'),
    });
  });

  test('ends with 1 where an address is taken, and says which', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const address = server.address();
      const taken = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
      // One of its own: whatever else there is on the machine must not be read first.
      await using manifests = await createManifests();
      const source = ['--source', `directory:${manifests.folder}`];
      await using run = new Run(['serve', ...source, '--xds-listen', '127.0.0.1:0', '--admin-listen', taken]);
      expect(await run.exit).toBe(1);
      expect(run.err).toContain(`--admin-listen ${taken} cannot be listened on`);
    } finally {
      server.close();
    }
  });

  test('writes lines of JSON alone to standard output where the audit log goes there', async () => {
    await using manifests = await createManifests();
    await using run = new Run(['serve', '--source', `directory:${manifests.folder}`, ...ANY_PORT, '--audit-log', '-']);
    await until('the beginning', () => run.out.includes('\n'));
    const [line = ''] = run.out.split('\n');
    expect(JSON.parse(line)).toMatchObject({ audit: 'leading', intercepts: 0 });
    await until('where it listens', () => run.err.includes('detour: xDS on'));
  });

  test('serves on where nobody takes the audit log any more', async () => {
    await using manifests = await createManifests();
    await using run = new Run(['serve', '--source', `directory:${manifests.folder}`, ...ANY_PORT, '--audit-log', '-'], {}, true);
    await until('the trouble', () => run.err.includes('the audit log cannot be written: standard output'));
    const admin = await until('the address', () => /admin on (?<url>\S+)/.exec(run.err)?.groups?.['url']);
    await until('readiness', async () => (await fetch(`${admin}/readyz`)).ok);
    run.kill('SIGTERM');
    expect(await run.exit).toBe(0);
  });

  test('ends with 2 on a mistake', async () => {
    await using run = new Run(['serve', '--source', 'consul']);
    expect(await run.exit).toBe(2);
    expect(run.err).toContain('--source "consul" is an unknown source; there is: kubernetes, directory:PATH.');
  });
});

describe('detour explain', () => {
  test('asks the control plane and prints sentences, or JSON', async () => {
    await using manifests = await createManifests();
    await manifests.put(service({ namespace: 'shop', name: 'api', annotations: detour({ host: 'shop.example.com' }) }));
    await using run = new Run(['serve', '--source', `directory:${manifests.folder}`, ...ANY_PORT]);
    const server = await run.adminUrl();
    await until('readiness', async () => (await fetch(`${server}/readyz`)).ok);
    const args = ['explain', '--to', 'http://shop.example.com/', '--header', 'baggage: a=b,detour=pr-42'];
    await using text = new Run(args, { DETOUR_SERVER: server });
    expect(await text.exit).toBe(0);
    expect(text.out).toContain('The request carries the key pr-42, by the baggage member detour; no live preview has it.\n');
    await using json = new Run([...args, '--server', server, '--output', 'json']);
    expect(await json.exit).toBe(0);
    expect(JSON.parse(json.out)).toMatchObject({ explanation: { hop: 'gateway', target: 'shop/api:80' } });
    await using wrong = new Run(['explain', '--to', 'a/b', '--server', server]);
    expect([await wrong.exit, wrong.err]).toEqual([2, expect.stringContaining('--to "a/b" must be a URL')]);
  });

  test('says so when nobody answers', async () => {
    await using run = new Run(['explain', '--to', 'api', '--server', 'http://127.0.0.1:1']);
    expect(await run.exit).toBe(1);
    expect(run.err).toContain('no answer from http://127.0.0.1:1');
  });
});
