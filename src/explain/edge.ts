/**
 * Carriers from outside, where they do not count as they come: taken away as `envoy/edge.lua` takes them. No secret is
 * known here, so what has the form of a signed key is taken for one.
 */
import { readSignedKey } from '../keys/signed-key.ts';
import type { CarrierPolicy, Carriers } from '../model/carriers.ts';
import { type HeaderLines, lowerCase, trim } from './headers.ts';
import { type CarriedKey, carriedTexts } from './key.ts';
import { unescape } from './members.ts';

export interface Edge {
  /** Without carriers. */
  readonly lines: HeaderLines;
  /** Signed keys that the request carries, those of the gateway's cookie last. */
  readonly signed: readonly CarriedKey[];
}

const COOKIE = '__host-detour';
const OWN = 'x-detour-';
const MOST_ROUNDS = 4;

export function readEdge(policy: CarrierPolicy, carriers: Carriers, lines: HeaderLines): Edge {
  const texts = policy.kind === 'strip' ? [] : [...carriedTexts(lines, carriers), ...cookies(lines)];
  const signed = texts.flatMap((each) => {
    const said = readSignedKey(each.key);
    return said === undefined ? [] : [{ ...each, key: said.key }];
  });
  return { lines: withoutCarriers(lines, carriers, true), signed };
}

/** @param gateway whether the gateway's cookie goes too. */
export function withoutCarriers(lines: HeaderLines, carriers: Carriers, gateway: boolean): HeaderLines {
  const names = new Set([carriers.header, ...carriers.headerAliases].map(dashed));
  const members = new Set([carriers.member, ...carriers.memberAliases].map(lowerCase));
  return lines.flatMap(([name, value]) => {
    if (names.has(dashed(name)) || dashed(name).startsWith(OWN)) return [];
    const kept =
      name === 'baggage' || name === 'tracestate'
        ? listWithout(value, members)
        : gateway && name === 'cookie'
          ? cookiesWithout(value)
          : value;
    return kept === '' && value !== '' ? [] : [[name, kept] as const];
  });
}

/** CGI, and what is like it, gives apps `-` and `_` as one. */
function dashed(name: string): string {
  return lowerCase(name).replaceAll('_', '-');
}

/** The list without carriers; every other element is as it was. */
export function listWithout(list: string, members: ReadonlySet<string>): string {
  const elements = list.split(',');
  const kept = elements.filter((element) => !isCarrier(element, members));
  return kept.length === elements.length ? list : trim(kept.join(','));
}

/** Whether a reader of any kind could take an element for a carrier. */
function isCarrier(element: string, members: ReadonlySet<string>): boolean {
  let [name = ''] = element.split(/[=;]/, 1);
  for (let round = 0; name !== unescape(name); round += 1) {
    if (round === MOST_ROUNDS) return true;
    name = unescape(name);
  }
  const parts = lowerCase(name.replace(/[^!-~]/g, '')).split(/[,;=]/);
  return parts.some((part) => members.has(part.replace(/["'+]/g, '')));
}

function cookiesWithout(line: string): string {
  const crumbs = line.split(';').filter((crumb) => crumb !== '');
  const kept = crumbs.filter((crumb) => !isOwnCrumb(crumb));
  return kept.length === crumbs.length ? line : trim(kept.join(';'));
}

function isOwnCrumb(crumb: string): boolean {
  return lowerCase(/^[ \t]*([^= \t]*)/.exec(crumb)?.[1] ?? '') === COOKIE;
}

function cookies(lines: HeaderLines): readonly CarriedKey[] {
  return lines
    .filter(([name]) => name === 'cookie')
    .flatMap(([, value]) => value.split(';').filter(isOwnCrumb))
    .map((crumb) => ({ key: /=[ \t]*"?([^" \t]*)/.exec(crumb)?.[1] ?? '', source: { kind: 'cookie' } }));
}
