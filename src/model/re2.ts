/**
 * The one door to the regex library, and what Envoy's RE2 would say to a pattern.
 *
 * Envoy compiles regexes for Latin-1: it matches the bytes of a header, `.` is one byte. So values are compared as
 * their UTF-8 bytes here too, and patterns are ASCII (`\xC3\xA9` stands for `é`).
 */
import { RE2JS } from 're2js';
import { programSizeBound } from './re2-program-size.ts';
import type { Rule } from './rule.ts';
import { shorten } from './shorten.ts';

/** The bootstrap sets this as `re2.max_program_size.error_level`; Envoy's own limit of 100 refuses `[a-z0-9]{50}`. */
export const RE2_MAX_PROGRAM_SIZE = 1000;
/** Longer patterns are refused unread. */
const MAX_PATTERN_LENGTH = 1024;
/** How many compiled patterns {@link Regexes} keeps. */
const MAX_COMPILED = 1000;

export type RegexVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: 'RegexInvalid' | 'RegexTooCostly'; readonly message: string; readonly hint: string };

/** Whether every Envoy with Detour's bootstrap accepts the pattern. What is accepted here, Envoy accepts. */
export function checkRegex(pattern: string): RegexVerdict {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    return {
      ok: false,
      code: 'RegexTooCostly',
      message: `The regular expression ${shorten(pattern)} has ${pattern.length} characters; ${MAX_PATTERN_LENGTH} is the limit.`,
      hint: 'Match less: a prefix, or part of the value.',
    };
  }
  const size = programSizeBound(pattern);
  if (size > RE2_MAX_PROGRAM_SIZE) {
    return {
      ok: false,
      code: 'RegexTooCostly',
      message: `The regular expression ${shorten(pattern)} can take a program of ${size} instructions; ${RE2_MAX_PROGRAM_SIZE} is the limit.`,
      hint: 'Use smaller counts in {…}, or * and + instead of them.',
    };
  }
  const fault = unsupported(pattern) ?? compileFault(pattern);
  if (fault === undefined) return { ok: true };
  return {
    ok: false,
    code: 'RegexInvalid',
    message: `The regular expression ${shorten(pattern)} is refused by RE2: ${fault.message}.`,
    hint: fault.hint,
  };
}

/** Instructions that Envoy's RE2 may need for all regular expressions of a rule together: an upper bound. */
export function ruleCost(rule: Rule): number {
  return rule.alternatives
    .flat()
    .reduce((sum, { operator, value }) => (operator === 'regex' ? sum + programSizeBound(value) : sum), 0);
}

/** Matches values as Envoy does, and keeps the patterns that it compiled last. */
export class Regexes {
  readonly #compiled = new Map<string, RE2JS | undefined>();

  /** Whether the pattern matches the whole value; false for a pattern that {@link checkRegex} refuses. */
  matchWhole(pattern: string, value: string): boolean {
    return this.matchWholeBytes(pattern, utf8Bytes(value));
  }

  /** The same for a value as its bytes, one character each: they need not be UTF-8. */
  matchWholeBytes(pattern: string, bytes: string): boolean {
    return this.#compile(pattern)?.testExact(bytes) ?? false;
  }

  #compile(pattern: string): RE2JS | undefined {
    if (this.#compiled.has(pattern)) {
      const known = this.#compiled.get(pattern);
      // To the end: the Map's order is that of the last use.
      this.#compiled.delete(pattern);
      this.#compiled.set(pattern, known);
      return known;
    }
    const compiled = checkRegex(pattern).ok ? RE2JS.compile(pattern, RE2JS.DISABLE_UNICODE_GROUPS) : undefined;
    this.#compiled.set(pattern, compiled);
    const oldest = this.#compiled.keys().next();
    if (this.#compiled.size > MAX_COMPILED && !oldest.done) this.#compiled.delete(oldest.value);
    return compiled;
  }
}

interface Fault {
  readonly message: string;
  readonly hint: string;
}

const SYNTAX_HINT = 'See https://github.com/google/re2/wiki/Syntax: there are no look-arounds and no back-references.';

/** What the library takes and Envoy's RE2 does not, or takes to mean something else. */
function unsupported(pattern: string): Fault | undefined {
  const beyond = /[^\x20-\x7e]/u.exec(pattern);
  if (beyond !== null) {
    return {
      message: `it has the character ${JSON.stringify(beyond[0])}`,
      hint: 'Envoy matches byte by byte: write other characters than printable ASCII as their UTF-8 bytes, \\xC3\\xA9 for é.',
    };
  }
  for (const [text, hex, octal] of pattern.matchAll(/\\(?:Q.*?(?:\\E|$)|x\{([0-9a-fA-F]*)\}|([0-7]{3})|.)/g)) {
    const code = hex !== undefined ? Number.parseInt(hex, 16) : octal !== undefined ? Number.parseInt(octal, 8) : 0;
    if (code > 0xff) {
      return {
        message: `${shorten(text)} is more than a byte`,
        hint: 'Envoy matches byte by byte: write the UTF-8 bytes, \\xC3\\xA9 for é.',
      };
    }
  }
  return undefined;
}

function compileFault(pattern: string): Fault | undefined {
  try {
    RE2JS.compile(pattern, RE2JS.DISABLE_UNICODE_GROUPS);
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
    return { message: shorten(reason), hint: SYNTAX_HINT };
  }
}

/** The value's UTF-8 bytes, one character each. */
function utf8Bytes(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1');
}
