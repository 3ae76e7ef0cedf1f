/** One line of a watch. */

import { type Failure, malformed, refused } from '../../kubernetes/failure.ts';
import { isFields } from '../../model/field-reader.ts';
import type { Projection } from '../objects.ts';
import { nameOfObject, project } from './object-store.ts';
import type { WatchedResource } from './resources.ts';

export type WatchEvent =
  | { readonly kind: 'put'; readonly name: string; readonly projection: Projection; readonly resourceVersion: string }
  | { readonly kind: 'remove'; readonly name: string; readonly resourceVersion: string }
  /** Nothing happened until this version. */
  | { readonly kind: 'bookmark'; readonly resourceVersion: string }
  | { readonly kind: 'failure'; readonly failure: Failure };

const TOLD = 80;

export function readWatchEvent(line: string, resource: WatchedResource): WatchEvent {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    return garbage(line);
  }
  if (!isFields(event) || !isFields(event['object'])) return garbage(line);
  const { type, object } = event;
  if (type === 'ERROR') {
    const { code } = object;
    return { kind: 'failure', failure: refused(typeof code === 'number' ? code : 500, object, resource.name, 0) };
  }
  const resourceVersion = isFields(object['metadata']) ? object['metadata']['resourceVersion'] : undefined;
  if (typeof resourceVersion !== 'string' || resourceVersion === '') return garbage(line);
  if (type === 'BOOKMARK') return { kind: 'bookmark', resourceVersion };
  const name = nameOfObject(object);
  if (name === undefined) return garbage(line);
  if (type === 'DELETED') return { kind: 'remove', name, resourceVersion };
  if (type === 'ADDED' || type === 'MODIFIED')
    return { kind: 'put', name, projection: project(object, name, resource), resourceVersion };
  return garbage(line);
}

function garbage(line: string): WatchEvent {
  const told = line.length > TOLD ? `${line.slice(0, TOLD)}…` : line;
  return { kind: 'failure', failure: malformed(`the watch sent what is no event: ${JSON.stringify(told)}`) };
}
