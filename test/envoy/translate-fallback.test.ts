/** Previews that cannot answer, behind what translation makes: retries, priorities and local replies, without a control plane. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aHost, aModel, aServiceModel, type InterceptParts } from '../support/models.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { type App, startApp } from '../support/world/app.ts';
import { answerOf, HttpClient, type Reply, servedBy } from '../support/world/client.ts';
import { address, gatewayScope, local, sidecarScope, startScope } from './translate-lab.ts';

const FALLBACK = 'baseline; reason=preview-unavailable';

describe('previews that cannot answer', () => {
  const stack = new AsyncDisposableStack();
  let baseline: App;
  let good: App;
  let client: HttpClient;
  let sidecarApp: App;

  beforeAll(async () => {
    baseline = stack.use(await startApp({ service: 'api', copy: 'baseline' }));
    good = stack.use(await startApp({ service: 'api', copy: 'good' }));
    sidecarApp = stack.use(await startApp({ service: 'api', copy: 'with-sidecar' }));
    const closed = { ip: '127.0.0.1', port: await freePort() };
    const sidecar = { ip: '127.0.0.1', port: await freePort() };
    const intercepts: readonly InterceptParts[] = [
      { key: 'dead', endpoints: [closed] },
      { key: 'half', endpoints: [address(good), closed] },
      { key: 'empty', endpoints: [] },
      { key: 'strict', endpoints: [closed], whenUnavailable: 'fail' },
      { key: 'nobody', endpoints: [], whenUnavailable: 'fail' },
      { key: 'split', endpoints: [closed], percent: 50 },
      { key: 'sidecar', endpoints: [sidecar] },
      { key: 'leaked', endpoints: [address(baseline)] },
    ];
    const service = aServiceModel({ ports: [{ baseline: [address(baseline)], intercepts }] });
    const model = aModel({ services: [service], hosts: [aHost()] });
    const port = await freePort();
    stack.use(await startScope(gatewayScope(port), model));
    const own = service.intercepts.filter((intercept) => intercept.key === 'sidecar').map((intercept) => intercept.id);
    const inbound = { listen: local(sidecar.port), app: local(sidecarApp.port), services: [{ service: service.key, port: 80 }] };
    stack.use(await startScope(sidecarScope({ inbound: [inbound], previews: own }), model));
    client = stack.use(new HttpClient(port, 50));
  });
  afterAll(() => stack.disposeAsync());

  const keyed = (key: string, body?: string): Promise<Reply> => {
    const method = body === undefined ? 'GET' : 'POST';
    return client.ask({ host: 'shop.example.com', headers: { 'x-detour': key }, method, ...(body !== undefined && { body }) });
  };
  const outcome = (reply: Reply): string =>
    reply.status === 200 ? `${answerOf(reply).copy} ${servedBy(reply) ?? '-'}` : String(reply.status);
  const tally = async (count: number, key: string): Promise<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (const reply of await Promise.all(Array.from({ length: count }, () => keyed(key)))) {
      counts[outcome(reply)] = (counts[outcome(reply)] ?? 0) + 1;
    }
    return counts;
  };

  test('a refused connection: the baseline answers, a body too, and 50 at once', async () => {
    expect(await tally(50, 'dead')).toEqual({ [`baseline ${FALLBACK}`]: 50 });
    const reply = await keyed('dead', 'x'.repeat(200_000));
    expect([outcome(reply), answerOf(reply).bytes]).toEqual([`baseline ${FALLBACK}`, 200_000]);
  });

  test('one pod of two dead: nothing goes to the baseline', async () => {
    expect(await tally(100, 'half')).toEqual({ 'good half': 100 });
  });

  test('no pod at all: the baseline', async () => {
    expect(await tally(10, 'empty')).toEqual({ [`baseline ${FALLBACK}`]: 10 });
  });

  test('when-unavailable: fail is a 503 that says why, with a dead pod, once it is ejected, and with none', async () => {
    for (const key of ['strict', 'nobody']) {
      for (let count = 0; count < 10; count += 1) {
        const reply = await keyed(key);
        expect(reply.status).toBe(503);
        expect(reply.text).toContain(`The preview ${key} of shop/api:80 cannot be reached`);
        expect(reply.text).toContain('when-unavailable: fail');
      }
    }
  });

  test('percent of a dead preview: all are answered', async () => {
    const counts = await tally(60, 'split');
    expect(Object.keys(counts).sort()).toEqual(['baseline baseline', `baseline ${FALLBACK}`]);
  });

  test('a pod of the preview that is the baseline too stays what it is: the preview', async () => {
    expect(await tally(10, 'leaked')).toEqual({ 'baseline leaked': 10 });
  });

  test('the app dies behind its sidecar: the baseline answers, and its own replies never say what hops tell each other', async () => {
    expect(await tally(10, 'sidecar')).toEqual({ 'with-sidecar sidecar': 10 });
    await sidecarApp.die();
    expect(await tally(50, 'sidecar')).toEqual({ [`baseline ${FALLBACK}`]: 50 });
    const reply = await keyed('sidecar');
    expect(reply.headers['x-detour-unavailable']).toBeUndefined();
    await sidecarApp.revive();
    await until('the preview to answer again', async () => outcome(await keyed('sidecar')) === 'with-sidecar sidecar');
  });

  test('a preview that comes back after it was ejected is used again', async () => {
    const port = good.port;
    await good.die();
    expect(await tally(30, 'half')).toEqual({ [`baseline ${FALLBACK}`]: 30 });
    await good.revive();
    expect(good.port).toBe(port);
    await until('the preview to answer again', async () => outcome(await keyed('half')) === 'good half');
    expect(await tally(50, 'half')).toEqual({ 'good half': 50 });
  });
});
