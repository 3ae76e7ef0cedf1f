/** Runs a case: a world, one server, its clients, and the check that all of them end with what is to be had. */
import { deepEqual, ok } from 'node:assert/strict';
import type { ResourceType } from '../../../../src/translate/resource.ts';
import { typesOf } from '../../../../src/translate/scope.ts';
import { Encoder } from '../../../../src/xds/resource.ts';
import { Session } from '../../../../src/xds/session.ts';
import { View } from '../../../../src/xds/view.ts';
import { EMPTY_MODEL, FakeWorld, NO_CHANGE } from '../fake-world.ts';
import type { Knowledge } from './judge.ts';
import { Link } from './link.ts';
import { endpointsOf, Memory, usesOf } from './memory.ts';
import { ModelClient } from './model-client.ts';
import { type DeliveryCase, type Step, TYPES } from './step.ts';

const PREFIX: Readonly<Record<ResourceType, string>> = {
  cluster: 'c',
  endpoints: 'e',
  listener: 'l',
  route: 'r',
  scopedRoute: 's',
};
const GATE_MS = 15_000;
/** So that some responses come in parts. */
const MAX_BYTES = 160;
const SCOPE = typesOf({
  kind: 'gateway',
  namespace: '',
  listen: { host: '', port: 0 },
  previewDomain: undefined,
  corsOrigins: [],
});

interface Seat {
  readonly kind: DeliveryCase['clients'][number];
  readonly memory: Memory;
  session: Session | undefined;
  link: Link | undefined;
  client: ModelClient | undefined;
  later: readonly ResourceType[];
}

class Run implements Knowledge {
  readonly #case: DeliveryCase;
  readonly #world = new FakeWorld();
  readonly #contents = new Map<string, string>();
  /** By type: what changed last, and what it was before. */
  readonly #before = new Map<ResourceType, { readonly name: string; readonly content: string | undefined }>();
  readonly #published = new Map<string, string | undefined>();
  readonly #away = new Set<string>();
  /** What the view ever had. */
  readonly #wereThere = new Set<string>();
  readonly #seats: readonly Seat[];
  #encoder = new Encoder();
  #translation = this.#world.translation();
  #view: View;
  #now = 1_000_000;
  #streams = 0;

  constructor(of: DeliveryCase) {
    this.#case = of;
    this.#view = this.#newView();
    const fresh = { session: undefined, link: undefined, client: undefined, later: [] };
    this.#seats = of.clients.map((kind) => ({ kind, memory: new Memory(), ...fresh }));
  }

  exists(type: ResourceType, name: string): boolean {
    return this.#world.resources.has(`${type} ${name}`);
  }

  published(type: ResourceType, name: string): string | undefined {
    return this.#published.get(`${type} ${name}`);
  }

  wasAway(type: ResourceType, name: string): boolean {
    return this.#away.has(`${type} ${name}`);
  }

