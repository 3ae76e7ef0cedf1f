/** All settings of the control plane. The only place that reads the environment; everything is validated together. */
import { many, one, optional, readAddress, readChoice, readText, required } from './flag-values.ts';
import { type Environment, type FlagReading, type FlagTable, type FlagValues, type Reading, readFlags } from './flags.ts';
import { type KubernetesSetting, kubernetesSetting } from './kubernetes-setting.ts';
import {
  type Carriers,
  DEFAULT_CARRIERS,
  MARK_HEADER,
  SHARD_HEADER,
  STAMP_HEADER,
  UNAVAILABLE_HEADER,
} from './model/carriers.ts';
import { isDnsLabel } from './model/names.ts';
import type { SocketAddress } from './model/proxy.ts';
import { formatSocketAddress } from './model/socket-address.ts';
import { SIDECAR_FLAGS, type SidecarSetting, sidecarSetting } from './sidecar-setting.ts';
import { STREAM_FLAGS, type StreamSetting, streamMistakes, streamSetting } from './stream-setting.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where the cluster's objects come from. */
export type SourceSetting = { readonly kind: 'directory'; readonly path: string } | KubernetesSetting;

export interface WebhookSetting {
  readonly listen: SocketAddress;
  /** PEM files. */
  readonly certificate: { readonly cert: string; readonly key: string };
  /** PEM file; undefined: everybody may call. */
  readonly clientCa: string | undefined;
  readonly sidecars: SidecarSetting;
}

export interface Config {
  readonly source: SourceSetting;
  readonly xdsListen: SocketAddress;
  readonly streams: StreamSetting;
  readonly adminListen: SocketAddress;
  /** undefined: nowhere but at `adminListen`. */
  readonly health: { readonly listen: SocketAddress; readonly metrics: boolean } | undefined;
  /** Over so many ms streams end when the control plane stops. */
  readonly drainMs: number;
  /** A connection ends at this age, more or less; 0: at none. */
  readonly connectionAgeMs: number;
  /** How many streams are brought up to date at once. */
  readonly maxSyncing: number;
  readonly carriers: Carriers;
  /** undefined: none. */
  readonly webhooks: WebhookSetting | undefined;
  readonly logLevel: LogLevel;
  /** undefined: there is none. */
  readonly auditLog: AuditLogSetting | undefined;
}

/** Where audit lines go. */
export type AuditLogSetting = { readonly kind: 'stdout' | 'stderr' } | { readonly kind: 'file'; readonly path: string };

const SWITCH = ['on', 'off'] as const;
const LISTEN = { anyPort: true, names: true };

