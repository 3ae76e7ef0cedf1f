/** The names and values that HPACK has numbers for: those that it begins with, and those that came on this connection. */

export interface Field {
  readonly name: string;
  /** A character for each byte. */
  readonly value: string;
}

/** RFC 7541, appendix A. */
const STATIC: readonly Field[] = `
:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`
  .trim()
  .split('\n')
  .map((line) => {
    const space = line.indexOf(' ');
    return space < 0 ? { name: line, value: '' } : { name: line.slice(0, space), value: line.slice(space + 1) };
  });

/** What each entry counts for beside its text, in bytes (RFC 7541, section 4.1). */
export const FIELD_OVERHEAD = 32;

/** Of a table, in bytes, while nobody has agreed to more or less. */
export const TABLE_SIZE = 4_096;

export function sizeOf({ name, value }: Field): number {
  return name.length + value.length + FIELD_OVERHEAD;
}

/** @returns the number of the first one with this name, and whether it has this value; 0: there is none. */
export function staticIndex({ name, value }: Field): { readonly index: number; readonly isWhole: boolean } {
  const whole = STATIC.findIndex((field) => field.name === name && field.value === value);
  if (whole >= 0) return { index: whole + 1, isWhole: true };
  return { index: STATIC.findIndex((field) => field.name === name) + 1, isWhole: false };
}

export class HeaderTable {
  /** The newest is the last. */
  readonly #fields: Field[] = [];
  #size = 0;
  #max: number;

  /** @param max bytes */
  constructor(max: number) {
    this.#max = max;
  }

  /** Of what came on this connection, in bytes as HPACK counts them. */
  get size(): number {
    return this.#size;
  }

  at(index: number): Field | undefined {
    if (index <= STATIC.length) return STATIC[index - 1];
    return this.#fields[this.#fields.length - (index - STATIC.length)];
  }

  add(field: Field): void {
    this.#fields.push(field);
    this.#size += sizeOf(field);
    this.#evict();
  }

  /** @param max bytes */
  resize(max: number): void {
    this.#max = max;
    this.#evict();
  }

  #evict(): void {
    while (this.#size > this.#max) {
      const oldest = this.#fields.shift();
      if (oldest === undefined) return;
      this.#size -= sizeOf(oldest);
    }
  }
}
