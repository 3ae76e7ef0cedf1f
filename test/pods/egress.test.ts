/** Requests of captured pods that leave the cluster: what of them arrives elsewhere. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NODE_ADDRESS } from '../support/cluster/addresses.ts';
import { NODE_SIX } from '../support/pods/pod-network.ts';
import { PORTS } from '../support/pods/pod-ports.ts';
import { openPods, type Pod, type Pods } from '../support/pods/pods.ts';
import { until } from '../support/until.ts';
import { type App, startApp } from '../support/world/app.ts';

/** Of the ClusterIPs alone: the node is elsewhere. */
const EGRESS = { clusterCidrs: ['10.97.0.0/16', 'fd97::/16'] };
const CARRIERS = {
  ...{ 'x-detour': 'pr-42', x_detour: 'pr-42', 'x-detour-decided': 'shop/api:80', 'X-Odd': 'Kept' },
  ...{ baggage: 'a=1, detour=pr-42', tracestate: 'detour=pr-42', cookie: 'a=1' },
};
const WITHOUT = { 'x-odd': 'Kept', baggage: 'a=1', cookie: 'a=1' };

describe('a sidecar that takes carriers from what leaves the cluster', () => {
  const stack = new AsyncDisposableStack();
  let pods: Pods;
  let careful: Pod;
  let plain: Pod;
  let api: Pod;
  let elsewhere: Readonly<Record<'ipv4' | 'ipv6', App>>;

  beforeAll(async () => {
    pods = stack.use(await openPods());
    let preview: Pod;
    [careful, plain, api, preview] = await Promise.all([
      pods.pod({ service: 'frontend', copy: 'baseline', sidecar: true, egress: EGRESS }),
      pods.pod({ service: 'frontend', copy: 'plain', sidecar: true }),
      pods.pod({ service: 'api', copy: 'baseline', sidecar: false }),
      pods.pod({ service: 'api', copy: 'pr-42', sidecar: false }),
    ]);
    await pods.serve('frontend', [careful]);
    await pods.serve('api', [api]);
    await pods.preview(preview);
    const port = PORTS.http.service;
    elsewhere = {
      ipv4: stack.use(await startApp({ service: 'elsewhere', copy: 'baseline', address: NODE_ADDRESS, port })),
      ipv6: stack.use(await startApp({ service: 'elsewhere', copy: 'baseline', address: NODE_SIX, port })),
    };
    const keyed = { host: 'api', headers: { 'x-detour': 'pr-42' } };
    for (const pod of [careful, plain])
      await until('the key to be routed', async () => (await pod.agent.do('ask', pods.at('api'), keyed)).path === 'pr-42');
  }, 120_000);
  afterAll(() => stack.disposeAsync());

  /** What arrives elsewhere of a request that has all carriers. */
  async function arriving(pod: Pod, family: 'ipv4' | 'ipv6', host: string): Promise<object> {
    const app = elsewhere[family];
    const at = { address: family === 'ipv4' ? NODE_ADDRESS : NODE_SIX, port: PORTS.http.service };
    expect(await pod.agent.do('ask', at, { host, headers: CARRIERS })).toMatchObject({ status: 200, path: 'baseline' });
    const { host: _, connection: __, 'x-forwarded-proto': ___, ...headers } = app.asked.at(-1)?.headers ?? {};
    return headers;
  }

  describe.each(['ipv4', 'ipv6'] as const)('over %s', (family) => {
    test('leaves none there, by whatever name it is called, and all else as it was', async () => {
      for (const host of ['example.com', 'api', 'api.shop:80']) expect(await arriving(careful, family, host)).toEqual(WITHOUT);
    });

    test('leaves them there, unless it is told', async () => {
      expect(await arriving(plain, family, 'example.com')).toMatchObject({ 'x-detour': 'pr-42', baggage: 'a=1, detour=pr-42' });
    });

    test('leaves them in what stays in the cluster', async () => {
      const headers = { baggage: 'a=1,detour=pr-42' };
      const reply = await careful.agent.do('ask', pods.at('api', 'http', family), { host: 'api', headers });
      expect(reply).toMatchObject({ path: 'pr-42', servedBy: 'pr-42' });
      await careful.agent.do('ask', pods.at('api', 'http', family), { host: 'api', headers: { baggage: 'detour=pr-9' } });
      expect(await api.agent.do('lastAsked')).toMatchObject({ baggage: 'detour=pr-9' });
    });
  });

  test('lets the pod be called as before', async () => {
    const reply = await plain.agent.do('ask', pods.at('frontend'), { host: 'frontend', headers: { 'x-detour': 'pr-9' } });
    expect(reply).toMatchObject({ status: 200, path: 'baseline' });
    expect(await careful.agent.do('lastAsked')).toMatchObject({ 'x-detour': 'pr-9' });
  });
});
