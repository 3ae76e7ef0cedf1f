/**
 * A node's network, in the network namespace of the test: each pod in one of its own, joined by a pair of interfaces, and
 * ClusterIPs that lead to endpoints by rules of iptables, as kube-proxy has them.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { SIDECAR_UID } from '../../../src/model/capture.ts';
import { NODE_ADDRESS } from '../cluster/addresses.ts';
import type { PodPort } from './pod-ports.ts';

const run = promisify(execFile);

/** Every pod's way out; no two of them see each other's. */
const GATEWAY = '169.254.1.1';
const GATEWAY_SIX = 'fe80::1';

/** Of the node, for pods that have nothing else. */
export const NODE_SIX = 'fd79::1';

const JOIN = `
set -e
ip link add "$1" type veth peer name eth0 netns "$2"
ip address add ${GATEWAY}/32 dev "$1"
ip address add ${GATEWAY_SIX}/64 dev "$1" nodad
ip link set "$1" up
if [ -n "$3" ]; then ip route add "$3"/32 dev "$1" src ${NODE_ADDRESS}; fi
ip -6 route add "$4"/128 dev "$1" src ${NODE_SIX}
nsenter --net=/proc/"$2"/ns/net sh -ec '
  ip link set lo up
  if [ -n "$1" ]; then ip address add "$1"/32 dev eth0; fi
  ip address add "$2"/128 dev eth0 nodad
  ip link set eth0 up
  if [ -n "$1" ]; then
    ip route add ${GATEWAY} dev eth0
    ip route add default via ${GATEWAY} dev eth0 src "$1"
  fi
  ip -6 route add default via ${GATEWAY_SIX} dev eth0 src "$2"
' sh "$3" "$4"
`;

export interface PodAddresses {
  /** '' for a pod of an IPv6-only cluster. */
  readonly ipv4: string;
  readonly ipv6: string;
}

export interface PodNamespace extends AsyncDisposable {
  readonly addresses: PodAddresses;
  /** A path that nsenter takes. */
  readonly path: string;
}

export interface ServiceAddresses {
  readonly clusterIps: PodAddresses;
  readonly ports: readonly PodPort[];
  readonly endpoints: readonly PodAddresses[];
}

/** Test files that run at the same time have blocks of addresses of their own. */
const BLOCK = process.env['VITEST_POOL_ID'] ?? '0';
const [SERVICES, BACK] = [`SERVICES-${BLOCK}`, `BACK-${BLOCK}`];

/** The n-th ClusterIP. */
export function clusterIps(n: number): PodAddresses {
  return { ipv4: `10.97.${BLOCK}.${n}`, ipv6: `fd97:${BLOCK}::${n.toString(16)}` };
}

export class PodNetwork {
  readonly #hasFour: boolean;
  #pods = 0;

  private constructor(hasFour: boolean) {
    this.#hasFour = hasFour;
  }

  /** @param hasFour whether pods have IPv4 addresses, too. @throws Error that says what is missing here. */
  static async open(hasFour = true): Promise<PodNetwork> {
    // Root of a user namespace may not be anybody else, as a sidecar has to be.
    const [, , , users = '0'] = /^\s*(\d+)\s+(\d+)\s+(\d+)/.exec(await readFile('/proc/self/uid_map', 'utf8')) ?? [];
    if (process.getuid?.() !== 0 || Number(users) <= SIDECAR_UID)
      throw new Error(
        'The tests of pods make network namespaces, rules of iptables and processes of other users: run them as root.',
      );
    for (const program of ['iptables', 'ip6tables', 'ip', 'nsenter', 'unshare']) {
      await run('sh', ['-c', `command -v ${program}`]).catch(() => {
        throw new Error(`There is no program ${program} here. On Debian: apt-get install iptables iproute2 util-linux`);
      });
    }
    await run('sh', ['-c', 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding']);
    await run('ip', ['-6', 'address', 'replace', `${NODE_SIX}/128`, 'dev', 'lo', 'nodad']);
    return new PodNetwork(hasFour);
  }

  async pod(): Promise<PodNamespace> {
    const number = ++this.#pods;
    const addresses = { ipv4: this.#hasFour ? `10.78.${BLOCK}.${number}` : '', ipv6: `fd78:${BLOCK}::${number.toString(16)}` };
    const link = `pod${BLOCK}-${number}`;
    // Says when it is in its namespace; ends with us, since its input does.
    const child = spawn('unshare', ['--net', 'sh', '-c', 'echo in; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(child.stdout, 'data');
      await run('sh', ['-c', JOIN, 'sh', link, String(child.pid), addresses.ipv4, addresses.ipv6]);
    } catch (error) {
      await end(child);
      throw error;
    }
    return {
      addresses,
      path: `/proc/${child.pid}/ns/net`,
      async [Symbol.asyncDispose]() {
        await run('ip', ['link', 'delete', link]);
        await end(child);
      },
    };
  }

  /** All Services that there are from now on. */
  async serve(services: readonly ServiceAddresses[]): Promise<void> {
    for (const family of ['ipv4', 'ipv6'] as const) {
      const program = family === 'ipv4' ? 'iptables' : 'ip6tables';
      const exists = await run(program, ['-t', 'nat', '-L', SERVICES, '-n']).then(
        () => true,
        () => false,
      );
      const lines = [
        '*nat',
        `:${SERVICES} - [0:0]`,
        `:${BACK} - [0:0]`,
        ...(exists ? [] : [`-A PREROUTING -j ${SERVICES}`, `-A OUTPUT -j ${SERVICES}`, `-A POSTROUTING -j ${BACK}`]),
        ...services.flatMap((service) => rulesOf(service, family)),
        // A pod that is led to itself answers the node, or it would wait for an answer of somebody else's.
        ...services.flatMap(({ endpoints }) =>
          endpoints
            .filter((each) => each[family] !== '')
            .map((each) => `-A ${BACK} -s ${each[family]} -d ${each[family]} -j MASQUERADE`),
        ),
        'COMMIT',
        '',
      ];
      const child = spawn(`${program}-restore`, ['--noflush'], { stdio: ['pipe', 'inherit', 'inherit'] });
      child.stdin.end(lines.join('\n'));
      const [code] = await once(child, 'close');
      if (code !== 0) throw new Error(`${program}-restore ended with ${code}:\n${lines.join('\n')}`);
    }
  }
}

function rulesOf({ clusterIps, ports, endpoints: all }: ServiceAddresses, family: keyof PodAddresses): readonly string[] {
  const endpoints = all.filter((each) => each[family] !== '');
  return ports.flatMap(({ pod, service }) =>
    endpoints.map((endpoint, index) => {
      // Each takes its share of what the ones before it have left.
      const left = endpoints.length - index;
      const share = left === 1 ? '' : ` -m statistic --mode random --probability ${(1 / left).toFixed(6)}`;
      const to = family === 'ipv4' ? `${endpoint.ipv4}:${pod}` : `[${endpoint.ipv6}]:${pod}`;
      return `-A ${SERVICES} -d ${clusterIps[family]} -p tcp --dport ${service}${share} -j DNAT --to-destination ${to}`;
    }),
  );
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
