/** One page of a list, of protobuf or of JSON. */
import { reasonOf } from '../../kubernetes/api-client.ts';
import { type Failure, malformed } from '../../kubernetes/failure.ts';
import { openEnvelope, PROTOBUF, readField } from '../../kubernetes/protobuf.ts';
import { ProtobufError, ProtobufReader } from '../../kubernetes/protobuf-reader.ts';
import { isFields } from '../../model/field-reader.ts';
import type { ClusterObject } from '../objects.ts';
import { LIST_META, OBJECT_SCHEMAS } from './protobuf-schemas.ts';
import type { WatchedResource } from './resources.ts';
import { readUsual } from './usual-object.ts';

export interface Page {
  /** Those of protobuf are read while one goes over them. Plain data, or {@link UsualItem}s. @throws ProtobufError meanwhile */
  readonly items: Iterable<unknown>;
  readonly resourceVersion: string;
  /** The token for the next page. */
  readonly next: string | undefined;
}

/** An item that was read already. */
export class UsualItem {
  readonly object: ClusterObject;

  constructor(object: ClusterObject) {
    this.object = object;
  }
}

export function readPage(bytes: Buffer, contentType: string, resource: WatchedResource): Page | Failure {
  if (!contentType.startsWith(PROTOBUF)) return readJson(bytes.toString('utf8'));
  try {
    const list = openEnvelope(bytes);
    return pageOf(itemsOf(list, resource), metadataOf(list));
  } catch (error) {
    if (error instanceof ProtobufError) return unreadable(error);
    throw error;
  }
}

export function unreadable(error: ProtobufError): Failure {
  return malformed(`the answer is no protobuf of Kubernetes: ${error.message}`);
}

/** The numbers of the fields of any list. */
const LIST = { metadata: 1, items: 2 } as const;

function metadataOf(list: Buffer): unknown {
  const reader = new ProtobufReader(list);
  for (let number = reader.next(); number !== 0; number = reader.next())
    if (number === LIST.metadata) return readField(reader, LIST_META);
  return undefined;
}

function* itemsOf(list: Buffer, { kind }: WatchedResource): Generator<unknown> {
  const reader = new ProtobufReader(list);
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    if (number !== LIST.items) continue;
    const object = readUsual(kind, reader);
    yield object === undefined ? readField(reader, OBJECT_SCHEMAS[kind]) : new UsualItem(object);
  }
}

function readJson(text: string): Page | Failure {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    return malformed(`the answer is no JSON: ${reasonOf(error)}`);
  }
  // A Go server writes an empty list as null.
  const items = isFields(list) ? (list['items'] ?? []) : undefined;
  return pageOf(items, isFields(list) ? list['metadata'] : undefined);
}

function pageOf(items: unknown, metadata: unknown): Page | Failure {
  const { resourceVersion, continue: next } = isFields(metadata) ? metadata : {};
  if (!isIterable(items) || typeof resourceVersion !== 'string' || resourceVersion === '')
    return malformed('the answer is no list of objects with a resourceVersion');
  return { items, resourceVersion, next: typeof next === 'string' && next !== '' ? next : undefined };
}

function isIterable(items: unknown): items is Iterable<unknown> {
  return typeof items === 'object' && items !== null && Symbol.iterator in items;
}
