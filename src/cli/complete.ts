/** `detour __complete WORD…`: for kubectl, which asks bin/kubectl_complete-detour. */
import { type Command, EXIT, type Io } from './command.ts';
import { candidates } from './completion/candidates.ts';
import { completable } from './completion/completable.ts';

/** How cobra, which kubectl is made with, says what else the shell may complete with: files, or nothing. */
const DIRECTIVES = { files: ':0', none: ':4' } as const;

/** Prints a word a line, with what it is behind a tab, and the directive. */
export async function runComplete(
  words: readonly string[],
  io: Io,
  commands: Readonly<Record<string, Command>>,
): Promise<number> {
  const found = candidates(await completable(withFlagsOf(words[0], commands)), words);
  const lines = found.words.map(({ word, summary }) => (summary === '' ? word : `${word}\t${summary}`));
  io.out(`${[...lines, found.files ? DIRECTIVES.files : DIRECTIVES.none].join('\n')}\n`);
  return EXIT.ok;
}

/** The flags of all of them take a while to load. */
function withFlagsOf(asked: string | undefined, commands: Readonly<Record<string, Command>>): Readonly<Record<string, Command>> {
  const entries = Object.entries(commands).map(([name, command]) => {
    const { flags: _, ...others } = command;
    return [name, name === asked ? command : others];
  });
  return Object.fromEntries(entries);
}
