/**
 * A simple client beside the real bookkeeping: it holds what it was told and accepted, refuses what is called bad, and
 * complains when it is told something that it has, has refused, or cannot use yet, or is not told what it asked for.
 */
import { ok } from 'node:assert/strict';
import type { ResourceType } from '../../../../src/translate/resource.ts';
import { Client, type RawRequest, type Reply } from '../client.ts';
import { Judge, type Knowledge } from './judge.ts';
import type { Link } from './link.ts';
import { endpointsOf, type Memory } from './memory.ts';
import { type DeliveryCase, TYPES } from './step.ts';
import { isFull, mayCome, newStream, type OpenResponse, type TypeStream } from './type-stream.ts';

export interface ModelClientOptions {
  readonly protocol: DeliveryCase['protocol'];
  readonly kind: DeliveryCase['clients'][number];
  readonly link: Link;
  readonly memory: Memory;
  readonly knowledge: Knowledge;
  /** Types that it asks for when it is told to {@link join}; the others at once. */
  readonly later: readonly ResourceType[];
}

export class ModelClient {
  readonly #client: Client;
  readonly #options: ModelClientOptions;
  readonly #streams: ReadonlyMap<ResourceType, TypeStream>;
  readonly #judge: Judge;
  readonly #later: ResourceType[];
  /** Types with a response that is not answered, in the order in which they came. */
  readonly #open: ResourceType[] = [];

  constructor(options: ModelClientOptions) {
    this.#options = options;
    this.#client = new Client(options.protocol, options.link);
    const { memory } = options;
    for (const type of TYPES) memory.of(type).giveBack();
    const { held } = memory.of('cluster');
    for (const cluster of memory.warming.keys()) if (!held.has(cluster)) memory.warming.delete(cluster);
    this.#streams = new Map(TYPES.map((type) => [type, newStream(memory.of(type))]));
    this.#judge = new Judge(options.protocol, memory, options.knowledge, this.#streams);
    this.#later = [...options.later];
    for (const type of TYPES) if (!this.#later.includes(type)) this.#start(this.#of(type));
  }

  get #isSotw(): boolean {
    return this.#options.protocol === 'sotw';
  }

