/** The headers of a request: whether they are such at all (RFC 9113, section 8), and those that a server of calls reads. */
import { type Field, sizeOf } from './header-table.ts';

export interface Request {
  readonly method: string;
  /** '' where there is none: CONNECT. */
  readonly path: string;
  readonly contentType: string;
  readonly authorization: string | undefined;
  /** What it says of its body, in bytes. */
  readonly contentLength: number | undefined;
}

/** `malformed`: no request. `excess`: too much of one. */
export type BadRequest = 'malformed' | 'excess';

export interface HeaderLimits {
  /** Names, values, and 32 for each. */
  readonly maxHeaderBytes: number;
  readonly maxHeaders: number;
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const BAD_VALUE = /[\0\r\n]|^[ \t]|[ \t]$/;
const PSEUDO: ReadonlySet<string> = new Set([':method', ':scheme', ':path', ':authority']);
/** Of a connection of HTTP/1. */
const FORBIDDEN: ReadonlySet<string> = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']);
/** What a server goes by, so that there must not be two. */
const SINGLE: ReadonlySet<string> = new Set(['content-type', 'authorization', 'content-length']);

/** Takes the fields of one block, in their order. Keeps none but those that it knows. */
export class RequestFields {
  readonly #limits: HeaderLimits;
  readonly #isTrailers: boolean;
  readonly #known = new Map<string, string>();
  #bytes = 0;
  #count = 0;
  #hasRegular = false;
  #isMalformed = false;

  /** @param isTrailers of what comes behind the body: no pseudo-headers */
  constructor(limits: HeaderLimits, isTrailers: boolean) {
    this.#limits = limits;
    this.#isTrailers = isTrailers;
  }

  readonly add = (field: Field): void => {
    this.#count += 1;
    this.#bytes += sizeOf(field);
    if (this.#isMalformed || this.#isExcess) return;
    if (field.name.startsWith(':')) this.#isMalformed = !this.#addPseudo(field);
    else {
      this.#hasRegular = true;
      this.#isMalformed = !this.#addRegular(field);
    }
  };

  /** Once all are there. */
  result(): Request | BadRequest {
    if (this.#isMalformed) return 'malformed';
    if (this.#isExcess) return 'excess';
    const method = this.#known.get(':method');
    const path = this.#known.get(':path');
    const isConnect = method === 'CONNECT';
    if (method === undefined || isConnect === this.#known.has(':scheme') || isConnect === (path !== undefined))
      return 'malformed';
    if (path === '') return 'malformed';
    const length = this.#known.get('content-length');
    return {
      method,
      path: path ?? '',
      contentType: this.#known.get('content-type') ?? '',
      authorization: this.#known.get('authorization'),
      contentLength: length === undefined ? undefined : Number(length),
    };
  }

  /** Once all are there. @returns what is wrong with them. */
  trailersProblem(): BadRequest | undefined {
    return this.#isMalformed ? 'malformed' : this.#isExcess ? 'excess' : undefined;
  }

  get #isExcess(): boolean {
    return this.#bytes > this.#limits.maxHeaderBytes || this.#count > this.#limits.maxHeaders;
  }

  #addPseudo({ name, value }: Field): boolean {
    if (this.#isTrailers || this.#hasRegular || !PSEUDO.has(name) || this.#known.has(name) || BAD_VALUE.test(value)) return false;
    this.#known.set(name, value);
    return true;
  }

  #addRegular({ name, value }: Field): boolean {
    if (!NAME.test(name) || BAD_VALUE.test(value) || FORBIDDEN.has(name)) return false;
    if (name === 'te') return value === 'trailers';
    if (!SINGLE.has(name)) return true;
    if (this.#known.has(name) || (name === 'content-length' && !/^\d{1,15}$/.test(value))) return false;
    this.#known.set(name, value);
    return true;
  }
}
