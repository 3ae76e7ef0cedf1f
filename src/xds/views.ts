/** All views, and which stream reads which: the middle between the model and the streams. */
import type { InterceptModel, ModelChange } from '../model/intercept.ts';
import { type InterceptId, type ObjectKey, objectKey } from '../model/names.ts';
import type { Proxy } from '../model/proxy.ts';
import { scopeKey, scopeOf, typesOf } from '../translate/scope.ts';
import type { CreateScopeTranslation, TranslateSettings } from '../translate/translate.ts';
import { Audience, type Member, type Reader } from './audience.ts';
import type { Batch } from './convergence.ts';
import { InterceptChanges } from './intercept-changes.ts';
import type { Outcome } from './outcome.ts';
import type { Rejection } from './quarantine.ts';
import { holdersOf, isLiveIn, type Receipt, receiptOf } from './receipts.ts';
import { Encoder } from './resource.ts';
import { ServedView, type ViewChange } from './served-view.ts';
import { Turn } from './turn.ts';
import type { View } from './view.ts';

export interface ViewsOptions {
  readonly settings: TranslateSettings;
  readonly createTranslation: CreateScopeTranslation;
  /** ms */
  readonly now: () => number;
  /** A view that nobody reads is kept for so long, in ms. */
  readonly idleMs: number;
  /** So many resources are kept at most in views that nobody reads; the oldest views go first. */
  readonly maxIdle?: number;
  /** Runs it in a later turn of the event loop. */
  readonly defer: (task: () => void) => void;
  /** Every stream that was connected then has answered a change. @param ms since the change */
  readonly onConverged: (ms: number) => void;
}

export interface ViewRejection extends Rejection {
  /** The key of the scope. */
  readonly view: string;
}

/** Twenty large gateways, or a hundred thousand sidecars. */
const MAX_IDLE = 500_000;

interface Host {
  readonly key: string;
  readonly served: ServedView;
  readonly audience: Audience;
}

interface Seat {
  readonly host: Host;
  readonly reader: Reader;
}

export class Views {
  readonly #options: ViewsOptions;
  readonly #encoder = new Encoder();
  readonly #changes = new InterceptChanges();
  readonly #hosts = new Map<string, Host>();
  readonly #seats = new Map<Member, Seat>();
  /** Streams that came before there was a model (S8). */
  readonly #waiting = new Set<Member>();
  readonly #byPod = new Map<ObjectKey, Set<Member>>();
  readonly #turn: Turn;
  #model: InterceptModel | undefined;

  constructor(options: ViewsOptions) {
    this.#options = options;
    this.#turn = new Turn(options.defer);
  }

  get isSynced(): boolean {
    return this.#model !== undefined;
  }

