/** What the last of some words may become. Shells with a script of `detour completion` find that out by themselves. */
import { type CompletableCommand, type CompletableFlag, spellings } from './completable.ts';

export interface Candidates {
  readonly words: readonly { readonly word: string; readonly summary: string }[];
  /** Or any file. */
  readonly files: boolean;
}

const NONE: Candidates = { words: [], files: false };

/** @param words those behind the program; the last one is unfinished, and may be empty */
export function candidates(commands: readonly CompletableCommand[], words: readonly string[]): Candidates {
  const [first = '', ...rest] = words;
  const current = rest.at(-1);
  if (current === undefined)
    return {
      words: beginningWith(
        first,
        commands.map(({ name, summary }) => ({ word: name, summary })),
      ),
      files: false,
    };
  const command = commands.find(({ name }) => name === first);
  if (command === undefined) return NONE;
  const { written, value } = flagAndValue(current, rest.at(-2));
  const flag = command.flags.find((each) => each.value !== '' && spellings(each).includes(written));
  if (flag !== undefined) return valuesOf(flag, value);
  return current.startsWith('-')
    ? { words: beginningWith(current, flagWords(command)), files: false }
    : valuesOf(command, current);
}

/** `--output=j` is one word, `--output j` are two. */
function flagAndValue(current: string, previous = ''): { readonly written: string; readonly value: string } {
  const equals = current.startsWith('--') ? current.indexOf('=') : -1;
  return equals < 0
    ? { written: previous, value: current }
    : { written: current.slice(0, equals), value: current.slice(equals + 1) };
}

function flagWords({ flags }: CompletableCommand): Candidates['words'] {
  return flags.flatMap((flag) => spellings(flag).map((word) => ({ word, summary: flag.summary })));
}

function valuesOf({ choices, files }: Pick<CompletableFlag, 'choices' | 'files'>, value: string): Candidates {
  return {
    words: beginningWith(
      value,
      choices.map((word) => ({ word, summary: '' })),
    ),
    files,
  };
}

function beginningWith(text: string, words: Candidates['words']): Candidates['words'] {
  return words.filter(({ word }) => word.startsWith(text));
}
