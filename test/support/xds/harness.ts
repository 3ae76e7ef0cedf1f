/** Runs a scenario against a session in this process, or against a server over gRPC: the same promises either way. */
import { type ClientDuplexStream, credentials, Client as GrpcClient } from '@grpc/grpc-js';
import { DEFAULT_CARRIERS } from '../../../src/model/carriers.ts';
import { typesOf } from '../../../src/translate/scope.ts';
import { decodeDeltaRequest, decodeSotwRequest } from '../../../src/xds/codec.ts';
import type { DrainClock } from '../../../src/xds/drain.ts';
import { Encoder } from '../../../src/xds/resource.ts';
import { type Protocol, Session } from '../../../src/xds/session.ts';
import { PUSH_ORDER } from '../../../src/xds/type-urls.ts';
import { View } from '../../../src/xds/view.ts';
import { deltaResponse, sotwResponse } from '../../../src/xds/wire.ts';
import { DEFAULT_LIMITS, type XdsLimits, XdsServer } from '../../../src/xds/xds.ts';
import { Client, type Wire } from './client.ts';
import { EMPTY_MODEL, FakeWorld, NO_CHANGE } from './fake-world.ts';
import { GrpcTypesWire, Traffic } from './grpc-types-wire.ts';
import { SilentObserver } from './observer.ts';

/** `ads`: one stream for all types; `type`: one for each. */
export type Streams = 'ads' | 'type';

export interface Harness extends AsyncDisposable {
  readonly world: FakeWorld;
  readonly protocol: Protocol;
  readonly streams: Streams;
  /** What was changed in the world takes effect. */
  publish(): void;
  /** A new stream. */
  connect(): Promise<Client>;
  /** Moves the clock; only sessions in this process have one that moves. */
  advance(ms: number): void;
  /** The server goes away and another one comes, with the same world; streams break. */
  restart(): Promise<void>;
}

/** Of the scope that clients have in a server: without a role in their name. */
const TYPES = typesOf({ kind: 'client' });

export class SessionHarness implements Harness {
  readonly world = new FakeWorld();
  readonly protocol: Protocol;
  readonly streams: Streams;
  readonly #limits: XdsLimits;
  readonly #worthSharing: number;
  #encoder = new Encoder();
  #view: View;
  #translation = this.world.translation();
  #now = 1_000_000;
  readonly #sessions: Session[] = [];
  #streams = 0;

  /** @param worthSharing as of a view: what scenarios promise holds for little that is shared, and over gRPC for what is not */
  constructor(protocol: Protocol, limits: Partial<XdsLimits> = {}, worthSharing = 1, streams: Streams = 'ads') {
    this.protocol = protocol;
    this.streams = streams;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#worthSharing = worthSharing;
    this.#view = new View('test', TYPES, worthSharing);
  }

