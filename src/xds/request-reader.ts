/**
 * Reads the requests of xDS. A client that comes back names all that it has, tens of thousands of texts: these are left as
 * they are, and fields that are of no interest are passed over.
 */

import { FieldReader } from './field-reader.ts';
import { PackedTexts } from './packed-texts.ts';
import { PackedVersions } from './packed-versions.ts';
import { checkUtf8, type Source, sourceOf, textAt } from './source.ts';

/** What both kinds of request have; messages within are left as they are. */
interface RequestFields {
  typeUrl: string;
  nonce: string;
  /** An encoded `Node`. */
  node: Buffer | undefined;
  /** An encoded `google.rpc.Status`. */
  error: Buffer | undefined;
}

export interface SotwFields extends Readonly<RequestFields> {
  readonly version: string;
  readonly names: PackedTexts;
}

export interface DeltaFields extends Readonly<RequestFields> {
  readonly subscribe: PackedTexts;
  readonly unsubscribe: PackedTexts;
  readonly initialVersions: PackedVersions;
}

/** A DiscoveryRequest. @throws Error when the bytes are not such a message. */
export function readSotwRequest(bytes: Uint8Array): SotwFields {
  const source = sourceOf(bytes);
  const fields = new FieldReader(source, 0, bytes.length);
  const names = new PackedTexts(source);
  const request: RequestFields = { typeUrl: '', nonce: '', node: undefined, error: undefined };
  let version = '';
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === 1) version = textOf(source, fields);
    else if (field === 2) request.node = bytesOf(source, fields);
    else if (field === 3) names.push(fields);
    else if (field === 4) request.typeUrl = textOf(source, fields);
    else if (field === 5) request.nonce = textOf(source, fields);
    else if (field === 6) request.error = bytesOf(source, fields);
  }
  names.check();
  return { ...request, version, names };
}

/** A DeltaDiscoveryRequest. @throws Error when the bytes are not such a message. */
export function readDeltaRequest(bytes: Uint8Array): DeltaFields {
  const source = sourceOf(bytes);
  const fields = new FieldReader(source, 0, bytes.length);
  const subscribe = new PackedTexts(source);
  const unsubscribe = new PackedTexts(source);
  const initialVersions = new PackedVersions(source);
  const request: RequestFields = { typeUrl: '', nonce: '', node: undefined, error: undefined };
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === 1) request.node = bytesOf(source, fields);
    else if (field === 2) request.typeUrl = textOf(source, fields);
    else if (field === 3) subscribe.push(fields);
    else if (field === 4) unsubscribe.push(fields);
    else if (field === 5) initialVersions.push(fields);
    else if (field === 6) request.nonce = textOf(source, fields);
    else if (field === 7) request.error = bytesOf(source, fields);
  }
  subscribe.check();
  unsubscribe.check();
  initialVersions.check();
  return { ...request, subscribe, unsubscribe, initialVersions };
}

function bytesOf({ bytes }: Source, { from, to }: FieldReader): Buffer {
  return bytes.subarray(from, to);
}

function textOf(source: Source, { from, to }: FieldReader): string {
  checkUtf8(source, from, to);
  return textAt(source, from, to);
}
