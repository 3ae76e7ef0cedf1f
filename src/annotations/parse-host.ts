/** One entry of `detour.dev/host`: text to host and path prefix. */
import { isDnsLabel } from '../model/names.ts';
import { shorten } from '../model/shorten.ts';
import type { HostClaim } from './declarations.ts';

/** What is wrong, to follow the annotation's name, and the fix. */
export interface HostFault {
  readonly message: string;
  readonly hint: string;
}

/** The longest DNS name, in text. */
const MAX_HOST_LENGTH = 253;
/** What a path segment may have as it is: RFC 3986, section 3.3, but for `,`, which separates entries, and `;`. */
const SEGMENT = /^([A-Za-z0-9._~!$&'()*+=:@-]|%[0-9A-Fa-f]{2})+$/;

/** `shop.example.com` or `shop.example.com/prefix`. The host in lower case; a slash at the prefix's end is cut off. */
export function parseHostClaim(entry: string): HostClaim | HostFault {
  const slash = entry.indexOf('/');
  const host = (slash === -1 ? entry : entry.slice(0, slash)).toLowerCase();
  if (entry.includes('://')) return fault(entry, 'is a URL.', 'Write the host alone: shop.example.com.');
  if (host.includes('*')) return fault(entry, 'has a wildcard.', 'Write every host; preview URLs come by themselves.');
  if (/:[0-9]*$/.test(host)) return fault(entry, 'has a port.', 'Write the host alone; gateways serve it on their port.');
  if (/^[0-9.]+$/.test(host) || /^\[/.test(host)) return fault(entry, 'is no DNS name but an IP address.', 'Write a name.');
  if (host.length > MAX_HOST_LENGTH || !host.split('.').every(isDnsLabel)) {
    return fault(
      entry,
      'is no DNS name.',
      'Names have labels of letters, digits and inner hyphens, joined by dots; others are written as xn--….',
    );
  }
  const path = slash === -1 ? '' : entry.slice(slash + 1);
  if (path === '') return { host, prefix: '/' };
  const segments = path.replace(/\/$/, '').split('/');
  if (!segments.every((segment) => SEGMENT.test(segment) && segment !== '.' && segment !== '..')) {
    return fault(
      entry,
      'has a path that cannot be matched.',
      'A prefix has whole segments, like /api/v1: no empty ones, no dots alone, no query.',
    );
  }
  return { host, prefix: `/${segments.join('/')}` };
}

function fault(entry: string, what: string, hint: string): HostFault {
  return { message: `names ${shorten(entry)}, which ${what}`, hint };
}
