/** `detour completion`: what a shell needs to complete the commands, their flags and values. */
import { type Arguments, readFlags } from '../flags.ts';
import { type Command, EXIT, type Io, usageError } from './command.ts';
import { bashCompletion } from './completion/bash.ts';
import { type CompletableCommand, completable } from './completion/completable.ts';
import { fishCompletion } from './completion/fish.ts';
import { zshCompletion } from './completion/zsh.ts';
import { commandHelp } from './help.ts';

const SCRIPTS: Readonly<Record<string, (commands: readonly CompletableCommand[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};
export const SHELLS = Object.keys(SCRIPTS);

const SHELL: Arguments = { value: SHELLS.join('|'), least: 1, most: 1, example: 'detour completion bash' };

const HELP = {
  name: 'completion',
  about: 'Prints a script that completes commands, flags and their values in a shell.',
  example:
    'source <(detour completion bash)      # in ~/.bashrc; zsh: the same in ~/.zshrc\n  detour completion fish | source       # in config.fish',
  variables: false,
};

export async function runCompletion(
  args: readonly string[],
  io: Io,
  commands: Readonly<Record<string, Command>>,
): Promise<number> {
  const { positionals, mistakes, help } = readFlags({}, args, {}, SHELL);
  if (help) {
    io.out(commandHelp(HELP, {}, SHELL));
    return EXIT.ok;
  }
  const [shell = ''] = positionals;
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (mistakes.length > 0) return usageError('completion', mistakes, io);
  if (script === undefined)
    return usageError('completion', [`${JSON.stringify(shell)} must be one of ${SHELLS.join(', ')}.`], io);
  io.out(script(await completable(commands)));
  return EXIT.ok;
}
