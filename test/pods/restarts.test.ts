/** Under constant load: the control plane is killed and comes back, pods are replaced, previews come and go. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PORTS } from '../support/pods/pod-ports.ts';
import { metricsOf, openPods, type Pod, type Pods } from '../support/pods/pods.ts';
import { until } from '../support/until.ts';
import { ask, HttpClient, pathOf } from '../support/world/client.ts';

const stack = new AsyncDisposableStack();
let pods: Pods;
beforeAll(async () => {
  pods = stack.use(await openPods());
}, 60_000);
afterAll(() => stack.disposeAsync());

const BASELINE = 'baseline > baseline';
const KEYED = { host: 'api', path: '/identity/', headers: { baggage: 'detour=pr-42' } };

test('not one request fails while the control plane is killed three times, pods are replaced, and a preview comes and goes', async () => {
  const frontend = await pods.pod({ service: 'frontend', copy: 'baseline', sidecar: true, calls: ['api'] });
  const start = (service: 'api' | 'identity', copy = 'baseline'): Promise<Pod> =>
    pods.pod({ service, copy, sidecar: true, calls: service === 'api' ? ['identity'] : [] });
  const serving = { api: [await start('api'), await start('api')], identity: [await start('identity')] };
  const preview = await start('api', 'pr-42');
  await pods.serve('frontend', [frontend]);
  for (const service of ['api', 'identity'] as const) await pods.serve(service, serving[service]);
  const keyed = async (): Promise<string> => (await frontend.agent.do('ask', pods.at('api'), KEYED)).path;
  await until('the shop to be open', async () => (await keyed()) === BASELINE);

  await frontend.agent.do('startLoad', {
    ...pods.at('api'),
    rate: 60,
    kinds: [
      { name: 'plain', ask: { host: 'api', path: '/identity/' }, ways: [BASELINE] },
      { name: 'keyed', ask: KEYED, ways: [BASELINE, 'pr-42 > baseline'] },
    ],
  });

  for (let round = 0; round < 3; round++) {
    await pods.plane.kill('SIGKILL');
    // Written while nobody reads it.
    if (round % 2 === 0) await pods.preview(preview);
    else await pods.noPreview(preview);
    await pods.plane.start();
    const way = round % 2 === 0 ? 'pr-42 > baseline' : BASELINE;
    await until(`the key to go by ${way}`, async () => (await keyed()) === way, 60_000);

    const service = round % 2 === 0 ? 'api' : 'identity';
    serving[service] = await replace(pods, service, serving[service], start);
  }

  const { details, failures, requests, served } = await frontend.agent.do('stopLoad');
  expect(details).toEqual([]);
  expect(failures).toBe(0);
  expect(requests).toBeGreaterThan(200);
  expect(served[`plain: ${BASELINE}`]).toBeGreaterThan(0);
  expect(served['keyed: pr-42 > baseline']).toBeGreaterThan(0);
}, 240_000);

test('a request on a kept connection to a pod whose app has ended is answered by another pod', async () => {
  const frontend = await pods.pod({ service: 'frontend', copy: 'baseline', sidecar: true });
  const start = (copy: string): Promise<Pod> => pods.pod({ service: 'identity', copy, sidecar: true });
  const old = await start('old');
  await pods.serve('identity', [old]);
  const what = { host: 'identity' };
  // Where bytes are passed through, nobody could send it again. The app's own replies say something of the connection.
  await until('the sidecars to know their ports', async () => {
    const replies = [
      frontend.agent.do('ask', pods.at('identity'), what),
      ask(PORTS.http.pod, what, old.namespace.addresses.ipv4),
    ];
    return (await Promise.all(replies)).every(({ headers }) => headers['connection'] === undefined);
  });
  expect(await frontend.agent.do('askAgain', pods.at('identity'), what)).toMatchObject({ status: 200, path: 'old' });
  await pods.serve('identity', [await start('new')]);
  await pods.drain(old);
  await old.agent.do('drain');
  expect(await frontend.agent.do('askAgain', pods.at('identity'), what)).toMatchObject({ status: 200, path: 'new' });
}, 60_000);

test('a pod that leaves its Service answers requests itself on the connections that it has, with a key or without', async () => {
  const start = (copy: string): Promise<Pod> => pods.pod({ service: 'identity', copy, sidecar: true });
  const [pod, preview] = [await start('baseline'), await start('pr-7')];
  await pods.serve('identity', [pod]);
  await pods.preview(preview);
  const key = { host: 'identity', headers: { baggage: 'detour=pr-7' } };
  // A connection from before the sidecar knew its ports stays one whose bytes are passed through.
  using client = await until('the key to be routed', async () => {
    const fresh = new HttpClient(PORTS.http.pod, 1, pod.namespace.addresses.ipv4);
    const isRouted = pathOf(await fresh.ask(key)) === 'pr-7';
    if (!isRouted) fresh[Symbol.dispose]();
    return isRouted && fresh;
  });
  await pods.serve('identity', []);
  await until('its sidecar to drop clusters', async () =>
    /^envoy_cluster_manager_cluster_removed\{\} [1-9]/m.test(await metricsOf(pod)),
  );
  expect(pathOf(await client.ask(key))).toBe('baseline');
  expect(pathOf(await client.ask({ host: 'identity' }))).toBe('baseline');
}, 60_000);

/** As a rolling update does it: a new pod serves, an old one ends once nobody is sent to it. */
async function replace(
  all: Pods,
  service: 'api' | 'identity',
  old: readonly Pod[],
  start: (service: 'api' | 'identity') => Promise<Pod>,
): Promise<Pod[]> {
  let serving = [...old];
  for (const pod of old) {
    serving = [...serving, await start(service)];
    await all.serve(service, serving);
    serving = serving.filter((each) => each !== pod);
    await all.serve(service, serving);
    await all.end(pod);
  }
  return serving;
}
