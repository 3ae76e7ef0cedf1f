/** A preview that cannot answer: what its requests get, and what `x-detour-served-by` says of it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { type Ask, answerOf, ask, pathOf, type Reply, servedBy } from '../support/world/client.ts';
import { openShop, type Shop } from '../support/world/shop.ts';
import type { Pod } from '../support/world/world.ts';

const FALLBACK = 'baseline; reason=preview-unavailable';

describe('a preview that cannot answer', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await openShop();
  });
  afterAll(() => shop[Symbol.asyncDispose]());

  /** A preview of frontend that is live. */
  async function live(key: string, pods: readonly Pod[], annotations: Record<string, string> = {}): Promise<Ask> {
    await shop.world.arrive({ key, pods, annotations });
    const ask = { headers: { 'x-detour': key } };
    await until(`${key} to be live`, async () => servedBy(await shop.ask(ask)) === key);
    return ask;
  }

  function times<T>(count: number, make: () => Promise<T>): Promise<T[]> {
    return Promise.all(Array.from({ length: count }, make));
  }

  function tally(replies: readonly Reply[]): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const reply of replies) {
      const name = `${reply.status} ${reply.status === 200 ? answerOf(reply).copy : ''} ${servedBy(reply)}`;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  test('while it lives the stamp names it, also where its own reply is an error', async () => {
    const pods = [await shop.copy('frontend', 'alive')];
    const ask = await live('alive', pods);
    const reply = await shop.ask({ ...ask, path: '/?code=500' });
    expect([reply.status, servedBy(reply), answerOf(reply).copy]).toEqual([500, 'alive', 'alive']);
    // Many of its own errors do not make it leave: they are what its developer wants to see.
    const many = await times(30, () => shop.ask({ ...ask, path: '/?code=503' }));
    expect(tally(many)).toEqual({ '503  alive': 30 });
    expect(servedBy(await shop.ask())).toBeUndefined();
    await shop.world.noPreview(pods);
  });

  test('a pod whose port refuses connections: the baseline answers, and the stamp says why', async () => {
    const app = await shop.world.pod({ service: 'frontend', copy: 'refused', pod: 'frontend-refused' });
    const ask = await live('refused', [app]);
    await app.app.die();
    expect(tally(await times(10, () => shop.ask(ask)))).toEqual({ [`200 baseline ${FALLBACK}`]: 10 });
    const posted = await shop.ask({ ...ask, method: 'POST', body: 'x'.repeat(200_000) });
    expect([posted.status, answerOf(posted).bytes]).toEqual([200, 200_000]);
    await app.app.revive();
    await until('the preview to answer again', async () => servedBy(await shop.ask(ask)) === 'refused');
    await shop.world.noPreview([app]);
  });

  test('50 requests at once to a dead preview: all are answered by the baseline', async () => {
    const app = await shop.world.pod({ service: 'frontend', copy: 'burst', pod: 'frontend-burst' });
    const ask = await live('burst', [app]);
    await app.app.die();
    expect(tally(await times(50, () => shop.ask({ ...ask, path: '/?ms=300' })))).toEqual({ [`200 baseline ${FALLBACK}`]: 50 });
    await shop.world.noPreview([app]);
  });

  test('a dead app behind a sidecar that lives: the baseline answers', async () => {
    const pods = [await shop.copy('frontend', 'headless')];
    const ask = await live('headless', pods);
    await pods[0]?.app.die();
    expect(tally(await times(20, () => shop.ask(ask)))).toEqual({ [`200 baseline ${FALLBACK}`]: 20 });
    await shop.world.noPreview(pods);
  });

  test('one pod of two dead, with and without sidecars: nothing goes to the baseline', async () => {
    for (const sidecar of [false, true]) {
      const key = sidecar ? 'half-mesh' : 'half';
      const make = (pod: string): Promise<Pod> => shop.world.pod({ service: 'frontend', copy: key, pod, sidecar });
      const pods = [await make(`${key}-1`), await make(`${key}-2`)];
      const ask = await live(key, pods);
      await until('both pods to be used', async () => {
        const replies = await times(10, () => shop.ask(ask));
        return new Set(replies.map((reply) => answerOf(reply).pod)).size === 2;
      });
      await pods[0]?.app.die();
      // In waves: while it is found dead, while it counts as dead, and when it is tried again.
      for (let wave = 0; wave < 30; wave++)
        expect(tally(await times(10, () => shop.ask({ ...ask, path: '/?ms=30' })))).toEqual({ [`200 ${key} ${key}`]: 10 });
      await shop.world.noPreview(pods);
    }
  });

  test('a preview that dies after it took the request: 503 and not sent twice, neither to it nor to the baseline', async () => {
    const app = await shop.world.pod({ service: 'frontend', copy: 'cut', pod: 'frontend-cut' });
    const ask = await live('cut', [app]);
    app.app.behaviour = 'reset';
    const [before, baseline] = [app.app.requests, shop.frontend.app.requests];
    const reply = await shop.ask({ ...ask, method: 'POST', body: 'pay 5' });
    expect([reply.status, app.app.requests - before, shop.frontend.app.requests - baseline]).toEqual([503, 1, 0]);
    await shop.world.noPreview([app]);
  });

  test('a request that waits on a connection when the preview is killed: 503, also a GET that nobody has read; the next get the baseline', async () => {
    for (const sidecar of [false, true]) {
      const key = sidecar ? 'killed-mesh' : 'killed';
      const pod = await shop.world.pod({ service: 'frontend', copy: key, pod: key, sidecar });
      const ask = await live(key, [pod]);
      pod.app.deafen();
      const [before, baseline] = [pod.app.requests, shop.frontend.app.requests];
      const waiting = shop.ask(ask);
      const last = pod.sidecar?.envoy ?? shop.gateway.envoy;
      await until('the request to be written', async () =>
        /^cluster\.(?!detour\.).*: 1$/m.test(await last.admin('/stats?filter=upstream_rq_active$')),
      );
      await pod.app.crash();
      const reply = await waiting;
      // Envoy knows that it has sent it, and nothing else: it may have been done.
      expect([reply.status, servedBy(reply), pod.app.requests - before]).toEqual([503, key, 0]);
      expect(shop.frontend.app.requests - baseline).toBe(0);
      expect(tally(await times(10, () => shop.ask(ask)))).toEqual({ [`200 baseline ${FALLBACK}`]: 10 });
      await shop.world.noPreview([pod]);
    }
  });

  test('a preview without ready pods: the baseline; with when-unavailable: fail, a 503 that says why', async () => {
    const app = await shop.world.pod({ service: 'frontend', copy: 'unready', pod: 'frontend-unready' });
    const ask = await live('unready', [app]);
    await shop.world.preview({ key: 'unready', pods: [app], ready: false });
    await until('the baseline to answer', async () => servedBy(await shop.ask(ask)) === FALLBACK);
    expect(tally(await times(10, () => shop.ask(ask)))).toEqual({ [`200 baseline ${FALLBACK}`]: 10 });
    await shop.world.preview({ key: 'unready', pods: [app], ready: false, annotations: { 'when-unavailable': 'fail' } });
    // The endpoints go a moment before the routes that say why.
    const failed = await until('a 503 that says why', async () => {
      const reply = await shop.ask(ask);
      return reply.status === 503 && reply.text.includes('unready') ? reply : undefined;
    });
    expect(failed.text).toMatch(/no ready pod/);
    expect(servedBy(failed), 'nobody has answered').toBeUndefined();
    await shop.world.noPreview([app]);
  });

  test('when-unavailable: fail, and its app dies: a 503 that says why, never the baseline', async () => {
    const app = await shop.world.pod({ service: 'frontend', copy: 'strict', pod: 'frontend-strict' });
    const ask = await live('strict', [app], { 'when-unavailable': 'fail' });
    await app.app.die();
    const before = shop.frontend.app.requests;
    const replies = await times(20, () => shop.ask(ask));
    expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([503]));
    expect(replies.every((reply) => reply.text.includes('strict'))).toBe(true);
    expect(shop.frontend.app.requests).toBe(before);
    await shop.world.noPreview([app]);
  });

  test('the last pod goes: for 30 s the intercept stays, empty, and requests are answered', async () => {
    const app = await shop.world.pod({ service: 'frontend', copy: 'evicted', pod: 'frontend-evicted' });
    const ask = await live('evicted', [app], { 'when-unavailable': 'fail' });
    await shop.world.noPreview([app]);
    await until('the pod to be gone from the Envoys', async () => (await shop.ask(ask)).status === 503);
    // It comes back, as after an eviction.
    await shop.world.preview({ key: 'evicted', pods: [app], annotations: { 'when-unavailable': 'fail' } });
    await until('the preview to answer again', async () => servedBy(await shop.ask(ask)) === 'evicted');
    await shop.world.noPreview([app]);
  });

  test('deeper in the chain, the sidecar of the caller falls back, and the way on is the usual one', async () => {
    const pods = [await shop.copy('api', 'deep')];
    const ask = { path: '/api/identity/', headers: { baggage: 'detour=deep' } };
    await shop.world.arrive({ key: 'deep', pods });
    await shop.reaches('baseline > deep > baseline', ask);
    await pods[0]?.app.die();
    for (const reply of await times(20, () => shop.ask(ask))) {
      expect([reply.status, pathOf(reply), answerOf(reply).nextServedBy]).toEqual([
        200,
        'baseline > baseline > baseline',
        FALLBACK,
      ]);
    }
    await shop.world.noPreview(pods);
  });

  test('no circles: a request whose preview is dead passes each Envoy once, however many hops know the preview', async () => {
    const pods = [await shop.copy('api', 'circle')];
    const request = { path: '/api/', headers: { baggage: 'detour=circle' } };
    await shop.world.arrive({ key: 'circle', pods });
    await shop.reaches('baseline > circle', request);
    await pods[0]?.app.die();
    const envoys = [shop.frontend, ...shop.api, ...pods].map((each) => each.sidecar?.envoy);
    const seen = async (): Promise<number> => {
      let sum = 0;
      for (const envoy of envoys) {
        const stats = (await envoy?.admin('/stats?filter=downstream_rq_total')) ?? '';
        for (const line of stats.split('\n')) if (/^http\.(?!admin)/.test(line)) sum += Number(line.split(': ')[1]);
      }
      return sum;
    };
    const before = await seen();
    const replies = await times(10, () => shop.ask(request));
    expect(new Set(replies.map((reply) => pathOf(reply)))).toEqual(new Set(['baseline > baseline']));
    // In and out of the frontend, the preview's sidecar (three tries at most), the baseline's: no more than that.
    expect(((await seen()) - before) / 10).toBeLessThanOrEqual(6);
    // Straight to a baseline pod, past the caller's sidecar: its inbound sidecar decides, and its own app is the fallback.
    const straight = await Promise.all(shop.api.map((each) => ask(each.port, { host: 'api', headers: request.headers })));
    expect(straight.map((reply) => answerOf(reply).pod)).toEqual(['api-1', 'api-2']);
    await shop.world.noPreview(pods);
  });
});
