/** The one door of this room: models in, xDS out, and what the Envoys made of it. */
import type { ServerCall } from '../grpc/call.ts';
import { DEFAULT_GRPC_LIMITS, type GrpcLimits } from '../grpc/limits.ts';
import { GrpcServer, type GrpcServerOptions } from '../grpc/server.ts';
import type { InterceptModel, ModelChange } from '../model/intercept.ts';
import type { InterceptId } from '../model/names.ts';
import type { SocketAddress } from '../model/proxy.ts';
import type { ResourceType } from '../translate/resource.ts';
import type { CreateScopeTranslation, TranslateSettings } from '../translate/translate.ts';
import { Admission, type AdmissionLimits } from './admission.ts';
import type { KnownClient } from './client-status.ts';
import { type DrainClock, type DrainOptions, drain, MONOTONIC } from './drain.ts';
import { FirstCalm } from './first-calm.ts';
import type { Gate, Pass } from './gate.ts';
import { guard } from './guard.ts';
import { NodeClaims } from './node-claims.ts';
import type { XdsObserver } from './observer.ts';
import { type ProxyStatus, statusOf } from './proxy-status.ts';
import type { Receipt } from './receipts.ts';
import type { EncodedResource } from './resource.ts';
import { statusMethods, type XdsMethod, xdsMethods } from './services.ts';
import { type StatusLimits, StatusService } from './status-service.ts';
import { XdsStream } from './stream.ts';
import { StreamCounts } from './stream-counts.ts';
import type { StreamLimits } from './stream-options.ts';
import { PUSH_ORDER } from './type-urls.ts';
import { type ViewRejection, Views } from './views.ts';

export type { NackInfo, StreamInfo, TypeName, XdsObserver } from './observer.ts';
export type { ProxyStatus } from './proxy-status.ts';
export type { Receipt } from './receipts.ts';
export type Rejection = ViewRejection;

export interface XdsLimits extends StreamLimits, AdmissionLimits, StatusLimits, GrpcLimits {
  /** A view that no Envoy reads is kept for so long, in ms. */
  readonly idleViewMs: number;
}

export const DEFAULT_LIMITS: XdsLimits = {
  ...DEFAULT_GRPC_LIMITS,
  gateMs: 15_000,
  maxBytes: 2_000_000,
  blockedMs: 30_000,
  silentMs: 30_000,
  maxNames: 200_000,
  maxNameBytes: 2_048,
  idleViewMs: 60_000,
  maxSyncing: 100,
  syncMs: 2_000,
  waitMs: 60_000,
  maxWaiting: 10_000,
  maxStatusResources: 100_000,
};

export interface XdsServerOptions {
  readonly settings: TranslateSettings;
  readonly createTranslation: CreateScopeTranslation;
  readonly observer: XdsObserver;
  /** ms since the epoch */
  readonly now: () => number;
  readonly limits?: Partial<XdsLimits>;
  /** Of {@link XdsServer.drain}; the system's unless told. */
  readonly drainClock?: DrainClock;
  /** Called once, when the first streams are up to date and no others come: time for what would hold them up. */
  readonly onCalm?: () => void;
  /** undefined: everybody is let in, as whoever it says it is. */
  readonly gate?: Gate | undefined;
  /** With TLS; undefined: without. */
  readonly createServer?: GrpcServerOptions['createServer'];
}

/** How often streams are looked at that take nothing, in ms. */
const CHECK_MS = 1_000;

export class XdsServer implements AsyncDisposable {
  readonly #views: Views;
  readonly #streams = new Set<XdsStream>();
  readonly #claims = new NodeClaims();
  readonly #counts = new StreamCounts();
  readonly #server: GrpcServer;
  readonly #admission: Admission;
  readonly #now: () => number;
  readonly #checks: NodeJS.Timeout;
  readonly #calm: FirstCalm;
  readonly #drainClock: DrainClock;
  #opened = 0;
  #isDraining = false;
  #isPublished = false;

