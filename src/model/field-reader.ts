/** Reads single fields out of plain, untrusted data, and collects what is wrong with them by field path. */
import { isIP } from 'node:net';
import { NO_ITEMS } from './none.ts';
import { shorten } from './shorten.ts';

export type Fields = Readonly<Record<string, unknown>>;

const NO_FIELDS: Fields = {};
/** More than these are counted, not told one by one. */
const MISTAKES_TOLD = 5;

/**
 * Every method returns a usable value; a mistake gives the fallback and is remembered. An absent field (undefined or
 * null, as in Kubernetes) is its fallback without a mistake, unless it is required.
 */
export class FieldReader {
  #mistakes: readonly string[] = NO_ITEMS;
  #count = 0;
  /** Names of lists, and places in them. A path is put together only when it is told. */
  readonly #within: (string | number)[] = [];

  get failed(): boolean {
    return this.#count > 0;
  }

  /** One sentence part; '' when nothing is wrong. */
  describe(): string {
    const rest = this.#count - this.#mistakes.length;
    return this.#mistakes.join('; ') + (rest > 0 ? `; and ${rest} more` : '');
  }

  /** Until {@link leave}, paths begin at this item of a list. */
  enter(list: string, index: number): void {
    this.#within.push(list, index);
  }

  leave(): void {
    this.#within.length -= 2;
  }

  /** @param path '' for the item itself that was entered */
  mistake(path: string, what: string): void {
    this.#count += 1;
    if (this.#mistakes.length < MISTAKES_TOLD) this.#mistakes = [...this.#mistakes, `${this.#pathOf(path)} ${what}`];
  }

  #pathOf(path: string): string {
    let text = '';
    for (const part of this.#within) text += typeof part === 'number' ? `[${part}]` : text === '' ? part : `.${part}`;
    return text === '' || path === '' ? text + path : `${text}.${path}`;
  }

  map(value: unknown, path: string): Fields {
    if (value === undefined || value === null) return NO_FIELDS;
    if (isFields(value)) return value;
    this.mistake(path, `must be a map, not ${kindOf(value)}`);
    return NO_FIELDS;
  }

  list(value: unknown, path: string): readonly unknown[] {
    if (value === undefined || value === null) return NO_ITEMS;
    if (Array.isArray(value)) return value;
    this.mistake(path, `must be a list, not ${kindOf(value)}`);
    return [];
  }

  text(value: unknown, path: string, fallback = ''): string {
    if (value === undefined || value === null) return fallback;
    if (typeof value === 'string') return value;
    this.mistake(
      path,
      `must be a text, not ${kindOf(value)}${isFields(value) || Array.isArray(value) ? '' : ': put it in quotes'}`,
    );
    return fallback;
  }

  /** A text that must be there and pass `is`; `what` says what it must be. */
  name(value: unknown, path: string, is: (text: string) => boolean, what: string): string {
    const text = this.text(value, path);
    if (text === '' && !(value !== undefined && value !== null && typeof value !== 'string')) this.mistake(path, 'is missing');
    else if (text !== '' && !is(text)) this.mistake(path, `must be ${what}, not ${shorten(text)}`);
    return text;
  }

  flag(value: unknown, path: string, fallback: boolean): boolean {
    if (value === undefined || value === null) return fallback;
    if (typeof value === 'boolean') return value;
    this.mistake(path, `must be true or false, not ${kindOf(value)}`);
    return fallback;
  }

  /** 1..65535; required. */
  port(value: unknown, path: string): number {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65535) return value;
    if (value === undefined || value === null) this.mistake(path, 'is missing');
    else
      this.mistake(
        path,
        `must be a port number from 1 to 65535, not ${typeof value === 'object' ? kindOf(value) : shorten(String(value))}`,
      );
    return 0;
  }

  choice<T extends string>(value: unknown, path: string, choices: readonly T[], fallback: T): T {
    if (value === undefined || value === null) return fallback;
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    this.mistake(path, `must be ${choices.join(', ')}, not ${typeof value === 'string' ? shorten(value) : kindOf(value)}`);
    return fallback;
  }

  /** Milliseconds since the epoch; 0 where it is absent. */
  instant(value: unknown, path: string): number {
    if (value instanceof Date && !Number.isNaN(value.getTime())) return value.getTime();
    const text = this.text(value, path);
    if (text === '') return 0;
    const time = Date.parse(text);
    if (!Number.isNaN(time)) return time;
    this.mistake(path, `must be a time such as 2026-01-31T12:00:00Z, not ${shorten(text)}`);
    return 0;
  }

  /** In lower case, so that one address has one text. @param family 4 or 6; 0 for either. */
  ip(value: unknown, path: string, family: 0 | 4 | 6 = 0): string {
    const is = (text: string) => (family === 0 ? isIP(text) !== 0 : isIP(text) === family);
    return this.name(value, path, is, family === 0 ? 'an IP address' : `an IPv${family} address`).toLowerCase();
  }
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function kindOf(value: unknown): string {
  if (value instanceof Date) return 'a time';
  if (Array.isArray(value)) return 'a list';
  if (value === null) return 'nothing';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'string') return `the text ${shorten(value)}`;
  return `${typeof value === 'boolean' ? 'the boolean' : 'the number'} ${String(value)}`;
}
