import { expect, test } from 'vitest';
import { ControlPlaneClient } from '../../../../src/cli/control-plane/client.ts';
import type { Replica } from '../../../../src/cli/control-plane/replica.ts';
import { waitUntilLive } from '../../../../src/cli/control-plane/wait-until-live.ts';

const RECEIPT = { state: 'live', needed: 1, acked: 1, proxies: { 'gateway~shop/edge': true } };
const INTERCEPT = {
  ...{ id: 'shop/pr-42/Deployment/api-pr-42/shop/api:80', key: 'pr-42', target: 'shop/api:80', state: 'active' },
  ...{ whenUnavailable: 'baseline', mode: 'route', percent: 100, endpoints: ['10.0.0.1:8080'], losers: [], problems: [] },
  ...{ urls: [], baselineUrls: [], preview: { namespace: 'shop', kind: 'Deployment', name: 'api-pr-42' }, receipt: RECEIPT },
};

test('stays until the workers of an Envoy have what it has acknowledged, though all is live at the first look', async () => {
  let lookedAt = Infinity;
  const replica: Replica = {
    name: 'one',
    get: async (path) => {
      lookedAt = performance.now();
      return { status: 200, body: path.startsWith('/api/intercepts') ? { intercepts: [INTERCEPT] } : { previews: [] } };
    },
  };
  const client = new ControlPlaneClient(async () => [replica]);
  const selection = { key: 'pr-42', namespace: undefined };
  const waited = await waitUntilLive({ client, selection, deadline: Date.now() + 10_000, onProgress: () => undefined });
  expect(waited).toMatchObject({ kind: 'live' });
  // A timer may be early by less than a millisecond.
  expect(performance.now() - lookedAt).toBeGreaterThan(198);
});