  readonly publish = (): void => {
    const changes = this.#translation.update(EMPTY_MODEL, NO_CHANGE, new Set());
    this.#view.apply(
      changes.map(({ type, name, resource }) => ({
        type,
        name,
        resource: resource === undefined ? undefined : this.#encoder.encode(resource),
      })),
    );
  };

  readonly connect = async (): Promise<Client> => {
    const now = (): number => this.#now;
    if (this.streams === 'ads') return new Client(this.protocol, new SessionWire(this.#newSession(true), now));
    return new Client(this.protocol, new TypesWire(this.protocol, () => new SessionWire(this.#newSession(false), now)));
  };

  #newSession(isAggregated: boolean): Session {
    this.#streams += 1;
    const session = new Session({
      protocol: this.protocol,
      isAggregated,
      view: this.#view,
      id: `s${this.#streams}`,
      now: this.#now,
      gateMs: this.#limits.gateMs,
      maxBytes: this.#limits.maxBytes,
    });
    this.#sessions.push(session);
    return session;
  }

  /** Moves the clock to when the newest stream wants to be asked again by itself. @returns whether it does */
  readonly advanceToDeadline = (): boolean => {
    const deadline = this.#sessions.at(-1)?.deadline();
    if (deadline === undefined) return false;
    this.#now = Math.max(this.#now, deadline);
    return true;
  };

  /** The scope of every stream is another one from now on: another view, of the world as it is. */
  readonly move = (): void => {
    this.#view = new View('moved', TYPES, this.#worthSharing);
    this.#translation = this.world.translation();
    this.publish();
    for (const session of this.#sessions) session.moveTo(this.#view);
  };

  readonly advance = (ms: number): void => {
    this.#now += ms;
  };

  readonly restart = async (): Promise<void> => {
    this.#encoder = new Encoder();
    this.#view = new View('test', TYPES, this.#worthSharing);
    this.#translation = this.world.translation();
    this.publish();
  };

  async [Symbol.asyncDispose](): Promise<void> {}
}

class SessionWire implements Wire {
  readonly #session: Session;
  readonly #now: () => number;

  constructor(session: Session, now: () => number) {
    this.#session = session;
    this.#now = now;
  }

  send(bytes: Buffer): void {
    if (this.#session.protocol === 'sotw') this.#session.receiveSotw(decodeSotwRequest(bytes), this.#now());
    else this.#session.receiveDelta(decodeDeltaRequest(bytes), this.#now());
  }

  async receive(): Promise<Buffer> {
    const bytes = await this.unexpected();
    if (bytes === undefined) throw new Error('There is nothing to say, and something was expected.');
    return bytes;
  }

  async unexpected(): Promise<Buffer | undefined> {
    const response = this.#session.next(this.#now());
    if (response === undefined) return undefined;
    return response.protocol === 'sotw' ? sotwResponse(response) : deltaResponse(response);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session.close();
  }
}

/** Streams for each type in this process, opened when the type is asked for. */
class TypesWire implements Wire {
  readonly isByType = true;
  readonly #protocol: Protocol;
  readonly #open: () => SessionWire;
  readonly #wires = new Map<string, SessionWire>();

  constructor(protocol: Protocol, open: () => SessionWire) {
    this.#protocol = protocol;
    this.#open = open;
  }

  send(bytes: Buffer): void {
    const typeUrl = typeUrlOf(this.#protocol, bytes);
    const wire = this.#wires.get(typeUrl) ?? this.#open();
    this.#wires.set(typeUrl, wire);
    wire.send(bytes);
  }

  async receive(): Promise<Buffer> {
    const bytes = await this.unexpected();
    if (bytes === undefined) throw new Error('There is nothing to say, and something was expected.');
    return bytes;
  }

  /** Nothing orders the streams; so that scenarios can say what comes next, they are looked at in push order. */
  async unexpected(): Promise<Buffer | undefined> {
    for (const { typeUrl } of PUSH_ORDER) {
      const bytes = await this.#wires.get(typeUrl)?.unexpected();
      if (bytes !== undefined) return bytes;
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const wire of this.#wires.values()) await wire[Symbol.asyncDispose]();
  }
}

function typeUrlOf(protocol: Protocol, bytes: Buffer): string {
  return protocol === 'sotw' ? decodeSotwRequest(bytes).typeUrl : decodeDeltaRequest(bytes).typeUrl;
}

export class GrpcHarness implements Harness {
  readonly world = new FakeWorld();
  readonly protocol: Protocol;
  readonly streams: Streams;
  readonly observer = new SilentObserver();
  readonly #limits: Partial<XdsLimits>;
  readonly #clients: GrpcClient[] = [];
  readonly #drainClock: DrainClock | undefined;
  readonly #traffic = new Traffic(this.observer);
  #server: XdsServer | undefined;
  #port = 0;

  constructor(protocol: Protocol, limits: Partial<XdsLimits> = {}, drainClock?: DrainClock, streams: Streams = 'ads') {
    this.protocol = protocol;
    this.streams = streams;
    this.#limits = limits;
    this.#drainClock = drainClock;
  }

  readonly publish = (): void => {
    this.#server?.publish(EMPTY_MODEL, NO_CHANGE);
  };

  /** @param path of the method; the aggregated one unless told */
  readonly connect = async (path = `${ADS}/${METHODS[this.protocol]}`): Promise<Client> => {
    if (this.#server === undefined) await this.start();
    const client = new GrpcClient(`127.0.0.1:${this.#port}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    this.#clients.push(client);
    const same = (bytes: Buffer): Buffer => bytes;
    const open = (method: string): ClientDuplexStream<Buffer, Buffer> => client.makeBidiStreamRequest(method, same, same);
    if (this.streams === 'type') return new Client(this.protocol, new GrpcTypesWire(this.protocol, open, this.#traffic));
    return new Client(this.protocol, new GrpcWire(open(path), this.protocol));
  };

  get port(): number {
    return this.#port;
  }

  get server(): XdsServer {
    if (this.#server === undefined) throw new Error('The server starts with the first connection.');
    return this.#server;
  }

  readonly advance = (): never => {
    throw new Error('The clock of a server does not move by hand.');
  };

  readonly restart = async (): Promise<void> => {
    if (this.streams === 'type') await this.#traffic.quiet();
    await this.#stop();
    await this.start();
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }

  /** @param isSynced whether the server has its first model already */
  async start(isSynced = true): Promise<void> {
    if (this.streams === 'ads')
      for (let index = 0; index < BARRIERS; index += 1) this.world.set('scopedRoute', barrierName(index), 'b');
    this.#server = new XdsServer({
      settings: { carriers: DEFAULT_CARRIERS, lua: '' },
      createTranslation: () => this.world.translation(),
      observer: this.observer,
      now: Date.now,
      limits: this.#limits,
      ...(this.#drainClock === undefined ? {} : { drainClock: this.#drainClock }),
    });
    this.#port = (await this.#server.listen({ host: '127.0.0.1', port: 0 })).port;
    if (isSynced) this.publish();
  }

  async #stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.close();
    await this.#server?.stop();
    this.#server = undefined;
  }
}

export const ADS = '/envoy.service.discovery.v3.AggregatedDiscoveryService';
export const METHODS = { sotw: 'StreamAggregatedResources', delta: 'DeltaAggregatedResources' } as const;

/** How many times a State-of-the-World client can ask whether something more comes. */
const BARRIERS = 40;
const barrierName = (index: number): string => `barrier-${index}`;
const RECEIVE_MS = 20_000;

export class GrpcWire implements Wire {
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #received: Buffer[] = [];
  readonly #protocol: Protocol;
  #barriers = 0;
  #wake: (() => void) | undefined;
  /** Code and details, once the stream has ended. */
  ended: { readonly code: number; readonly details: string } | undefined;

  constructor(call: ClientDuplexStream<Buffer, Buffer>, protocol: Protocol) {
    this.#call = call;
    this.#protocol = protocol;
    call.on('data', (bytes: Buffer) => {
      this.#received.push(bytes);
      this.#wake?.();
    });
    call.on('error', () => {});
    call.on('status', ({ code, details }: { code: number; details: string }) => {
      this.ended = { code, details };
      this.#wake?.();
    });
  }

  send(bytes: Buffer): void {
    this.#call.write(bytes);
  }

  halfClose(): void {
    this.#call.end();
  }

  async receive(): Promise<Buffer> {
    const deadline = Date.now() + RECEIVE_MS;
    for (;;) {
      const next = this.#received.shift();
      if (next !== undefined) return next;
      if (this.ended !== undefined) throw new Error(`The stream has ended: ${this.ended.code} ${this.ended.details}`);
      if (Date.now() > deadline) throw new Error('Nothing came, and something was expected.');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Asks for something that is surely answered: whatever else there is to say comes before it. */
  async unexpected(client: Client): Promise<Buffer | undefined> {
    // Scoped routes come before routes, so one question more after the answer lets a route out.
    for (let round = 0; round < (this.#protocol === 'sotw' ? 2 : 1); round += 1) {
      const name = barrierName(this.#barriers);
      this.#barriers += 1;
      client.subscribe(this.#protocol === 'sotw' ? 'scopedRoute' : 'type.googleapis.com/test.Barrier', [name]);
      const bytes = await this.receive();
      if (!bytes.includes(name)) return bytes;
      const reply = client.read(bytes);
      client.ack(reply);
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#call.cancel();
  }
}
