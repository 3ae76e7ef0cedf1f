/** Names that streams ask for are kept in their view while somebody uses them, and not much longer. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { typesOf } from '../../../src/translate/scope.ts';
import { decodeDeltaRequest, decodeSotwRequest } from '../../../src/xds/codec.ts';
import { encode } from '../../../src/xds/resource.ts';
import { type Protocol, Session } from '../../../src/xds/session.ts';
import { factsOf } from '../../../src/xds/type-urls.ts';
import { View } from '../../../src/xds/view.ts';
import { fakeResource } from '../../support/xds/fake-world.ts';
import { encodeRequest } from '../../support/xds/independent.ts';

const { typeUrl: LISTENERS } = factsOf('listener');
const PROTOCOLS: readonly Protocol[] = ['sotw', 'delta'];

const newView = (): View => new View('test', typesOf({ kind: 'client' }));

/** A stream that names what it wants. */
class Stream {
  readonly session: Session;
  readonly #typeUrl: string;
  #wanted: ReadonlySet<string> = new Set();
  #nonce = '';

  constructor(protocol: Protocol, view: View, typeUrl = LISTENERS) {
    const limits = { gateMs: 15_000, maxBytes: 1e9 };
    this.session = new Session({ id: 's', protocol, isAggregated: true, view, now: 0, ...limits });
    this.#typeUrl = typeUrl;
  }

  want(wanted: ReadonlySet<string>): void {
    const subscribe = [...wanted].filter((name) => !this.#wanted.has(name));
    const unsubscribe = [...this.#wanted].filter((name) => !wanted.has(name));
    this.#wanted = wanted;
    const node = { id: 'x' };
    const common = { type_url: this.#typeUrl, node, response_nonce: this.#nonce };
    if (this.session.protocol === 'sotw') {
      const bytes = encodeRequest('DiscoveryRequest', { ...common, resource_names: [...wanted] });
      this.session.receiveSotw(decodeSotwRequest(bytes), 0);
    } else {
      const names = { resource_names_subscribe: subscribe, resource_names_unsubscribe: unsubscribe };
      this.session.receiveDelta(decodeDeltaRequest(encodeRequest('DeltaDiscoveryRequest', { ...common, ...names })), 0);
    }
  }

  /** Names of what it is told next; it says yes to it. */
  told(): readonly string[] {
    const response = this.session.next(0);
    if (response === undefined) return [];
    this.#nonce = response.nonce;
    const names = this.session.tracks.flatMap(({ inFlight }) => [...(inFlight?.items.keys() ?? [])]);
    this.want(this.#wanted);
    return names;
  }

  /** Names that it is subscribed to, as the session has it. */
  get subscribed(): ReadonlySet<string> {
    return new Set(this.session.tracks.flatMap(({ subscription }) => [...subscription.explicit()]));
  }
}

const some = (kind: string, count: number): ReadonlySet<string> =>
  new Set(Array.from({ length: count }, (_, index) => `${kind}-${index}`));

describe.each(PROTOCOLS)('names that are given up, %s', (protocol) => {
  it('are forgotten, of a type that never changes too: 1,000 are kept, and twice as many as are in use', () => {
    const view = newView();
    view.apply([{ type: 'listener', name: 'there', resource: listener('there') }]);
    const others = new Stream(protocol, view);
    others.want(some('other', 100));
    const stream = new Stream(protocol, view);
    for (let round = 0; round < 100; round += 1) {
      stream.want(some(`round-${round}`, 1_000));
      stream.told();
    }
    // In use are those of one round at a time, of the one before it while it goes, and those of the others.
    expect(view.log('listener').names.size).toBeLessThanOrEqual(1_000 + 2 * 2_100);
    // Numbers mean what they meant.
    expect(view.log('listener').entry('there')?.current?.name).toBe('there');
    others.told();
    view.apply(['other-7', 'round-99-3', 'round-98-3'].map((name) => ({ type: 'listener', name, resource: listener(name) })));
    expect([others.told(), stream.told()]).toEqual([['other-7'], ['round-99-3']]);
  });

  it('are forgotten when their stream goes, though nobody asks for others', () => {
    const view = newView();
    const [one, other] = [new Stream(protocol, view), new Stream(protocol, view)];
    one.want(some('shared', 10_000));
    other.want(new Set(['shared-1', 'other']));
    view.tidy();
    expect(view.log('listener').names.size).toBe(10_001);
    one.session.close();
    view.tidy();
    expect(view.log('listener').names.size).toBe(2);
    expect(other.subscribed).toEqual(new Set(['shared-1', 'other']));
    other.want(some('other', 3_000));
    other.want(some('other', 10));
    view.tidy();
    expect(view.log('listener').names.size).toBe(10);
  });

  it('are forgotten of types that nobody serves', () => {
    const stream = new Stream(protocol, newView(), 'type.googleapis.com/test.Unknown');
    for (let round = 0; round < 20; round += 1) stream.want(some(`round-${round}`, 1_000));
    expect(stream.session.tracks.map(({ log }) => log.names.size < 1_000 + 2 * 2_000)).toEqual([true]);
    expect(stream.subscribed).toEqual(some('round-19', 1_000));
  });

  it('disturb nobody who uses others, whatever comes and goes', () => {
    const step = fc.record({
      who: fc.nat({ max: 2 }),
      from: fc.nat({ max: 40 }),
      parts: fc.nat({ max: 12 }),
      isThere: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const view = newView();
        const streams = [0, 1, 2].map(() => new Stream(protocol, view));
        for (const [index, { who, from, parts, isThere }] of steps.entries()) {
          const wanted = new Set(Array.from({ length: parts * 100 }, (_, each) => `n${from * 100 + each}`));
          streams[who]?.want(wanted);
          expect(streams[who]?.subscribed).toEqual(wanted);
          const name = `n${from * 100}`;
          view.apply([{ type: 'listener', name, resource: isThere ? listener(`${index}`, name) : undefined }]);
          if (isThere) view.tidy();
          else if (parts > 0) streams[who]?.told();
        }
        const inUse = new Set([...streams.flatMap(({ subscribed }) => [...subscribed])]);
        const { names, live } = view.log('listener');
        for (const each of inUse) expect(names.nameOf(names.find(each) ?? -1)).toBe(each);
        for (const each of live) expect(view.log('listener').entryOf(each)?.name).toBe(names.nameOf(each));
      }),
      { numRuns: 50 },
    );
  });
});

function listener(content: string, name = content) {
  return encode(fakeResource('listener', name, content));
}
