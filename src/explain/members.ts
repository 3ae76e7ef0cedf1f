/**
 * Members of W3C baggage and tracestate, read as `envoy/detour.lua` reads them: a member is the text between commas up
 * to a semicolon, its name compares in lower case, blanks around name and value do not count, one without a value is
 * not there, and the first by a name is the one that counts.
 */
import { lowerCase, trim } from './headers.ts';

/** @param name in lower case. */
export function memberValue(list: string, name: string): string | undefined {
  for (const element of list.split(',')) {
    const equals = element.indexOf('=');
    if (equals === -1 || lowerCase(trim(element.slice(0, equals))) !== name) continue;
    const [value = ''] = element.slice(equals + 1).split(';', 1);
    if (trim(value) !== '') return trim(value);
  }
  return undefined;
}

/** The list with the member in front, and no other by its name. */
export function withMember(list: string | undefined, name: string, value: string): string {
  const others = (list ?? '').split(',').filter((element) => element !== '' && nameOf(element) !== name);
  return [`${name}=${value}`, ...others].join(',');
}

function nameOf(element: string): string {
  return lowerCase(/^[ \t]*([^=; \t]*)/.exec(element)?.[1] ?? '');
}

/**
 * Percent-decoded, where that is a value that a header may have: no control bytes, no blank at either end. Else as it
 * came.
 */
export function decodedValue(value: string): string {
  const plain = unescape(value);
  return hasControl(plain) || trim(plain) !== plain ? value : plain;
}

/** Bytes for bytes; what is no escape stays. */
export function unescape(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function hasControl(bytes: string): boolean {
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes.charCodeAt(index);
    if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) return true;
  }
  return false;
}
