/** What a model client keeps of one type while a stream lasts. */
import type { ResourceType } from '../../../../src/translate/resource.ts';
import { factsOf } from '../../../../src/xds/type-urls.ts';
import type { Reply } from '../client.ts';
import type { TypeMemory } from './memory.ts';

export interface OpenResponse {
  readonly reply: Reply;
  readonly after: number;
  readonly neverThere: ReadonlySet<string>;
  /** Names that were asked for, and that it answers. */
  readonly answers: ReadonlySet<string>;
  /** All that it says, as far as the server knows; of one that is refused. */
  readonly items: ReadonlySet<string>;
}

/** One type, on one stream. */
export interface TypeStream {
  readonly memory: TypeMemory;
  isAsked: boolean;
  /** Whether names were ever asked for on it: then none are not everything (W3). */
  everNamed: boolean;
  nonce: string;
  version: string;
  readonly nonces: string[];
  /** Names that may come though the client has them, by the number of the request that asks for them. */
  readonly asked: Map<string, number>;
  /** Names that must be answered, in the same way. */
  readonly owed: Map<string, number>;
  /** Content that the client refused alone. */
  readonly refused: Map<string, string>;
  /** Names that it refused together with others, or lost by refusing them: nobody else can know what it has of them. */
  readonly unsure: Set<string>;
  /** Names that it was given, and accepted: only of those the server knows for sure that it has them. */
  readonly taken: Set<string>;
  /** Whether a first response may be empty, and must come (C6). */
  first: 'may' | 'must' | undefined;
  /** The number of the newest request that changed what is wanted. */
  changedBy: number;
  /** A State-of-the-World client that comes back cannot say what it has: nobody can spare it that. */
  mayHaveAny: boolean;
  /** That waits for an answer. */
  open: OpenResponse | undefined;
}

export function newStream(memory: TypeMemory): TypeStream {
  return {
    memory,
    ...{
      isAsked: false,
      everNamed: false,
      nonce: '',
      version: '',
      nonces: [],
      changedBy: 0,
      first: undefined,
      mayHaveAny: false,
      open: undefined,
    },
    ...{ asked: new Map(), owed: new Map(), refused: new Map(), unsure: new Set(), taken: new Set() },
  };
}

/** From now on, without a request; one that is under way asks for another one. */
export function mayCome({ asked }: TypeStream, name: string): void {
  if (!asked.has(name)) asked.set(name, 0);
}

export function isFull(type: ResourceType): boolean {
  return factsOf(type).fullState;
}
