/** The admin endpoint of a running control plane, with an Envoy's part played by a plain ADS client. */
import { describe, expect, test } from 'vitest';
import { startApp } from '../../src/app.ts';
import { run } from '../../src/cli/main.ts';
import { readConfig } from '../../src/config.ts';
import { AdsClient } from '../support/ads-client.ts';
import { type RunningApp, runApp, untilReady } from '../support/running-app.ts';
import { until } from '../support/until.ts';
import { detour, endpointSlice, pod, service } from '../support/world/objects.ts';

const preview = (key: string, name = `api-${key}`, annotations: Readonly<Record<string, string>> = {}) =>
  pod({ namespace: 'shop', name, key, deployment: name, port: 9000, annotations: detour({ intercept: 'api', ...annotations }) });

async function shop(): Promise<RunningApp> {
  const running = await runApp({
    prepare: (manifests) =>
      manifests.put(
        service({ namespace: 'shop', name: 'api', annotations: detour({ host: 'shop.example.com' }) }),
        endpointSlice({ namespace: 'shop', service: 'api', pod: 'api-0', port: 8080 }),
        preview('pr-42'),
      ),
  });
  await untilReady(running);
  return running;
}

describe('/api/proxies', () => {
  test('shows each Envoy: who it is, its protocol, and what it was sent and has accepted', async () => {
    await using running = await shop();
    const gateway = running.gateway();
    const [proxy] = await until('the ACK', async () => {
      const { proxies } = JSON.parse((await running.get('/api/proxies')).body);
      return proxies[0]?.types[0]?.acked !== '' && proxies[0]?.types.length > 0 ? proxies : undefined;
    });
    const version = gateway.responses[0]?.version;
    expect(proxy).toMatchObject({
      id: 'gateway~shop/edge',
      role: 'gateway',
      protocol: 'sotw',
      proxy: { listen: { port: 8080 } },
    });
    expect(proxy.types).toMatchObject([{ type: 'cluster', subscribed: '*', sent: version, acked: version, pending: false }]);
  });

  test('does not show those that have gone', async () => {
    await using running = await shop();
    const gateway = running.gateway();
    await until('the response', () => gateway.responses.length > 0);
    gateway[Symbol.dispose]();
    await until('nobody', async () => JSON.parse((await running.get('/api/proxies')).body).proxies.length === 0);
    expect(await running.metric('detour_xds_streams{protocol="sotw",role="gateway"}')).toBeUndefined();
    expect(await running.metric('detour_xds_streams_total{protocol="sotw"}')).toBe(1);
  });
});

describe('/api/intercepts', () => {
  test('has a receipt: without an Envoy none, with one live', async () => {
    await using running = await shop();
    expect((await running.intercepts())[0]?.receipt.state).toBe('noProxy');
    const gateway = running.gateway();
    await until('the response', () => gateway.responses.length > 0);
    await until('the receipt', async () => (await running.intercepts())[0]?.receipt.state === 'live');
    expect((await running.intercepts())[0]?.receipt).toMatchObject({ needed: 1, acked: 1 });
  });

  test('names winner and loser of a key that two previews have, and narrows down', async () => {
    await using running = await shop();
    await running.manifests.put(preview('pr-42', 'zzz'), preview('pr-7'));
    const all = await until('three intercepts', async () => {
      const intercepts = await running.intercepts();
      return intercepts.length === 3 && intercepts;
    });
    const [winner] = all.filter(({ losers }) => losers.length > 0);
    const [loser] = all.filter(({ state }) => state === 'shadowed');
    expect(loser?.winner).toBe(winner?.id);
    expect(winner?.losers).toEqual([loser?.id]);
    expect(await running.metric('detour_intercepts{state="shadowed"}')).toBe(1);
    const narrowed = JSON.parse((await running.get('/api/intercepts?key=pr-7&namespace=shop&target=shop/api:80')).body);
    expect(narrowed.intercepts.map(({ key }: { key: string }) => key)).toEqual(['pr-7']);
    expect(JSON.parse((await running.get('/api/intercepts?namespace=bank')).body).intercepts).toEqual([]);
  });

  test('calls an intercept rejected that an Envoy refuses, and says what the Envoy said', async () => {
    await using running = await shop();
    running.gateway((clusters) => (clusters.some(({ name }) => name.includes('pr-bad')) ? 'pr-bad is bad' : undefined));
    await running.manifests.put(preview('pr-bad'));
    const states = await until('the rejection', async () => {
      const all = await running.states();
      return all.includes('pr-bad rejected') && all;
    });
    expect(states).toContain('pr-42 active');
    expect(await running.problems()).toContainEqual(
      expect.objectContaining({
        code: 'Rejected',
        message: expect.stringContaining('pr-bad is bad'),
        subject: { kind: 'Pod', key: 'shop/api-pr-bad' },
      }),
    );
    expect(await running.metric('detour_xds_nacks_total{type="cluster"}')).toBeGreaterThan(0);
    expect(await running.metric('detour_xds_quarantined_intercepts')).toBe(1);
    expect(running.log).toContainEqual(
      expect.objectContaining({ message: 'Envoy refused a response', consequence: expect.any(String) }),
    );
  });
});

