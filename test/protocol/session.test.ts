import { describe, it } from 'vitest';
import { SessionHarness } from '../support/xds/harness.ts';
import { SCENARIOS } from './scenarios/all.ts';

for (const protocol of ['sotw', 'delta'] as const) {
  describe(`a session, ${protocol}`, () => {
    for (const { name, protocols, run } of SCENARIOS) {
      if (protocols !== undefined && !protocols.includes(protocol)) continue;
      it(name, async () => {
        await using harness = new SessionHarness(protocol);
        await run(harness);
      });
    }
  });
}