  /** The first call lets the waiting streams in. @param change undefined: everything may be different */
  publish(model: InterceptModel, change: ModelChange | undefined): void {
    this.#model = model;
    this.#changes.note(model, change);
    const now = this.#options.now();
    this.#drop(now);
    for (const host of this.#hosts.values()) {
      // Of thousands of views nearly all have nothing to do with a change.
      if (change !== undefined && !host.served.isConcernedBy(model, change)) continue;
      this.#published(host, host.served.publish(model, change, host.audience.isSettled, now), now);
    }
    for (const member of this.#moved(change)) this.#move(member, model, now);
    for (const member of this.#waiting) this.#place(member, model, now);
    this.#waiting.clear();
  }

  join(member: Member): void {
    const { proxy } = member;
    if (proxy.role === 'sidecar') {
      const pod = objectKey(proxy.namespace, proxy.name);
      const members = this.#byPod.get(pod) ?? new Set();
      this.#byPod.set(pod, members.add(member));
    }
    if (this.#model === undefined) this.#waiting.add(member);
    else this.#place(member, this.#model, this.#options.now());
  }

  leave(member: Member): void {
    const { proxy } = member;
    if (proxy.role === 'sidecar') {
      const pod = objectKey(proxy.namespace, proxy.name);
      const members = this.#byPod.get(pod);
      members?.delete(member);
      if (members?.size === 0) this.#byPod.delete(pod);
    }
    this.#waiting.delete(member);
    this.#turn.forget(member);
    const seat = this.#seats.get(member);
    if (seat === undefined) return;
    this.#seats.delete(member);
    seat.reader.session.close();
    const now = this.#options.now();
    this.#converged(seat.host, seat.host.audience.leave(seat.reader, now), now);
    this.#drop(now);
  }

  /** A stream received something: what its answer means for the view. It is answered, in its turn. */
  received(member: Member, outcome: Outcome): void {
    const seat = this.#seats.get(member);
    if (seat === undefined || this.#model === undefined) return;
    this.#turn.heard(member);
    const { host } = seat;
    const now = this.#options.now();
    if (outcome.kind === 'ack') this.#published(host, host.served.acked(outcome.response, this.#model, now), now);
    if (outcome.kind === 'nack') {
      this.#published(host, host.served.nacked(outcome.response, outcome.error, this.#model, now), now);
    }
  }

  /** A stream has said all that it can for now. */
  progressed(member: Member): void {
    const seat = this.#seats.get(member);
    if (seat === undefined || this.#model === undefined) return;
    const now = this.#options.now();
    this.#converged(seat.host, seat.host.audience.progressed(seat.reader), now);
    this.#published(seat.host, seat.host.served.review(this.#model, now), now);
  }

  /** @returns the key of the scope that a stream is served; undefined while it waits. */
  scopeOf(member: Member): string | undefined {
    return this.#seats.get(member)?.host.key;
  }

  views(): Iterable<View> {
    return [...this.#hosts.values()].map(({ served }) => served.view);
  }

  receipt(intercept: InterceptId): Receipt {
    return receiptOf(intercept, this.#hosts.values(), this.#options.now());
  }

  holders(intercept: InterceptId): ReadonlyMap<string, boolean> {
    return holdersOf(intercept, this.#hosts.values());
  }

  rejections(): readonly ViewRejection[] {
    return [...this.#hosts.values()].flatMap(({ key, served }) =>
      [...served.rejections()].map((rejection) => ({ ...rejection, view: key })),
    );
  }

  #place(member: Member, model: InterceptModel, now: number): void {
    const host = this.#hostFor(member.proxy, model, now);
    const reader = { member, session: member.start(host.served.view) };
    this.#seats.set(member, { host, reader });
    host.audience.join(reader);
    this.#turn.changed(member);
  }

  #move(member: Member, model: InterceptModel, now: number): void {
    const seat = this.#seats.get(member);
    if (seat === undefined || scopeKey(scopeOf(member.proxy, model)) === seat.host.key) return;
    const host = this.#hostFor(member.proxy, model, now);
    this.#converged(seat.host, seat.host.audience.leave(seat.reader, now), now);
    seat.reader.session.moveTo(host.served.view);
    this.#seats.set(member, { host, reader: seat.reader });
    host.audience.join(seat.reader);
    this.#turn.changed(member);
  }

  /** Only what the model says of its pod can give a stream another scope. */
  *#moved(change: ModelChange | undefined): Generator<Member> {
    if (change === undefined) yield* [...this.#seats.keys()].filter(({ proxy }) => proxy.role === 'sidecar');
    else for (const pod of change.pods) yield* [...(this.#byPod.get(pod) ?? [])];
  }

  #hostFor(proxy: Proxy, model: InterceptModel, now: number): Host {
    const scope = scopeOf(proxy, model);
    const key = scopeKey(scope);
    const known = this.#hosts.get(key);
    if (known !== undefined) return known;
    const { createTranslation, settings } = this.#options;
    const audience = new Audience(now);
    const served = new ServedView({
      key,
      types: typesOf(scope),
      translation: createTranslation(scope, settings),
      encoder: this.#encoder,
      changes: this.#changes,
      isAccepted: (resource) => audience.hasAccepted(resource),
      isRefused: (resource) => audience.hasRefused(resource),
    });
    served.publish(model, undefined, false, now);
    const host = { key, served, audience };
    this.#hosts.set(key, host);
    return host;
  }

  #published({ served, audience }: Host, { changed, intercepts }: ViewChange, now: number): void {
    if (changed === 0) return;
    audience.published({ seq: served.view.seq, at: now, intercepts });
    for (const { member } of audience.readers) this.#turn.changed(member);
  }

  #converged({ served, audience }: Host, batches: readonly Batch[], now: number): void {
    for (const { at, intercepts } of batches) {
      this.#options.onConverged(now - at);
      for (const id of intercepts) if (isLiveIn(id, { served, audience })) audience.noteLive(id, now);
    }
  }

  #drop(now: number): void {
    const { idleMs, maxIdle = MAX_IDLE } = this.#options;
    let idle = 0;
    for (const [key, { audience, served }] of this.#hosts) {
      if (audience.idleSince === undefined) continue;
      if (now - audience.idleSince > idleMs) this.#hosts.delete(key);
      else idle += served.view.size;
    }
    if (idle <= maxIdle) return;
    const oldest = [...this.#hosts.values()].sort((a, b) => (a.audience.idleSince ?? 0) - (b.audience.idleSince ?? 0));
    for (const { key, audience, served } of oldest) {
      if (audience.idleSince === undefined || idle <= maxIdle) continue;
      this.#hosts.delete(key);
      idle -= served.view.size;
    }
  }
}
