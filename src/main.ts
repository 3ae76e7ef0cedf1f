/** The entry: the arguments to the command, its exit code to the shell. */
import { run } from './cli/main.ts';
import { processEnvironment } from './config.ts';

// A reader that went away (`detour envoy … | head`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
// Not process.exit: what was written to a pipe still has to get there.
process.exitCode = await run(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  environment: processEnvironment(),
});
