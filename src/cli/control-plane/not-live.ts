/** What commands say when the previews of a key have not become live. */
import { EXIT, type Io } from '../command.ts';
import { isTrouble, tell } from '../trouble.ts';
import { problemText } from './problem-text.ts';
import type { Waited } from './wait-until-live.ts';

/** @returns the exit code. */
export function tellNotLive(command: string, waited: Exclude<Waited, { readonly kind: 'live' }>, io: Io): number {
  if (isTrouble(waited)) {
    tell(command, waited, io);
    return EXIT.failure;
  }
  if (waited.kind === 'broken') {
    io.err(`detour ${command}: it does not become live as it is:\n${problemText(waited.problems)}`);
    return EXIT.failure;
  }
  io.err(`detour ${command}: not live in time: ${waited.lacks.join('; ')}.\n`);
  return EXIT.late;
}
