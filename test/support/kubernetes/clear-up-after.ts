/** Nothing is left behind, not even by a test process that was killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Started beside this process, in a group of its own, and holding one end of a pipe: once this process is gone, in
 * whatever way, the pipe ends, and the processes named in the folder's `*.pid` files are killed and the folder removed.
 */
const SCRIPT = `
cat >/dev/null
for file in "$1"/*.pid; do
  [ -f "$file" ] && kill -9 "$(cat "$file")"
done
rm -rf "$1"
`;

/** `await using`: everything of the folder is over when it was disposed of. */
export function clearUpAfter(folder: string): AsyncDisposable {
  const child = spawn('sh', ['-c', SCRIPT, 'sh', folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  child.unref();
  const exit = once(child, 'exit');
  return {
    async [Symbol.asyncDispose]() {
      child.ref();
      child.stdin.end();
      await exit;
    },
  };
}
