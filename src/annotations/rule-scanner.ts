/** Reads the predicates of a rule, one after the other, in one pass over its text. */
import type { Operator, Predicate, Subject } from '../model/rule.ts';
import { shorten } from '../model/shorten.ts';
import { MAX_NAME_LENGTH, MAX_PREDICATE_VALUE_LENGTH } from './limits.ts';
import { refusedName } from './rule-names.ts';

export interface RuleError {
  /** What is wrong, and the fix. */
  readonly error: string;
  readonly tooLarge: boolean;
}

export function isRuleError(value: object): value is RuleError {
  return 'error' in value;
}

type ValueOperator = Exclude<Operator, 'present' | 'absent'>;

const OPERATORS: readonly { readonly sign: string; readonly operator: ValueOperator }[] = [
  { sign: '=', operator: 'exact' },
  { sign: '^=', operator: 'prefix' },
  { sign: '$=', operator: 'suffix' },
  { sign: '*=', operator: 'contains' },
  { sign: '~=', operator: 'regex' },
];

const SPACE = /[ \t\r]*/y;
const NAME = /[A-Za-z0-9_-]+/y;
const BARE = /[^,;"\s]*/y;
const TO_END = /[^,;\n]*/y;
/** No header carries these, and no protobuf string the lone surrogates. */
const CONTROL = /\p{Cc}|\p{Cs}/u;

export class RuleScanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  position(): number {
    return this.#at;
  }

  since(start: number): string {
    return this.#text.slice(start, this.#at).trim();
  }

  /** Skips blank space and one end of an alternative; false when there is none here. */
  skipAlternativeEnd(): boolean {
    this.#take(SPACE);
    const char = this.#text[this.#at];
    if (char !== ';' && char !== '\n') return this.atEnd();
    this.#at += 1;
    return true;
  }

  skipComma(): boolean {
    if (this.#text[this.#at] !== ',') return false;
    this.#at += 1;
    return true;
  }

  /** Goes on behind the alternative that could not be read: at the next line. */
  recover(): void {
    const end = this.#text.indexOf('\n', this.#at);
    this.#at = end === -1 ? this.#text.length : end;
  }

  /** One predicate, with the space around it; then stands at `,`, `;`, a newline or the end. */
  predicate(): Predicate | RuleError {
    this.#take(SPACE);
    const start = this.#at;
    const negated = this.#text[this.#at] === '!';
    if (negated) this.#at += 1;
    const subject = this.#subject(start);
    if (isRuleError(subject)) return subject;
    this.#take(SPACE);
    if (this.#atPredicateEnd()) return { subject, operator: negated ? 'absent' : 'present', value: '' };
    if (negated)
      return this.#error(start, 'stands behind "!"', 'There, only a name may be: !x-user means that the header is absent.');
    const found = OPERATORS.find(({ sign }) => this.#text.startsWith(sign, this.#at));
    if (found === undefined) return this.#noOperator(start);
    this.#at += found.sign.length;
    this.#take(SPACE);
    const value = this.#value(found.operator, start);
    return typeof value === 'string' ? { subject, operator: found.operator, value } : value;
  }

  #subject(start: number): Subject | RuleError {
    this.#take(SPACE);
    if (this.#text[this.#at] === ':')
      return this.#error(start, 'names a pseudo-header', 'Rules look at headers and baggage only.');
    const name = this.#take(NAME).toLowerCase();
    if (name === '') return this.#noName(start);
    if (name !== 'baggage' || this.#text[this.#at] !== '[') return this.#named({ kind: 'header', name }, start);
    this.#at += 1;
    this.#take(SPACE);
    const member = this.#take(NAME).toLowerCase();
    this.#take(SPACE);
    if (member === '' || this.#text[this.#at] !== ']') {
      return this.#error(
        start,
        'names no baggage member',
        'Write baggage[user]; member names have letters, digits, "_" and "-".',
      );
    }
    this.#at += 1;
    return this.#named({ kind: 'baggage', name: member }, start);
  }

  #named(subject: Subject, start: number): Subject | RuleError {
    if (subject.name.length > MAX_NAME_LENGTH) {
      return { error: `The name ${shorten(subject.name)} has more than ${MAX_NAME_LENGTH} characters.`, tooLarge: true };
    }
    const reason = refusedName(subject);
    return reason === undefined ? subject : this.#error(start, reason.what, reason.fix);
  }

  #value(operator: ValueOperator, start: number): string | RuleError {
    const value = this.#text[this.#at] === '"' ? this.#quoted(start) : this.#bare(operator, start);
    if (typeof value !== 'string') return value;
    if (value === '')
      return this.#error(start, 'has an empty value', 'x-user alone means that the header is there, !x-user that it is not.');
    if (value.length > MAX_PREDICATE_VALUE_LENGTH) {
      return { error: `The value ${shorten(value)} has more than ${MAX_PREDICATE_VALUE_LENGTH} characters.`, tooLarge: true };
    }
    const control = CONTROL.exec(value);
    if (control !== null) return this.#error(start, `has the character ${JSON.stringify(control[0])}`, 'No header carries it.');
    return value;
  }

  #bare(operator: ValueOperator, start: number): string | RuleError {
    const value = this.#take(BARE);
    const valueEnd = this.#at;
    this.#take(SPACE);
    if (!this.#atPredicateEnd()) {
      const what = this.#text[this.#at] === '"' ? 'has a quote in its value' : 'has a space in its value';
      this.#at = valueEnd;
      return this.#error(start, what, 'Put the value in quotes: x-user="a b".');
    }
    if (value.startsWith('~') && operator === 'exact') {
      return this.#error(
        start,
        'has a value that begins with "~"',
        'A regular expression is x-user~="…"; quote the value if that is meant.',
      );
    }
    if (value.startsWith('=')) return this.#error(start, 'has "=" twice', 'One is enough; quote the value if that is meant.');
    if (value === '*' && operator !== 'regex') {
      return this.#error(
        start,
        'has the value "*"',
        'Values are no globs: x-user alone means any value; quote the value if that is meant.',
      );
    }
    return value;
  }

  /** `\"` and `\\` are `"` and `\`; any other backslash stands for itself, as regexes have them. */
  #quoted(start: number): string | RuleError {
    const from = this.#at + 1;
    let end = from;
    while (end < this.#text.length && this.#text[end] !== '"' && this.#text[end] !== '\n')
      end += this.#text[end] === '\\' ? 2 : 1;
    if (this.#text[end] !== '"') {
      this.#at = Math.min(end, this.#text.length);
      return this.#error(
        start,
        'has a quote that is not closed on its line',
        'Close it with ", and write \\" for a quote inside.',
      );
    }
    this.#at = end + 1;
    this.#take(SPACE);
    if (!this.#atPredicateEnd())
      return this.#error(start, 'goes on behind the closing quote', 'Write \\" for a quote inside a value.');
    return this.#text.slice(from, end).replace(/\\(["\\])/g, '$1');
  }

  #noName(start: number): RuleError {
    if (this.#atPredicateEnd()) {
      const error =
        'A predicate is missing at a comma. A comma joins two predicates, on one line; a comma in a value needs quotes.';
      return { error, tooLarge: false };
    }
    return this.#error(
      start,
      'does not begin with a name',
      'Header names have letters, digits, "_" and "-"; a comma in a value needs quotes.',
    );
  }

  #noOperator(start: number): RuleError {
    if (this.#text.startsWith('!=', this.#at))
      return this.#error(start, 'has the operator "!="', 'There is none; !x-user means that it is absent.');
    if (this.#text.startsWith(':', this.#at)) return this.#error(start, 'has ":" behind the name', 'Write x-user=alice.');
    return this.#error(
      start,
      'has no operator behind its name',
      'The operators are = ^= $= *= and ~=; a comma in a value needs quotes.',
    );
  }

  #error(start: number, what: string, fix: string): RuleError {
    this.#take(TO_END);
    const piece = this.#text.slice(start, this.#at).trim();
    return { error: `${shorten(piece)} ${what}. ${fix}`, tooLarge: false };
  }

  #atPredicateEnd(): boolean {
    const char = this.#text[this.#at];
    return char === undefined || char === ',' || char === ';' || char === '\n';
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }
}
