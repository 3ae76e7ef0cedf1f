/** What may happen to a server and its clients, as data: a case is a list of these, and can be kept in a file. */
import fc from 'fast-check';
import type { ResourceType } from '../../../../src/translate/resource.ts';

export const TYPES: readonly ResourceType[] = ['cluster', 'endpoints', 'listener', 'scopedRoute', 'route'];
/** How many names of each type there are. */
const NAMES = 4;

export type WorldStep =
  | {
      readonly do: 'set';
      readonly type: ResourceType;
      readonly index: number;
      readonly content: string;
      readonly uses: readonly number[];
    }
  | { readonly do: 'remove'; readonly type: ResourceType; readonly index: number }
  /** The last one of the type that was set or removed is what it was before. */
  | { readonly do: 'back'; readonly type: ResourceType }
  | { readonly do: 'publish' }
  /** Another server, with the same world: all streams break. */
  | { readonly do: 'restart'; readonly later: readonly ResourceType[] }
  /** The scope of all streams is another one. */
  | { readonly do: 'move' };

export type ClientStep =
  /** Its requests arrive. */
  | { readonly do: 'deliver' }
  /** The server writes a response. */
  | { readonly do: 'push' }
  | { readonly do: 'read' }
  /** @param names asked for in the same request (N6) */
  | { readonly do: 'answer'; readonly names: readonly number[] }
  | { readonly do: 'ask'; readonly type: ResourceType; readonly names: readonly number[]; readonly isStale: boolean }
  | { readonly do: 'giveUp'; readonly type: ResourceType; readonly names: readonly number[]; readonly isStale: boolean }
  | { readonly do: 'everything'; readonly type: ResourceType; readonly isOn: boolean }
  | { readonly do: 'stale'; readonly type: ResourceType }
  /** The stream breaks; of the next one, these types are asked for one by one. */
  | { readonly do: 'reconnect'; readonly later: readonly ResourceType[] }
  | { readonly do: 'join' }
  /** All that there is to say is said and answered. */
  | { readonly do: 'settle' };

export type Step = WorldStep | (ClientStep & { readonly who: number });

export interface DeliveryCase {
  readonly protocol: 'sotw' | 'delta';
  /** From how many changes on streams share the work; 0: never. */
  readonly worthSharing: number;
  /** `envoy`: asks for endpoints as clusters come, and acknowledges clusters when they are warm. */
  readonly clients: readonly ('plain' | 'envoy')[];
  readonly steps: readonly Step[];
}

const type = fc.constantFrom(...TYPES);
const index = fc.nat({ max: NAMES - 1 });
const names = fc.uniqueArray(index, { minLength: 1, maxLength: NAMES });
const someNames = fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: names });
const content = fc.constantFrom('good-0', 'good-1', 'good-2', 'good-0', 'good-1', 'good-2', 'bad-0', 'bad-1');
/** Those of full state, and named ones, in the order in which they are asked for. */
const later = fc.shuffledSubarray<ResourceType>([...TYPES]);
const isStale = fc.constantFrom(false, false, false, true);

const world: fc.Arbitrary<WorldStep> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('set' as const),
      type,
      index,
      content,
      uses: fc.uniqueArray(index, { maxLength: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), type, index }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('back' as const), type }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('publish' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), later }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('move' as const) }) },
);

const who = fc.nat({ max: 2 });
const client: fc.Arbitrary<ClientStep & { readonly who: number }> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('deliver' as const), who }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('push' as const), who }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('read' as const), who }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('answer' as const), names: someNames, who }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('ask' as const), type, names, isStale, who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('giveUp' as const), type, names, isStale, who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('everything' as const), type, isOn: fc.boolean(), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stale' as const), type, who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reconnect' as const), later, who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('join' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('settle' as const), who }) },
);

export function deliveryCase(protocol: DeliveryCase['protocol']): fc.Arbitrary<DeliveryCase> {
  return fc.record({
    protocol: fc.constant(protocol),
    worthSharing: fc.constantFrom(1, 2, 0),
    clients: fc.array(fc.constantFrom('plain' as const, 'envoy' as const), { minLength: 1, maxLength: 3 }),
    steps: fc.array(fc.oneof({ weight: 2, arbitrary: world }, { weight: 3, arbitrary: client }), {
      minLength: 5,
      maxLength: 100,
      size: 'max',
    }),
  });
}