/** By the name of the flag; the variable's is made of it. `docs/settings.md` is checked against this table. */
export const SETTINGS = {
  source: required(
    {
      value: 'kubernetes|directory:PATH',
      summary:
        'Where Services, EndpointSlices and Pods come from: a Kubernetes API server, or a directory of YAML or JSON files. Both are followed as they change.',
    },
    '--source kubernetes or --source directory:./manifests',
    readSource,
  ),
  kubeconfig: optional(
    {
      value: 'FILE',
      summary:
        'For kubernetes: how to reach the API server. Without it KUBECONFIG counts, then the ServiceAccount of the pod, then ~/.kube/config.',
    },
    readText,
  ),
  context: optional(
    { value: 'NAME', summary: 'For kubernetes: the context of the kubeconfig; without it the current one.' },
    readText,
  ),
  namespace: many({ value: 'NAME', summary: 'For kubernetes: a namespace to read; without it all of them.' }, readNamespace),
  events: optional(
    {
      value: SWITCH.join('|'),
      summary:
        'For kubernetes: whether problems, conflicts and receipts become Events, written by one replica. Without it on in a pod, off with a kubeconfig.',
    },
    readChoice(SWITCH),
  ),
  'delete-expired': optional(
    {
      value: SWITCH.join('|'),
      summary:
        'For kubernetes: whether that replica deletes what `detour create --ttl` made, once it has expired. Without it on in a pod, off with a kubeconfig.',
    },
    readChoice(SWITCH),
  ),
  'lease-namespace': optional(
    {
      value: 'NAME',
      summary:
        'For kubernetes: where the Lease is that says which replica writes. Without it POD_NAMESPACE counts, then the namespace of the pod, then detour-system.',
    },
    readNamespace,
  ),
  identity: optional(
    { value: 'NAME', summary: "For kubernetes: this replica's name in the Lease; without it the name of the host." },
    readText,
  ),
  'xds-listen': one(
    {
      value: 'HOST:PORT',
      default: ['127.0.0.1:18000'],
      summary: 'Where Envoys connect (xDS over gRPC). Port 0: any free one.',
    },
    readAddress(LISTEN),
  ),
  ...STREAM_FLAGS,
  'admin-listen': one(
    {
      value: 'HOST:PORT',
      default: ['127.0.0.1:19000'],
      summary: 'Where /healthz, /readyz, /metrics and /api are. Port 0: any free one.',
    },
    readAddress(LISTEN),
  ),
  'health-listen': optional(
    {
      value: 'HOST:PORT',
      summary:
        'Where /healthz and /readyz are for a kubelet, and, for other replicas only, what replicas ask each other. Port 0: any free one.',
    },
    readAddress(LISTEN),
  ),
  'health-metrics': one(
    { value: SWITCH.join('|'), default: ['off'], summary: 'Whether /metrics is at --health-listen too, for everybody.' },
    readChoice(SWITCH),
  ),
  'drain-time': one(
    {
      value: 'SECONDS',
      default: ['5'],
      summary:
        'Over how many seconds Envoys are let go after SIGTERM or SIGINT, so that they do not all come to the next replica at once. 0: at once.',
    },
    readDrainTime,
  ),
  'connection-age': one(
    {
      value: 'SECONDS',
      default: ['3600'],
      summary:
        'At which age, a fifth more or less, a connection of an Envoy ends, so that Envoys spread over replicas again. One that is up to date gets nothing again. 0: never.',
    },
    readConnectionAge,
  ),
  'max-syncing': one(
    {
      value: 'COUNT',
      default: ['100'],
      summary: 'How many streams are brought up to date at once when many Envoys come together; the others wait.',
    },
    readMaxSyncing,
  ),
  header: one({ value: 'NAME', default: [DEFAULT_CARRIERS.header], summary: 'The header that carries the key.' }, readHeader),
  member: one(
    {
      value: 'NAME',
      default: [DEFAULT_CARRIERS.member],
      summary: 'The member of W3C baggage and tracestate that carries the key.',
    },
    readMember,
  ),
  'header-alias': many({ value: 'NAME', summary: 'A further header that is read for the key, after --header.' }, readHeader),
  'member-alias': many({ value: 'NAME', summary: 'A further member that is read for the key, after --member.' }, readMember),
  'webhook-listen': optional(
    {
      value: 'HOST:PORT',
      summary: 'Where the API server calls the webhooks (HTTPS); without it there are none. Port 0: any free one.',
    },
    readAddress(LISTEN),
  ),
  'webhook-cert': optional(
    {
      value: 'FILE',
      summary: "The webhooks' certificate, and those between it and its authority, as PEM. Read again when it changes.",
    },
    readText,
  ),
  'webhook-key': optional({ value: 'FILE', summary: 'The key of --webhook-cert, as PEM.' }, readText),
  'webhook-client-ca': optional(
    {
      value: 'FILE',
      summary:
        'The authorities of those who may call the webhooks, as PEM: whoever shows no certificate of theirs is refused. Read again when it changes. Without it everybody may call.',
    },
    readText,
  ),
  ...SIDECAR_FLAGS,
  'log-level': one(
    { value: LOG_LEVELS.join('|'), default: ['warn'], summary: 'What is logged, as JSON lines on standard error.' },
    readChoice(LOG_LEVELS),
  ),
  'audit-log': optional(
    {
      value: 'FILE|-|stderr',
      summary:
        'Where it is told who changed which intercept, and when it was live, as JSON lines: a file that is appended to, standard output, or standard error. Without it nowhere.',
    },
    readAuditLog,
  ),
} as const satisfies FlagTable;

