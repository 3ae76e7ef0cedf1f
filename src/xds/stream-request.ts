/** A message on a stream, as a request. */
import { type DeltaRequest, decodeDeltaRequest, decodeSotwRequest, type SotwRequest } from './codec.ts';
import type { Protocol } from './session.ts';

export type Request = { readonly sotw: SotwRequest } | { readonly delta: DeltaRequest };

export interface StreamKind {
  readonly protocol: Protocol;
  /** Of a service for one type; undefined: ADS. */
  readonly typeUrl: string | undefined;
}

/** What a client may ask for: far more than any Envoy does. */
export interface RequestLimits {
  /** Of all types together, by name, on one stream. */
  readonly maxNames: number;
  /** Of a name, in bytes of UTF-8. */
  readonly maxNameBytes: number;
}

/** Theirs have less than a hundred. */
const MAX_TYPE_URL = 256;
const MAX_NODE_ID = 1_024;
/** Of what a client says that it refuses; it is kept, and told. */
const MAX_ERROR = 4_096;

/** @returns what of it is too much. */
export function excessOf(request: Request, { maxNames, maxNameBytes }: RequestLimits): string | undefined {
  const { typeUrl, node } = 'sotw' in request ? request.sotw : request.delta;
  if (typeUrl.length > MAX_TYPE_URL) return `type_url has ${typeUrl.length} characters, and may have ${MAX_TYPE_URL}`;
  if (node !== undefined && node.id.length > MAX_NODE_ID)
    return `node.id has ${node.id.length} characters, and may have ${MAX_NODE_ID}`;
  for (const names of 'sotw' in request ? [request.sotw.names] : [request.delta.subscribe, request.delta.unsubscribe]) {
    if (names.length > maxNames) return `the request has ${names.length} names, and may have ${maxNames}`;
    if (names.longest > maxNameBytes) return `a name has ${names.longest} bytes, and may have ${maxNameBytes}`;
  }
  return undefined;
}

/** @returns the request, or what is wrong with it. */
export function decodeRequest(bytes: Buffer, { protocol, typeUrl: own }: StreamKind): Request | string {
  try {
    const request = protocol === 'sotw' ? decodeSotwRequest(bytes) : decodeDeltaRequest(bytes);
    // S2: a service for one type knows the type.
    const typeUrl = request.typeUrl === '' ? own : request.typeUrl;
    if (typeUrl === undefined) return 'type_url is empty: a request on an aggregated stream must say what it is about';
    if (own !== undefined && typeUrl !== own)
      return `type_url ${typeUrl.slice(0, MAX_TYPE_URL)} does not belong on a stream for ${own}`;
    const error = request.error?.slice(0, MAX_ERROR);
    return 'names' in request ? { sotw: { ...request, typeUrl, error } } : { delta: { ...request, typeUrl, error } };
  } catch (error) {
    return `the request cannot be decoded: ${error instanceof Error ? error.message : String(error)}`;
  }
}
