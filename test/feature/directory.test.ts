/** What becomes of the files of `--source directory:`, as an Envoy and the admin API see it. */
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { AdsClient } from '../support/ads-client.ts';
import { type RunningApp, runApp, untilReady } from '../support/running-app.ts';
import { until } from '../support/until.ts';
import type { Manifests } from '../support/world/manifests.ts';
import { detour, endpointSlice, pod, service } from '../support/world/objects.ts';

const HOST = 'shop.example.com';

/** The Service `api` with a host and one baseline pod. */
async function baseline(
  manifests: Manifests,
  name = 'api',
  annotations: Readonly<Record<string, string>> = { host: HOST },
): Promise<void> {
  await manifests.put(
    service({ namespace: 'shop', name, annotations: detour(annotations) }),
    endpointSlice({ namespace: 'shop', service: name, pod: `${name}-0`, port: 8080 }),
  );
}

const preview = (key: string, annotations: Readonly<Record<string, string>> = {}) =>
  pod({
    namespace: 'shop',
    name: `api-${key}`,
    key,
    deployment: `api-${key}`,
    port: 9000,
    annotations: detour({ intercept: 'api', ...annotations }),
  });

const shop = () => runApp({ prepare: (manifests) => baseline(manifests) });

/** Waits until the gateway has, or has not, a cluster for the preview. */
async function seen(gateway: AdsClient, key: string, there = true): Promise<void> {
  await until(
    `${key} ${there ? 'at' : 'gone from'} the gateway`,
    () => gateway.responses.length > 0 && gateway.clusters.some((name) => name.includes(key)) === there,
  );
}

async function statesBecome(running: RunningApp, states: readonly string[]): Promise<void> {
  await until(
    `the intercepts ${states.join(', ')}`,
    async () => JSON.stringify(await running.states()) === JSON.stringify(states),
  );
}

describe('a file', () => {
  test('added is an intercept at the gateway, changed it changes, removed it is gone; each by one response', async () => {
    await using running = await shop();
    const gateway = running.gateway();
    await until('the first response', () => gateway.responses.length === 1);
    await running.manifests.put(preview('pr-42'));
    await seen(gateway, 'pr-42');
    expect(await running.states()).toEqual(['pr-42 active']);
    await running.manifests.put(preview('pr-42', { match: 'x-user=alice' }));
    await until('the rule', async () => (await running.intercepts())[0]?.match === 'x-user=alice');
    await running.manifests.remove('Pod', 'shop', 'api-pr-42');
    // Its last pod is gone: the intercept lingers, without endpoints.
    await until('no endpoints', async () => (await running.intercepts())[0]?.endpoints.length === 0);
    expect(await running.problemCodes()).toContain('NoReadyPods');
  });

  test('whose preview lingers for no time is gone from the gateway with it', async () => {
    await using running = await runApp({ prepare: (manifests) => baseline(manifests), intercepts: { lingerMs: 0 } });
    const gateway = running.gateway();
    await running.manifests.put(preview('pr-42'));
    await seen(gateway, 'pr-42');
    await running.manifests.remove('Pod', 'shop', 'api-pr-42');
    await seen(gateway, 'pr-42', false);
    await statesBecome(running, []);
  });

  test('edited without a change of meaning, or renamed, sends nothing', async () => {
    await using running = await shop();
    const gateway = running.gateway();
    await running.manifests.write('p.yaml', stringify(preview('pr-42')));
    await seen(gateway, 'pr-42');
    const { length } = gateway.responses;
    await running.manifests.write('p.yaml', `# a comment\n${stringify(preview('pr-42'))}`);
    await rename(join(running.manifests.folder, 'p.yaml'), join(running.manifests.folder, 'q.yaml'));
    // What comes after them is told alone.
    await running.manifests.put(preview('pr-43'));
    await seen(gateway, 'pr-43');
    expect(gateway.responses).toHaveLength(length + 1);
    expect(await running.states()).toEqual(['pr-42 active', 'pr-43 active']);
  });

  test('that breaks leaves everything as it was, and is told; mended, it counts again', async () => {
    await using running = await shop();
    const gateway = running.gateway();
    await running.manifests.write('p.yaml', stringify(preview('pr-42')));
    await seen(gateway, 'pr-42');
    const { length } = gateway.responses;
    await running.manifests.write('p.yaml', stringify(preview('pr-42')).replace('kind: Pod', 'kind: "Pod'));
    await until('the problem', async () => (await running.problemCodes()).includes('InvalidObject'));
    const [problem] = await running.problems();
    expect(problem).toMatchObject({ subject: { kind: 'File', key: 'p.yaml' }, severity: 'error' });
    expect(await running.metric('detour_problems{code="InvalidObject",severity="error"}')).toBe(1);
    expect(await running.states()).toEqual(['pr-42 active']);
    await running.manifests.write('p.yaml', stringify(preview('pr-44')));
    await until('pr-44', async () => (await running.states()).includes('pr-44 active'));
    expect(await running.problemCodes()).not.toContain('InvalidObject');
    expect(gateway.responses.length).toBeGreaterThan(length);
  });

  test.each([
    ['10,000 annotations', Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`x${index}`, 'y']))],
    ['an annotation of 1 MiB', { match: `x-user=${'a'.repeat(2 ** 20)}` }],
  ])('with %s is a problem of its own; everything else is served unchanged', async (_, annotations) => {
    await using running = await shop();
    const gateway = running.gateway();
    await running.manifests.put(preview('pr-42'));
    await seen(gateway, 'pr-42');
    const { length } = gateway.responses;
    await running.manifests.put(preview('pr-big', annotations));
    await until('the problem', async () => (await running.problemCodes()).includes('AnnotationTooLarge'));
    const { body } = await running.get('/api/problems');
    expect(body.length).toBeLessThan(20_000);
    await running.manifests.put(preview('pr-43'));
    await seen(gateway, 'pr-43');
    expect(gateway.responses).toHaveLength(length + 1);
    expect((await running.states()).filter((state) => state.endsWith(' active'))).toEqual(['pr-42 active', 'pr-43 active']);
  });

  test('that declares what another does loses to the first by name, and takes over when that goes', async () => {
    await using running = await shop();
    await running.manifests.write(
      'b.yaml',
      stringify({ ...preview('pr-2'), metadata: { ...preview('pr-2').metadata, name: 'same' } }),
    );
    await statesBecome(running, ['pr-2 active']);
    await running.manifests.write(
      'a.yaml',
      stringify({ ...preview('pr-1'), metadata: { ...preview('pr-1').metadata, name: 'same' } }),
    );
    await until('pr-1', async () => (await running.states()).includes('pr-1 active'));
    expect(await running.problems()).toContainEqual(
      expect.objectContaining({ code: 'DuplicateObject', subject: { kind: 'File', key: 'b.yaml' } }),
    );
    await running.manifests.delete('a.yaml');
    await until('pr-2 with its pod again', async () =>
      (await running.intercepts()).some(({ key, endpoints }) => key === 'pr-2' && endpoints.length === 1),
    );
    expect(await running.problemCodes()).not.toContain('DuplicateObject');
  });
});

