/** Images that are real programs: in the pod's network namespace, with its volumes where it mounts them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { envoyBinary } from '../envoy.ts';
import type { ContainerRun, Image, RunningContainer } from './image.ts';

/**
 * In a mount namespace of the container's own, and with the name of its pod as the host's. First all mount points are made:
 * what is not there, on an overlay that nobody else sees; /run is always the container's. An overlay would hide what is
 * mounted below it, so that comes after. Arguments: scratch folder, `ro` or `rw` for the root, (source, path, ro|rw)…, `--`.
 */
const START = `
set -e
scratch=$1 root=$2
shift 2
made=' /run '

make_points() {
  while [ "$1" != -- ]; do
    source=$1 path=$(readlink -m "$2")
    shift 3
    if [ -e "$path" ]; then continue; fi
    parent=\${path%/*}
    while [ ! -d "$parent" ]; do parent=\${parent%/*}; done
    if [ -z "$parent" ]; then echo "the bench cannot mount at $path: there is no such top folder" >&2; exit 128; fi
    own=
    for each in $made; do case $parent/ in "$each"/*) own=1 ;; esac; done
    if [ -z "$own" ]; then
      layers=$(mktemp -d "$scratch/XXXXXX")
      mkdir "$layers/upper" "$layers/work"
      mount -t overlay overlay -o "lowerdir=$parent,upperdir=$layers/upper,workdir=$layers/work" "$parent"
      made="$made $parent "
    fi
    make_point
  done
}

make_point() {
  if [ -d "$source" ]; then mkdir -p "$path"; else mkdir -p "\${path%/*}"; : >"$path"; fi
}

mount_all() {
  while [ "$1" != -- ]; do
    source=$1 path=$(readlink -m "$2") mode=$3
    shift 3
    if [ ! -e "$path" ]; then make_point; fi
    mount --bind "$source" "$path"
    if [ "$mode" = ro ]; then mount -o remount,bind,ro "$path"; fi
  done
}

hostname "$HOSTNAME"
mount -t tmpfs tmpfs "$scratch"
mount -t tmpfs tmpfs /run
make_points "$@"
mount_all "$@"
while [ "$1" != -- ]; do shift 3; done
shift
if [ "$root" = ro ]; then mount -o remount,bind,ro /; fi
exec "$@"
`;

export interface ProgramOptions {
  /** What `command` calls the program; a container without a command runs it too. */
  readonly name: string;
  /** The program and its first arguments on this machine. */
  readonly entry: () => Promise<readonly string[]>;
  /** Made of the arguments of a container; those of an image that the bench wants otherwise. */
  readonly argumentsOf?: (args: readonly string[]) => readonly string[];
}

export function programImage({ name, entry, argumentsOf = (args) => args }: ProgramOptions): Image {
  return {
    isProgram: true,
    async start(run) {
      const [first, ...rest] = run.command;
      const isOwn = first === undefined || basename(first) === name;
      if (!isOwn) return startProcess(run, [first, ...rest, ...run.args]);
      return startProcess(run, [...(await entry()), ...argumentsOf([...rest, ...run.args])]);
    },
  };
}

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

/** `detour` from these sources. @param entry another one: of a built package, say */
export function detourImage(entry: readonly string[] = [process.execPath, MAIN]): Image {
  return programImage({ name: 'detour', entry: async () => entry });
}

/** A real Envoy, with one worker unless the container says how many. */
export function envoyImage(): Image {
  return programImage({
    name: 'envoy',
    entry: async () => [await envoyBinary()],
    argumentsOf: (args) => [
      ...args,
      // Pods share the memory by which Envoys of one machine tell each other apart.
      ...(args.includes('--disable-hot-restart') ? [] : ['--use-dynamic-base-id']),
      ...(args.includes('--concurrency') ? [] : ['--concurrency', '1']),
    ],
  });
}

/** Starts a command as a container of the pod. @throws Error when the pod has no network namespace */
export async function startProcess(run: ContainerRun, command: readonly string[]): Promise<RunningContainer> {
  const { sandbox, container, environment, folder, logFile, mounts } = run;
  if (sandbox.process === undefined) throw new Error('a program needs a network namespace');
  const scratch = join(folder, 'scratch');
  mkdirSync(scratch, { recursive: true });
  const root = container.securityContext?.readOnlyRootFilesystem === true ? 'ro' : 'rw';
  const [program = '', ...rest] = command;
  const uid = container.securityContext?.runAsUser ?? 0;
  // Another user may not be able to look at where the program lies.
  const binary = uid === 0 ? undefined : openSync(program, 'r');
  const user = ['setpriv', '--reuid', String(uid), '--regid', String(uid), '--clear-groups'];
  const started = binary === undefined ? command : [...user, '/proc/self/fd/3', ...rest];
  const mountArguments = mounts.flatMap(({ source, path, isReadOnly }) => [source, path, isReadOnly ? 'ro' : 'rw']);
  const log = openSync(logFile, 'a');
  const child = spawn(
    'nsenter',
    [
      ...[`--net=/proc/${sandbox.process}/ns/net`, 'unshare', '--uts', '--mount', '--propagation', 'private'],
      ...['sh', '-c', START, 'sh', scratch, root, ...mountArguments, '--', ...started],
    ],
    // A group of its own: what it has started ends with it, as in a container.
    { cwd: folder, env: environment, stdio: ['ignore', log, log, ...(binary === undefined ? [] : [binary])], detached: true },
  );
  for (const each of [log, ...(binary === undefined ? [] : [binary])]) closeSync(each);
  await once(child, 'spawn');
  // Whatever becomes of this process, that one is ended.
  await writeFile(run.pidFile, String(-(child.pid ?? 0)));
  return {
    ended: once(child, 'exit').then(async ([code, signal]) => {
      killGroup(child);
      await rm(run.pidFile, { force: true });
      return code ?? 128 + constants.signals[signal as NodeJS.Signals];
    }),
    end: (signal) => child.kill(signal),
    exec: async (beside) => execIn(child, beside, environment),
  };
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}

async function execIn(child: ChildProcess, command: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const args = ['--target', String(child.pid), '--net', '--mount', ...command];
  const beside = spawn('nsenter', args, { env: environment, stdio: 'ignore' });
  const [code] = await once(beside, 'exit');
  return code ?? 128;
}
