/**
 * Plain data of which there are thousands that differ in a few texts and numbers: one example, with a mark wherever they
 * differ, and for each of them the values that stand there. What is worked out for the example is worked out once.
 */

/** Of one stencil. */
export const MOST_PLACES = 64;
/** Characters of Unicode's private use, and numbers that nothing of ours has. */
const FIRST_CHARACTER = 0xe000;
const FIRST_NUMBER = 4_294_900_000;
const CHARACTERS = /[\ue000-\ue03f]/;

/** What to write in the example where a text is to stand, alone or as a part of one. @param place 0 to {@link MOST_PLACES} - 1 */
export function textMark(place: number): string {
  return String.fromCharCode(FIRST_CHARACTER + place);
}

/** What to write in the example where a number is to stand: an integer, not below zero. */
export function numberMark(place: number): number {
  return FIRST_NUMBER + place;
}

/** The place that a number of the example marks; undefined: it is what it is. */
export function placeOfNumber(value: number): number | undefined {
  const place = value - FIRST_NUMBER;
  return place >= 0 && place < MOST_PLACES ? place : undefined;
}

/** A text of the example: what is always there, and the places between; undefined: it has none. */
export function piecesOf(text: string): readonly (string | number)[] | undefined {
  if (!CHARACTERS.test(text)) return undefined;
  const pieces: (string | number)[] = [];
  let literal = '';
  for (const character of text) {
    if (!CHARACTERS.test(character)) {
      literal += character;
      continue;
    }
    if (literal !== '') pieces.push(literal);
    literal = '';
    pieces.push(character.charCodeAt(0) - FIRST_CHARACTER);
  }
  return literal === '' ? pieces : [...pieces, literal];
}

export class Stencil {
  readonly example: object;

  /** @param example whoever makes it must not look into the marks: what stands there is not known. */
  constructor(example: object) {
    this.example = example;
  }
}

/** One of those thousands. */
export class Stenciled {
  readonly stencil: Stencil;
  /** By place: texts that are not empty, and numbers above zero. */
  readonly values: readonly (string | number)[];

  constructor(stencil: Stencil, values: readonly (string | number)[]) {
    this.stencil = stencil;
    this.values = values;
  }
}

/** The same data without stencils: itself, where there is none in it. */
export function withoutStencils<T>(value: T): T {
  // Data of one form is given back in that form.
  return replaced(value, undefined) as T;
}

/** @param values what stands in the places, within the example of a stencil */
function replaced(value: unknown, values: Stenciled['values'] | undefined): unknown {
  if (typeof value === 'string') {
    const pieces = values === undefined ? undefined : piecesOf(value);
    return pieces === undefined ? value : pieces.map((piece) => (typeof piece === 'string' ? piece : values?.[piece])).join('');
  }
  if (typeof value === 'number') {
    const place = values === undefined ? undefined : placeOfNumber(value);
    return place === undefined ? value : values?.[place];
  }
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Stenciled) return replaced(value.stencil.example, value.values);
  if (Array.isArray(value)) {
    const items = value.map((item) => replaced(item, values));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  const fields = Object.entries(value);
  const others = fields.map(([name, field]) => [String(replaced(name, values)), replaced(field, values)] as const);
  const isSame = others.every(([name, field], index) => name === fields[index]?.[0] && field === fields[index]?.[1]);
  return isSame ? value : Object.fromEntries(others);
}
