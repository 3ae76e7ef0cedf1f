/** What a shell can complete, made of the tables that the commands read their flags with. */
import { choicesOf, type FlagTable } from '../../flags.ts';
import type { Command } from '../command.ts';

export interface CompletableFlag {
  readonly name: string;
  readonly short: string | undefined;
  readonly summary: string;
  /** What help calls its value; '' for one that takes none. */
  readonly value: string;
  /** All values; [] where they cannot be listed. */
  readonly choices: readonly string[];
  readonly files: boolean;
  readonly repeatable: boolean;
}

export interface CompletableCommand {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly CompletableFlag[];
  /** Of its arguments. */
  readonly choices: readonly string[];
  readonly files: boolean;
}

const HELP: CompletableFlag = {
  name: 'help',
  short: 'h',
  summary: 'Tells its flags.',
  value: '',
  choices: [],
  files: false,
  repeatable: false,
};

/** Every command, and `help`. */
export async function completable(commands: Readonly<Record<string, Command>>): Promise<readonly CompletableCommand[]> {
  const own = Object.entries(commands).map(async ([name, { summary, flags, completes }]) => ({
    name,
    summary,
    flags: [...completableFlags(flags === undefined ? {} : await flags()), HELP],
    choices: completes === undefined || completes === 'files' ? [] : completes,
    files: completes === 'files',
  }));
  const help = {
    name: 'help',
    summary: 'lists the commands, or the flags of one',
    flags: [],
    choices: Object.keys(commands),
    files: false,
  };
  return [...(await Promise.all(own)), help];
}

function completableFlags(table: FlagTable): readonly CompletableFlag[] {
  return Object.entries(table).map(([name, { short, summary, value, repeatable, ...flag }]) => ({
    name,
    short,
    summary,
    value,
    choices: choicesOf({ value, ...flag }),
    files: /\b(FILE|PATH|FOLDER)\b/.test(value),
    repeatable,
  }));
}

/** `-o` and `--output`. */
export function spellings({ name, short }: CompletableFlag): readonly string[] {
  return [...(short === undefined ? [] : [`-${short}`]), `--${name}`];
}
