/** What Ctrl-C leaves behind is said before the process ends. */
import type { Io } from './command.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Until it is disposed of. The process then ends by that signal, as it would have anyway: at once. @param text sentences */
export function whenInterrupted(text: string, io: Io): Disposable {
  const forget = (): void => {
    for (const signal of SIGNALS) process.off(signal, heard);
  };
  const heard = (signal: NodeJS.Signals): void => {
    // Behind the ^C of the terminal.
    io.err(`\n${text}\n`);
    forget();
    process.kill(process.pid, signal);
  };
  for (const signal of SIGNALS) process.on(signal, heard);
  return { [Symbol.dispose]: forget };
}