  constructor(options: XdsServerOptions) {
    const { settings, createTranslation, observer, now } = options;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#now = now;
    this.#drainClock = options.drainClock ?? MONOTONIC;
    this.#admission = new Admission(limits, Math.random);
    this.#views = new Views({
      settings,
      createTranslation,
      now,
      idleMs: limits.idleViewMs,
      defer: setImmediate,
      onConverged: (ms) => observer.converged(ms),
    });
    const guarding = { gate: options.gate, observer };
    const openStream = ({ protocol, typeUrl }: XdsMethod, call: ServerCall, pass: Pass | undefined): XdsStream => {
      this.#opened += 1;
      const id = `${process.pid.toString(36)}${this.#opened.toString(36)}`;
      const onClose = (): void => {
        this.#streams.delete(stream);
        if (pass !== undefined) this.#counts.closed(pass.name);
      };
      const stream = new XdsStream(call, {
        id,
        protocol,
        typeUrl,
        pass,
        views: this.#views,
        claims: this.#claims,
        admission: this.#admission,
        observer,
        now,
        limits,
        onClose,
      });
      this.#streams.add(stream);
      const count = pass === undefined ? 0 : this.#counts.opened(pass.name);
      const { mostStreams = Number.POSITIVE_INFINITY } = pass ?? {};
      if (count > mostStreams) stream.sendAway(`${pass?.name} has ${mostStreams} streams already`);
      else this.#admission.apply(stream, now());
      return stream;
    };
    const methods = xdsMethods((method) => guard(guarding, true, (call, pass) => openStream(method, call, pass)));
    const status = new StatusService(() => this.#clients(), limits);
    const csds = statusMethods(guard(guarding, false, status.stream), guard(guarding, false, status.fetch));
    const { createServer, onCalm } = options;
    const tls = createServer === undefined ? {} : { createServer };
    this.#server = new GrpcServer({ methods: new Map([...methods, ...csds]), limits, observer, ...tls });
    this.#checks = setInterval(() => {
      for (const stream of this.#streams) stream.check(now());
      this.#admission.check(now());
      for (const view of this.#views.views()) view.tidy();
    }, CHECK_MS).unref();
    this.#calm = new FirstCalm(
      () => this.#streams.size > 0 && this.#admission.isIdle,
      () => {
        for (const view of this.#views.views()) view.expectReturns();
        onCalm?.();
      },
    );
  }

  /**
   * @param address port 0: any
   * @returns the address with the port that it is.
   * @throws what the system says when the address cannot be had.
   */
  listen(address: SocketAddress): Promise<SocketAddress> {
    return this.#server.listen(address);
  }

  /**
   * The first call is the first full state: until then streams wait, for an empty world would take everything away
   * from Envoys that have a full one (S8).
   * @param change what differs from the last call; undefined: everything may
   */
  publish(model: InterceptModel, change: ModelChange | undefined): void {
    if (!this.#isPublished) this.#admission.open(this.#now());
    this.#isPublished = true;
    this.#views.publish(model, change);
  }

  /** Streams whose client has said who it is. */
  proxies(): readonly ProxyStatus[] {
    return [...this.#streams].flatMap((stream) => statusOf(stream, this.#views.scopeOf(stream), this.#rivals(stream)) ?? []);
  }

  receipt(intercept: InterceptId): Receipt {
    return this.#views.receipt(intercept);
  }

  /** Connected Envoys that need the intercept, by `node.id`: whether all that claim the id have acknowledged it as it is now. */
  holders(intercept: InterceptId): ReadonlyMap<string, boolean> {
    return this.#views.holders(intercept);
  }

  rejections(): readonly Rejection[] {
    return this.#views.rejections();
  }

  /** How many resources are held, over all views, each distinct one once. */
  resources(): ReadonlyMap<ResourceType, number> {
    const counts = new Map<ResourceType, number>();
    for (const { type } of PUSH_ORDER) {
      const distinct = new Set<EncodedResource>();
      for (const view of this.#views.views()) {
        for (const { current } of view.log(type).entries()) if (current !== undefined) distinct.add(current);
      }
      counts.set(type, distinct.size);
    }
    return counts;
  }

  /** From the call of {@link drain} on. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /**
   * Lets the streams go one after the other (F11), served until then. {@link stop} is still to be called.
   * @returns how many streams there were, and how many have not ended.
   */
  async drain(options: DrainOptions): Promise<{ readonly streams: number; readonly left: number }> {
    this.#isDraining = true;
    const streams = this.#streams.size;
    await drain({
      ...options,
      streams: () => [...this.#streams],
      close: () => void this.#server.close(),
      clock: this.#drainClock,
      random: Math.random,
    });
    return { streams, left: this.#streams.size };
  }

  /** Ends all streams, so that their clients go elsewhere. @param graceMs how long to wait for connections to end */
  async stop(graceMs = 1_000): Promise<void> {
    clearInterval(this.#checks);
    this.#calm[Symbol.dispose]();
    for (const stream of [...this.#streams]) stream.leave();
    const force = setTimeout(() => this.#server.destroy(), graceMs);
    await this.#server.close();
    clearTimeout(force);
  }

  *#clients(): Generator<KnownClient> {
    for (const { info, session } of this.#streams) {
      if (info !== undefined && session !== undefined) yield { nodeId: info.nodeId, id: info.id, session };
    }
  }

  #rivals({ claim }: XdsStream): readonly string[] {
    return claim === undefined ? [] : this.#claims.rivals(claim);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
