/** `detour envoy`: prints the bootstrap that an Envoy is started with, as YAML. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { bootstrap } from '../envoy-bootstrap.ts';
import { certificateFiles } from '../envoy-certificates.ts';
import { sdsFiles } from '../envoy-credentials.ts';
import { many, one, optional, readAddress, readChoice, required } from '../flag-values.ts';
import { type FlagTable, type FlagValues, type Reading, readFlags, variableOf } from '../flags.ts';
import type { IpFamily } from '../model/capture.ts';
import type { CarrierPolicy } from '../model/carriers.ts';
import { isDnsLabel, type ObjectKey, objectKey } from '../model/names.ts';
import { type EnvoyProxy, nodeOf, proxyOf } from '../model/node.ts';
import type { GatewayTls, InboundPort, SocketAddress } from '../model/proxy.ts';
import { CARRIER_FLAGS, EGRESS_FLAGS, egressMistakes, readCarrierPolicy, readEgress } from './carrier-flags.ts';
import { checkCertificate } from './check-certificate.ts';
import { EXIT, type Io, usageError } from './command.ts';
import { readTls, TLS_FLAGS, type TlsReading } from './gateway-tls.ts';
import { commandHelp } from './help.ts';
import { CREDENTIAL_FLAGS, readCredentials } from './xds-credentials.ts';

const BIND = { anyPort: false, names: false };
const HELP = {
  name: 'envoy',
  about: "Prints an Envoy's bootstrap as YAML: who it is, and where the control plane is. Everything else comes from there.",
  example:
    'envoy --config-yaml "$(detour envoy --role gateway --node shop/edge --xds 127.0.0.1:18000 --listen 0.0.0.0:8080)"\n' +
    '  detour envoy --role sidecar --node shop/api-0 --xds 127.0.0.1:18000 --inbound 15080=8080 --outbound 127.0.0.1:15001',
  variables: true,
};

export const ENVOY_FLAGS = {
  role: required(
    { value: 'gateway|sidecar', summary: 'At the edge, for hosts and preview URLs; or beside a pod.' },
    '--role gateway',
    readChoice(['gateway', 'sidecar']),
  ),
  node: required(
    { value: 'NAMESPACE/NAME', summary: "Who it is: a gateway's name, or a sidecar's pod." },
    '--node shop/edge',
    readNode,
  ),
  xds: {
    ...many(
      { value: 'HOST:PORT', summary: 'Where control planes listen; one of them is used.' },
      readAddress({ anyPort: false, names: true }),
    ),
    default: ['127.0.0.1:18000'],
  },
  ...CREDENTIAL_FLAGS,
  admin: one({ value: 'IP:PORT', default: ['127.0.0.1:9901'], summary: "Envoy's own admin endpoint." }, readAddress(BIND)),
  probes: optional(
    { value: 'IP:PORT', summary: 'Where /ready, /stats/prometheus and /drain are, for what watches over it.' },
    readAddress(BIND),
  ),
  protocol: one(
    { value: 'delta|sotw', default: ['delta'], summary: 'xDS by changes, or by whole states.' },
    readChoice(['delta', 'sotw']),
  ),
  listen: optional(
    { value: 'IP:PORT', summary: 'Gateway: where it listens without TLS; required without --listen-tls.' },
    readAddress(BIND),
  ),
  ...TLS_FLAGS,
  'trusted-hops': optional(
    {
      value: 'NUMBER',
      summary: 'Gateway: how many proxies before it are believed what they say of the client; 0 without it.',
    },
    readHops,
  ),
  'preview-domain': optional(
    { value: 'DOMAIN', summary: 'Gateway: <key>--<service>.DOMAIN goes straight to a preview.' },
    readDomain,
  ),
  'cors-origins': many(
    { value: 'ORIGIN', summary: 'Gateway: origins whose preflights for a carrier it answers, or *.' },
    (text) => ({ value: text }),
  ),
  ...CARRIER_FLAGS,
  inbound: many(
    { value: '[IP:]PORT=[IP:]APPPORT', summary: 'Sidecar: a port that the world connects to, and where the app listens.' },
    readInbound,
  ),
  outbound: optional({ value: 'IP:PORT', summary: 'Sidecar: where the app sends its requests.' }, readAddress(BIND)),
  services: many(
    { value: 'NAMESPACE/SERVICE', summary: 'Sidecar: Services of other namespaces that the app calls.' },
    readService,
  ),
  capture: many(
    { value: 'ipv4|ipv6', summary: "Sidecar: the pod's traffic is captured, and its addresses are of these families." },
    readChoice<IpFamily>(['ipv4', 'ipv6']),
  ),
  ...EGRESS_FLAGS,
} as const satisfies FlagTable;

type Values = FlagValues<typeof ENVOY_FLAGS>;

/** Flags that only one role takes. */
const OF_ROLE = {
  gateway: ['listen', 'listen-tls', 'tls', 'http', 'trusted-hops', 'preview-domain', 'cors-origins', 'carriers', 'carrier-keys'],
  sidecar: ['inbound', 'outbound', 'services', 'capture', 'egress-carriers', 'cluster-cidrs'],
} as const;

