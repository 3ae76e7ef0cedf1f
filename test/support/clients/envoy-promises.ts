/** What is promised to Envoys of every version that is supported, in both ways that they ask. */
import { expect, test } from 'vitest';
import { until } from '../until.ts';
import { type Ask, ask, pathOf, servedBy } from '../world/client.ts';
import type { Proxy } from '../world/world.ts';
import { clientPromises, FIRST_POD, PREVIEW_POD } from './client-promises.ts';
import { type EnvoyBench, HOST, ORIGIN, openEnvoyBench, PREVIEW_DOMAIN } from './envoy-bench.ts';

/** Counters that tell of configuration that was refused or not understood, and of scripts that failed. */
const TROUBLE = 'update_rejected|unknown_fields|lua\\..*errors';

export function envoyPromises(version: string): void {
  for (const protocol of ['delta', 'sotw'] as const) {
    let bench: EnvoyBench;
    clientPromises(
      `Envoy ${version}, ${protocol}`,
      async () => {
        bench = await openEnvoyBench(version, protocol);
        return bench;
      },
      { inBetween: () => roleTests(version, () => bench), atTheEnd: () => acceptedTest(() => bench) },
    );
  }
}

function roleTests(version: string, bench: () => EnvoyBench): void {
  const through = (what: Ask): ReturnType<typeof ask> => ask(bench().gateway.port, { host: HOST, ...what });

  test('it is this version', async () => {
    const { version: said } = JSON.parse(await bench().gateway.envoy.admin('/server_info')) as { readonly version: string };
    expect(said).toContain(`/${version}/`);
  });

  test('a preview URL leads to its preview, and that of a key that nobody has says so', async () => {
    const reply = await until('the preview URL', async () => {
      const answered = await through({ host: `pr-1--${HOST}` });
      return answered.status === 200 ? answered : undefined;
    });
    expect([pathOf(reply), servedBy(reply)]).toEqual(['pr-1', 'pr-1']);
    expect(pathOf(await through({ host: `pr-1--api.${PREVIEW_DOMAIN}` }))).toBe('pr-1');
    expect(await through({ host: `pr-9--${HOST}` })).toMatchObject({ status: 404 });
  });

  test('a page of another origin is told that it may send what carries a key', async () => {
    const headers = { origin: ORIGIN, 'access-control-request-method': 'GET', 'access-control-request-headers': 'x-detour' };
    const reply = await through({ method: 'OPTIONS', headers });
    expect(reply.headers['access-control-allow-origin']).toBe(ORIGIN);
    expect(reply.headers['access-control-allow-headers']).toContain('x-detour');
  });

  test('a preview dies: the baseline answers at once, and says so; with `fail`, nobody does', async () => {
    const { world, start } = bench();
    const [kind, strict] = [await start('pr-2', 'api-pr-2', true), await start('pr-3', 'api-pr-3', false)];
    await world.preview({ key: 'pr-2', pods: [kind] });
    await world.preview({ key: 'pr-3', pods: [strict], annotations: { 'when-unavailable': 'fail' } });
    const withKey = (key: string): ReturnType<typeof ask> => through({ headers: { 'x-detour': key } });
    for (const key of ['pr-2', 'pr-3']) await until(`${key} to answer`, async () => servedBy(await withKey(key)) === key);
    await world.atHome([kind]);
    await Promise.all([kind.app.die(), strict.app.die()]);
    // A request on a connection whose end has not been heard of yet is lost: it may have been worked on.
    await until('the sidecars to notice', async () => (await withKey('pr-2')).status === 200);
    for (let round = 0; round < 10; round++) {
      const reply = await withKey('pr-2');
      expect([reply.status, pathOf(reply), servedBy(reply)]).toEqual([200, 'baseline', 'baseline; reason=preview-unavailable']);
      expect(await withKey('pr-3')).toMatchObject({ status: 503, text: expect.stringContaining('pr-3') });
    }
    await world.noPreview([kind, strict]);
  });

  test('a reply says who served it, where the request carried a key', async () => {
    expect(servedBy(await through({ headers: { baggage: 'detour=pr-1' } }))).toBe('pr-1');
    expect(servedBy(await through({ headers: { 'x-detour': 'pr-9' } }))).toBe('baseline');
    expect(servedBy(await through({}))).toBeUndefined();
  });

  test('the sidecar of a baseline pod decides where nobody has decided before', async () => {
    const pod = sidecarOf(FIRST_POD);
    const at = async (headers: Readonly<Record<string, string>>): Promise<string> =>
      pathOf(await ask(pod.port, { host: 'api.shop', headers }));
    await until('the sidecar to follow', async () => (await at({ 'x-detour': 'pr-1' })) === 'pr-1');
    expect(await at({ tracestate: 'a=1,detour=pr-1' })).toBe('pr-1');
    expect(await at({ 'x-user': 'alice' })).toBe('pr-1');
    expect(await at({ 'x-user': 'bob' })).toBe('baseline');
    expect(await at({})).toBe('baseline');
  });

  function sidecarOf(pod: string): Proxy {
    const sidecar = bench().sidecars.get(pod);
    if (sidecar === undefined) throw new Error(`${pod} has no sidecar.`);
    return sidecar;
  }

  test('every kind of rule is understood: operators, members of baggage, large regular expressions', async () => {
    const { world } = bench();
    const [preview] = await world.intercepts();
    expect(preview).toBeDefined();
    const pod = { namespace: 'shop', name: PREVIEW_POD, service: 'api', port: sidecarOf(PREVIEW_POD).port };
    const match = `x-user=alice
      x-team^=web-, !x-robot
      x-app$=shop, x-tenant~="(t[0-9]{1,60}|u[a-z]{1,40})", x-path*=cart
      baggage[user]="a b", x-app$=shop
      baggage[group]^=qa, baggage[tier]~="gold|silver"`;
    await world.preview({ key: 'pr-1', pods: [pod], annotations: { match } });
    await until('the rules', async () => pathOf(await through({ headers: { 'x-team': 'web-1' } })) === 'pr-1');
    const cases: readonly [Readonly<Record<string, string>>, string][] = [
      [{ 'x-team': 'web-1', 'x-robot': '1' }, 'baseline'],
      [{ 'x-app': 'my-shop', 'x-tenant': 't123', 'x-path': '/cart/1' }, 'pr-1'],
      [{ 'x-app': 'my-shop', 'x-tenant': 't', 'x-path': '/cart/1' }, 'baseline'],
      [{ baggage: 'x=1,user=a%20b;p=q', 'x-app': 'my-shop' }, 'pr-1'],
      [{ baggage: 'user=a%20bc', 'x-app': 'my-shop' }, 'baseline'],
      [{ baggage: 'group=qa-1,tier=gold' }, 'pr-1'],
      [{ baggage: 'group=qa-1,tier=golden' }, 'baseline'],
    ];
    const answers = await Promise.all(cases.map(async ([headers]) => [headers, pathOf(await through({ headers }))]));
    expect(answers).toEqual(cases);
    await world.preview({ key: 'pr-1', pods: [pod], annotations: { match: 'x-user=alice' } });
    await until('the rules to be gone', async () => pathOf(await through({ headers: { 'x-team': 'web-1' } })) === 'baseline');
  });
}

function acceptedTest(bench: () => EnvoyBench): void {
  test('no Envoy refused anything, or met a field that it does not know, and no script failed', async () => {
    const { gateway, sidecars } = bench();
    for (const { envoy } of [gateway, ...sidecars.values()]) {
      const counters = (await envoy.admin(`/stats?filter=${encodeURIComponent(TROUBLE)}`)).split('\n');
      expect(counters).toContain('cluster_manager.cds.update_rejected: 0');
      expect(counters).toContain('server.dynamic_unknown_fields: 0');
      expect(counters.filter((line) => line !== '' && !line.endsWith(': 0'))).toEqual([]);
      // Ports never went, so no listener did, not even for a moment.
      expect(await envoy.stat('listener_manager.listener_removed')).toBe(0);
      expect(await envoy.stat('cluster_manager.cds.update_success')).toBeGreaterThan(0);
      expect(await envoy.stat('listener_manager.lds.update_success')).toBeGreaterThan(0);
      expect(await envoy.log()).not.toMatch(/deprecated|unknown field|script log/i);
    }
  });
}
