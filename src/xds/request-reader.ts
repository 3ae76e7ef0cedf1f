/**
 * Reads the requests of xDS. A client that comes back names all that it has, tens of thousands of texts: these are left as
 * they are, and fields that are of no interest are passed over.
 */
import { isUtf8 } from 'node:buffer';
import { PackedTexts, PackedVersions } from './packed-texts.ts';

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
  const reader = new FieldReader(bytes);
  const names = new PackedTexts(reader.source);
  const request: RequestFields = { typeUrl: '', nonce: '', node: undefined, error: undefined };
  let version = '';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) version = reader.text();
    else if (field === 2) request.node = reader.bytes();
    else if (field === 3) reader.textInto(names);
    else if (field === 4) request.typeUrl = reader.text();
    else if (field === 5) request.nonce = reader.text();
    else if (field === 6) request.error = reader.bytes();
  }
  return { ...request, version, names };
}

/** A DeltaDiscoveryRequest. @throws Error when the bytes are not such a message. */
export function readDeltaRequest(bytes: Uint8Array): DeltaFields {
  const reader = new FieldReader(bytes);
  const subscribe = new PackedTexts(reader.source);
  const unsubscribe = new PackedTexts(reader.source);
  const initialVersions = new PackedVersions(reader.source);
  const request: RequestFields = { typeUrl: '', nonce: '', node: undefined, error: undefined };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) request.node = reader.bytes();
    else if (field === 2) request.typeUrl = reader.text();
    else if (field === 3) reader.textInto(subscribe);
    else if (field === 4) reader.textInto(unsubscribe);
    else if (field === 5) readEntry(reader, initialVersions);
    else if (field === 6) request.nonce = reader.text();
    else if (field === 7) request.error = reader.bytes();
  }
  return { ...request, subscribe, unsubscribe, initialVersions };
}

/** An entry of a map is a message with its key as field 1 and its value as field 2. */
function readEntry(reader: FieldReader, { names, versions }: PackedVersions): void {
  const outer = reader.enter();
  // One that is '' may be left out.
  let key = { from: 0, to: 0 };
  let value = key;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) key = reader.span;
    else if (field === 2) value = reader.span;
  }
  reader.leave(outer);
  names.push(key.from, key.to);
  versions.push(value.from, value.to);
}

const WIRE = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 } as const;

/** Goes over the length-delimited fields of a message. */
class FieldReader {
  readonly #bytes: Buffer;
  #position = 0;
  #end: number;
  /** Of the content of the present field. */
  #from = 0;
  #to = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#end = bytes.length;
  }

  /** @returns the number of the next length-delimited field; 0: there is none. */
  next(): number {
    while (this.#position < this.#end) {
      const tag = this.#varint();
      const field = tag >>> 3;
      if (field === 0) throw new Error('a field has the number 0');
      const wire = tag & 7;
      if (wire === WIRE.delimited) {
        const length = this.#varint();
        this.#from = this.#position;
        this.#to = this.#from + length;
        this.#skipTo(this.#to);
        return field;
      }
      if (wire === WIRE.varint) this.#varint();
      else if (wire === WIRE.fixed64) this.#skipTo(this.#position + 8);
      else if (wire === WIRE.fixed32) this.#skipTo(this.#position + 4);
      else throw new Error(`field ${field} has the wire type ${wire}, which no xDS message has`);
    }
    return 0;
  }

  /** All that there is to be read. */
  get source(): Buffer {
    return this.#bytes;
  }

  /** Where the content of the present field is. */
  get span(): { readonly from: number; readonly to: number } {
    return { from: this.#from, to: this.#to };
  }

  /** The present field is a text, and one more of these. */
  textInto(texts: PackedTexts): void {
    texts.push(this.#from, this.#to);
  }

  /** The content of the present field. */
  bytes(): Buffer {
    return this.#bytes.subarray(this.#from, this.#to);
  }

  text(): string {
    const text = this.#bytes.toString('utf8', this.#from, this.#to);
    if (text.includes('\uFFFD') && !isUtf8(this.bytes())) throw new Error('a text is not UTF-8');
    return text;
  }

  /** The present field is a message: on with its fields. @returns what {@link leave} needs */
  enter(): number {
    const outer = this.#end;
    this.#position = this.#from;
    this.#end = this.#to;
    return outer;
  }

  leave(outer: number): void {
    this.#position = this.#end;
    this.#end = outer;
  }

  #varint(): number {
    const first = this.#bytes[this.#position] ?? 0;
    if (first < 128 && this.#position < this.#end) {
      this.#position += 1;
      return first;
    }
    let value = 0;
    // Lengths and tags are below 2³²; of longer numbers only the end is looked for.
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#position >= this.#end) throw new Error('it ends within a field');
      const byte = this.#bytes[this.#position++] ?? 0;
      if (shift < 35) value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new Error('a number is longer than 64 bits');
  }

  #skipTo(position: number): void {
    if (position > this.#end) throw new Error('it ends within a field');
    this.#position = position;
  }
}
