/** Lists a resource page by page; every item is cut down as its page arrives, and handed on. */
import { setImmediate } from 'node:timers/promises';
import { type ApiClient, isFailure, readBody, reasonOf } from '../../kubernetes/api-client.ts';
import { type Failure, malformed, unreachable } from '../../kubernetes/failure.ts';
import { PROTOBUF } from '../../kubernetes/protobuf.ts';
import { ProtobufError } from '../../kubernetes/protobuf-reader.ts';
import { unzip } from '../../kubernetes/unzip.ts';
import { NO_ITEMS } from '../../model/none.ts';
import type { Projection } from '../objects.ts';
import { nameOfObject, project } from './object-store.ts';
import { type Page, readPage, UsualItem, unreadable } from './page.ts';
import { pathOf, type Target, type WatchedResource } from './resources.ts';

export interface Listed {
  /** `namespace/name` of all that there is. */
  readonly names: ReadonlySet<string>;
  /** From where a watch goes on. */
  readonly resourceVersion: string;
}

export interface ListOptions {
  readonly client: ApiClient;
  readonly target: Target;
  readonly signal: AbortSignal;
  /** The objects of each page as it comes, by `namespace/name`; a list that begins again brings them again. */
  readonly onPage: (objects: ReadonlyMap<string, Projection>) => void;
  /** Milliseconds for a page. */
  readonly pageTimeout?: number;
}

/** Objects of the first page: how large they are is not known yet. */
const FIRST_LIMIT = 500;
/** What later pages are to have. Each is a request for both sides, and in memory as a whole, as is the one after it. */
const PAGE_BYTES = 2 * 1024 * 1024;
const LEAST = 50;
const MOST = 5_000;
/** One page may be unlike the next. */
const GROWTH = 4;
/** Servers that do not speak the first, such as those that stand in for one in a test, may answer in the second. */
const ACCEPT = `${PROTOBUF}, application/json`;
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
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  try {
    return await readPages({ ...options, signal });
  } finally {
    ended.abort();
  }
}

async function readPages(options: ListOptions): Promise<Listed | Failure> {
  const { resource } = options.target;
  const names = new Set<string>();
  let limit = FIRST_LIMIT;
  let page = await getPage(options, limit, undefined);
  while (!isFailure(page)) {
    const { resourceVersion, next } = page;
    limit = limitAfter(limit, page.bytes);
    // The server makes the next page while this one is read; so the request has to leave first.
    const following = next === undefined ? undefined : getPage(options, limit, next);
    await setImmediate();
    const read = readItems(page, resource);
    if (isFailure(read)) return read;
    for (const name of read.keys()) names.add(name);
    options.onPage(read);
    if (following === undefined) return { names, resourceVersion };
    page = await following;
  }
  return page;
}

/** @param bytes of a page of so many objects. @returns how many the next one is to have. */
function limitAfter(limit: number, bytes: number): number {
  const fitting = Math.floor((limit * PAGE_BYTES) / Math.max(1, bytes));
  return Math.min(Math.max(fitting, LEAST), limit * GROWTH, MOST);
}

function readItems(page: Page, resource: WatchedResource): ReadonlyMap<string, Projection> | Failure {
  const objects = new Map<string, Projection>();
  try {
    for (const item of page.items) {
      if (item instanceof UsualItem) {
        objects.set(item.object.key, { objects: [item.object], problems: NO_ITEMS, incomplete: false });
        continue;
      }
      const name = nameOfObject(item);
      if (name === undefined) continue;
      const projection = project(item, name, resource);
      // The text that the object has itself: there are tens of thousands, and all maps are by it.
      objects.set(projection.objects[0]?.key ?? name, projection);
    }
    return objects;
  } catch (error) {
    if (error instanceof ProtobufError) return unreadable(error);
    throw error;
  }
}

type SizedPage = Page & { readonly bytes: number };

async function getPage(options: ListOptions, limit: number, token: string | undefined): Promise<SizedPage | Failure> {
  const { client, target, pageTimeout = PAGE_TIMEOUT } = options;
  const { resource } = target;
  const late = AbortSignal.timeout(pageTimeout);
  const signal = AbortSignal.any([options.signal, late]);
  const query = { limit, continue: token, labelSelector: resource.label === '' ? undefined : resource.label };
  const answer = await client.get({ path: pathOf(target), query, resource: resource.name, signal, accept: ACCEPT, zipped: true });
  if (isFailure(answer)) return answer;
  let body: Buffer | undefined;
  try {
    body = await readBody(answer.body, MAX_PAGE_BYTES);
  } catch (error) {
    return unreachable(
      late.aborted ? `a list did not come within ${pageTimeout / 1000} s` : `a list broke off: ${reasonOf(error)}`,
    );
  }
  try {
    if (body !== undefined && answer.isZipped) body = await unzip(body, MAX_PAGE_BYTES);
  } catch (error) {
    return malformed(`a page of a list is no gzip: ${reasonOf(error)}`);
  }
  if (body === undefined) return malformed(`a page of ${limit} objects is larger than ${MAX_PAGE_BYTES} bytes`);
  const page = readPage(body, answer.contentType, resource);
  return isFailure(page) ? page : { ...page, bytes: body.length };
}
