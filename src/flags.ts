/** The flags of a command, as one table: what they take, what they mean, and the variables that stand in for them. */
import { parseArgs } from 'node:util';
import { editDistance } from './model/edit-distance.ts';

/** A mistake is the rest of a sentence that begins with the flag and its value: `must be HOST:PORT`. */
export type Reading<T> = { readonly value: T } | { readonly mistake: string };

export interface Flag<T> {
  /** What help calls its value; '' for a flag that takes none. `a|b|c` in lower case are all that it takes. */
  readonly value: string;
  /** A letter: `o` for `-o`. */
  readonly short?: string;
  /** Read as if it were written, where nothing is; [] where there is none. */
  readonly default: readonly string[];
  readonly repeatable: boolean;
  /** Several values in one, separated by commas. */
  readonly separable: boolean;
  readonly summary: string;
  /** @param texts as written, one where it is not repeatable; [] where nothing is written and there is no default. */
  readonly read: (texts: readonly string[]) => Reading<T>;
}

// biome-ignore lint/suspicious/noExplicitAny: a table has flags of all types; each is read as its own by FlagValues.
export type FlagTable = Readonly<Record<string, Flag<any>>>;

export type FlagValues<Table extends FlagTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Flag<infer T> ? T : never;
};

/** What a command takes beside flags: `KEY`, `FILE…`. */
export interface Arguments {
  /** What help calls them. */
  readonly value: string;
  readonly least: number;
  readonly most: number;
  /** How right ones look, as part of a command. */
  readonly example: string;
}

export const NO_ARGUMENTS: Arguments = { value: '', least: 0, most: 0, example: '' };

