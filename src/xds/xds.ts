/** The one door of this room: models in, xDS out, and what the Envoys made of it. */
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { InterceptModel, ModelChange } from '../model/intercept.ts';
import type { InterceptId } from '../model/names.ts';
import type { SocketAddress } from '../model/proxy.ts';
import { formatSocketAddress } from '../model/socket-address.ts';
import type { ResourceType } from '../translate/resource.ts';
import type { CreateScopeTranslation, TranslateSettings } from '../translate/translate.ts';
import { clientStatus } from './client-status.ts';
import { decodeStatusRequest, encodeMessage } from './codec.ts';
import { type DrainClock, type DrainOptions, drain, MONOTONIC } from './drain.ts';
import { NodeClaims } from './node-claims.ts';
import type { XdsObserver } from './observer.ts';
import { type ProxyStatus, statusOf } from './proxy-status.ts';
import type { Receipt } from './receipts.ts';
import type { EncodedResource } from './resource.ts';
import { statusService, xdsServices } from './services.ts';
import { type StreamLimits, XdsStream } from './stream.ts';
import { PUSH_ORDER } from './type-urls.ts';
import { type ViewRejection, Views } from './views.ts';

export type { NackInfo, StreamInfo, TypeName, XdsObserver } from './observer.ts';
export type { ProxyStatus } from './proxy-status.ts';
export type { Receipt } from './receipts.ts';
export type Rejection = ViewRejection;

export interface XdsLimits extends StreamLimits {
  /** A view that no Envoy reads is kept for so long, in ms. */
  readonly idleViewMs: number;
  /** A connection is asked for a sign of life so often, in ms, and is given up when none has come after the other time (F7). */
  readonly pingMs: number;
  readonly pingTimeoutMs: number;
}

export const DEFAULT_LIMITS: XdsLimits = {
  gateMs: 15_000,
  maxBytes: 2_000_000,
  blockedMs: 30_000,
  idleViewMs: 60_000,
  pingMs: 10_000,
  pingTimeoutMs: 5_000,
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
}

/** F8: a reconnecting client may say a lot. */
const MESSAGE_SIZES = { 'grpc.max_receive_message_length': 64 * 1024 * 1024, 'grpc.max_send_message_length': -1 };

/** How often streams are looked at that take nothing, in ms. */
const CHECK_MS = 1_000;

export class XdsServer implements AsyncDisposable {
  readonly #views: Views;
  readonly #streams = new Set<XdsStream>();
  readonly #claims = new NodeClaims();
  readonly #server: Server;
  readonly #checks: NodeJS.Timeout;
  readonly #drainClock: DrainClock;
  #opened = 0;
  #isDraining = false;
  /** Nobody comes any more; done when all connections have ended. */
  #closed: Promise<void> | undefined;

  constructor(options: XdsServerOptions) {
    const { settings, createTranslation, observer, now } = options;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#drainClock = options.drainClock ?? MONOTONIC;
    // F7: what an Envoy that is gone has not answered holds up receipts for so long.
    const { pingMs, pingTimeoutMs } = limits;
    const keepalive = { 'grpc.keepalive_time_ms': pingMs, 'grpc.keepalive_timeout_ms': pingTimeoutMs };
    this.#server = new Server({ ...MESSAGE_SIZES, ...keepalive });
    this.#views = new Views({
      settings,
      createTranslation,
      now,
      idleMs: limits.idleViewMs,
      defer: setImmediate,
      onConverged: (ms) => observer.converged(ms),
    });
    const services = xdsServices(({ protocol, typeUrl }) => (call) => {
      this.#opened += 1;
      const id = `${process.pid.toString(36)}${this.#opened.toString(36)}`;
      const onClose = (stream: XdsStream): boolean => this.#streams.delete(stream);
      const stream = new XdsStream(call, {
        id,
        protocol,
        typeUrl,
        views: this.#views,
        claims: this.#claims,
        observer,
        now,
        limits,
        onClose,
      });
      this.#streams.add(stream);
      // On a connection that was told to be given up.
      if (this.#closed !== undefined) stream.leave();
    });
    const csds = statusService(
      (call) => {
        call.on('data', (bytes: Buffer) => {
          const answer = this.#clientStatus(bytes);
          if (Buffer.isBuffer(answer)) call.write(answer);
          else call.emit('error', answer);
        });
        call.on('end', () => call.end());
      },
      (call, respond) => {
        const answer = this.#clientStatus(call.request);
        if (Buffer.isBuffer(answer)) respond(null, answer);
        else respond(answer);
      },
    );
    for (const { definition, implementation } of [...services, csds]) this.#server.addService(definition, implementation);
    this.#checks = setInterval(() => {
      for (const stream of this.#streams) stream.checkBlocked(now());
    }, CHECK_MS).unref();
  }

  /**
   * @param address port 0: any
   * @returns the address with the port that it is.
   * @throws what the system says when the address cannot be had.
   */
  async listen(address: SocketAddress): Promise<SocketAddress> {
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(formatSocketAddress(address), ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return { host: address.host, port };
  }

  /**
   * The first call is the first full state: until then streams wait, for an empty world would take everything away
   * from Envoys that have a full one (S8).
   * @param change what differs from the last call; undefined: everything may
   */
  publish(model: InterceptModel, change: ModelChange | undefined): void {
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
      close: () => void this.#close(),
      clock: this.#drainClock,
      random: Math.random,
    });
    return { streams, left: this.#streams.size };
  }

  /** Ends all streams, so that their clients go elsewhere. @param graceMs how long to wait for connections to end */
  async stop(graceMs = 1_000): Promise<void> {
    clearInterval(this.#checks);
    for (const stream of [...this.#streams]) stream.leave();
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, graceMs);
      void this.#close().then(() => {
        clearTimeout(force);
        resolve();
      });
    });
  }

  /** No more connections; those that are there are told to be given up when their streams have ended (GOAWAY). */
  #close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => this.#server.tryShutdown(() => resolve()));
    return this.#closed;
  }

  #rivals({ claim }: XdsStream): readonly string[] {
    return claim === undefined ? [] : this.#claims.rivals(claim);
  }

  /** @returns an encoded ClientStatusResponse, or what is wrong with the request. */
  #clientStatus(bytes: Buffer): Buffer | { readonly code: status; readonly details: string } {
    try {
      const matches = decodeStatusRequest(bytes);
      const clients = [...this.#streams].flatMap(({ info, session }) =>
        info === undefined || session === undefined ? [] : [{ nodeId: info.nodeId, id: info.id, session }],
      );
      return Buffer.from(encodeMessage('envoy.service.status.v3.ClientStatusResponse', clientStatus(clients, matches)));
    } catch (error) {
      return { code: status.INVALID_ARGUMENT, details: error instanceof Error ? error.message : String(error) };
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
