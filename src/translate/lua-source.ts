/** The Lua filter's text with its settings in front. */
import type { CarrierPolicy, Carriers } from '../model/carriers.ts';
import type { Scope } from '../model/proxy.ts';
import { SHARDS } from './shards.ts';

export interface LuaSource {
  readonly carriers: Carriers;
  /** The text of `envoy/detour.lua`. */
  readonly lua: string;
  readonly edge?: EdgeLua | undefined;
}

/** What takes carriers away; undefined only where nobody asks for it. */
export interface EdgeLua {
  /** The text of `envoy/edge.lua`. */
  readonly filter: string;
  /** The text of `envoy/signed-keys.lua`. */
  readonly signedKeys: string;
}

/** `egress`: requests of a sidecar's app that leave the cluster. */
export type LuaRole = 'gateway' | 'inbound' | 'outbound' | 'egress';

/** @param gateway settings that only gateways have. */
export function luaSource(source: LuaSource, role: LuaRole, gateway?: Extract<Scope, { kind: 'gateway' }>): string {
  const { header, member, headerAliases, memberAliases } = source.carriers;
  const fields = [
    `role = ${quoted(role)}`,
    `header = ${quoted(header)}`,
    `header_aliases = ${list(headerAliases)}`,
    `member = ${quoted(member)}`,
    `member_aliases = ${list(memberAliases)}`,
  ];
  if (gateway !== undefined) {
    fields.push(`shards = ${SHARDS}`);
    if (gateway.previewDomain !== undefined) fields.push(`preview_domain = ${quoted(gateway.previewDomain)}`);
    fields.push(`cors_origins = ${list(gateway.corsOrigins)}`);
  }
  const policy: CarrierPolicy | undefined = role === 'egress' ? { kind: 'strip' } : gateway?.carriers;
  if (policy === undefined) return `${settingsLine(fields)}${source.lua}`;
  fields.push(`carriers = ${quoted(policy.kind)}`);
  if (policy.kind === 'signed') fields.push(`keys_file = ${quoted(policy.keysFile)}`);
  const { edge = NO_EDGE } = source;
  return `${settingsLine(fields)}${source.lua}${policy.kind === 'signed' ? `\n${edge.signedKeys}` : ''}\n${edge.filter}`;
}

/** Envoy refuses it: without the filter every carrier would count. */
const NO_EDGE: EdgeLua = { filter: "error('edge.lua is missing')", signedKeys: '' };

function settingsLine(fields: readonly string[]): string {
  return `local settings = { ${fields.join(', ')} }\n`;
}

function list(texts: readonly string[]): string {
  return `{ ${texts.map(quoted).join(', ')} }`;
}

/** Settings are text that somebody typed: nothing in them may end the literal. */
function quoted(text: string): string {
  const bytes = [...new TextEncoder().encode(text)];
  const plain = (byte: number): boolean => byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
  return `"${bytes.map((byte) => (plain(byte) ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, '0')}`)).join('')}"`;
}
