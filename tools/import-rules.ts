/**
 * Who may import what. A room is a folder of src/, or a file beside them. What is not allowed here is forbidden, so a
 * new room or a new dependency needs a line here, with its reason.
 */
export interface RoomRule {
  /** Other rooms that it may import; its own files always. */
  readonly imports: readonly string[];
  /** `pure`: no I/O, clock, logger or randomness, so of Node's modules only those that compute. */
  readonly purity: 'pure' | 'shell';
  readonly why: string;
}

const CORE = ['model', 'annotations', 'intercepts', 'translate'];
const ROOMS_BELOW_APP = [
  ...CORE,
  'explain',
  'preview',
  'capture',
  'keys',
  'inject',
  'xds',
  'kubernetes',
  'sources',
  'replicas',
  'status',
  'admin',
  'identity',
  'webhooks',
  'audit',
];

export const ROOMS: Readonly<Record<string, RoomRule>> = {
  model: { imports: [], purity: 'pure', why: 'the words that all rooms share know none of them' },
  annotations: { imports: ['model'], purity: 'pure', why: 'text to declaration: knows no cluster and no Envoy' },
  intercepts: { imports: ['model', 'annotations'], purity: 'pure', why: 'state to intercepts: knows no Envoy' },
  translate: {
    imports: ['model', 'annotations', 'intercepts', 'generated'],
    purity: 'pure',
    why: "intercepts to resources: knows Envoy's messages, and no stream",
  },
  explain: { imports: [...CORE, 'keys', 'generated'], purity: 'pure', why: 'a second reading of the same model, on its own' },
  keys: { imports: ['model'], purity: 'pure', why: 'signed keys, made and read: knows no file and no Envoy' },
  capture: { imports: ['model'], purity: 'pure', why: 'settings to rules of iptables: runs no program itself' },
  preview: { imports: ['model', 'annotations'], purity: 'pure', why: 'a workload to its preview: knows no cluster and no Envoy' },
  inject: {
    imports: ['model', 'annotations', 'envoy-bootstrap.ts', 'envoy-credentials.ts'],
    purity: 'pure',
    why: 'a pod to what is added to it: knows no cluster and no webhook',
  },
  http2: { imports: [], purity: 'pure', why: 'bytes to streams and back: knows no socket, no clock, and not what is said' },
  grpc: { imports: ['model', 'http2'], purity: 'shell', why: 'a server of calls: knows not what is said in them' },
  xds: {
    imports: [...CORE, 'grpc', 'generated', 'logger.ts'],
    purity: 'shell',
    why: 'resources to streams: knows no source and no HTTP',
  },
  kubernetes: { imports: ['model'], purity: 'shell', why: 'the way to an API server, whoever asks it and for what' },
  identity: {
    imports: ['model', 'kubernetes', 'xds', 'logger.ts', 'watched-files.ts'],
    purity: 'shell',
    why: 'who an Envoy is, and whether it may be whom it claims to be: knows no streams',
  },
  sources: {
    imports: ['model', 'kubernetes', 'logger.ts'],
    purity: 'shell',
    why: 'where state comes from: knows not what becomes of it',
  },
  replicas: { imports: ['model', 'kubernetes'], purity: 'shell', why: 'whom the other replicas serve: knows no xDS' },
  status: {
    imports: ['model', 'annotations', 'kubernetes', 'replicas', 'logger.ts'],
    purity: 'shell',
    why: 'writes into the cluster what is so: knows not how it came about, and nothing waits for it',
  },
  webhooks: {
    imports: ['model', 'annotations', 'inject', 'sources', 'logger.ts', 'watched-files.ts'],
    purity: 'shell',
    why: 'what an API server asks before it stores an object: knows no stream and no state but what Services allow',
  },
  audit: {
    imports: ['model', 'annotations', 'webhooks', 'logger.ts'],
    purity: 'shell',
    why: 'tells in a log what intercepts become and who applied them: decides nothing, and nothing waits for it',
  },
  admin: {
    imports: [...CORE, 'explain', 'xds', 'sources', 'config.ts', 'logger.ts'],
    purity: 'shell',
    why: 'shows what the rooms hold',
  },
  cli: {
    imports: [
      ...ROOMS_BELOW_APP,
      'app.ts',
      'open-source.ts',
      'config.ts',
      'kubernetes-setting.ts',
      'sidecar-setting.ts',
      'flags.ts',
      'flag-values.ts',
      'logger.ts',
      'envoy-bootstrap.ts',
      'envoy-credentials.ts',
      'envoy-certificates.ts',
    ],
    purity: 'shell',
    why: 'the command stands at the top',
  },
  generated: { imports: [], purity: 'pure', why: 'made by tools/gen-protos.ts' },
  'logger.ts': { imports: ['config.ts'], purity: 'shell', why: 'the one door to pino' },
  'collect-garbage.ts': { imports: [], purity: 'shell', why: 'what of V8 is told to collect, and when not' },
  'watched-files.ts': { imports: [], purity: 'shell', why: 'files that others replace, used together' },
  'flags.ts': { imports: ['model'], purity: 'pure', why: 'a table of flags, whatever command they belong to' },
  'flag-values.ts': { imports: ['model', 'flags.ts'], purity: 'pure', why: 'values that flags of several commands take' },
  'config.ts': {
    imports: ['model', 'flags.ts', 'flag-values.ts', 'kubernetes-setting.ts', 'sidecar-setting.ts', 'stream-setting.ts'],
    purity: 'shell',
    why: 'all settings, read and validated at once',
  },
  'stream-setting.ts': {
    imports: ['model', 'flags.ts', 'flag-values.ts'],
    purity: 'pure',
    why: 'flags to how streams are kept from those whom they do not concern',
  },
  'sidecar-setting.ts': {
    imports: ['model', 'annotations', 'inject', 'flags.ts', 'flag-values.ts'],
    purity: 'pure',
    why: 'what sidecars are, for the control plane and for a command',
  },
  'kubernetes-setting.ts': {
    imports: ['flags.ts'],
    purity: 'shell',
    why: 'flags and environment to a cluster, for the control plane and for commands',
  },
  'envoy-bootstrap.ts': {
    imports: ['model', 'translate', 'envoy-probes.ts', 'envoy-credentials.ts', 'envoy-capture.ts'],
    purity: 'pure',
    why: 'options to a bootstrap',
  },
  'envoy-credentials.ts': { imports: [], purity: 'pure', why: 'how an Envoy and the control plane know each other' },
  'envoy-certificates.ts': {
    imports: ['model', 'envoy-credentials.ts'],
    purity: 'pure',
    why: 'where a gateway finds what it shows its clients',
  },
  'envoy-capture.ts': {
    imports: ['model', 'envoy-probes.ts'],
    purity: 'pure',
    why: "where a pod's captured traffic arrives, before there is a control plane",
  },
  'envoy-probes.ts': { imports: ['model'], purity: 'pure', why: "what of an Envoy's admin endpoint is shown" },
  'feed.ts': {
    imports: ['model', 'intercepts', 'sources', 'logger.ts'],
    purity: 'shell',
    why: 'turns and timers between a source and the engine',
  },
  'open-source.ts': {
    imports: ['kubernetes', 'sources', 'config.ts', 'kubernetes-setting.ts'],
    purity: 'shell',
    why: 'begins to read while the rest is being loaded',
  },
  'open-audit.ts': {
    imports: ['audit', 'status', 'config.ts', 'logger.ts'],
    purity: 'shell',
    why: 'a setting to an audit log, and receipts to its lines',
  },
  'open-webhooks.ts': {
    imports: ['admin', 'audit', 'intercepts', 'webhooks', 'config.ts', 'feed.ts', 'logger.ts'],
    purity: 'shell',
    why: 'a setting to webhooks, and what they were asked to metrics, log and audit log',
  },
  'app.ts': {
    imports: [
      ...ROOMS_BELOW_APP,
      ...[
        'generated',
        'collect-garbage.ts',
        'config.ts',
        'open-audit.ts',
        'open-source.ts',
        'open-webhooks.ts',
        'feed.ts',
        'logger.ts',
      ],
    ],
    purity: 'shell',
    why: 'wires every room',
  },
  'main.ts': {
    imports: ['app.ts', 'cli', 'config.ts', 'logger.ts', 'model', 'envoy-bootstrap.ts'],
    purity: 'shell',
    why: 'the entry',
  },
};

export interface DoorRule {
  /** Paths below src/ that may import the package. */
  readonly door: RegExp;
  readonly why: string;
}

export const DOORS: Readonly<Record<string, DoorRule>> = {
  yaml: {
    door: /^(sources\/directory\/|kubernetes\/(kubeconfig|login)-file\.ts$|cli\/)/,
    why: 'text formats stop where files are read or printed',
  },
  pino: { door: /^logger\.ts$/, why: 'the rooms get a logger, they choose none' },
  re2js: { door: /^model\/re2\.ts$/, why: "one answer to what Envoy's RE2 takes and what it costs" },
  ws: { door: /^kubernetes\/port-forward\.ts$/, why: 'WebSockets are how an API server forwards ports' },
  '@kubernetes/client-node': { door: /^kubernetes\/proxy-agent\.ts$/, why: 'large, and only for those who have a proxy' },
  '@prometheus-io/client': { door: /^admin\//, why: 'rooms report numbers, one place names the metrics' },
};

/** Node's modules that only compute: allowed in pure rooms. */
export const PURE_NODE_MODULES: ReadonlySet<string> = new Set(['node:crypto', 'node:net', 'node:path', 'node:util']);