export interface FlagReading<Table extends FlagTable> {
  /** undefined when there are mistakes. */
  readonly values: FlagValues<Table> | undefined;
  /** Those that have none: enough to find what else is wrong. */
  readonly readable: Partial<FlagValues<Table>>;
  /** What is written beside flags, in its order. */
  readonly positionals: readonly string[];
  /** All of them, a sentence each that names flag or variable, value and fix. */
  readonly mistakes: readonly string[];
  readonly help: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** `xds-listen` → `DETOUR_XDS_LISTEN`. */
export function variableOf(flag: string): string {
  return `DETOUR_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** @param environment where flags that are not written are looked for. */
export function readFlags<Table extends FlagTable>(
  table: Table,
  args: readonly string[],
  environment: Environment,
  takes: Arguments = NO_ARGUMENTS,
): FlagReading<Table> {
  const { written, positionals, mistakes, help } = tokenize(table, args, takes);
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(table)) {
    const fromFlag = written.get(name)?.flatMap((text) => split(flag, text));
    const variable = environment[variableOf(name)];
    const fromVariable = variable === undefined || variable === '' ? undefined : split(flag, variable);
    const texts = fromFlag ?? fromVariable ?? flag.default;
    const as = fromFlag === undefined && fromVariable !== undefined ? variableOf(name) : `--${name}`;
    if (texts.length > 1 && !flag.repeatable) {
      mistakes.push(`${as} is given ${texts.length} times; it takes one value.`);
      continue;
    }
    const reading = flag.read(texts);
    if ('value' in reading) values[name] = reading.value;
    else mistakes.push(`${[as, ...texts.slice(0, 1).map((text) => JSON.stringify(text))].join(' ')} ${reading.mistake}.`);
  }
  mistakes.push(...misspeltVariables(table, environment));
  // Each value is its flag's own, see the loop.
  const readable = values as Partial<FlagValues<Table>>;
  return { values: mistakes.length === 0 ? (values as FlagValues<Table>) : undefined, readable, positionals, mistakes, help };
}

function split({ separable }: Flag<unknown>, text: string): readonly string[] {
  if (!separable) return [text];
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

interface Tokens {
  readonly written: Map<string, string[]>;
  readonly positionals: readonly string[];
  readonly mistakes: string[];
  readonly help: boolean;
}

function tokenize(table: FlagTable, args: readonly string[], takes: Arguments): Tokens {
  const entries = Object.entries(table).map(([name, { value, short }]) => {
    const option = { type: value === '' ? 'boolean' : 'string', multiple: true } as const;
    return [name, short === undefined ? option : { ...option, short }] as const;
  });
  const options = { ...Object.fromEntries(entries), help: { type: 'boolean', short: 'h' } } as const;
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  const written = new Map<string, string[]>();
  const positionals: string[] = [];
  const mistakes: string[] = [];
  let help = false;
  for (const token of tokens) {
    if (token.kind === 'positional') {
      positionals.push(token.value);
      if (positionals.length > takes.most)
        mistakes.push(`${JSON.stringify(token.value)} is an argument that this command does not take.`);
    }
    if (token.kind !== 'option') continue;
    const flag = Object.hasOwn(table, token.name) ? table[token.name] : undefined;
    if (token.name === 'help') help = true;
    else if (flag === undefined) mistakes.push(unknownFlag(token.rawName, Object.keys(table)));
    else if (flag.value === '' && token.value !== undefined)
      mistakes.push(`${token.rawName} takes no value, not ${JSON.stringify(token.value)}.`);
    else if (flag.value !== '' && (token.value === undefined || (!token.inlineValue && token.value.startsWith('--'))))
      mistakes.push(`${token.rawName} needs a value: ${token.rawName} ${flag.value}.`);
    else written.set(token.name, [...(written.get(token.name) ?? []), token.value ?? 'true']);
  }
  if (positionals.length < takes.least) mistakes.push(`${takes.value} is missing: for example ${takes.example}.`);
  return { written, positionals, mistakes, help };
}

function unknownFlag(written: string, names: readonly string[]): string {
  const nearest = nearestOf(
    written,
    names.map((name) => `--${name}`),
  );
  return `There is no flag ${written}${nearest === undefined ? '; --help lists those that are' : `; did you mean ${nearest}?`}`.replace(
    /([^?])$/,
    '$1.',
  );
}

/** Only what is nearly a setting: Kubernetes itself puts DETOUR_… variables into pods beside a Service named `detour`. */
function misspeltVariables(table: FlagTable, environment: Environment): readonly string[] {
  const names = Object.keys(table).map(variableOf);
  return Object.keys(environment)
    .filter((name) => name.startsWith('DETOUR_') && !names.includes(name))
    .flatMap((name) => {
      // In a short name two letters make another word: DETOUR_TLS_KEY and DETOUR_XDS_KEY are of different commands.
      const most = name.length > 'DETOUR_12345678'.length ? 2 : 1;
      const nearest = names.find((each) => editDistance(name, each) <= most);
      return nearest === undefined ? [] : [`There is no variable ${name}; did you mean ${nearest}?`];
    });
}

/** The one of `names` that `written` was most likely meant as; undefined where all are far. */
export function nearestOf(written: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(written.length / 3)) + 1;
  for (const name of names) {
    const distance = editDistance(written.toLowerCase().slice(0, 100), name);
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** The flags of a command's help, a line or more each. */
export function describeFlags(table: FlagTable, withVariables: boolean): string {
  const rows = Object.entries(table).map(([name, flag]) => ({
    left: `  ${flag.short === undefined ? '' : `-${flag.short}, `}--${name}${flag.value === '' ? '' : ` ${flag.value}`}`,
    right: [
      flag.summary,
      flag.separable ? 'Several by comma, or the flag several times.' : '',
      flag.default.length > 0 ? `Default: ${flag.default.join(',')}.` : '',
      withVariables ? `[${variableOf(name)}]` : '',
    ]
      .filter((part) => part !== '')
      .join(' '),
  }));
  const width = Math.max(...rows.map(({ left }) => left.length)) + 2;
  return rows.map(({ left, right }) => left.padEnd(width) + wrap(right, 110 - width).join(`\n${' '.repeat(width)}`)).join('\n');
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** All values that the flag takes; none where they cannot be listed. */
export function choicesOf({ value }: Pick<Flag<unknown>, 'value'>): readonly string[] {
  const parts = value.split('|');
  return parts.length > 1 && parts.every((part) => /^[a-z][a-z0-9-]*$/.test(part)) ? parts : [];
}
