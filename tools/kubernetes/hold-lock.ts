/** One holder at a time, across processes: a file that its holder touches for as long as it works. */
import { mkdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const BEAT_MS = 2000;
const POLL_MS = 200;
const PROGRESS_MS = 4000;
/** A file that nobody touched for so long was left by a process that is gone. */
const ABANDONED_MS = 30_000;

export interface LockOptions {
  /** Called every few seconds while somebody else holds it. */
  readonly waiting: (seconds: number) => void;
  /** Ends the waiting early, with an error. */
  readonly signal?: AbortSignal;
}

/** Waits for the lock; it is given back by `await using`. A holder that was killed loses it after half a minute. */
export async function holdLock(file: string, options: LockOptions): Promise<AsyncDisposable> {
  await mkdir(dirname(file), { recursive: true });
  const began = Date.now();
  let told = 0;
  while (!(await create(file))) {
    await removeAbandoned(file);
    if (Date.now() - told >= PROGRESS_MS) {
      told = Date.now();
      options.waiting(Math.round((told - began) / 1000));
    }
    await wait(POLL_MS, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
  const beat = setInterval(() => {
    const now = new Date();
    // Whoever took it away has its own reason; the work goes on, and a program built twice does no harm.
    utimes(file, now, now).catch(() => undefined);
  }, BEAT_MS);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(beat);
      await rm(file, { force: true });
    },
  };
}

async function create(file: string): Promise<boolean> {
  try {
    await writeFile(file, `${process.pid}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Moves before it removes: of several that wait, one succeeds. */
async function removeAbandoned(file: string): Promise<void> {
  try {
    if (Date.now() - (await stat(file)).mtimeMs < ABANDONED_MS) return;
    const aside = `${file}.${process.pid}`;
    await rename(file, aside);
    await rm(aside, { force: true });
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