describe('/metrics', () => {
  test('counts what goes over the streams, and how long a change took to the last ACK', async () => {
    await using running = await shop();
    const gateway = running.gateway();
    await until('the response', () => gateway.responses.length > 0);
    await running.manifests.put(preview('pr-43'));
    await until('the change', async () => ((await running.metric('detour_change_to_last_ack_seconds_count')) ?? 0) > 0);
    expect(await running.metric('detour_xds_responses_total{type="cluster"}')).toBe(2);
    expect(await running.metric('detour_xds_acks_total{type="cluster"}')).toBe(2);
    expect(await running.metric('detour_xds_response_bytes_total{type="cluster"}')).toBeGreaterThan(100);
    expect(await running.metric('detour_xds_subscriptions{type="cluster"}')).toBe(1);
    expect(await running.metric('detour_xds_streams{protocol="sotw",role="gateway"}')).toBe(1);
    expect(await running.metric('detour_xds_resources{type="cluster"}')).toBeGreaterThanOrEqual(3);
    expect(await running.metric('detour_intercepts{state="active"}')).toBe(2);
    expect(await running.metric('detour_source_changes_total{kind="pod"}')).toBe(2);
    expect(await running.metric('detour_build_info{version="1.2.3"}')).toBe(1);
  });
});

describe('/api/explain', () => {
  test.each([
    ['a URL', 'to=http://shop.example.com/cart&header=x-detour:%20pr-42', 'preview', 'shop/api:80'],
    ['a preview URL', 'to=http://pr-42--shop.example.com/', 'preview', 'shop/api:80'],
    ['an unknown key', 'to=http://pr-99--shop.example.com/', 'no-preview', undefined],
    ['a Service', 'to=api.shop', 'baseline', 'shop/api:80'],
    ['a Service by its port, in a namespace', 'to=api:80&namespace=shop&header=baggage:detour=pr-42', 'preview', 'shop/api:80'],
    ['a Service that is not there', 'to=nothing.shop', 'unknown', undefined],
  ])('tells what happens to %s', async (_, query, kind, target) => {
    await using running = await shop();
    const { status, body } = await running.get(`/api/explain?${query}`);
    expect(status).toBe(200);
    const { explanation, text } = JSON.parse(body);
    expect([explanation.outcome.kind, explanation.target]).toEqual([kind, target]);
    expect(text).toMatch(/\.\n$/);
  });

  test('names previews as problems do, and says what an Envoy does not know', async () => {
    await using running = await shop();
    const textOf = async (query: string) => JSON.parse((await running.get(`/api/explain?${query}`)).body).text;
    expect(await textOf('to=http://shop.example.com/&header=x-detour:pr-42')).toContain(
      'It is sent to preview pr-42 (Deployment shop/api-pr-42), by its key.\n',
    );
    expect(await textOf('to=http://shop.example.com/&header=x-detour:pr-4')).toContain(
      'Not preview pr-42 (Deployment shop/api-pr-42): The request\'s key is "pr-4", not pr-42',
    );
    expect(await textOf('to=http://nobody.example.com/')).toContain('404: no Service has this host in its detour.dev/host.');
    expect(await textOf('to=nothing.shop')).toContain('404: it knows no such Service.');
  });

  test.each([
    ['', 'to is missing'],
    ['to=a/b/c', 'neither a Service nor a URL'],
    ['to=http://', 'is no URL'],
    ['to=api.shop&header=nonsense', 'is not NAME:VALUE'],
    ['to=api.shop&proxy=sidecar~shop/api-0', 'sidecar~shop/api-0 is not connected'],
    ['to=api.shop&proxy=gateway~shop/other', 'gateway~shop/other is not connected'],
    ['to=api.shop&proxy=gateway~other', '"gateway~other" must be gateway~<namespace>/<name>'],
  ])('refuses %s with a hint', async (query, error) => {
    await using running = await shop();
    const { status, body } = await running.get(`/api/explain?${query}`);
    expect(status).toBe(400);
    expect(JSON.parse(body).error).toContain(error);
    expect(JSON.parse(body).hint).not.toBe('');
  });

  test('asks a connected Envoy by its id', async () => {
    await using running = await shop();
    const gateway = running.gateway();
    await until('the response', () => gateway.responses.length > 0);
    const { body } = await running.get('/api/explain?to=http://shop.example.com/&proxy=gateway~shop/edge');
    expect(JSON.parse(body)).toMatchObject({
      scope: { kind: 'gateway', listen: { port: 8080 } },
      explanation: { hop: 'gateway' },
    });
  });
});

