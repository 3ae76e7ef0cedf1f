/**
 * A request's headers as Envoy holds them: lines in order, names in lower case, values without blanks at their ends and
 * as bytes, one character each, because bytes are what Envoy compares.
 */
export type HeaderLines = readonly (readonly [name: string, value: string])[];

/** Text → the bytes of its UTF-8, one character each. */
export function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** The inverse, for people to read. */
export function textOf(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

export function headerLines(headers: HeaderLines): HeaderLines {
  return headers.map(([name, value]) => [name.toLowerCase(), trim(bytesOf(value))]);
}

/** The lines of one name joined by `,`, as matchers and filters see them; undefined without any. */
export function headerValue(lines: HeaderLines, name: string): string | undefined {
  const values = lines.filter(([each]) => each === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(',');
}

/** One line in place of all by that name. */
export function withHeader(lines: HeaderLines, name: string, value: string): HeaderLines {
  return [...withoutHeader(lines, name), [name, value]];
}

export function withoutHeader(lines: HeaderLines, name: string): HeaderLines {
  return lines.filter(([each]) => each !== name);
}

export function trim(text: string): string {
  let from = 0;
  let to = text.length;
  while (isBlank(text[from])) from += 1;
  while (to > from && isBlank(text[to - 1])) to -= 1;
  return text.slice(from, to);
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t';
}

/** Letters of ASCII alone: the other bytes are parts of characters. */
export function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
