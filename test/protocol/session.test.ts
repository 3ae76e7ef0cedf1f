import { describe, it } from 'vitest';
import { SessionHarness, type Streams } from '../support/xds/harness.ts';
import { SCENARIOS } from './scenarios/all.ts';

describe.each<Streams>(['ads', 'type'])('a session, streams by %s', (streams) => {
  describe.each(['sotw', 'delta'] as const)('%s', (protocol) => {
    for (const { name, protocols, aggregated, run } of SCENARIOS) {
      if (protocols !== undefined && !protocols.includes(protocol)) continue;
      if (aggregated === true && streams === 'type') continue;
      it(name, async () => {
        await using harness = new SessionHarness(protocol, {}, 1, streams);
        await run(harness);
      });
    }
  });
});
