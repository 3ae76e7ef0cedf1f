/**
 * Members of W3C baggage and tracestate as regular expressions over the whole header, for clients without our filter.
 * A member counts wherever it stands; properties behind `;` do not belong to its value; `pr-1` is not `pr-12`.
 */
import type { HeaderMatcher } from '../generated/envoy.d.ts';
import type { Operator } from '../model/rule.ts';

/** A member with exactly this value. */
export function memberEquals(header: string, member: string, value: string): HeaderMatcher {
  return regexMatcher(header, member, encoded(value));
}

/**
 * A predicate on a member: lists of matchers, each an alternative. Empty: it cannot be told with a header match alone.
 * A regex is not: it could match over the end of the member, and so take somebody else's requests.
 */
export function memberMatchers(header: string, member: string, operator: Operator, value: string): readonly HeaderMatcher[][] {
  const any = '[^,;]*';
  switch (operator) {
    case 'exact':
      return [[memberEquals(header, member, value)]];
    case 'prefix':
      return [[regexMatcher(header, member, encoded(value) + any)]];
    case 'suffix':
      return [[regexMatcher(header, member, any + encoded(value))]];
    case 'contains':
      return [[regexMatcher(header, member, any + encoded(value) + any)]];
    case 'present':
      return [[regexMatcher(header, member, SOMETHING)]];
    case 'absent':
      // A header that is not there matches no regex, inverted or not.
      return [
        [{ name: header, present_match: true, invert_match: true }],
        [{ ...regexMatcher(header, member, SOMETHING), invert_match: true }],
      ];
    case 'regex':
      return [];
  }
}

const SOMETHING = '[^,; \\t][^,;]*';

function regexMatcher(header: string, member: string, value: string): HeaderMatcher {
  const regex = `(?:.*,)?[ \\t]*(?i:${member})[ \\t]*=[ \\t]*${value}[ \\t]*(?:[;,].*)?`;
  return { name: header, string_match: { safe_regex: { regex } } };
}

/** Each byte as it is, where it may be, or percent-encoded. */
function encoded(value: string): string {
  return [...new TextEncoder().encode(value)].map(encodedByte).join('');
}

function encodedByte(byte: number): string {
  const text = String.fromCharCode(byte);
  if (/[A-Za-z0-9_-]/.test(text)) return text;
  const percent = `%(?i:${byte.toString(16).padStart(2, '0')})`;
  const mayStand = byte > 0x20 && byte < 0x7f && !',;"\\%'.includes(text);
  return mayStand ? `(?:\\x${byte.toString(16)}|${percent})` : percent;
}
