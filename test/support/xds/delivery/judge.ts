/** What a client may be told, and when: by what it has, what it asked for, and what it cannot know. */
import { ok } from 'node:assert/strict';
import type { ResourceType } from '../../../../src/translate/resource.ts';
import type { Reply } from '../client.ts';
import { endpointsOf, type Memory, usesOf } from './memory.ts';
import type { DeliveryCase } from './step.ts';
import { isFull, mayCome, type TypeStream } from './type-stream.ts';

/** What the client knows of the world, to judge by. */
export interface Knowledge {
  exists(type: ResourceType, name: string): boolean;
  /** What the server has heard last. */
  published(type: ResourceType, name: string): string | undefined;
  /** It was not there for a while: State-of-the-World has no word for that, so the server forgets what the client has. */
  wasAway(type: ResourceType, name: string): boolean;
}

export class Judge {
  readonly #isSotw: boolean;
  readonly #memory: Memory;
  readonly #knowledge: Knowledge;
  readonly #streams: ReadonlyMap<ResourceType, TypeStream>;

  constructor(
    protocol: DeliveryCase['protocol'],
    memory: Memory,
    knowledge: Knowledge,
    streams: ReadonlyMap<ResourceType, TypeStream>,
  ) {
    this.#isSotw = protocol === 'sotw';
    this.#memory = memory;
    this.#knowledge = knowledge;
    this.#streams = streams;
  }

  /** Nothing is sent that the client has and did not ask for, or that it refused; and no response says nothing. */
  checkNeeded(stream: TypeStream, reply: Reply, after: number): void {
    const { memory, asked, owed, refused, unsure } = stream;
    const { type } = memory;
    const changed = new Set(this.changedBy(stream, reply));
    const isState = this.isState(type);
    const names = Object.keys(reply.resources);
    const gone = this.goneBy(stream, reply);
    // A full state answers a name by not having it, too, and nobody sees which.
    const knowledge = this.#knowledge;
    const mayBeAgain = (name: string): boolean =>
      asked.has(name) || unsure.has(name) || (this.#isSotw && knowledge.wasAway(type, name));
    const isAnswer = isState ? asked.size + unsure.size > 0 : names.some(mayBeAgain);
    const isNews = isState && this.untakenBy(stream, reply).length > 0;
    const isSaying = isAnswer || isNews || changed.size > 0 || gone.length > 0;
    const mayBeEmpty = stream.first !== undefined || stream.mayHaveAny || after < stream.changedBy;
    ok(isSaying || mayBeEmpty, `${type}: a response that says nothing: ${names} ${reply.removed}`);
    if (after > 0) stream.first = undefined;
    for (const name of names) {
      const content = reply.resources[name] ?? '';
      const isNew = changed.has(name);
      const wasAway = knowledge.wasAway(type, name);
      if (!isState && !isNew) {
        const isAllowed = mayBeAgain(name) || !memory.wants(name);
        ok(isAllowed, `${type} ${name}: sent again, though the client has ${content} and did not ask`);
      }
      // What comes back after it was gone is new, whatever it is.
      if (isNew && !wasAway) ok(refused.get(name) !== content, `${type} ${name}: ${content} was refused`);
      if (isNew) refused.delete(name);
      // M3: its endpoints follow.
      if (type === 'cluster' && (isNew || asked.has(name) || unsure.has(name) || stream.mayHaveAny))
        mayCome(this.#of('endpoints'), endpointsOf(name));
    }
    for (const name of reply.removed) {
      const isUnwanted = !memory.wants(name) || after < stream.changedBy;
      const isAllowed = memory.held.has(name) || mayBeAgain(name) || refused.has(name) || isUnwanted;
      ok(isAllowed, `${type} ${name}: said to be gone, though the client has none and did not ask`);
    }
    for (const name of [...names, ...reply.removed]) {
      if ((asked.get(name) ?? Infinity) <= after) asked.delete(name);
      if ((owed.get(name) ?? Infinity) <= after) owed.delete(name);
    }
  }

  /** O3: nothing goes that something accepted names. R5, R6: nor is what went said to be gone, when it is asked for meanwhile. */
  checkUnused(type: ResourceType, name: string): void {
    const users = type === 'cluster' ? (['route', 'listener'] as const) : type === 'route' ? (['scopedRoute'] as const) : [];
    for (const user of users) {
      // R7: of what went, State-of-the-World says nothing.
      const isThere = (each: string): boolean => !this.#isSotw || isFull(user) || this.#knowledge.exists(user, each);
      const all = [...this.#of(user).memory.held].filter(
        ([each, { content }]) => isThere(each) && usesOf(content).includes(name),
      );
      ok(all.length === 0 || !this.#of(user).isAsked, `${type} ${name} goes, and ${user} ${all.map(([each]) => each)} names it`);
    }
  }

  /** W11: a full state holds what is there and was accepted, whatever waits beside it. */
  checkThere({ memory, taken }: TypeStream, name: string): void {
    const { type, held } = memory;
    const isKept = held.has(name) && taken.has(name);
    const isThere = this.#knowledge.exists(type, name) && !this.#knowledge.wasAway(type, name);
    ok(!isKept || !isThere, `${type} ${name} goes, and it is there`);
  }

  /** M8: nothing comes before the clusters that it names are there, and warm. */
  checkUsable(content: string, after: number): void {
    const [knowledge, memory] = [this.#knowledge, this.#memory];
    const clusters = this.#of('cluster');
    for (const name of usesOf(content)) {
      // Else it was written before the server knew what is wanted.
      const isKnown = clusters.isAsked && clusters.changedBy <= after && memory.of('cluster').wants(name);
      const isWaitedFor = isKnown && !clusters.asked.has(name);
      if (!isWaitedFor || !knowledge.exists('cluster', name)) continue;
      ok(memory.serves(name), `${content} comes, and cluster ${name} is not there or not warm`);
    }
  }

  changedBy({ memory }: TypeStream, reply: Reply): readonly string[] {
    return Object.keys(reply.resources).filter((name) => memory.held.get(name)?.content !== reply.resources[name]);
  }

  /** Names that the client was not given on this stream: it may have them from before, and not have said so. */
  untakenBy({ taken }: TypeStream, reply: Reply): readonly string[] {
    return Object.keys(reply.resources).filter((name) => !taken.has(name));
  }

  /** Whether a response holds all that is wanted. */
  isState(type: ResourceType): boolean {
    return this.#isSotw && isFull(type);
  }

  /** Names that the client has, and not after this. */
  goneBy({ memory }: TypeStream, reply: Reply): readonly string[] {
    if (!this.isState(memory.type)) return reply.removed;
    return [...memory.held.keys()].filter((name) => !(name in reply.resources));
  }

  #of(type: ResourceType): TypeStream {
    const found = this.#streams.get(type);
    if (found === undefined) throw new Error(`${type} is no type.`);
    return found;
  }
}
