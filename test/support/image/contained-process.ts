/**
 * Runs what an image says on a root that cannot be written to, as a pod with `readOnlyRootFilesystem` does: in a mount
 * namespace of its own, as the image's user and with no way to more rights. It shares this machine's network.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ImageConfig } from './buildah.ts';

/** Each step becomes the next one: the process that is started is, in the end, the image's own. */
const ENTER = `
set -e
root=$1 data=$2 user=$3 folder=$4
shift 4
mount --bind "$root" "$root"
mkdir -p "$root/data" "$root/proc"
mount --bind "$data" "$root/data"
mount -t proc proc "$root/proc"
mount -o remount,bind,ro "$root"
exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" /usr/bin/env -C "$folder" "$@"
`;

export class ContainedProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown[]>;
  /** What it said, on both of its outputs. */
  output = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exit = once(child, 'close');
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    }
  }

  /** @param data a folder that is there as /data. @param command in place of the image's own. */
  static start(
    root: string,
    config: ImageConfig,
    data: string,
    command: readonly string[] = [...config.Entrypoint, ...config.Cmd],
  ): ContainedProcess {
    const env = Object.fromEntries(config.Env.map((each) => /^(?<name>[^=]*)=(?<value>.*)$/s.exec(each)?.slice(1) ?? [each, '']));
    const enter = ['sh', '-c', ENTER, 'sh', root, data, config.User, config.WorkingDir, ...command];
    return new ContainedProcess(spawn('/usr/bin/unshare', ['--mount', ...enter], { env, stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  /** Its exit code, once it has ended by itself. */
  async ended(): Promise<number | null> {
    const [code] = await this.#exit;
    return typeof code === 'number' ? code : null;
  }

  /** As a kubelet does first. */
  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill('SIGKILL');
    await this.#exit;
  }
}