export async function runEnvoy(args: readonly string[], io: Io): Promise<number> {
  const { values, mistakes, help } = readFlags(ENVOY_FLAGS, args, io.environment);
  if (help) {
    io.out(commandHelp(HELP, ENVOY_FLAGS));
    return EXIT.ok;
  }
  if (values === undefined) return usageError('envoy', mistakes, io);
  const tls = values.role === 'gateway' ? readTls(values, values.listen, values['xds-sds']) : undefined;
  const carriers = values.role === 'gateway' ? readCarrierPolicy(values) : undefined;
  const proxy = readProxy(values, tls, carriers !== undefined && 'policy' in carriers ? carriers.policy : undefined);
  const credentials = readCredentials(values, values.xds, tls !== undefined);
  const certificates = tls !== undefined && 'certificates' in tls ? tls.certificates : [];
  const findings = await Promise.all(certificates.map((each) => checkCertificate(each, Date.now())));
  const wrong = [...mistakesOf(proxy), ...mistakesOf(tls), ...mistakesOf(carriers), ...mistakesOf(credentials)];
  wrong.push(...findings.flatMap(({ mistake }) => mistake ?? []));
  if ('mistakes' in proxy || (credentials !== undefined && 'mistakes' in credentials) || wrong.length > 0)
    return usageError('envoy', wrong, io);
  for (const { warning } of findings) if (warning !== undefined) io.err(`detour envoy: ${warning}\n`);
  const files = new Map([...(credentials === undefined ? [] : sdsFiles(credentials)), ...certificateFiles(certificates)]);
  if (!(await writeSdsFiles(values['xds-sds'], files, io))) return EXIT.failure;
  const { xds, admin, protocol, probes } = values;
  const config = bootstrap({ proxy, xds, admin, protocol, probes, credentials });
  // YAML 1.1 quotes `on`, `no` and their like, which Envoy's parser takes for booleans.
  io.out(stringify(config, { version: '1.1', lineWidth: 0 }));
  return EXIT.ok;
}

/** @returns whether they could be written. */
async function writeSdsFiles(folder: string | undefined, files: ReadonlyMap<string, object>, io: Io): Promise<boolean> {
  if (folder === undefined || files.size === 0) return true;
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, content] of files) await writeFile(join(folder, name), `${JSON.stringify(content, undefined, 2)}\n`);
    return true;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    io.err(`detour envoy: --xds-sds ${folder} cannot be written to: ${why}\n`);
    return false;
  }
}

interface Wrong {
  readonly mistakes: readonly string[];
}

function mistakesOf(reading: object | undefined): readonly string[] {
  return reading !== undefined && isWrong(reading) ? reading.mistakes : [];
}

function isWrong(reading: object): reading is Wrong {
  return 'mistakes' in reading;
}

