/** A client that comes back with what there was is taken for what one is taken for whose names are looked at one by one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ResourceType } from '../../src/translate/resource.ts';
import { decodeDeltaRequest } from '../../src/xds/codec.ts';
import { receiveDelta } from '../../src/xds/delta.ts';
import { IdSet } from '../../src/xds/id-set.ts';
import { recognize } from '../../src/xds/recognize.ts';
import { encode } from '../../src/xds/resource.ts';
import { Track } from '../../src/xds/track.ts';
import { TypeLog } from '../../src/xds/type-log.ts';
import { factsOf } from '../../src/xds/type-urls.ts';
import { fakeResource } from '../support/xds/fake-world.ts';
import { encodeRequest } from '../support/xds/independent.ts';

const NAMES = [
  'a',
  'b',
  'c/d',
  'é',
  'a name that is longer than most: outbound|8080||reviews.default.svc.cluster.local',
  'n'.repeat(200),
];
const name = fc.constantFrom(...NAMES);
const content = fc.constantFrom('1', '2', undefined);
const change = fc.record({ name, content });

const case_ = fc.record({
  type: fc.constantFrom<ResourceType>('cluster', 'route'),
  changes: fc.array(change, { maxLength: 12 }),
  /** Before which of them the client went. */
  left: fc.nat(12),
  /** After which of them what nobody needs was dropped. */
  compacted: fc.option(fc.nat(12), { nil: undefined }),
  /** Before all of them. */
  isExpected: fc.boolean(),
  /** What the client has otherwise. */
  lies: fc.array(change, { maxLength: 2 }),
  /** What it asks for beside it. */
  more: fc.array(fc.constantFrom(...NAMES, '*'), { maxLength: 1 }),
});

/** All that is kept of a client. */
const kept = (track: Track): object => ({
  cursor: track.cursor,
  wildcard: track.subscription.wildcard,
  names: [...track.subscription.explicit()].sort(),
  marks: [...track.marks].sort(([a], [b]) => (a < b ? -1 : 1)).map(([each, { has, forced }]) => [each, has?.version, forced]),
});

describe('a client that comes back', () => {
  it('is known by what it has, whatever changed since, as one that is looked at name by name', () => {
    let recognized = 0;
    fc.assert(
      fc.property(case_, fc.infiniteStream(fc.nat()), ({ type, changes, left, compacted, isExpected, lies, more }, order) => {
        const log = new TypeLog();
        const facts = factsOf(type);
        const { typeUrl } = facts;
        const had = new Map<string, string>();
        const has = (into: Map<string, string>, at: string, version: string | undefined): void => {
          if (version === undefined) into.delete(at);
          else into.set(at, version);
        };
        if (isExpected) log.expectReturns();
        let seq = 0;
        for (const [index, each] of changes.entries()) {
          const resource = each.content === undefined ? undefined : encode(fakeResource(type, each.name, each.content));
          if (log.apply(seq + 1, each.name, resource, log.entry(each.name))) seq += 1;
          if (index < left) has(had, each.name, resource?.version);
          if (index === compacted) log.compact([seq], new IdSet());
        }
        for (const lie of lies) has(had, lie.name, lie.content && encode(fakeResource(type, lie.name, lie.content)).version);
        const entries = [...had].map((each) => [order.next().value, each] as const).sort(([a], [b]) => a - b);
        const versions = Object.fromEntries(entries.map(([, each]) => each));
        const asked = facts.fullState ? more : [...had.keys(), ...more];
        const fields = { type_url: typeUrl, resource_names_subscribe: asked, initial_resource_versions: versions };
        const come = (mustSend: (() => boolean) | undefined): Track => {
          const track = new Track(
            { typeUrl, facts, speech: { removals: true, missing: true }, legacyWildcard: facts.fullState },
            log,
            seq,
          );
          receiveDelta(track, decodeDeltaRequest(encodeRequest('DeltaDiscoveryRequest', fields)), true, seq, 0, mustSend);
          return track;
        };
        const request = decodeDeltaRequest(encodeRequest('DeltaDiscoveryRequest', fields));
        if (recognize(come(undefined), request) !== undefined) recognized += 1;
        expect(kept(come(undefined))).toEqual(kept(come(() => false)));
      }),
      { numRuns: 2_000 },
    );
    expect(recognized).toBeGreaterThan(100);
  });
});