describe('the directory', () => {
  test('that vanishes is served on, with a problem, a metric and a word in /readyz; back, the difference counts', async () => {
    await using running = await shop();
    const gateway = running.gateway();
    await running.manifests.put(preview('pr-42'));
    await seen(gateway, 'pr-42');
    const { length } = gateway.responses;
    await running.manifests.vanish();
    await until('the problem', async () => (await running.problemCodes()).includes('SourceUnavailable'));
    expect(await running.metric(`detour_source_available{source="directory:${running.manifests.folder}"}`)).toBe(0);
    const ready = await running.get('/readyz?verbose');
    expect(ready.status).toBe(200);
    expect(ready.body).toContain('what was read last is served');
    expect(running.log).toMatchObject([
      { message: expect.stringContaining('cannot be read'), consequence: expect.stringContaining('served on') },
    ]);
    expect(await running.states()).toEqual(['pr-42 active']);
    await running.manifests.return();
    await until('no problem', async () => !(await running.problemCodes()).includes('SourceUnavailable'));
    expect(gateway.responses).toHaveLength(length);
    await running.manifests.put(preview('pr-43'));
    await seen(gateway, 'pr-43');
    expect(gateway.responses).toHaveLength(length + 1);
  });

  test('that is not there yet keeps Envoys waiting: never an empty world', async () => {
    await using running = await runApp({ prepare: (manifests) => manifests.vanish() });
    const gateway = running.gateway();
    const answer = await until('trouble', async () => {
      const { status, body } = await running.get('/readyz');
      return status === 503 && body.includes('cannot be read') ? body : undefined;
    });
    expect(answer).toContain('not ready: waiting for directory:');
    expect(await running.metric('detour_ready')).toBe(0);
    expect((await running.get('/healthz')).status).toBe(200);
    expect(gateway.responses).toEqual([]);
    await running.manifests.return();
    await untilReady(running);
    await until('the first response', () => gateway.responses.length > 0);
  });

  test('is followed in folders that come later', async () => {
    await using running = await shop();
    await mkdir(join(running.manifests.folder, 'team', 'a'), { recursive: true });
    await running.manifests.write('team/a/p.yaml', stringify(preview('pr-42')));
    await statesBecome(running, ['pr-42 active']);
  });
});

describe('time', () => {
  test('ends an intercept to the second, without any event', async () => {
    await using running = await shop();
    const gateway = running.gateway();
    const expires = Math.ceil((Date.now() + 1200) / 1000) * 1000;
    await running.manifests.put(preview('pr-42', { expires: new Date(expires).toISOString() }));
    await seen(gateway, 'pr-42');
    await seen(gateway, 'pr-42', false);
    const late = (gateway.responses.at(-1)?.at ?? 0) - expires;
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(1000);
    expect(await running.states()).toEqual(['pr-42 expired']);
    expect(await running.problemCodes()).toContain('Expired');
  });
});