describe('detour explain', () => {
  async function explain(running: RunningApp, ...flags: readonly string[]) {
    let [out, err] = ['', ''];
    const io = { out: (text: string) => (out += text), err: (text: string) => (err += text), environment: {} };
    const server = `http://127.0.0.1:${running.app.admin.port}`;
    return { code: await run(['explain', '--server', server, ...flags], io), out, err };
  }

  test('speaks of its flags, not of the query: an Envoy that is not connected, and how to find those that are', async () => {
    await using running = await shop();
    const said = await explain(running, '--to', 'api.shop', '--proxy', 'gateway~shop/other');
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err).toMatch(
      /^detour explain: gateway~shop\/other is not connected\. `detour explain --to … -o wide`, without --proxy,/,
    );
    expect(said.err).not.toMatch(/GET |=/);
  });

  test('a sidecar whose listener is not told is wrong usage', async () => {
    await using running = await shop();
    using sidecar = new AdsClient({
      port: running.app.xds.port,
      node: 'sidecar~shop/api-0',
      detour: { outbound: '127.0.0.1:15001' },
    });
    await until('the response', () => sidecar.responses.length > 0);
    const said = await explain(running, '--to', 'api.shop', '--proxy', 'sidecar~shop/api-0');
    expect(said).toEqual({
      code: 2,
      out: '',
      err: 'detour explain: A sidecar has several listeners: say which one the request comes to. --listener inbound:PORT or --listener outbound says which.\n',
    });
    const told = await explain(running, '--to', 'api.shop', '--proxy', 'sidecar~shop/api-0', '--listener', 'outbound');
    expect(told).toMatchObject({ code: 0, err: '' });
  });
});

describe('the app', () => {
  test('refuses a client that does not say who it is as it should, and says so in the log', async () => {
    await using running = await shop();
    using client = new AdsClient({ port: running.app.xds.port, node: 'gateway~shop', detour: {} });
    await until('the end of the stream', () => client.end);
    expect(client.end).toContain('gateway~<namespace>/<name>');
    expect(await running.metric('detour_xds_streams_refused_total')).toBe(1);
    expect(running.log).toContainEqual(expect.objectContaining({ message: 'stream refused', consequence: expect.any(String) }));
  });

  test('stops with all that it started, while an Envoy is connected', async () => {
    await using running = await shop();
    const gateway = running.gateway();
    await until('the response', () => gateway.responses.length > 0);
    await running.app.stop();
    await until('the end of the stream', () => gateway.end);
    await expect(fetch(`http://127.0.0.1:${running.app.admin.port}/healthz`)).rejects.toThrow();
  });

  test('leaves nothing running when it cannot start', async () => {
    await using running = await shop();
    const taken = `127.0.0.1:${running.app.admin.port}`;
    const { config } = readConfig(['--source', 'directory:/nowhere', '--xds-listen', '127.0.0.1:0', '--admin-listen', taken], {});
    if (config === undefined) throw new Error('these settings are right');
    const ignore = () => undefined;
    const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
    await expect(startApp(config, { log, version: '0' })).rejects.toThrow('--admin-listen 127.0.0.1');
    const busy = { ...config, xdsListen: running.app.xds, adminListen: { host: '127.0.0.1', port: 0 } };
    await expect(startApp(busy, { log, version: '0' })).rejects.toThrow('--xds-listen 127.0.0.1');
  });
});
