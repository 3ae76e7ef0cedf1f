/** `detour capture`: the init step of a pod with a sidecar. */
import { spawn } from 'node:child_process';
import { isIP } from 'node:net';
import { applyCapture, type ProgramResult, undoCapture } from '../capture/apply-capture.ts';
import { captureRules } from '../capture/capture-rules.ts';
import { type CaptureSettings, familiesOf, type PortRange, parseCidr, parsePortRange } from '../capture/capture-settings.ts';
import { many, one, toggle } from '../flag-values.ts';
import { type Environment, type FlagTable, type FlagValues, type Reading, readFlags } from '../flags.ts';
import { SIDECAR_PROBES_PORT, SIDECAR_UID } from '../model/capture.ts';
import type { SocketAddress } from '../model/proxy.ts';
import { EXIT, type Io, usageError } from './command.ts';
import { commandHelp } from './help.ts';

const HELP = {
  name: 'capture',
  about:
    "Makes a pod's traffic go through its sidecar, by rules of iptables in the pod's network: the init step of a pod. " +
    'Run again, it sets the rules anew.',
  example:
    'detour capture --pod-ips 10.0.0.7 --exclude-outbound-ports 3306,6000-6010\n  detour capture --pod-ips 10.0.0.7 --dry-run',
  variables: true,
};

export const CAPTURE_FLAGS = {
  'pod-ips': many({ value: 'IP', summary: "The pod's addresses, one of each family that it has. Needed to capture." }, readIp),
  uid: one({ value: 'UID', default: [String(SIDECAR_UID)], summary: 'Who the sidecar runs as.' }, readUid),
  'exclude-outbound-ports': many({ value: 'PORT[-PORT]', summary: 'Connections to these ports are not captured.' }, readRange),
  'exclude-outbound-cidrs': many({ value: 'CIDR', summary: 'Connections to these addresses are not captured.' }, readCidr),
  'exclude-inbound-ports': many(
    { value: 'PORT[-PORT]', summary: 'Connections to these ports of the pod are not captured.' },
    readRange,
  ),
  'probes-port': one(
    { value: 'PORT', default: [String(SIDECAR_PROBES_PORT)], summary: 'Where a kubelet asks the sidecar: not captured.' },
    readPort,
  ),
  'dry-run': toggle('Prints the rules, and sets none.'),
  undo: toggle('Takes the rules away.'),
} as const satisfies FlagTable;

type Values = FlagValues<typeof CAPTURE_FLAGS>;

export async function runCapture(args: readonly string[], io: Io): Promise<number> {
  const { values, mistakes, help } = readFlags(CAPTURE_FLAGS, args, io.environment);
  if (help) {
    io.out(commandHelp(HELP, CAPTURE_FLAGS));
    return EXIT.ok;
  }
  if (values === undefined) return usageError('capture', mistakes, io);
  const wrong = values.undo ? undefined : wrongIps(values['pod-ips']);
  if (wrong !== undefined) return usageError('capture', [wrong], io);
  const settings = settingsOf(values, io.environment);
  if (values['dry-run']) {
    for (const family of familiesOf(settings))
      io.out(`# ${family}\n${captureRules(settings, family, { whereListening: true, now: '' })}`);
    return EXIT.ok;
  }
  try {
    const run = (program: string, all: readonly string[], input: string): Promise<ProgramResult> =>
      runProgram(program, all, input, io.environment);
    const lines = await (values.undo ? undoCapture(run) : applyCapture(settings, run));
    for (const line of lines) io.out(`${line}\n`);
    return EXIT.ok;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    io.err(`detour capture: ${why}\nIt needs iptables, root, and the capabilities NET_ADMIN and NET_RAW.\n`);
    return EXIT.failure;
  }
}

function settingsOf(values: Values, environment: Environment): CaptureSettings {
  const probes = values['probes-port'];
  return {
    podIps: values['pod-ips'],
    uid: values.uid,
    excludeOutboundPorts: values['exclude-outbound-ports'],
    excludeOutboundCidrs: values['exclude-outbound-cidrs'],
    excludeInboundPorts: [{ first: probes, last: probes }, ...values['exclude-inbound-ports']],
    apiServer: apiServer(environment),
  };
}

/** As every container is told. */
function apiServer({
  KUBERNETES_SERVICE_HOST: host = '',
  KUBERNETES_SERVICE_PORT: port,
}: Environment): SocketAddress | undefined {
  return isIP(host) > 0 ? { host, port: Number(port ?? 443) } : undefined;
}

function wrongIps(ips: readonly string[]): string | undefined {
  if (ips.length === 0) return '--pod-ips is missing: the addresses of the pod, for example --pod-ips 10.0.0.7';
  const versions = ips.map(isIP);
  if (new Set(versions).size === versions.length) return undefined;
  return `--pod-ips ${ips.join(',')} has several addresses of one family; it takes one of each.`;
}

/** Where the container's root cannot be written to, the lock of the older iptables has its place here. */
const LOCK = '/dev/shm/detour-xtables.lock';

function runProgram(program: string, args: readonly string[], input: string, environment: Environment): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env: { XTABLES_LOCKFILE: LOCK, ...environment }, stdio: 'pipe' });
    const text = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text.out += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text.err += chunk;
    });
    child.once('error', (error) => resolve({ ok: false, output: '', error: error.message }));
    child.once('close', (code) =>
      resolve({ ok: code === 0, output: text.out, error: text.err.trim().split('\n').join(' ') || `ended with ${code}` }),
    );
    // It may have ended before it has read all.
    child.stdin.on('error', () => undefined).end(input);
  });
}

function readIp(text: string): Reading<string> {
  return isIP(text) > 0 ? { value: text } : { mistake: 'must be an IP address, for example 10.0.0.7' };
}

function readUid(text: string): Reading<number> {
  const uid = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  return uid > 0 ? { value: uid } : { mistake: 'must be the number of a user, and not 0' };
}

function readPort(text: string): Reading<number> {
  const range = parsePortRange(text);
  return range?.first === range?.last && range !== undefined ? { value: range.first } : { mistake: 'must be a port, 1 to 65535' };
}

function readRange(text: string): Reading<PortRange> {
  const range = parsePortRange(text);
  return range === undefined ? { mistake: 'must be a port or a range of them, for example 3306 or 6000-6010' } : { value: range };
}

function readCidr(text: string): Reading<string> {
  const cidr = parseCidr(text);
  return cidr === undefined ? { mistake: 'must be an address or a CIDR, for example 10.0.0.0/8' } : { value: cidr };
}
