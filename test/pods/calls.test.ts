/**
 * `frontend → api → identity`, with and without sidecars in every combination, and previews of the two behind: which
 * copy answers at each hop. A hop is decided where its caller or its callee has a sidecar.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPods, type Pod, type Pods } from '../support/pods/pods.ts';
import { until } from '../support/until.ts';

/** Each of a pod with a sidecar and one without. */
type Pair = readonly [without: Pod, withIt: Pod];

const YES_NO = [true, false] as const;
const COMBINATIONS = YES_NO.flatMap((frontend) =>
  YES_NO.flatMap((api) => YES_NO.map((identity) => ({ frontend, api, identity }))),
);

describe('frontend → api → identity', () => {
  const stack = new AsyncDisposableStack();
  let pods: Pods;
  const baseline = new Map<string, Pair>();
  const previews = new Map<string, Pair>();

  const pick = (from: ReadonlyMap<string, Pair>, service: string, sidecar: boolean): Pod => {
    const pod = from.get(service)?.[sidecar ? 1 : 0];
    if (pod === undefined) throw new Error(`there is no pod of ${service}`);
    return pod;
  };

  beforeAll(async () => {
    pods = stack.use(await openPods());
    const calls = { frontend: ['api'], api: ['identity'], identity: [] };
    const pair = async (service: keyof typeof calls, copy: string): Promise<Pair> => {
      const [without, withIt] = await Promise.all(
        YES_NO.map((each) => pods.pod({ service, copy, sidecar: !each, calls: calls[service] })),
      );
      if (without === undefined || withIt === undefined) throw new Error('two pods were asked for');
      return [without, withIt];
    };
    for (const service of ['frontend', 'api', 'identity'] as const) baseline.set(service, await pair(service, 'baseline'));
    // Of either service one preview, and one of both.
    for (const service of ['api', 'identity'] as const) previews.set(service, await pair(service, `pr-${service}`));
  }, 180_000);
  afterAll(() => stack.disposeAsync());

  test.each(COMBINATIONS)(
    'with sidecars as in %j every request lands where it should',
    async ({ frontend, api, identity }) => {
      const caller = pick(baseline, 'frontend', frontend);
      await pods.serve('frontend', [caller]);
      await pods.serve('api', [pick(baseline, 'api', api)]);
      await pods.serve('identity', [pick(baseline, 'identity', identity)]);
      // A preview's pod has a sidecar where the baseline of the other service has one: so both kinds meet both.
      const apiPreview = pick(previews, 'api', identity);
      const identityPreview = pick(previews, 'identity', api);
      await pods.preview(apiPreview);
      await pods.preview(identityPreview);

      const path = async (headers: Readonly<Record<string, string>>, family: 'ipv4' | 'ipv6'): Promise<string> => {
        const host = caller.options.sidecar ? 'api' : 'api.shop.svc.cluster.local';
        const reply = await caller.agent.do('ask', pods.at('api', 'http', family), { host, path: '/identity/', headers });
        return reply.path;
      };
      const apiDecided = frontend || api;
      const expected = [
        { headers: {}, way: 'baseline > baseline' },
        { headers: { baggage: 'detour=pr-nobody' }, way: 'baseline > baseline' },
        { headers: { baggage: 'detour=pr-api' }, way: apiDecided ? 'pr-api > baseline' : 'baseline > baseline' },
        {
          headers: { baggage: 'a=b, detour=pr-identity' },
          way: api || identity ? 'baseline > pr-identity' : 'baseline > baseline',
        },
      ];
      for (const { headers, way } of expected) {
        await until(`${JSON.stringify(headers)} to go by ${way}`, async () => {
          const went = await path(headers, 'ipv4');
          if (went !== way) throw new Error(`went by ${went}`);
          return true;
        });
      }
      // It stays so, over both families.
      for (const { headers, way } of expected) {
        for (const family of ['ipv4', 'ipv6', 'ipv4', 'ipv6'] as const)
          expect([headers, await path(headers, family)]).toEqual([headers, way]);
      }
      // Each preview's own calls go on to the baseline of the next.
      await pods.noPreview(apiPreview);
      await pods.noPreview(identityPreview);
      await until('the previews to be gone', async () => {
        const ways = await Promise.all(expected.map(({ headers }) => path(headers, 'ipv4')));
        return ways.every((way) => way === 'baseline > baseline');
      });
    },
    60_000,
  );
});
