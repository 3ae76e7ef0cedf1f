/** Texts that name the command name it as it was called: `kubectl detour` where kubectl runs it. */
import type { Io } from './command.ts';

/** Set by bin/kubectl-detour. */
const VARIABLE = 'DETOUR_CALLED_AS';

/** @param isHelp what is printed are texts about commands, not what they find out */
export function calledAs(io: Io, commands: readonly string[], isHelp: boolean): Io {
  const name = io.environment[VARIABLE] ?? '';
  if (name === '') return io;
  const command = new RegExp(`(?<![\\w./-]|kubectl )detour (?=(?:COMMAND|help|${commands.join('|')})\\b)`, 'g');
  const renamed = (text: string) => text.replace(command, `${name} `);
  return {
    ...io,
    err: (text) => io.err(renamed(text)),
    out: (text) => io.out(isHelp ? renamed(text) : text),
  };
}
