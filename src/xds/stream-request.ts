/** A message on a stream, as a request. */
import { type DeltaRequest, decodeDeltaRequest, decodeSotwRequest, type SotwRequest } from './codec.ts';
import type { Protocol } from './session.ts';

export type Request = { readonly sotw: SotwRequest } | { readonly delta: DeltaRequest };

export interface StreamKind {
  readonly protocol: Protocol;
  /** Of a service for one type; undefined: ADS. */
  readonly typeUrl: string | undefined;
}

/** @returns the request, or what is wrong with it. */
export function decodeRequest(bytes: Buffer, { protocol, typeUrl: own }: StreamKind): Request | string {
  try {
    const request = protocol === 'sotw' ? decodeSotwRequest(bytes) : decodeDeltaRequest(bytes);
    // S2: a service for one type knows the type.
    const typeUrl = request.typeUrl === '' ? own : request.typeUrl;
    if (typeUrl === undefined) return 'type_url is empty: a request on an aggregated stream must say what it is about';
    if (own !== undefined && typeUrl !== own) return `type_url ${typeUrl} does not belong on a stream for ${own}`;
    return 'names' in request ? { sotw: { ...request, typeUrl } } : { delta: { ...request, typeUrl } };
  } catch (error) {
    return `the request cannot be decoded: ${error instanceof Error ? error.message : String(error)}`;
  }
}
