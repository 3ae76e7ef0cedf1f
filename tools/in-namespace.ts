/**
 * Runs a script with this Node in a network namespace of its own, as the tests of a cluster need it:
 * `tools/run tools/in-namespace.ts node_modules/vitest/vitest.mjs run test/cluster/bench.test.ts`. Root needs nothing for it; others
 * need a system that lets users make namespaces.
 */
import { execFileSync, spawn } from 'node:child_process';
import { NODE_ADDRESS, POD_BLOCK, SERVICE_BLOCK } from '../test/support/cluster/addresses.ts';

/**
 * Every address of the two blocks is this machine's own, and can be listened on without more ado. Routes of single pods,
 * which are longer, win over that of their block: so that one is in the table `main`, not in `local`, which comes first.
 */
const SET_UP = `
set -e
ip link set lo up
ip address add ${NODE_ADDRESS}/32 dev lo
ip route add local ${POD_BLOCK} dev lo table main
ip route add local ${SERVICE_BLOCK} dev lo
echo 1 >/proc/sys/net/ipv4/ip_forward
exec "$@"
`;

/** @throws Error that says what to do, where the system has no namespaces for us. */
function namespaceFlags(): readonly string[] {
  for (const program of ['unshare', 'ip', 'nsenter', 'mount', 'hostname']) {
    try {
      execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    } catch {
      throw new Error(
        `There is no program ${program} here, which the tests of a cluster need. On Debian: apt-get install iproute2 util-linux mount hostname`,
      );
    }
  }
  // Process ids stay those of the machine. Root of a user namespace may do all that is needed in its network namespace.
  const flags = process.getuid?.() === 0 ? ['--net', '--mount', '--uts'] : ['--map-root-user', '--net', '--mount', '--uts'];
  try {
    execFileSync('unshare', [...flags, 'ip', 'link', 'set', 'lo', 'up'], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    throw new Error(
      `\`unshare ${flags.join(' ')}\` does not work here: ${said}\n` +
        'The tests of a cluster run in a network namespace of their own. Run them as root (in a container: with ' +
        '--cap-add SYS_ADMIN --cap-add NET_ADMIN), or let users make namespaces: ' +
        'sysctl kernel.unprivileged_userns_clone=1 (Debian), kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu).',
    );
  }
  return flags;
}

try {
  const args = ['sh', '-c', SET_UP, 'sh', process.execPath, ...process.argv.slice(2)];
  const child = spawn('unshare', [...namespaceFlags(), ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  child.once('close', (code) => {
    process.exitCode = code ?? 1;
  });
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
