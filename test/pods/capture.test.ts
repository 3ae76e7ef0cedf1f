import { expect, test } from 'vitest';
import { openPods } from '../support/pods/pods.ts';

test('first', async () => {
  await using pods = await openPods();
  const api = await pods.pod({ service: 'api', copy: 'baseline', sidecar: true });
  const frontend = await pods.pod({ service: 'frontend', copy: 'baseline', sidecar: true, calls: ['api'] });
  await pods.serve('api', [api]);
  console.log(await frontend.agent.do('ask', pods.at('api'), { host: 'api' }));
  console.log(await frontend.agent.do('ask', pods.at('api', 'http', 'ipv6'), { host: 'api' }));
  console.log(await frontend.agent.do('exchange', pods.at('api', 'mysql'), '', 5));
  console.log(await frontend.agent.do('exchange', pods.at('api', 'mysql'), '', 5));
  expect(1).toBe(1);
}, 120_000);
