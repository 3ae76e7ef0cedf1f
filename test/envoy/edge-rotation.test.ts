/** Certificates of a real gateway change: by themselves, for new connections, and never to something that does not work. */
import { Agent, request } from 'node:https';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { type Edge, EdgeWorld, filesOf, HOST, ZONE } from '../support/world/edge.ts';

let world: EdgeWorld;
beforeAll(async () => {
  world = await EdgeWorld.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await world.shop.update(issued(HOST));
  await world.wildcard.update(issued(ZONE));
});

const issued = (...names: readonly string[]) => filesOf(world.authority.issue({ names: names.map((name) => `DNS:${name}`) }));
const shown = async (edge: Edge, servername: string): Promise<string> =>
  (await edge.ask({}, { servername })).certificate.toString();
/** PEM with and without a newline at its end is the same. */
const isShown = async (edge: Edge, servername: string, { 'tls.crt': cert }: { readonly 'tls.crt': string }): Promise<boolean> =>
  (await shown(edge, servername)).trim() === cert.trim();

/** Requests one after the other over one kept-alive connection, until it is ended. */
class Client {
  connections = 0;
  requests = 0;
  readonly failures: string[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #done: Promise<void>;
  #isRunning = true;

  constructor(port: number, ca: string) {
    this.#done = this.#run(port, ca);
  }

  async #run(port: number, ca: string): Promise<void> {
    while (this.#isRunning) {
      const outcome = await new Promise<string>((resolve) => {
        const options = { host: '127.0.0.1', port, ca, servername: HOST, headers: { host: HOST }, agent: this.#agent };
        const sent = request(options, (response) => {
          response.resume().on('end', () => resolve(String(response.statusCode)));
        });
        sent.on('error', (error) => resolve(error.message));
        sent.on('socket', () => {
          if (!sent.reusedSocket) this.connections++;
        });
        sent.end();
      });
      this.requests++;
      if (outcome !== '200') this.failures.push(outcome);
    }
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#done;
    this.#agent.destroy();
  }
}

test('a certificate that is rotated under load is shown to new connections; old ones stay, and no request fails', async () => {
  await using edge = await world.gateway();
  const { cert: ca } = world.authority;
  const listeners = () => edge.envoy.stat('listener_manager.listener_modified');
  const updates = await edge.envoy.stat('listener_manager.lds.update_success');
  const client = new Client(edge.tlsPort, ca);
  const fresh: string[] = [];
  try {
    for (let round = 0; round < 2; round++) {
      const [shop, wildcard] = [issued(HOST), issued(ZONE)];
      await world.shop.update(shop);
      await world.wildcard.update(wildcard);
      await until('new connections to be shown both', async () => {
        const reply = await edge.ask();
        if (reply.status !== 200) fresh.push(String(reply.status));
        return (await isShown(edge, HOST, shop)) && (await isShown(edge, `pr-1--${HOST}`, wildcard));
      });
      const before = client.requests;
      await until('requests after that', () => client.requests > before + 20);
    }
  } finally {
    await client.stop();
  }
  expect([client.failures, fresh, client.connections]).toEqual([[], [], 1]);
  expect([await listeners(), await edge.envoy.stat('listener_manager.lds.update_success')]).toEqual([0, updates]);
});

test('one that does not work is not taken: the last good one is shown, a metric says which, and the next good one is taken', async () => {
  await using edge = await world.gateway();
  const [shop, wildcard] = [await shown(edge, HOST), await shown(edge, `a.example.com`)];
  const failed = (name: string) => edge.envoy.stat(`sds.${name}.key_rotation_failed`);
  // The key of another certificate, then no certificate at all, then nothing.
  await world.wildcard.update({ ...issued(ZONE), 'tls.key': issued(ZONE)['tls.key'] });
  await until('the first refusal', async () => (await failed('wildcard')) >= 1);
  await world.wildcard.update({ 'tls.crt': 'x', 'tls.key': 'y' });
  await until('the second refusal', async () => (await failed('wildcard')) >= 2);
  await world.wildcard.update({});
  await until('the third refusal', async () => (await failed('wildcard')) >= 3);
  expect([await shown(edge, HOST), await shown(edge, `a.example.com`)]).toEqual([shop, wildcard]);
  // Envoy takes all of them together: what rotates meanwhile waits.
  const next = issued(HOST);
  await world.shop.update(next);
  await until('the other one to wait', async () => (await failed('shop')) + (await failed('wildcard')) > 3);
  expect(await shown(edge, HOST)).toBe(shop);
  const good = issued(ZONE);
  await world.wildcard.update(good);
  await until('both', async () => (await isShown(edge, HOST, next)) && (await isShown(edge, 'a.example.com', good)));
});

test('one that has expired is shown, and a metric says when each one ends', async () => {
  await using edge = await world.gateway();
  const until2026 = Date.parse('2026-01-02T00:00:00Z');
  const expired = filesOf(world.authority.issue({ names: [`DNS:${ZONE}`], from: until2026 - 1000, until: until2026 }));
  const ends = () => edge.envoy.stat(`listener.127.0.0.1_${edge.tlsPort}.ssl.certificate.wildcard.expiration_unix_time_seconds`);
  expect(await ends()).toBeGreaterThan(Date.now() / 1000);
  await world.wildcard.update(expired);
  await until('the metric', async () => (await ends()) === until2026 / 1000);
  // The test's client refuses it, as others would; the other certificate goes on.
  await expect(edge.ask({ host: 'a.example.com' })).rejects.toThrow(/expired/);
  expect((await edge.ask()).status).toBe(200);
});

test('a gateway that starts with one that does not work is not ready, and begins to serve when it does', async () => {
  const bad = { ...issued(HOST), 'tls.key': issued(HOST)['tls.key'] };
  // The command refuses what it can see; so they are not there yet when it looks.
  await world.shop.update({});
  await world.wildcard.update({});
  await using edge = await world.gateway([], { waits: false });
  await world.shop.update(bad);
  await until('a refusal', async () => (await edge.envoy.stat('sds.shop.update_rejected')) > 0);
  const { status } = await until('the first configuration', async () => {
    const ready = await edge.ready();
    return ready.text.includes('no certificate') ? ready : undefined;
  });
  expect(status).toBe(503);
  const good = [issued(HOST), issued(ZONE)] as const;
  await world.shop.update(good[0]);
  await world.wildcard.update(good[1]);
  await until(
    'the certificates',
    async () => (await isShown(edge, HOST, good[0])) && (await isShown(edge, 'a.example.com', good[1])),
  );
  await until('the gateway to be ready', async () => (await edge.ready()).status === 200);
  // Ready it stays: another gateway would have no better ones.
  await world.shop.update(bad);
  await until('the next refusal', async () => (await edge.envoy.stat('sds.shop.key_rotation_failed')) > 0);
  expect(await edge.ready()).toEqual({ status: 200, text: 'LIVE\n' });
});
