/** What every command of `detour` is. */
import type { Environment, FlagTable } from '../flags.ts';

/** What a command has of the world around it. */
export interface Io {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly environment: Environment;
  /** All of standard input; absent: the process's own. */
  readonly input?: () => Promise<string>;
}

/** `late`: what was waited for did not come in time. */
export const EXIT = { ok: 0, failure: 1, usage: 2, late: 3 } as const;

export interface Command {
  readonly summary: string;
  /** @returns the exit code. */
  readonly run: (args: readonly string[], io: Io) => Promise<number>;
  /** For completion; absent: it has none. */
  readonly flags?: () => Promise<FlagTable>;
  /** What completes its arguments: files, or these words; absent: nothing that could be known. */
  readonly completes?: 'files' | readonly string[];
}

/** All mistakes in one message, and where to read more. */
export function usageError(command: string, mistakes: readonly string[], io: Io): number {
  const lines = mistakes.map((mistake) => `  ${mistake}`).join('\n');
  io.err(`detour ${command}: ${mistakes.length === 1 ? 'one mistake' : `${mistakes.length} mistakes`}:\n${lines}\n`);
  io.err(`\`detour ${command} --help\` lists the flags.\n`);
  return EXIT.usage;
}
