/** The entry: the arguments to the command, its exit code to the shell. */
import { run } from './cli/main.ts';
import { processEnvironment } from './config.ts';

// What needs it is loaded later, and would end in a syntax error.
if (Number.parseInt(process.versions.node, 10) < 24) {
  process.stderr.write(`detour needs Node 24 or later (https://nodejs.org); this is ${process.versions.node}.\n`);
  process.exit(1);
}
// A reader that went away (`detour envoy … | head`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever listens too goes on without it: the audit log.
  if (process.stdout.listenerCount('error') > 1) return;
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
// Not process.exit: what was written to a pipe still has to get there.
process.exitCode = await run(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  environment: processEnvironment(),
});