  do(step: Step): void {
    switch (step.do) {
      case 'set':
        return this.#set(step.type, step.index, step.content, step.uses);
      case 'remove':
        return this.#remove(step.type, PREFIX[step.type] + step.index);
      case 'back':
        return this.#back(step.type);
      case 'publish':
        return this.#publish();
      case 'restart':
        for (const seat of this.#seats) this.#break(seat, step.later);
        this.#encoder = new Encoder();
        return this.#replaceView();
      case 'move':
        this.#replaceView();
        for (const { session } of this.#seats) session?.moveTo(this.#view);
        return;
    }
    const seat = this.#seats[step.who % this.#seats.length];
    if (seat === undefined) return;
    const { client, link } = this.#connected(seat);
    const namesOf = (type: ResourceType, indexes: readonly number[]): readonly string[] =>
      indexes.map((each) => PREFIX[type] + each);
    switch (step.do) {
      case 'deliver':
        link.deliver(this.#now);
        return;
      case 'push':
        link.push(this.#now);
        return;
      case 'read':
        client.read();
        return;
      case 'answer':
        client.answer((type) => namesOf(type, step.names));
        return;
      case 'ask':
        return client.ask(step.type, namesOf(step.type, step.names), step.isStale);
      case 'giveUp':
        return client.giveUp(step.type, namesOf(step.type, step.names), step.isStale);
      case 'everything':
        return client.everything(step.type, step.isOn);
      case 'stale':
        return client.stale(step.type);
      case 'reconnect':
        return this.#break(seat, step.later);
      case 'join':
        client.join();
        return;
      case 'settle':
        return this.#settle(seat);
    }
  }

  /** Nothing bad is left: then everybody has exactly what it asks for, and nobody says or asks anything more. */
  finish(): void {
    for (const seat of this.#seats) {
      const { client } = this.#connected(seat);
      this.#settle(seat);
      client.checkWarm();
    }
    for (const [key, content] of [...this.#contents]) {
      const [type, name = ''] = key.split(' ') as [ResourceType, string];
      if (content.startsWith('bad')) this.#put(type, name, content.replace('bad', 'good'));
    }
    this.#publish();
    for (const seat of this.#seats) {
      const { client } = this.#connected(seat);
      this.#settle(seat);
      client.timeOut();
      this.#settle(seat);
      for (let times = 0; client.join(); times += 1) {
        ok(times < 100, 'joins for ever');
        this.#settle(seat);
      }
    }
    for (const seat of this.#seats) {
      // Nothing else happens: what still waits for time to pass has to say until when.
      for (let times = 0; times < 3; times += 1) {
        const deadline = seat.session?.deadline();
        if (deadline === undefined) break;
        this.#now = Math.max(this.#now, deadline);
        this.#settle(seat);
      }
      deepEqual(seat.session?.deadline(), undefined, 'a stream that waits for nothing asks to be asked again');
      this.#connected(seat).client.checkAnswered();
      this.#checkConverged(seat.memory);
    }
  }

  #set(type: ResourceType, index: number, content: string, uses: readonly number[]): void {
    const used: ResourceType | undefined =
      type === 'route' || type === 'listener' ? 'cluster' : type === 'scopedRoute' ? 'route' : undefined;
    const names = used === undefined ? [] : uses.map((each) => PREFIX[used] + each).filter((name) => this.exists(used, name));
    // A scoped route names one.
    this.#put(type, PREFIX[type] + index, [content, ...(type === 'scopedRoute' ? names.slice(0, 1) : names)].join(' '));
  }

  #back(type: ResourceType): void {
    const before = this.#before.get(type);
    if (before === undefined) return;
    const { name, content } = before;
    if (content === undefined) return this.#remove(type, name);
    const used = type === 'scopedRoute' ? 'route' : 'cluster';
    if (usesOf(content).every((each) => this.exists(used, each))) this.#put(type, name, content);
  }

  #put(type: ResourceType, name: string, content: string): void {
    this.#before.set(type, { name, content: this.#contents.get(`${type} ${name}`) });
    this.#contents.set(`${type} ${name}`, content);
    const clusters = type === 'route' || type === 'listener' ? usesOf(content) : [];
    this.#world.set(type, name, content, { clusters, ...(type === 'cluster' ? { endpointsName: endpointsOf(name) } : {}) });
  }

  /** What something names stays, as a translation would have it. */
  #remove(type: ResourceType, name: string): void {
    const users = [...this.#contents].filter(([key, content]) => !key.startsWith('cluster') && usesOf(content).includes(name));
    if (users.length > 0) return;
    this.#before.set(type, { name, content: this.#contents.get(`${type} ${name}`) });
    this.#world.remove(type, name);
    this.#contents.delete(`${type} ${name}`);
    this.#away.add(`${type} ${name}`);
    // The empty assignment of a cluster goes with the cluster.
    if (type === 'cluster') this.#away.add(`endpoints ${endpointsOf(name)}`);
  }

  #publish(): void {
    const changes = this.#translation.update(EMPTY_MODEL, NO_CHANGE, new Set());
    for (const { type, name, resource } of changes) {
      const key = `${type} ${name}`;
      if (resource !== undefined) this.#wereThere.add(key);
      this.#published.set(key, this.#contents.get(key));
      for (const { client } of this.#seats) client?.published(type, name, this.#contents.get(key));
    }
    this.#view.apply(
      changes.map(({ type, name, resource }) => ({
        type,
        name,
        resource: resource === undefined ? undefined : this.#encoder.encode(resource),
      })),
    );
  }

  #newView(): View {
    return new View('test', SCOPE, this.#case.worthSharing === 0 ? Infinity : this.#case.worthSharing);
  }

  #replaceView(): void {
    this.#view = this.#newView();
    this.#wereThere.clear();
    this.#translation = this.#world.translation();
    this.#publish();
  }

