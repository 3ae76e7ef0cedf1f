/** The audit log of a running control plane. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runApp } from '../support/running-app.ts';
import { until } from '../support/until.ts';
import { detour, endpointSlice, pod, service } from '../support/world/objects.ts';

test('tells when an intercept is live at the Envoys that need it, and goes on after a restart with what is there', async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'detour-audit-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const file = join(folder, 'audit.log');
  const lines = async (): Promise<readonly Readonly<Record<string, unknown>>[]> =>
    (await readFile(file, 'utf8').catch(() => '')).split('\n').flatMap((line) => (line === '' ? [] : JSON.parse(line)));
  const annotations = detour({ host: 'shop.example.com' });
  const preview = pod({
    namespace: 'shop',
    name: 'p',
    key: 'pr-42',
    deployment: 'api-pr-42',
    port: 9000,
    annotations: detour({ intercept: 'api' }),
  });
  const cluster = [
    service({ namespace: 'shop', name: 'api', annotations }),
    endpointSlice({ namespace: 'shop', service: 'api', pod: 'api-0', port: 8080 }),
  ];

  {
    await using running = await runApp({ args: ['--audit-log', file], prepare: (manifests) => manifests.put(...cluster) });
    const gateway = running.gateway();
    await until('the first response', () => gateway.responses.length > 0);
    await running.manifests.put(preview);
    await until('the receipt', async () => (await lines()).some(({ audit }) => audit === 'live'));
    const [leading, created, live] = await lines();
    expect(leading).toMatchObject({ audit: 'leading', intercepts: 0 });
    expect(created).toMatchObject({ audit: 'created', workload: { kind: 'Deployment', name: 'api-pr-42' } });
    expect(live).toMatchObject({
      audit: 'live',
      envoys: 1,
      acked: 1,
      intercept: created?.['intercept'],
      afterMs: expect.any(Number),
    });
  }
  const before = (await lines()).length;
  await using _ = await runApp({ args: ['--audit-log', file], prepare: (manifests) => manifests.put(...cluster, preview) });
  await until('the next beginning', async () => (await lines()).length === before + 2);
  expect((await lines()).slice(before)).toMatchObject([
    { audit: 'leading', intercepts: 1 },
    { audit: 'present', key: 'pr-42' },
  ]);
});
