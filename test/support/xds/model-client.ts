/**
 * A simple client beside the real bookkeeping: it holds what it was told and accepted, refuses what is called bad, and
 * complains when it is told something that it has, has refused, or cannot use yet.
 */
import { expect } from 'vitest';
import type { ResourceType } from '../../../src/translate/resource.ts';
import type { Protocol } from '../../../src/xds/session.ts';
import { Client, type RawRequest, type Reply, type Wire } from './client.ts';
import type { FakeWorld } from './fake-world.ts';

export const TYPES: readonly ResourceType[] = ['cluster', 'endpoints', 'listener', 'route'];
const FULL_STATE: ReadonlySet<ResourceType> = new Set(['cluster', 'listener']);

/** What the client keeps when its stream breaks. */
export interface Memory {
  /** Name to content and version, by type. */
  readonly held: ReadonlyMap<ResourceType, Map<string, { readonly content: string; readonly version: string }>>;
  readonly typeVersions: Map<ResourceType, string>;
  /** Names asked for; listeners and clusters are always all asked for. */
  readonly wanted: ReadonlyMap<'endpoints' | 'route', Set<string>>;
}

export function emptyMemory(): Memory {
  return {
    held: new Map(TYPES.map((type) => [type, new Map()])),
    typeVersions: new Map(),
    wanted: new Map([
      ['endpoints', new Set<string>()],
      ['route', new Set<string>()],
    ]),
  };
}

export class ModelClient {
  readonly memory: Memory;
  readonly #client: Client;
  readonly #world: FakeWorld;
  /** Responses that were not answered yet. */
  readonly #open: { readonly reply: Reply; readonly asked: readonly string[] }[] = [];
  /** Names that may be sent though the client has them: it asked, or their cluster was sent. */
  readonly #asked = new Set<string>();
  /** Names that were not in the world for a while. */
  readonly #wentAway = new Set<string>();
  /** Content that the client refused alone. */
  readonly #refused = new Map<string, string>();
  /** A State-of-the-World client that comes back cannot say what it has: nobody can spare it that, or keep it for it. */
  readonly #mayHaveAny: boolean;

  /** Types that it has yet to ask for, in its order. */
  readonly #later: ResourceType[];

  /** @param later types that it asks for when it is told to {@link join}; the others at once */
  constructor(protocol: Protocol, wire: Wire, world: FakeWorld, memory: Memory, later: readonly ResourceType[] = []) {
    this.#client = new Client(protocol, wire);
    this.#world = world;
    this.memory = memory;
    const isReconnect = memory.typeVersions.size > 0;
    this.#mayHaveAny = protocol === 'sotw' && isReconnect;
    this.#later = [...later];
    for (const type of TYPES) if (!later.includes(type)) this.#start(type);
  }

  /** Asks for the next type that it has not asked for yet. @returns whether there was one */
  join(type = this.#later[0]): boolean {
    const index = type === undefined ? -1 : this.#later.indexOf(type);
    if (type === undefined || index < 0) return false;
    this.#later.splice(index, 1);
    this.#start(type);
    return true;
  }

  ask(type: 'endpoints' | 'route', names: readonly string[]): void {
    this.join(type);
    const wanted = this.#wanted(type);
    // M1: State-of-the-World, the same names again: all of them are asked for again.
    const isAgain = this.#client.protocol === 'sotw' && names.every((name) => wanted.has(name));
    for (const name of isAgain ? wanted : names) {
      wanted.add(name);
      this.#asked.add(`${type} ${name}`);
      this.#refused.delete(`${type} ${name}`);
    }
    this.#client.subscribe(type, names);
  }

