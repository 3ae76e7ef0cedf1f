/** Where the containers of a pod run: on an address of ours, or in a network namespace of the pod's own that has it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { NODE_ADDRESS } from './addresses.ts';

const run = promisify(execFile);

/** Every pod's way out; no two of them see each other's. */
const GATEWAY = '169.254.1.1';

/** Names of interfaces are short; test files have blocks of addresses of their own, so these differ. */
function interfaceOf(address: string): string {
  return `pod-${address.split('.').slice(2).join('-')}`;
}

const JOIN = `
set -e
ip link add "$1" type veth peer name eth0 netns "$2"
ip address add ${GATEWAY}/32 dev "$1"
ip link set "$1" up
ip route add "$3"/32 dev "$1" src ${NODE_ADDRESS}
nsenter --net=/proc/"$2"/ns/net sh -ec '
  ip link set lo up
  ip address add "$1"/32 dev eth0
  ip link set eth0 up
  ip route add ${GATEWAY} dev eth0
  ip route add default via ${GATEWAY} dev eth0 src "$1"
' sh "$3"
`;

export interface PodSandbox extends AsyncDisposable {
  readonly address: string;
  /** Of a process in the pod's network namespace; undefined: it has none of its own, and listens on its address. */
  readonly process: number | undefined;
}

export async function createSandbox(address: string, isolated: boolean): Promise<PodSandbox> {
  if (!isolated) return { address, process: undefined, [Symbol.asyncDispose]: async () => undefined };
  // Says when it is in its namespace; ends with us, since its input does.
  const child = spawn('unshare', ['--net', 'sh', '-c', 'echo in; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    if (child.pid === undefined) throw new Error('unshare did not start');
    await run('sh', ['-c', JOIN, 'sh', interfaceOf(address), String(child.pid), address]);
    return {
      address,
      process: child.pid,
      async [Symbol.asyncDispose]() {
        // At once, with the route: the namespace itself goes with its last process.
        await run('ip', ['link', 'delete', interfaceOf(address)]);
        await end(child);
      },
    };
  } catch (error) {
    await end(child);
    throw error;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