export interface ConfigReading {
  /** undefined when there are mistakes. */
  readonly config: Config | undefined;
  readonly mistakes: readonly string[];
  readonly help: boolean;
}

/** @param args after `detour serve`. */
export function readConfig(args: readonly string[], environment: Environment): ConfigReading {
  const { values, readable, mistakes: alone, help }: FlagReading<typeof SETTINGS> = readFlags(SETTINGS, args, environment);
  const mistakes = [...alone, ...contradictions(readable)];
  if (values === undefined || mistakes.length > 0) return { config: undefined, mistakes, help };
  return {
    config: {
      source: values.source.kind === 'kubernetes' ? kubernetesSetting(values, environment) : values.source,
      xdsListen: values['xds-listen'],
      streams: streamSetting(values, values['xds-listen']),
      adminListen: values['admin-listen'],
      health: healthSetting(values),
      drainMs: values['drain-time'] * 1000,
      connectionAgeMs: values['connection-age'] * 1000,
      maxSyncing: values['max-syncing'],
      carriers: {
        header: values.header,
        member: values.member,
        headerAliases: values['header-alias'],
        memberAliases: values['member-alias'],
      },
      webhooks: webhookSetting(values),
      logLevel: values['log-level'],
      auditLog: values['audit-log'],
    },
    mistakes,
    help,
  };
}

function webhookSetting(values: FlagValues<typeof SETTINGS>): WebhookSetting | undefined {
  const { 'webhook-listen': listen, 'webhook-cert': cert, 'webhook-key': key } = values;
  if (listen === undefined || cert === undefined || key === undefined) return undefined;
  return { listen, certificate: { cert, key }, clientCa: values['webhook-client-ca'], sidecars: sidecarSetting(values) };
}

/** The environment of this process. */
export function processEnvironment(): Environment {
  return process.env;
}

function healthSetting(values: FlagValues<typeof SETTINGS>): Config['health'] {
  const listen = values['health-listen'];
  return listen === undefined ? undefined : { listen, metrics: values['health-metrics'] === 'on' };
}

/** They mean nothing without an API server. */
const CLUSTER_SETTINGS = [
  'kubeconfig',
  'context',
  'namespace',
  'events',
  'delete-expired',
  'lease-namespace',
  'identity',
] as const;

/** What each value allows and all of them together do not. */
function contradictions(values: Partial<FlagValues<typeof SETTINGS>>): readonly string[] {
  const mistakes: string[] = [];
  const [xds, admin] = [values['xds-listen'], values['admin-listen']];
  if (xds !== undefined && admin !== undefined && xds.port !== 0 && formatSocketAddress(xds) === formatSocketAddress(admin))
    mistakes.push(`--xds-listen and --admin-listen are both ${formatSocketAddress(xds)}: give them different ports.`);
  const webhook = (['webhook-listen', 'webhook-cert', 'webhook-key'] as const).filter((name) => values[name] === undefined);
  if (webhook.length === 1 || webhook.length === 2)
    mistakes.push(
      `${webhook.map((name) => `--${name}`).join(' and ')} ${webhook.length === 1 ? 'is' : 'are'} missing: webhooks need address, certificate and key.`,
    );
  if (webhook.length === 3 && values['webhook-client-ca'] !== undefined)
    mistakes.push('--webhook-client-ca is about --webhook-listen: give that too.');
  if (values['health-listen'] === undefined && values['health-metrics'] === 'on')
    mistakes.push('--health-metrics is about --health-listen: give that too.');
  mistakes.push(...streamMistakes(values, values.source?.kind, xds));
  if (webhook.length === 0 && values['tls-cert'] !== undefined && values['sidecar-xds-ca'] === undefined)
    mistakes.push('--sidecar-xds-ca is missing: injected sidecars have to know who may have signed --tls-cert.');
  for (const name of CLUSTER_SETTINGS)
    if (values.source?.kind === 'directory' && values[name] !== undefined && values[name].length > 0)
      mistakes.push(`--${name} is for --source kubernetes: leave it out beside a directory.`);
  for (const [name, alias] of [
    ['header', 'header-alias'],
    ['member', 'member-alias'],
  ] as const) {
    const all = [values[name], ...(values[alias] ?? [])];
    const repeated = all.find((each, index) => all.indexOf(each) !== index);
    if (repeated !== undefined) mistakes.push(`--${name} and --${alias} name ${JSON.stringify(repeated)} twice: leave one out.`);
  }
  return mistakes;
}

