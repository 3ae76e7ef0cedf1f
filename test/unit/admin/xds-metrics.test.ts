import { expect, test } from 'vitest';
import { Metrics } from '../../../src/admin/metrics.ts';
import { xdsMetrics } from '../../../src/admin/xds-metrics.ts';
import type { Logger } from '../../../src/logger.ts';
import type { StreamInfo } from '../../../src/xds/xds.ts';

const ignore = () => undefined;
const LOG: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const STREAM: StreamInfo = { id: '1', nodeId: 'a', role: 'client', protocol: 'delta', peer: '127.0.0.1:1', userAgent: '' };

test('types that clients make up are counted as one', async () => {
  const metrics = new Metrics();
  const observer = xdsMetrics(metrics, LOG);
  for (let index = 0; index < 1_000; index += 1) {
    const type = `${String.fromCharCode(97 + (index % 26))}${'x'.repeat(index % 19)}`;
    observer.ack(type, STREAM);
    observer.nack(type, STREAM, { names: [], error: '', nonce: '' });
    observer.responseSent(type, 1, 1, STREAM);
  }
  observer.ack('route', STREAM);
  const { body } = await metrics.render();
  const labels = [...body.matchAll(/^detour_xds_\w+\{type="(\w+)"\} \d+$/gm)].map(([, type]) => type);
  expect([...new Set(labels)].sort()).toEqual(['other', 'route']);
  expect(body).toContain('detour_xds_acks_total{type="other"} 1000\n');
});
