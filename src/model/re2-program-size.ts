/**
 * An upper bound for the size of the program that RE2 compiles a pattern to, in Envoy (Latin-1, whole value).
 *
 * It is taken from the pattern's text and assumes none of RE2's simplifications, so it can only be too high. A pattern
 * that is no RE2 gets some number too: whether it is one, the library says. One pass, whatever the pattern.
 */

/** What RE2 adds around every program: match, fail and the loop of an unanchored search. */
const FRAME = 8;
/** An `Alt` may cost two jumps after RE2 has flattened its program; a nullable operand takes two of them. */
const ALT = 2;
const LOOP = 2 * ALT;
/** RE2 refuses larger counts; a pattern that has them is refused whatever its bound. */
const MAX_REPEAT = 1000;

/** Byte ranges of `\w` and the like, negated or not, at most. */
const PERL_CLASS_RANGES = 6;
/** Byte ranges of `[[:alnum:]]` and the like, negated or not, at most. */
const POSIX_CLASS_RANGES = 6;

interface Group {
  /** Everything before the last atom, and finished branches. */
  done: number;
  /** The last atom, which a repetition would multiply. */
  last: number;
}

export function programSizeBound(pattern: string): number {
  return new Bound(pattern).measure();
}

class Bound {
  readonly #pattern: string;
  /** A byte matches itself and, where the pattern may fold case, its other case. */
  readonly #fold: number;
  readonly #groups: Group[] = [];
  #current: Group = { done: 0, last: 0 };
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
    this.#fold = /\(\?[a-zA-Z]*i/.test(pattern) ? 2 : 1;
  }

  measure(): number {
    while (this.#at < this.#pattern.length) this.#step();
    while (this.#groups.length > 0) this.#close();
    return FRAME + this.#current.done + this.#current.last;
  }

  #step(): void {
    const char = this.#pattern[this.#at];
    switch (char) {
      case '\\':
        this.#escape();
        return;
      case '[':
        this.#class();
        return;
      case '(':
        this.#open();
        return;
      case ')':
        this.#at += 1;
        this.#close();
        return;
      case '|':
        this.#at += 1;
        // An empty branch is one instruction.
        this.#atom(ALT + 1);
        return;
      case '*':
      case '+':
      case '?':
        this.#at += 1;
        this.#current.last += LOOP;
        return;
      case '{':
        this.#repeat();
        return;
      case '.':
        this.#at += 1;
        // The bytes before the line feed and those after it.
        this.#atom(2);
        return;
      default:
        this.#at += 1;
        this.#atom(this.#fold);
    }
  }

  #atom(size: number): void {
    this.#current.done += this.#current.last;
    this.#current.last = size;
  }

  #open(): void {
    const rest = this.#pattern.slice(this.#at, this.#at + 80);
    const flags = /^\(\?[a-zA-Z-]*\)/.exec(rest);
    if (flags !== null) {
      // `(?i)` is no atom: in `a(?i){20}` the count belongs to `a`.
      this.#at += flags[0].length;
      return;
    }
    this.#at += /^\((\?([a-zA-Z-]*:|P?<[^>]*>))?/.exec(rest)?.[0].length ?? 1;
    this.#groups.push(this.#current);
    this.#current = { done: 0, last: 0 };
  }

  #close(): void {
    const outer = this.#groups.pop();
    if (outer === undefined) return;
    // Two instructions note where the group begins and ends; an empty one is one.
    const size = 3 + this.#current.done + this.#current.last;
    this.#current = outer;
    this.#atom(size);
  }

  #escape(): void {
    const { length, ranges, quoted } = readEscape(this.#pattern, this.#at);
    this.#at += length;
    if (ranges > 0) this.#atom(ranges * this.#fold);
    for (let count = 0; count < quoted; count++) this.#atom(this.#fold);
  }

  #class(): void {
    let at = this.#at + 1;
    let ranges = 1;
    if (this.#pattern[at] === '^') at += 1;
    for (let first = true; at < this.#pattern.length; first = false) {
      const char = this.#pattern[at];
      if (char === ']' && !first) break;
      if (char === '\\') {
        const item = readEscape(this.#pattern, at);
        at += item.length;
        ranges += item.ranges;
      } else if (char === '[' && this.#pattern[at + 1] === ':' && this.#pattern.indexOf(':]', at + 2) !== -1) {
        at = this.#pattern.indexOf(':]', at + 2) + 2;
        ranges += POSIX_CLASS_RANGES;
      } else {
        at += 1;
        ranges += 1;
      }
      // `a-z` counts three here: too high, never too low.
    }
    this.#at = at + 1;
    this.#atom(ranges * this.#fold);
  }

  #repeat(): void {
    const counts = /^\{(0|[1-9]\d{0,8})(,(0|[1-9]\d{0,8}|))?\}/.exec(this.#pattern.slice(this.#at, this.#at + 22));
    if (counts === null) {
      // RE2 takes `{,2}` and `{02}` for text.
      this.#at += 1;
      this.#atom(this.#fold);
      return;
    }
    this.#at += counts[0].length;
    const times = Math.max(1, Number(counts[1]), Number(counts[3] ?? 0));
    // Finite, however deep repetitions are nested.
    this.#current.last = Math.min(
      Number.MAX_SAFE_INTEGER,
      times * (this.#current.last + (counts[2] === undefined ? 0 : ALT)) + LOOP,
    );
    if (times > MAX_REPEAT) this.#current.last = Number.MAX_SAFE_INTEGER;
  }
}

interface Escape {
  /** In the pattern. */
  readonly length: number;
  /** Byte ranges that it stands for. */
  readonly ranges: number;
  /** Bytes that `\Q…\E` quotes, an atom each. */
  readonly quoted: number;
}

function readEscape(pattern: string, at: number): Escape {
  const char = pattern[at + 1];
  if (char === 'Q') {
    const end = pattern.indexOf('\\E', at + 2);
    const quoted = (end === -1 ? pattern.length : end) - at - 2;
    return { length: (end === -1 ? 2 : 4) + quoted, ranges: 0, quoted };
  }
  if (char !== undefined && 'dDsSwW'.includes(char)) return { length: 2, ranges: PERL_CLASS_RANGES, quoted: 0 };
  if (char === 'x') {
    const hex = /^(\{[0-9a-fA-F]*\}|[0-9a-fA-F]{2})/.exec(pattern.slice(at + 2, at + 14));
    return { length: 2 + (hex?.[0].length ?? 0), ranges: 1, quoted: 0 };
  }
  if (char !== undefined && char >= '0' && char <= '7') {
    const octal = /^[0-7]{1,3}/.exec(pattern.slice(at + 1, at + 4));
    return { length: 1 + (octal?.[0].length ?? 1), ranges: 1, quoted: 0 };
  }
  return { length: 2, ranges: 1, quoted: 0 };
}
