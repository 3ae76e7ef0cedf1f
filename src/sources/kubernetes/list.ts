/** Lists a resource page by page; every item is cut down as its page arrives. */

import { type ApiClient, isFailure, reasonOf } from '../../kubernetes/api-client.ts';
import { type Failure, malformed, unreachable } from '../../kubernetes/failure.ts';
import { isFields } from '../../model/field-reader.ts';
import type { Projection } from '../objects.ts';
import { nameOfObject, project } from './object-store.ts';
import { pathOf, type Target } from './resources.ts';

export interface Listed {
  /** By `namespace/name`. */
  readonly objects: ReadonlyMap<string, Projection>;
  /** From where a watch goes on. */
  readonly resourceVersion: string;
}

export interface ListOptions {
  readonly client: ApiClient;
  readonly target: Target;
  readonly signal: AbortSignal;
  /** Objects a page. */
  readonly limit?: number;
  /** Milliseconds for a page. */
  readonly pageTimeout?: number;
}

const LIMIT = 500;
const PAGE_TIMEOUT = 60_000;
/** A string of Node's holds no more than 512 MiB. */
const MAX_PAGE_BYTES = 256 * 1024 * 1024;
/** The snapshot that is paged is compacted away after five minutes: a server that forgets it at once is in trouble. */
const MAX_RESTARTS = 2;

/** Page tokens can grow too old under way: it begins again then, a few times. */
export async function listAll(options: ListOptions): Promise<Listed | Failure> {
  for (let restarts = 0; ; restarts += 1) {
    const listed = await listOnce(options);
    if (!isFailure(listed) || !listed.isGone || restarts === MAX_RESTARTS) return listed;
  }
}

async function listOnce(options: ListOptions): Promise<Listed | Failure> {
  const objects = new Map<string, Projection>();
  for (let token: string | undefined; ; ) {
    const page = await getPage(options, token);
    if (isFailure(page)) return page;
    for (const item of page.items) {
      const name = nameOfObject(item);
      if (name !== undefined) objects.set(name, project(item, name, options.target.resource));
    }
    if (page.next === undefined) return { objects, resourceVersion: page.resourceVersion };
    token = page.next;
  }
}

interface Page {
  readonly items: readonly unknown[];
  readonly resourceVersion: string;
  readonly next: string | undefined;
}

async function getPage(options: ListOptions, token: string | undefined): Promise<Page | Failure> {
  const { client, target, limit = LIMIT, pageTimeout = PAGE_TIMEOUT } = options;
  const { resource } = target;
  const late = AbortSignal.timeout(pageTimeout);
  const signal = AbortSignal.any([options.signal, late]);
  const query = { limit, continue: token, labelSelector: resource.label === '' ? undefined : resource.label };
  const answer = await client.get({ path: pathOf(target), query, resource: resource.name, signal });
  if (isFailure(answer)) return answer;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer.body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_PAGE_BYTES) return malformed(`a page of ${limit} objects is larger than ${MAX_PAGE_BYTES} bytes`);
    }
  } catch (error) {
    return unreachable(
      late.aborted ? `a list did not come within ${pageTimeout / 1000} s` : `a list broke off: ${reasonOf(error)}`,
    );
  }
  return readPage(Buffer.concat(chunks).toString('utf8'));
}

function readPage(text: string): Page | Failure {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    return malformed(`the answer is no JSON: ${reasonOf(error)}`);
  }
  // A Go server writes an empty list as null.
  const items = isFields(list) ? (list['items'] ?? []) : undefined;
  const metadata = isFields(list) && isFields(list['metadata']) ? list['metadata'] : {};
  const { resourceVersion } = metadata;
  if (!Array.isArray(items) || typeof resourceVersion !== 'string' || resourceVersion === '')
    return malformed('the answer is no list of objects with a resourceVersion');
  const next = metadata['continue'];
  return { items, resourceVersion, next: typeof next === 'string' && next !== '' ? next : undefined };
}