  giveUp(type: 'endpoints' | 'route', names: readonly string[]): void {
    this.join(type);
    const known = names.filter((name) => this.#wanted(type).delete(name));
    if (known.length === 0) return;
    for (const name of known) {
      this.#held(type).delete(name);
      this.#asked.delete(`${type} ${name}`);
    }
    this.#client.unsubscribe(type, known);
  }

  /** State-of-the-World has no word for an endpoint or a route that goes: the server forgets it, and the client may not. */
  wentAway(type: ResourceType, name: string): void {
    this.#wentAway.add(`${type} ${name}`);
    // The empty assignment of a cluster goes with the cluster.
    if (type === 'cluster') this.#wentAway.add(`endpoints ${endpointsOf(name)}`);
  }

  /** A request with a nonce that never was. */
  stale(type: 'endpoints' | 'route'): void {
    this.join(type);
    if (this.#client.protocol === 'delta') this.#client.raw(type, { nonce: 'old' });
    else this.#client.raw(type, { names: [...this.#wanted(type)], nonce: 'old', version: 'old' });
  }

  /** Reads what there is, without an answer. */
  async read(): Promise<boolean> {
    const bytes = await this.#client.wire.unexpected(this.#client);
    if (bytes === undefined) return false;
    const reply = this.#client.read(bytes);
    // F1: one response of a type at a time.
    expect(this.#open.map((each) => each.reply.typeUrl)).not.toContain(reply.typeUrl);
    const asked = Object.keys(reply.resources).filter((name) => this.#asked.has(`${typeOf(reply)} ${name}`));
    this.#checkNeeded(reply);
    this.#open.push({ reply, asked });
    return true;
  }

  /** Answers the oldest response: accepts it, or refuses it when there is something bad in it. */
  answer(): boolean {
    const oldest = this.#open.shift();
    if (oldest === undefined) return false;
    const { reply, asked } = oldest;
    const type = typeOf(reply);
    const names = Object.keys(reply.resources);
    const isBad = names.some((name) => this.#isWanted(type, name) && reply.resources[name]?.startsWith('bad'));
    if (isBad) {
      const isFull = this.#client.protocol === 'sotw' && FULL_STATE.has(type);
      const gone = isFull ? [...this.#held(type).keys()].filter((name) => !(name in reply.resources)) : reply.removed;
      const items = [...(isFull ? this.#changedBy(reply) : names), ...gone];
      const [only] = items;
      const isAlone = items.length === 1 && only !== undefined && !(isFull && this.#mayHaveAny);
      if (isAlone) this.#refused.set(`${type} ${only}`, reply.resources[only] ?? '');
      // Of several, the good ones come again; and so does what was asked for, or what the server cannot know that it has.
      for (const name of !isAlone || this.#mayHaveAny ? names : asked) this.#asked.add(`${type} ${name}`);
      this.#client.nack(reply, 'bad');
      return true;
    }
    this.#accept(type, reply);
    this.#client.ack(reply);
    return true;
  }

  /** Says everything that is left to say. */
  async drain(): Promise<void> {
    for (let round = 0; round < 10_000; round += 1) {
      const didRead = await this.read();
      if (!this.answer() && !didRead) return;
    }
    throw new Error('This does not come to an end.');
  }

  /** Nothing bad is in the world: then the client has exactly what it asked for. */
  checkConverged(): void {
    for (const type of TYPES) {
      const held = this.#held(type);
      const expected = new Map<string, string>();
      for (const resource of this.#world.resources.values()) {
        if (resource.type === type && this.#isWanted(type, resource.name))
          expected.set(resource.name, contents.get(resource.message) ?? '');
      }
      for (const [name, content] of expected) expect([type, name, held.get(name)?.content]).toEqual([type, name, content]);
      if (this.#client.protocol === 'sotw' && !FULL_STATE.has(type)) continue;
      const usesOf = (name: string): boolean =>
        [...this.#world.resources.values()].some((each) => each.type === 'cluster' && each.endpointsName === name);
      const extra = [...held.keys()].filter((name) => !expected.has(name) && !(type === 'endpoints' && usesOf(name)));
      expect([type, extra]).toEqual([type, []]);
    }
  }

  /** The first request of a type: it says what the client has. */
  #start(type: ResourceType): void {
    const names = type === 'endpoints' || type === 'route' ? [...this.#wanted(type)] : [];
    for (const name of names) this.#asked.add(`${type} ${name}`);
    const held = [...this.#held(type)];
    const more: RawRequest =
      this.#client.protocol === 'delta'
        ? { initial: Object.fromEntries(held.map(([name, { version }]) => [name, version])) }
        : { version: this.memory.typeVersions.get(type) ?? '' };
    if (!FULL_STATE.has(type) && names.length === 0) return;
    // What State-of-the-World clients hold of names is not known to the server, and it has to send it.
    this.#client.subscribe(type, names, more);
  }

  #accept(type: ResourceType, reply: Reply): void {
    const held = this.#held(type);
    const isFull = this.#client.protocol === 'sotw' && FULL_STATE.has(type);
    const gone = isFull ? [...held.keys()].filter((name) => !(name in reply.resources)) : reply.removed;
    if (type === 'cluster') for (const name of gone) this.#checkUnused(name);
    for (const name of gone) held.delete(name);
    for (const [name, content] of Object.entries(reply.resources)) {
      if (!this.#isWanted(type, name)) continue;
      if (type === 'route') this.#checkUsable(content);
      held.set(name, { content, version: reply.versions[name] ?? '' });
    }
    this.memory.typeVersions.set(type, reply.version);
  }

  /** Nothing is sent that the client has and did not ask for, or that it refused. */
  #checkNeeded(reply: Reply): void {
    const type = typeOf(reply);
    const changed = this.#changedBy(reply);
    const isFull = this.#client.protocol === 'sotw' && FULL_STATE.has(type);
    for (const name of Object.keys(reply.resources)) {
      const key = `${type} ${name}`;
      const isNew = changed.includes(name);
      if (!isFull && !isNew) expect([key, this.#mayCome(type, name)]).toEqual([key, true]);
      // What comes back after it was gone is new, whatever it is.
      if (isNew && !this.#wentAway.has(key)) expect([key, reply.resources[name]]).not.toEqual([key, this.#refused.get(key)]);
      if (isNew) this.#refused.delete(key);
      this.#asked.delete(key);
      // M3: its endpoints follow.
      if (type === 'cluster' && (isNew || this.#mayHaveAny)) this.#asked.add(`endpoints ${endpointsOf(name)}`);
    }
    for (const name of reply.removed) this.#asked.delete(`${type} ${name}`);
  }

  #mayCome(type: ResourceType, name: string): boolean {
    const key = `${type} ${name}`;
    const isForgotten = this.#client.protocol === 'sotw' && this.#wentAway.has(key);
    return this.#asked.has(key) || isForgotten || !this.#isWanted(type, name);
  }

  /** O3: no cluster goes that an accepted route names. */
  #checkUnused(cluster: string): void {
    if (this.#mayHaveAny) return;
    const users = [...this.#held('route')]
      .filter(([, { content }]) => clustersOf(content).includes(cluster))
      .map(([name]) => name);
    expect([cluster, users]).toEqual([cluster, []]);
  }

  /** M8: no route comes before its clusters. */
  #checkUsable(content: string): void {
    const exists = (cluster: string): boolean => this.#world.resources.has(`cluster ${cluster}`);
    const missing = clustersOf(content).filter((cluster) => exists(cluster) && !this.#held('cluster').has(cluster));
    expect([content, missing]).toEqual([content, []]);
  }

  #changedBy(reply: Reply): string[] {
    const held = this.#held(typeOf(reply));
    return Object.keys(reply.resources).filter((name) => held.get(name)?.content !== reply.resources[name]);
  }

  #isWanted(type: ResourceType, name: string): boolean {
    return type === 'endpoints' || type === 'route' ? this.#wanted(type).has(name) : true;
  }

  #held(type: ResourceType): Map<string, { readonly content: string; readonly version: string }> {
    return this.memory.held.get(type) ?? new Map();
  }

  #wanted(type: 'endpoints' | 'route'): Set<string> {
    return this.memory.wanted.get(type) ?? new Set();
  }
}

/** Content of what the test puts into the world, by message. */
export const contents = new WeakMap<object, string>();

/** Clusters that a route names are in its content: `good-3 a b`. */
export function clustersOf(content: string): readonly string[] {
  return content.split(' ').slice(1);
}

/** Two clusters share each ClusterLoadAssignment. */
export function endpointsOf(cluster: string): string {
  return `e${Math.floor(Number(cluster.slice(1)) / 2)}`;
}

function typeOf(reply: Reply): ResourceType {
  const type = TYPES.find((each) => Client.urlOf(each) === reply.typeUrl);
  if (type === undefined) throw new Error(`Nobody asked for ${reply.typeUrl}.`);
  return type;
}
