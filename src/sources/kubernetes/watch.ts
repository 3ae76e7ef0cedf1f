/** Follows one watch to its end, whatever that is. */
import { type ApiClient, isFailure, reasonOf } from '../../kubernetes/api-client.ts';
import { type Failure, malformed, unreachable } from '../../kubernetes/failure.ts';
import { LineSplitter } from './line-splitter.ts';
import { pathOf, type Target } from './resources.ts';
import { readWatchEvent, type WatchEvent } from './watch-event.ts';

export interface WatchOptions {
  readonly client: ApiClient;
  readonly target: Target;
  /** The resourceVersion that is known. */
  readonly from: string;
  /** When the server is to end it. */
  readonly timeoutSeconds: number;
  /** Milliseconds without a byte after which the connection counts as dead: bookmarks come every minute. */
  readonly silence: number;
  readonly onOpen: () => void;
  /** All that came in one piece, in order; failures are not in it. */
  readonly onEvents: (events: readonly WatchEvent[]) => void;
  readonly signal: AbortSignal;
}

/** `closed`: the server ended it as it was asked to. */
export type WatchEnd = 'closed' | Failure;

export async function watch(options: WatchOptions): Promise<WatchEnd> {
  const { client, target, silence } = options;
  const { resource } = target;
  const silent = new AbortController();
  const signal = AbortSignal.any([options.signal, silent.signal]);
  const query = {
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: options.from,
    timeoutSeconds: options.timeoutSeconds,
    labelSelector: resource.label === '' ? undefined : resource.label,
  };
  const answer = await client.get({ path: pathOf(target), query, resource: resource.name, signal });
  if (isFailure(answer)) return answer;
  options.onOpen();
  const timer = setTimeout(() => silent.abort(), silence);
  try {
    const end = await follow(answer.body, options, timer);
    return silent.signal.aborted ? unreachable(`a watch was silent for ${silence / 1000} s`) : end;
  } finally {
    clearTimeout(timer);
  }
}

/** The chunks, and last the error where the connection broke: what the reader of them throws is not taken for that. */
async function* piecesOf(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer | { readonly broken: unknown }> {
  try {
    for await (const chunk of body) yield chunk;
  } catch (error) {
    yield { broken: error };
  }
}

async function follow(body: AsyncIterable<Buffer>, options: WatchOptions, timer: NodeJS.Timeout): Promise<WatchEnd> {
  const lines = new LineSplitter();
  for await (const chunk of piecesOf(body)) {
    if ('broken' in chunk) return unreachable(`a watch broke off: ${reasonOf(chunk.broken)}`);
    timer.refresh();
    const events: WatchEvent[] = [];
    let failure: Failure | undefined;
    for (const line of lines.push(chunk)) {
      const event = readWatchEvent(line, options.target.resource);
      if (event.kind === 'failure') {
        failure = event.failure;
        break;
      }
      events.push(event);
    }
    if (events.length > 0) options.onEvents(events);
    if (failure !== undefined) return failure;
    if (lines.overflowed) return malformed('the watch sent a line that is longer than any object');
  }
  return lines.pending === 0 ? 'closed' : malformed('the watch ended within a line');
}
