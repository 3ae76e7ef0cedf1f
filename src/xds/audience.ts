/** The streams of one view, and how far they are. */
import type { InterceptId } from '../model/names.ts';
import type { Proxy } from '../model/proxy.ts';
import { type Batch, Convergence } from './convergence.ts';
import type { EncodedResource } from './resource.ts';
import type { Session } from './session.ts';
import type { View } from './view.ts';

/** A stream that has said who it is. */
export interface Member {
  readonly proxy: Proxy;
  /** `node.id`. */
  readonly nodeId: string;
  /** The same for streams of one Envoy: it counts once. */
  readonly envoy: string;
  /** Called once, as soon as there is a model: from then on the stream is served. */
  start(view: View): Session;
  /** There may be something to send. Called in a later turn of the event loop, once for all that changed in this one. */
  wake(): void;
}

/** A stream that is served. */
export interface Reader {
  readonly member: Member;
  readonly session: Session;
}

export class Audience {
  /** Up to which change number each stream has answered. */
  readonly #readers = new Map<Reader, number>();
  readonly #convergence = new Convergence();
  readonly #liveSince = new Map<InterceptId, number>();
  #idleSince: number | undefined;

  /** @param now ms */
  constructor(now: number) {
    this.#idleSince = now;
  }

  get readers(): Iterable<Reader> {
    return this.#readers.keys();
  }

  /** Since when nobody reads, in ms; undefined while somebody does. */
  get idleSince(): number | undefined {
    return this.#idleSince;
  }

  /** Whether all that was published is answered, by at least one stream. */
  get isSettled(): boolean {
    return this.#readers.size > 0 && this.#convergence.isSettled;
  }

  /** When every stream that needs the intercept had it, in ms. */
  liveSince(intercept: InterceptId): number | undefined {
    return this.#liveSince.get(intercept);
  }

  noteLive(intercept: InterceptId, now: number): void {
    this.#liveSince.set(intercept, now);
  }

  join(reader: Reader): void {
    this.#readers.set(reader, reader.session.view.seq);
    this.#idleSince = undefined;
  }

  /** @returns what every remaining stream has answered now. */
  leave(reader: Reader, now: number): readonly Batch[] {
    const answered = this.#readers.get(reader);
    if (answered === undefined) return [];
    this.#readers.delete(reader);
    if (this.#readers.size === 0) this.#idleSince = now;
    return this.#convergence.progressed(answered, Infinity);
  }

  published(batch: Batch): void {
    for (const id of batch.intercepts) this.#liveSince.delete(id);
    this.#convergence.published(batch, this.#readers.size);
  }

  /** @returns what every stream has answered by what this one did. */
  progressed(reader: Reader): readonly Batch[] {
    const before = this.#readers.get(reader);
    const { answeredSeq } = reader.session;
    if (before === undefined || answeredSeq <= before) return [];
    this.#readers.set(reader, answeredSeq);
    return this.#convergence.progressed(before, answeredSeq);
  }

  /** Whether a stream has acknowledged just this resource. */
  hasAccepted(resource: EncodedResource): boolean {
    for (const { session } of this.#readers.keys()) if (session.holds(resource) === true) return true;
    return false;
  }

  /** Whether a stream has refused just this resource, and will not be told it again. */
  hasRefused(resource: EncodedResource): boolean {
    for (const { session } of this.#readers.keys()) if (session.refuses(resource)) return true;
    return false;
  }
}