type SourceChoice = { readonly kind: 'kubernetes' } | Extract<SourceSetting, { readonly kind: 'directory' }>;

function readSource(text: string): Reading<SourceChoice> {
  if (text === 'kubernetes') return { value: { kind: 'kubernetes' } };
  const path = /^directory:(?<path>.+)$/s.exec(text)?.groups?.['path'];
  if (path !== undefined) return { value: { kind: 'directory', path } };
  if (text === 'directory' || text === 'directory:') return { mistake: 'names no directory: write directory:PATH' };
  return { mistake: 'is an unknown source; there is: kubernetes, directory:PATH' };
}

function readNamespace(text: string): Reading<string> {
  return isDnsLabel(text) ? { value: text } : { mistake: 'must be a namespace, for example shop' };
}

function readAuditLog(text: string): Reading<AuditLogSetting> {
  if (text === '-') return { value: { kind: 'stdout' } };
  return { value: text === 'stderr' ? { kind: 'stderr' } : { kind: 'file', path: text } };
}

/** Seconds; longer than any pod is given to end makes no sense. */
function readDrainTime(text: string): Reading<number> {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  return seconds <= 300 ? { value: seconds } : { mistake: 'must be a number of seconds from 0 to 300, for example 5' };
}

/** Seconds. A timer of Node runs for 24 days at most, and a fifth is added by chance. */
function readConnectionAge(text: string): Reading<number> {
  const seconds = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (seconds === 0 || (seconds >= 10 && seconds <= 1_000_000)) return { value: seconds };
  return { mistake: 'must be a number of seconds from 10 to 1000000, for example 3600, or 0' };
}

function readMaxSyncing(text: string): Reading<number> {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return count >= 1 && count <= 100_000 ? { value: count } : { mistake: 'must be a number from 1 to 100000, for example 100' };
}

/** Headers that Detour itself writes, or reads for something else. */
const RESERVED = new Set([
  MARK_HEADER,
  STAMP_HEADER,
  UNAVAILABLE_HEADER,
  SHARD_HEADER,
  'host',
  'baggage',
  'tracestate',
  'traceparent',
]);

function readHeader(text: string): Reading<string> {
  const name = text.toLowerCase();
  if (!/^[a-z0-9_-]{1,64}$/.test(name))
    return { mistake: 'must be a header name of letters, digits, - and _, for example x-detour' };
  if (RESERVED.has(name) || name.startsWith('x-detour-baggage-'))
    return { mistake: 'is a header that has another meaning: choose one of your own, for example x-detour' };
  return { value: name };
}

/** What both baggage and tracestate allow as a key. */
function readMember(text: string): Reading<string> {
  if (/^[a-z][a-z0-9_-]{0,63}$/.test(text)) return { value: text };
  return { mistake: 'must be a name of lower-case letters, digits, - and _ that begins with a letter, for example detour' };
}
