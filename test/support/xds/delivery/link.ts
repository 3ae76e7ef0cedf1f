/** A stream between a client and a session in this process, on which both directions take their time. */
import type { ResourceType } from '../../../../src/translate/resource.ts';
import { decodeDeltaRequest, decodeSotwRequest } from '../../../../src/xds/codec.ts';
import type { Session } from '../../../../src/xds/session.ts';
import { deltaResponse, sotwResponse } from '../../../../src/xds/wire.ts';
import type { Wire } from '../client.ts';

export interface Arrival {
  readonly bytes: Buffer;
  /** How many requests the server had when it wrote this. */
  readonly after: number;
  /** Names that it says are gone, of which the server had never heard when it wrote this. */
  readonly neverThere: ReadonlySet<string>;
}

/** Whether a server, as long as it is there and its scope is the same, ever had something under a name. */
export type WasThere = (type: ResourceType, name: string) => boolean;

export class Link implements Wire {
  readonly #session: Session;
  readonly #wasThere: WasThere;
  readonly #requests: Buffer[] = [];
  readonly #responses: Arrival[] = [];
  #sent = 0;
  #delivered = 0;

  constructor(session: Session, wasThere: WasThere) {
    this.#session = session;
    this.#wasThere = wasThere;
  }

  /** How many requests were sent. */
  get sent(): number {
    return this.#sent;
  }

  send(bytes: Buffer): void {
    this.#sent += 1;
    this.#requests.push(bytes);
  }

  /** All requests arrive. @returns whether there were any */
  deliver(now: number): boolean {
    const requests = this.#requests.splice(0);
    for (const bytes of requests) {
      this.#delivered += 1;
      if (this.#session.protocol === 'sotw') this.#session.receiveSotw(decodeSotwRequest(bytes), now);
      else this.#session.receiveDelta(decodeDeltaRequest(bytes), now);
    }
    return requests.length > 0;
  }

  /** The server writes the next response. @returns whether there was one */
  push(now: number): boolean {
    const response = this.#session.next(now);
    if (response === undefined) return false;
    const bytes = response.protocol === 'sotw' ? sotwResponse(response) : deltaResponse(response);
    const { type, removed } = response;
    const neverThere = new Set(removed.filter((name) => type === undefined || !this.#wasThere(type, name)));
    this.#responses.push({ bytes, after: this.#delivered, neverThere });
    return true;
  }

  take(): Arrival | undefined {
    return this.#responses.shift();
  }

  receive(): Promise<Buffer> {
    throw new Error('Responses are taken.');
  }

  unexpected(): Promise<Buffer | undefined> {
    throw new Error('Responses are taken.');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session.close();
  }
}
