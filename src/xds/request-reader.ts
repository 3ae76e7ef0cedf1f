/**
 * Reads the requests of xDS. A client that comes back names all that it has, tens of thousands of texts: these are left as
 * they are, and fields that are of no interest are passed over.
 */

import { isUtf8 } from 'node:buffer';
import { FieldReader } from './field-reader.ts';
import { PackedTexts } from './packed-texts.ts';
import { PackedVersions } from './packed-versions.ts';
import { sourceOf } from './source.ts';

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

/** Of the many requests that name nothing. */
const NO_TEXTS = new PackedTexts(sourceOf(Buffer.alloc(0)));
const NO_VERSIONS = new PackedVersions(sourceOf(Buffer.alloc(0)));

/** A DiscoveryRequest. @throws Error when the bytes are not such a message. */
export function readSotwRequest(message: Uint8Array): SotwFields {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
  const fields = new FieldReader(bytes, 0, bytes.length);
  const request: RequestFields = { typeUrl: '', nonce: '', node: undefined, error: undefined };
  let version = '';
  let names: PackedTexts | undefined;
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === 1) version = textOf(bytes, fields);
    else if (field === 2) request.node = bytesOf(bytes, fields);
    else if (field === 3) {
      names ??= new PackedTexts(sourceOf(bytes));
      names.push(fields, field);
    } else if (field === 4) request.typeUrl = textOf(bytes, fields);
    else if (field === 5) request.nonce = textOf(bytes, fields);
    else if (field === 6) request.error = bytesOf(bytes, fields);
  }
  names?.check();
  return { ...request, version, names: names ?? NO_TEXTS };
}

/** A DeltaDiscoveryRequest. @throws Error when the bytes are not such a message. */
export function readDeltaRequest(message: Uint8Array): DeltaFields {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
  const fields = new FieldReader(bytes, 0, bytes.length);
  const request: RequestFields = { typeUrl: '', nonce: '', node: undefined, error: undefined };
  let subscribe: PackedTexts | undefined;
  let unsubscribe: PackedTexts | undefined;
  let initialVersions: PackedVersions | undefined;
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === 1) request.node = bytesOf(bytes, fields);
    else if (field === 2) request.typeUrl = textOf(bytes, fields);
    else if (field === 3) {
      subscribe ??= new PackedTexts(sourceOf(bytes));
      subscribe.push(fields, field);
    } else if (field === 4) {
      unsubscribe ??= new PackedTexts(sourceOf(bytes));
      unsubscribe.push(fields, field);
    } else if (field === 5) {
      initialVersions ??= new PackedVersions(sourceOf(bytes));
      initialVersions.push(fields, field);
    } else if (field === 6) request.nonce = textOf(bytes, fields);
    else if (field === 7) request.error = bytesOf(bytes, fields);
  }
  subscribe?.check();
  unsubscribe?.check();
  initialVersions?.check();
  return {
    ...request,
    subscribe: subscribe ?? NO_TEXTS,
    unsubscribe: unsubscribe ?? NO_TEXTS,
    initialVersions: initialVersions ?? NO_VERSIONS,
  };
}

function bytesOf(bytes: Buffer, { from, to }: FieldReader): Buffer {
  return bytes.subarray(from, to);
}

/** @throws Error when it is not UTF-8. */
function textOf(bytes: Buffer, { from, to }: FieldReader): string {
  const text = bytes.toString('utf8', from, to);
  if (text.includes('\uFFFD') && !isUtf8(bytes.subarray(from, to))) throw new Error('a text is not UTF-8');
  return text;
}
