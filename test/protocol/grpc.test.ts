import { describe, it } from 'vitest';
import { GrpcHarness, type Streams } from '../support/xds/harness.ts';
import { SCENARIOS } from './scenarios/all.ts';

describe.each<Streams>(['ads', 'type'])('over gRPC, streams by %s', (streams) => {
  describe.each(['sotw', 'delta'] as const)('%s', (protocol) => {
    for (const { name, protocols, aggregated, needsClock = false, run } of SCENARIOS) {
      if (needsClock || (protocols !== undefined && !protocols.includes(protocol))) continue;
      if (aggregated === true && streams === 'type') continue;
      it(name, async () => {
        await using harness = new GrpcHarness(protocol, {}, undefined, streams);
        await run(harness);
      });
    }
  });
});
