import { describe, it } from 'vitest';
import { GrpcHarness } from '../support/xds/harness.ts';
import { SCENARIOS } from './scenarios/all.ts';

for (const protocol of ['sotw', 'delta'] as const) {
  describe(`a stream over gRPC, ${protocol}`, () => {
    for (const { name, protocols, needsClock = false, run } of SCENARIOS) {
      if (needsClock || (protocols !== undefined && !protocols.includes(protocol))) continue;
      it(name, async () => {
        await using harness = new GrpcHarness(protocol);
        await run(harness);
      });
    }
  });
}