  #connected(seat: Seat): { readonly client: ModelClient; readonly link: Link } {
    if (seat.client === undefined || seat.link === undefined) {
      this.#streams += 1;
      const { protocol } = this.#case;
      const limits = { gateMs: GATE_MS, maxBytes: MAX_BYTES };
      seat.session = new Session({
        protocol,
        isAggregated: true,
        view: this.#view,
        id: `s${this.#streams}`,
        now: this.#now,
        ...limits,
      });
      seat.link = new Link(seat.session, (type, name) => this.#wereThere.has(`${type} ${name}`));
      const { kind, memory } = seat;
      // Only a delta client says what it has: of a State-of-the-World client that asks late for what names others, nobody knows.
      const isWarming = memory.warming.size > 0;
      const later = protocol === 'delta' ? seat.later : [];
      const all = isWarming && !later.includes('cluster') ? [...later, 'cluster' as const] : later;
      seat.client = new ModelClient({ protocol, kind, link: seat.link, memory, knowledge: this, later: all });
    }
    return { client: seat.client, link: seat.link };
  }

  #break(seat: Seat, later: readonly ResourceType[]): void {
    seat.session?.close();
    seat.session = undefined;
    seat.link = undefined;
    seat.client = undefined;
    seat.later = later;
  }

  #settle(seat: Seat): void {
    this.#publish();
    const { client, link } = this.#connected(seat);
    for (let round = 0; round < 10_000; round += 1) {
      const moved = [link.deliver(this.#now), link.push(this.#now), client.read(), client.answer()];
      if (!moved.includes(true)) return;
    }
    throw new Error('This does not come to an end.');
  }

  #checkConverged(memory: Memory): void {
    const isSotw = this.#case.protocol === 'sotw';
    for (const type of TYPES) {
      const { held, ...of } = memory.of(type);
      const wants = (name: string): boolean => memory.of(type).wants(name);
      const expected = new Map<string, string>();
      for (const [key, content] of this.#contents) {
        const [its, name = ''] = key.split(' ');
        if (its === type && wants(name)) expected.set(name, content);
      }
      // M6: what no endpoints were given for is empty.
      if (type === 'endpoints') {
        for (const { type: its, endpointsName } of this.#world.resources.values()) {
          if (its === 'cluster' && endpointsName !== undefined && wants(endpointsName) && !expected.has(endpointsName))
            expected.set(endpointsName, '');
        }
      }
      const actual = new Map([...held].map(([name, { content }]) => [name, content]));
      // State-of-the-World has no word for endpoints and routes that go (R7).
      if (isSotw && (type === 'endpoints' || type === 'route'))
        for (const name of actual.keys()) if (!expected.has(name)) actual.delete(name);
      deepEqual(new Map([...actual].sort()), new Map([...expected].sort()), `${of.type}: not what there is`);
    }
  }
}

/** @throws AssertionError where something is promised that does not hold. */
export function runDelivery(of: DeliveryCase): void {
  const run = new Run(of);
  for (const step of of.steps) run.do(step);
  run.finish();
}
