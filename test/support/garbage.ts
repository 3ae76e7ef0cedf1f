/** Collects garbage now, in a process that was not started for it: for tests of what is let go of. */
import { setTimeout as wait } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc: () => void = runInNewContext('gc');
  // A WeakRef holds what it gave until the end of the turn.
  await wait(0);
  gc();
}