  get #isEnvoy(): boolean {
    return this.#options.kind === 'envoy';
  }

  get #sent(): number {
    return this.#options.link.sent;
  }

  /** Asks for the next type that it has not asked for yet. @returns whether there was one */
  join(): boolean {
    // An Envoy says nothing of clusters while one warms.
    const next = this.#later.find((type) => type !== 'cluster' || !this.#isWarming) ?? undefined;
    if (next === undefined) return false;
    this.#later.splice(this.#later.indexOf(next), 1);
    this.#start(this.#of(next));
    return true;
  }

  ask(type: ResourceType, names: readonly string[], isStale: boolean): void {
    if (this.#isManaged(type)) return;
    this.#ask(this.#of(type), names, isStale ? { nonce: this.#oldNonce(type) } : {});
  }

  giveUp(type: ResourceType, names: readonly string[], isStale: boolean): void {
    if (this.#isManaged(type)) return;
    this.#giveUp(this.#of(type), names, isStale ? { nonce: this.#oldNonce(type) } : {});
  }

  /** Everything of a type, or only what is named. */
  everything(type: ResourceType, isOn: boolean): void {
    if (this.#isManaged(type)) return;
    const stream = this.#of(type);
    const { memory } = stream;
    if (memory.everything === isOn) return;
    // W1, W3: without a word of names, an empty list means everything.
    if (this.#isSotw && stream.isAsked && !isOn && !stream.everNamed && memory.names.size === 0) return;
    if (!stream.isAsked) {
      memory.everything = isOn;
      if (!isOn) this.#forgetUnwanted(stream);
      if (!this.#later.includes(type)) this.#start(stream);
      return;
    }
    memory.everything = isOn;
    stream.refused.clear();
    if (!isOn) this.#forgetUnwanted(stream);
    if (isOn) stream.everNamed = true;
    this.#send(stream, isOn ? { subscribe: ['*'] } : { unsubscribe: ['*'] });
    stream.changedBy = this.#sent;
    if (!isOn && stream.first !== undefined) stream.first = 'may';
  }

  /** A request with a nonce that is not the newest, and nothing new in it. */
  stale(type: ResourceType): void {
    const stream = this.#of(type);
    if (stream.isAsked) this.#send(stream, { nonce: this.#oldNonce(type) });
  }

  /** Takes the next response, without an answer. @returns whether there was one */
  read(): boolean {
    const arrival = this.#options.link.take();
    if (arrival === undefined) return false;
    const reply = this.#client.read(arrival.bytes);
    const stream = this.#of(typeOf(reply));
    // F1
    ok(stream.open === undefined, `${stream.memory.type}: a response before the last was answered`);
    const answers = new Set([...Object.keys(reply.resources), ...reply.removed].filter((name) => stream.asked.has(name)));
    this.#judge.checkNeeded(stream, reply, arrival.after);
    const items = this.#itemsOf(stream, reply, answers);
    stream.open = { reply, after: arrival.after, neverThere: arrival.neverThere, answers, items };
    stream.nonces.push(reply.nonce);
    this.#open.push(stream.memory.type);
    const isBad = this.#isBad(stream, reply);
    if (this.#isEnvoy && isBad) this.#takeGood(stream, stream.open);
    if (stream.memory.type === 'endpoints') this.#warmed(reply);
    if (this.#isEnvoy && stream.memory.type === 'cluster' && !isBad) this.#warm(stream, stream.open);
    return true;
  }

  /**
   * Answers the oldest response that it can: accepts it, or refuses it when there is something bad in it.
   * @param alongOf names of the type that are asked for in the same request (N6)
   * @returns whether it did
   */
  answer(alongOf: (type: ResourceType) => readonly string[] = () => []): boolean {
    // M8: an Envoy answers when its clusters are warm.
    const index = this.#open.findIndex((type) => type !== 'cluster' || !this.#isWarming);
    const [type] = index < 0 ? [] : this.#open.splice(index, 1);
    if (type === undefined) return false;
    const stream = this.#of(type);
    if (stream.open === undefined) throw new Error('What is open has a response.');
    const { open } = stream;
    const { reply } = open;
    stream.open = undefined;
    stream.nonce = reply.nonce;
    const isBad = this.#isBad(stream, reply);
    if (isBad) this.#refuse(stream, open);
    else this.#accept(stream, open);
    const request: RawRequest = { nonce: reply.nonce, version: stream.version, ...(isBad ? { error: 'bad' } : {}) };
    const along = alongOf(type);
    if (along.length > 0 && !this.#isManaged(type)) this.#ask(stream, along, request);
    else this.#send(stream, request);
    return true;
  }

  /** An Envoy waits for endpoints for a while only. State-of-the-World has no word for those of a cluster that is gone (R2). */
  timeOut(): void {
    const { memory, knowledge } = this.#options;
    for (const cluster of memory.warming.keys())
      if (this.#isSotw && !knowledge.exists('cluster', cluster)) memory.warming.delete(cluster);
  }

  /** N8: what was refused may come again once it was something else, also where nobody was told of that. */
  published(type: ResourceType, name: string, content: string | undefined): void {
    const { refused } = this.#of(type);
    if (refused.get(name) !== content) refused.delete(name);
  }

  /** M3: no cluster waits for endpoints that the client was given on this stream, also where it refuses the newest ones. */
  checkWarm(): void {
    const { memory, knowledge } = this.#options;
    if (this.#later.length > 0) return;
    const { taken } = this.#of('endpoints');
    const { held } = memory.of('endpoints');
    for (const [cluster, { endpoints }] of memory.warming) {
      const isKnown = held.has(endpoints) && taken.has(endpoints) && !knowledge.wasAway('endpoints', endpoints);
      ok(!isKnown || !knowledge.exists('cluster', cluster), `${cluster} waits for ${endpoints}, which were not sent again`);
    }
  }

  /** What was asked for was answered, and nothing waits for ever. */
  checkAnswered(): void {
    ok(!this.#isWarming, `clusters warm for ever: ${[...this.#options.memory.warming.keys()]}`);
    ok(this.#open.length === 0, `cannot answer: ${this.#open}`);
    for (const { memory, owed, first } of this.#streams.values()) {
      ok(owed.size === 0, `${memory.type}: never answered: ${[...owed.keys()]}`);
      ok(first !== 'must', `${memory.type}: the first request for everything was not answered`);
    }
  }

  get #isWarming(): boolean {
    return this.#options.memory.warming.size > 0;
  }

  /** What an Envoy asks for follows from what it has. */
  #isManaged(type: ResourceType): boolean {
    return this.#isEnvoy && (type === 'cluster' || type === 'endpoints');
  }

  /** The first request of a type: it says what the client has. */
  #start(stream: TypeStream): void {
    const { memory } = stream;
    if (stream.isAsked || (!memory.everything && memory.names.size === 0)) return;
    const version = memory.saidVersion;
    const isBack = memory.held.size > 0 || version !== '';
    stream.isAsked = true;
    stream.version = version;
    stream.mayHaveAny = this.#isSotw && isFull(memory.type) && version !== '';
    if (memory.everything && isFull(memory.type)) stream.first = this.#isSotw && isBack ? 'may' : 'must';
    const isLegacy = memory.everything && memory.names.size === 0 && isFull(memory.type);
    stream.everNamed = !isLegacy;
    const initial = Object.fromEntries([...memory.held].map(([name, { version }]) => [name, version]));
    const subscribe = isLegacy ? [] : [...(memory.everything ? ['*'] : []), ...memory.names];
    this.#send(stream, { subscribe, initial, version });
    stream.changedBy = this.#sent;
    // It cannot say what it has; or says nothing of clusters, and may be warming one.
    const mayHaveAny = this.#isSotw || (memory.type === 'endpoints' && !this.#of('cluster').isAsked);
    if (mayHaveAny) for (const name of memory.held.keys()) stream.asked.set(name, this.#sent);
    for (const name of memory.names) {
      if (this.#isSotw) stream.asked.set(name, this.#sent);
      else if (!memory.held.has(name)) this.#expect(stream, name);
    }
  }

  #ask(stream: TypeStream, names: readonly string[], more: RawRequest = {}): void {
    const { memory } = stream;
    if (!stream.isAsked && this.#later.includes(memory.type)) this.#later.splice(this.#later.indexOf(memory.type), 1);
    const fresh = names.filter((name) => !memory.names.has(name));
    for (const name of names) memory.names.add(name);
    if (!stream.isAsked) {
      this.#start(stream);
      return;
    }
    stream.everNamed = true;
    this.#send(stream, { subscribe: names, ...more });
    stream.changedBy = this.#sent;
    // M1: State-of-the-World, the same names again: all of them may be asked for again.
    const isAgain = this.#isSotw && fresh.length === 0;
    if (isAgain && memory.type === 'endpoints') for (const name of memory.names) stream.asked.set(name, this.#sent);
    for (const name of this.#isSotw ? fresh : names) {
      this.#expect(stream, name);
    }
  }

  /** W8, W9: it may come though the client has it. R1: delta says at least that it does not exist. */
  #expect(stream: TypeStream, name: string): void {
    stream.refused.delete(name);
    stream.asked.set(name, this.#sent);
    if (!this.#isSotw) stream.owed.set(name, this.#sent);
  }

  #giveUp(stream: TypeStream, names: readonly string[], more: RawRequest = {}): void {
    const { memory } = stream;
    const known = names.filter((name) => memory.names.delete(name));
    if (known.length === 0 || !stream.isAsked) {
      this.#forgetUnwanted(stream);
      return;
    }
    this.#send(stream, { unsubscribe: known, ...more });
    stream.changedBy = this.#sent;
    // While `*` stays, State-of-the-World sees the same request again (M1).
    if (memory.everything && this.#isSotw && memory.type === 'endpoints')
      for (const name of memory.names) stream.asked.set(name, this.#sent);
    // W6: the server says what it is now.
    if (memory.everything && !this.#isSotw) for (const name of known) this.#expect(stream, name);
    this.#forgetUnwanted(stream);
    if (!memory.everything && stream.first !== undefined) stream.first = 'may';
  }

  #forgetUnwanted({ memory, asked, owed, refused, unsure }: TypeStream): void {
    memory.hasDropped ||= [...memory.held.keys()].some((name) => !memory.wants(name));
    for (const names of [memory.held, asked, owed, refused, unsure]) {
      for (const name of names.keys()) if (!memory.wants(name)) names.delete(name);
    }
  }

  #send(stream: TypeStream, { subscribe = [], unsubscribe = [], nonce, version, error, initial }: RawRequest): void {
    const { memory } = stream;
    const { type } = memory;
    const told = error === undefined ? {} : { error };
    if (this.#isSotw) {
      const isLegacy = memory.everything && !stream.everNamed;
      const names = isLegacy ? [] : [...(memory.everything ? ['*'] : []), ...memory.names];
      this.#client.raw(type, { names, nonce: nonce ?? stream.nonce, version: version ?? stream.version, ...told });
    } else {
      this.#client.raw(type, {
        subscribe,
        unsubscribe,
        nonce: nonce ?? '',
        ...(initial === undefined ? {} : { initial }),
        ...told,
      });
    }
  }

  #oldNonce(type: ResourceType): string {
    return this.#of(type).nonces.at(-2) ?? 'never-was';
  }

  /** What an Envoy does with clusters when it gets them: those that are different wait for endpoints, and it asks for them. */
  #warm(stream: TypeStream, open: OpenResponse): void {
    const changed = this.#judge.changedBy(stream, open.reply);
    this.#beginWarming(changed);
    this.#accept(stream, open);
    this.#askForEndpoints(stream, changed);
  }

  #beginWarming(clusters: readonly string[]): void {
    const { memory } = this.#options;
    for (const name of clusters) {
      const isNew = !memory.serves(name);
      memory.warming.set(name, { endpoints: endpointsOf(name), isNew });
    }
  }

  #askForEndpoints(stream: TypeStream, changed: readonly string[]): void {
    const endpoints = this.#of('endpoints');
    const wanted = new Set(changed.map(endpointsOf));
    const fresh = [...wanted].filter((name) => !endpoints.memory.names.has(name));
    // A delta client does not ask for what it has asked for; M1: a State-of-the-World client does.
    const names = this.#isSotw ? [...wanted] : fresh;
    if (names.length > 0) this.#ask(endpoints, names);
    const used = new Set([...stream.memory.held.keys()].map(endpointsOf));
    const unused = [...endpoints.memory.names].filter((name) => !used.has(name));
    if (unused.length > 0) this.#giveUp(endpoints, unused);
  }

  #warmed(reply: Reply): void {
    const { warming } = this.#options.memory;
    // R5: that there are none ends it too.
    const told = new Set([...Object.keys(reply.resources), ...reply.removed]);
    for (const [cluster, { endpoints }] of warming) if (told.has(endpoints)) warming.delete(cluster);
    if (!this.#isWarming && this.#later.includes('cluster')) this.join();
  }

  #isBad({ memory }: TypeStream, reply: Reply): boolean {
    return Object.entries(reply.resources).some(([name, content]) => memory.wants(name) && content.startsWith('bad'));
  }

  /** An Envoy that refuses a response takes what is good in it all the same. */
  #takeGood(stream: TypeStream, { reply, items }: OpenResponse): void {
    const { memory } = stream;
    const { type, held } = memory;
    if (type === 'route' || type === 'scopedRoute') return;
    const { warming } = this.#options.memory;
    const changed = this.#judge.changedBy(stream, reply).filter((name) => reply.resources[name]?.startsWith('bad') === false);
    if (type === 'endpoints') {
      // Where a cluster waits for it, what is refused is none.
      const awaited = new Set([...warming.values()].map(({ endpoints }) => endpoints));
      for (const [name, content] of Object.entries(reply.resources))
        if (content.startsWith('bad') && awaited.has(name)) held.delete(name);
    } else if (items.size > 1) {
      for (const name of this.#judge.goneBy(stream, reply)) {
        held.delete(name);
        if (type === 'cluster') warming.delete(name);
      }
    }
    if (this.#judge.isState(type)) memory.accepted ??= new Map(held);
    if (type === 'cluster') this.#beginWarming(changed);
    for (const name of changed)
      if (memory.wants(name)) held.set(name, { content: reply.resources[name] ?? '', version: reply.versions[name] ?? '' });
    if (type === 'cluster') this.#askForEndpoints(stream, changed);
  }

  /** What a response says that the client does not have, or asked for. */
  #itemsOf(stream: TypeStream, reply: Reply, answers: ReadonlySet<string>): ReadonlySet<string> {
    const isState = this.#judge.isState(stream.memory.type);
    const news = isState ? [...this.#judge.changedBy(stream, reply), ...this.#judge.untakenBy(stream, reply)] : undefined;
    return new Set([...(news ?? Object.keys(reply.resources)), ...this.#judge.goneBy(stream, reply), ...answers]);
  }

  #refuse(stream: TypeStream, { reply, answers, items }: OpenResponse): void {
    const { type } = stream.memory;
    const isState = this.#judge.isState(type);
    const [only] = items;
    // Nobody sees in a full state which others came again.
    const maySayMore = isState && (stream.mayHaveAny || [...stream.unsure].some((name) => name !== only));
    const isAlone = items.size === 1 && only !== undefined && !maySayMore;
    const content = reply.resources[only ?? ''] ?? '';
    if (isAlone && this.#options.knowledge.published(type, only) === content) stream.refused.set(only, content);
    // N9: of several, the good ones come again.
    if (!isAlone || type === 'endpoints') for (const name of items) stream.unsure.add(name);
    // What was asked for is not answered yet.
    const unanswered = isAlone ? answers : isState ? [] : [...Object.keys(reply.resources), ...reply.removed];
    for (const name of unanswered) mayCome(stream, name);
  }

  #accept(stream: TypeStream, { reply, after, neverThere }: OpenResponse): void {
    const { memory } = stream;
    const { type, held } = memory;
    const gone = this.#judge.goneBy(stream, reply);
    for (const name of gone) {
      // R1: a name that the client does not have, and the server never had, does not go: it is answered that there is none.
      const isAnswer = neverThere.has(name) && !held.has(name);
      if (!stream.mayHaveAny && !isAnswer) this.#judge.checkUnused(type, name);
      this.#judge.checkThere(stream, name);
      held.delete(name);
      if (type === 'cluster') this.#options.memory.warming.delete(name);
    }
    for (const [name, content] of Object.entries(reply.resources)) {
      if (!memory.wants(name)) continue;
      const isNew = held.get(name)?.content !== content;
      if (isNew && (type === 'route' || type === 'listener')) this.#judge.checkUsable(content, after);
      held.set(name, { content, version: reply.versions[name] ?? '' });
      stream.taken.add(name);
      // It crossed a request that may have taken the name away and asked for it again.
      if (after < stream.changedBy && !stream.asked.has(name)) stream.asked.set(name, stream.changedBy);
    }
    const told = this.#judge.isState(type) ? [...stream.unsure] : [...Object.keys(reply.resources), ...reply.removed];
    for (const name of told) stream.unsure.delete(name);
    memory.accepted = undefined;
    memory.version = reply.version;
    memory.hasDropped = Object.keys(reply.resources).some((name) => !memory.wants(name));
    stream.version = reply.version;
    stream.mayHaveAny = false;
  }

  #of(type: ResourceType): TypeStream {
    const found = this.#streams.get(type);
    if (found === undefined) throw new Error(`${type} is no type.`);
    return found;
  }
}

function typeOf(reply: Reply): ResourceType {
  const type = TYPES.find((each) => Client.urlOf(each) === reply.typeUrl);
  if (type === undefined) throw new Error(`Nobody asked for ${reply.typeUrl}.`);
  return type;
}
