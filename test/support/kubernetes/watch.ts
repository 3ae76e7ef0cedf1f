/** An open watch of the tests: what came over it so far. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { KubernetesObject } from './api-client.ts';

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubernetesObject;
}

export class Watch implements AsyncDisposable {
  readonly #events: WatchEvent[] = [];
  readonly #response: IncomingMessage;
  #ended = false;

  /** @param told of each event, which is not kept then */
  constructor(response: IncomingMessage, told?: (event: WatchEvent) => void) {
    this.#response = response;
    response.once('close', () => {
      this.#ended = true;
    });
    // One event a line, by the API's own promise.
    const lines = createInterface(response);
    lines.on('line', (line) => {
      const event = JSON.parse(line) as WatchEvent;
      if (told === undefined) this.#events.push(event);
      else told(event);
    });
    // A server that stops cuts the stream; that is an end like any other.
    for (const stream of [response, lines]) stream.on('error', () => undefined);
  }

  get events(): readonly WatchEvent[] {
    return this.#events;
  }

  /** The server ended it, or is gone. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Until it ends, by whomever. */
  async untilEnd(): Promise<void> {
    if (!this.#ended) await once(this.#response, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    const closed = once(this.#response, 'close');
    this.#response.destroy();
    await closed;
  }
}
