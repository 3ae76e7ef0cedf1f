/** What a gateway makes of the host that was asked for, as `envoy/detour.lua` does. */
import { lowerCase } from './headers.ts';

/** Of a DNS name. */
const LONGEST_HOST = 253;

export interface Authority {
  /** Lower case, without port. */
  readonly host: string;
  /** `:8080`, or '' where there is none. */
  readonly port: string;
}

export function readAuthority(text: string): Authority {
  const lower = lowerCase(text);
  const colon = lower.lastIndexOf(':');
  // In an IPv6 literal the last colon stands before a bracket.
  const hasPort = colon > lower.lastIndexOf(']');
  const port = hasPort ? lower.slice(colon) : '';
  const host = hasPort ? lower.slice(0, colon) : lower;
  return { host, port: /^:\d+$/.test(port) ? port : '' };
}

export type HostReading =
  | { readonly kind: 'plain' }
  /** Longer than any name: nobody serves it. */
  | { readonly kind: 'impossible' }
  /** `<key>--<host>`, if that is no host of its own. */
  | { readonly kind: 'preview'; readonly key: string; readonly host: string }
  /** `<key>--<service>[--<namespace>].<preview domain>`. */
  | { readonly kind: 'address'; readonly key: string };

export function readHost(host: string, previewDomain: string | undefined): HostReading {
  if (host.length > LONGEST_HOST) return { kind: 'impossible' };
  const dot = host.indexOf('.');
  const label = dot === -1 ? host : host.slice(0, dot);
  const zone = dot === -1 ? '' : host.slice(dot);
  if (!label.includes('--') || label.startsWith('xn--')) return { kind: 'plain' };
  if (previewDomain !== undefined && zone === `.${previewDomain}`)
    return { kind: 'address', key: label.slice(0, label.indexOf('--')) };
  const dashes = label.lastIndexOf('--');
  return { kind: 'preview', key: label.slice(0, dashes), host: label.slice(dashes + 2) + zone };
}
