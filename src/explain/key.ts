/** Which key a request carries, and where: the carriers of design.md section 2, read as `envoy/detour.lua` reads them. */
import type { Carriers } from '../model/carriers.ts';
import { type HeaderLines, headerValue, lowerCase, trim } from './headers.ts';
import { memberValue, unescape } from './members.ts';

export interface CarriedKey {
  /** Whatever text stands where a key is expected: it may be no key at all. */
  readonly key: string;
  readonly source: KeySource;
}

/** For a host, its name; else the header or the member of the list. */
export type KeySource =
  | { readonly kind: 'host'; readonly host: string }
  | { readonly kind: 'header'; readonly name: string }
  /** The gateway's own, with a signed key. */
  | { readonly kind: 'cookie' }
  | { readonly kind: 'baggage' | 'tracestate'; readonly member: string };

/** Header, then its aliases; then baggage, then tracestate, in each the member and then its aliases. */
export function carriedKey(lines: HeaderLines, carriers: Carriers): CarriedKey | undefined {
  return carriedTexts(lines, carriers)[0];
}

/** What stands in each of these places, in their order. */
export function carriedTexts(lines: HeaderLines, carriers: Carriers): readonly CarriedKey[] {
  const texts: CarriedKey[] = [];
  for (const name of [carriers.header, ...carriers.headerAliases].map(lowerCase)) {
    const element = firstElement(headerValue(lines, name) ?? '');
    if (element !== undefined) texts.push({ key: decodedKey(element), source: { kind: 'header', name } });
  }
  for (const kind of ['baggage', 'tracestate'] as const) {
    const list = headerValue(lines, kind);
    if (list === undefined) continue;
    for (const member of [carriers.member, ...carriers.memberAliases].map(lowerCase)) {
      const value = memberValue(list, member);
      if (value !== undefined) texts.push({ key: decodedKey(value), source: { kind, member } });
    }
  }
  return texts;
}

function firstElement(list: string): string | undefined {
  return list
    .split(',')
    .map(trim)
    .find((element) => element !== '');
}

/**
 * Percent-decoded. It travels on in a header and is read again at the next hop, so what would mean something else
 * there stays as it came: text with a comma, a percent sign, a blank or anything unprintable.
 */
function decodedKey(text: string): string {
  const plain = unescape(text);
  return /^[!-~]+$/.test(plain) && !/[,%]/.test(plain) ? plain : text;
}

export function describeSource(source: KeySource): string {
  switch (source.kind) {
    case 'host':
      return `the host ${source.host}`;
    case 'header':
      return `the header ${source.name}`;
    case 'cookie':
      return "the gateway's cookie";
    default:
      return `the ${source.kind} member ${source.member}`;
  }
}