function readProxy(values: Values, tls: TlsReading | Wrong | undefined, carriers: CarrierPolicy | undefined): EnvoyProxy | Wrong {
  const { role } = values;
  const other = role === 'gateway' ? 'sidecar' : 'gateway';
  const mistakes = OF_ROLE[other]
    .filter((name) => isWritten(values[name]))
    .map((name) => `--${name} belongs to a ${other}: leave it and ${variableOf(name)} out, or write --role ${other}.`);
  if (role === 'gateway' && values.listen === undefined && tls === undefined)
    mistakes.push('--listen is missing: where the gateway listens, for example --listen 0.0.0.0:8080.');
  if (role === 'sidecar') mistakes.push(...egressMistakes(values));
  const proxy = proxyOfValues(values, tls !== undefined && 'tls' in tls ? tls.tls : undefined, carriers);
  // The control plane reads the node in the same way: what it would refuse is refused here.
  const read = mistakes.length > 0 || proxy === undefined ? undefined : proxyOf(nodeOf(proxy));
  if (read !== undefined && 'error' in read) mistakes.push(`${read.error}.`);
  return mistakes.length > 0 || proxy === undefined ? { mistakes } : proxy;
}

function proxyOfValues(values: Values, tls: GatewayTls | undefined, carriers: CarrierPolicy | undefined): EnvoyProxy | undefined {
  if (values.role === 'sidecar') {
    const { inbound, outbound, services, capture } = values;
    const egress = readEgress(values);
    const captured = capture.length === 0 ? {} : { capture, ...(egress !== undefined && { egress }) };
    return { role: 'sidecar', ...values.node, inbound, outbound, services, ...captured };
  }
  const trustedHops = values['trusted-hops'];
  if (values.listen === undefined && tls === undefined) return undefined;
  return {
    role: 'gateway',
    ...values.node,
    listen: values.listen,
    ...(tls !== undefined && { tls }),
    ...(trustedHops !== undefined && { trustedHops }),
    previewDomain: values['preview-domain'],
    corsOrigins: values['cors-origins'],
    ...(carriers !== undefined && { carriers }),
  };
}

function isWritten(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined;
}

function readHops(text: string): Reading<number> {
  return /^\d{1,2}$/.test(text) ? { value: Number(text) } : { mistake: 'must be a whole number from 0 to 99' };
}

function readNode(text: string): Reading<{ readonly namespace: string; readonly name: string }> {
  const [namespace = '', name = '', ...rest] = text.split('/');
  if (isDnsLabel(namespace) && name.split('.').every(isDnsLabel) && rest.length === 0) return { value: { namespace, name } };
  return { mistake: 'must be NAMESPACE/NAME in lower case, for example shop/edge' };
}

function readService(text: string): Reading<ObjectKey> {
  const [namespace = '', name = '', ...rest] = text.split('/');
  if (isDnsLabel(namespace) && isDnsLabel(name) && rest.length === 0) return { value: objectKey(namespace, name) };
  return { mistake: 'must be NAMESPACE/SERVICE, for example shop/api' };
}

function readDomain(text: string): Reading<string> {
  if (text.length <= 253 && text.includes('.') && text.split('.').every(isDnsLabel)) return { value: text };
  return { mistake: 'must be a DNS name in lower case, for example preview.example.com' };
}

/** `15080=8080`: any address of the pod, to the app on loopback. */
function readInbound(text: string): Reading<InboundPort> {
  const [left = '', right = '', ...rest] = text.split('=');
  const listen = withHost('0.0.0.0', left);
  const app = withHost('127.0.0.1', right);
  if (listen !== undefined && app !== undefined && rest.length === 0) return { value: { listen, app } };
  return {
    mistake: 'must be PORT=APPPORT, each perhaps with an IP before it, for example 15080=8080 or 10.0.0.5:15080=127.0.0.1:8080',
  };
}

function withHost(host: string, text: string): SocketAddress | undefined {
  const reading = readAddress(BIND)(/^\d+$/.test(text) ? `${host}:${text}` : text);
  return 'value' in reading ? reading.value : undefined;
}
