/** A resource as it goes over the wire: encoded once, whatever the number of views and streams that hold it. */
import { hash } from 'node:crypto';
import type { InterceptId } from '../model/names.ts';
import type { EnvoyResource, ResourceType } from '../translate/resource.ts';
import { withEncodedResource } from './codec.ts';
import { Slab } from './slab.ts';
import { type ResourceEntry, resourceEntry } from './wire.ts';

export interface EncodedResource extends ResourceEntry {
  readonly type: ResourceType;
  readonly name: string;
  /** A hash of the content: the same on every replica and after every restart (C5). */
  readonly version: string;
  readonly clusters: readonly string[];
  readonly endpointsName: string | undefined;
  readonly intercepts: readonly InterceptId[];
}

/** 72 bits of SHA-256 in base64: short on the wire, and never equal by chance. */
const VERSION_LENGTH = 12;

/**
 * @param room for so many bytes
 * @throws Error that names the resource, when its message does not fit its type.
 */
export function encode(resource: EnvoyResource, room?: (length: number) => Buffer): EncodedResource {
  const { type, name, clusters, endpointsName, intercepts } = resource;
  try {
    return withEncodedResource(type, resource.shorthand ?? resource.message, (any) => {
      const version = hash('sha256', any, 'base64url').slice(0, VERSION_LENGTH);
      const { bytes, sotwStart } = resourceEntry(name, version, any, room);
      return { type, name, version, bytes, sotwStart, clusters, endpointsName, intercepts };
    });
  } catch (error) {
    throw new Error(`The ${type} ${name} cannot be encoded: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** Remembers what was encoded, by the object that was: scopes share resources by sharing the objects. */
export class Encoder {
  readonly #memo = new WeakMap<EnvoyResource, EncodedResource>();
  readonly #slab = new Slab();
  readonly #room = (length: number): Buffer => this.#slab.take(length);

  /** Ahead of {@link encode}, which says what is wrong. */
  tryEncode(resource: EnvoyResource): void {
    try {
      this.encode(resource);
    } catch {
      // Told when it is asked for.
    }
  }

  /** @throws like {@link encode}. */
  encode(resource: EnvoyResource): EncodedResource {
    const known = this.#memo.get(resource);
    if (known !== undefined) return known;
    const encoded = encode(resource, this.#room);
    this.#memo.set(resource, encoded);
    return encoded;
  }
}
