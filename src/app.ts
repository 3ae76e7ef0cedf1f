/**
 * The one file that wires every room: a source's changes go into the intercept engine, what they changed goes to the
 * xDS server, and the admin endpoint shows what all of them hold.
 */
import { readFile } from 'node:fs/promises';
import { ControlPlane } from './admin/control-plane.ts';
import { collectGauges } from './admin/gauges.ts';
import { healthRoutes } from './admin/health-routes.ts';
import { startAdminServer } from './admin/http.ts';
import { Metrics } from './admin/metrics.ts';
import { ProcessMetrics } from './admin/process-metrics.ts';
import { adminRoutes } from './admin/routes.ts';
import { xdsMetrics } from './admin/xds-metrics.ts';
import type { Auditor } from './audit/auditor.ts';
import { collectGarbage } from './collect-garbage.ts';
import type { Config, SourceSetting } from './config.ts';
import { Feed } from './feed.ts';
import { StreamSecurity } from './identity/stream-security.ts';
import { TlsFilesError } from './identity/tls-files.ts';
import { InterceptEngine, type InterceptSettings } from './intercepts/engine.ts';
import { HttpApiClient } from './kubernetes/api-client.ts';
import { inClusterNamespace } from './kubernetes/in-cluster.ts';
import type { Logger } from './logger.ts';
import type { SocketAddress } from './model/proxy.ts';
import { formatSocketAddress } from './model/socket-address.ts';
import { openAudit, receiptTeller } from './open-audit.ts';
import { accessOf, openSource } from './open-source.ts';
import { openWebhooks } from './open-webhooks.ts';
import { CensusKeeper } from './replicas/census-keeper.ts';
import type { Source } from './sources/source.ts';
import { OwnReceipts } from './status/own-receipts.ts';
import { STATUS_TIMES, type StatusTimes, type StatusView, StatusWriter } from './status/status-writer.ts';
import { Translator } from './translate/translate.ts';
import { type XdsLimits, XdsServer } from './xds/xds.ts';

export interface AppOptions {
  readonly log: Logger;
  readonly version: string;
  readonly intercepts?: InterceptSettings;
  readonly limits?: Partial<XdsLimits>;
  readonly status?: Partial<StatusTimes>;
  /** ms since the epoch; the system's clock unless told. */
  readonly now?: () => number;
  /** What the settings name, where it is being read already. */
  readonly source?: Source;
}

/** A running control plane. */
export interface App extends AsyncDisposable {
  /** Where it listens, with the ports that the system chose. */
  readonly xds: SocketAddress;
  readonly admin: SocketAddress;
  /** undefined: nowhere else. */
  readonly health: SocketAddress | undefined;
  /** undefined: there are none. */
  readonly webhooks: SocketAddress | undefined;
  /**
   * Lets the Envoys go, one after the other over the time that is set; they are served meanwhile, and `/readyz` says that
   * nobody else should come. `stop` is still to be called. @param signal ends it early.
   */
  drain(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

/** What is set cannot be: the message says why. */
export class StartError extends Error {}

/** An address cannot be had: somebody else has it, or this machine does not. */
export class ListenError extends StartError {}

/** @throws StartError; nothing is left running then. */
export async function startApp(config: Config, options: AppOptions): Promise<App> {
  const { log, version, now = Date.now } = options;
  const { carriers } = config;
  const [lua = '', filter = '', signedKeys = ''] = await Promise.all(
    ['detour.lua', 'edge.lua', 'signed-keys.lua'].map((name) => readFile(new URL(`../envoy/${name}`, import.meta.url), 'utf8')),
  );
  const settings = { carriers, lua, edge: { filter, signedKeys } };

  // What is started last is stopped first: requests about the state, then what changes it, then the streams.
  await using stack = new AsyncDisposableStack();
  const metrics = new Metrics();
  const processMetrics = stack.use(new ProcessMetrics());

  const onDropped = (lines: number) => metrics.increase('detour_audit_dropped_total', {}, lines);
  const audit = openAudit(config, { now, log, onDropped });
  if (audit !== undefined) stack.use(audit);

  const engine = new InterceptEngine(options.intercepts);
  const translator = new Translator(settings);
  const security = await streamSecurityOf(config, log, now);
  if (security !== undefined) stack.use(security);
  const server = stack.use(
    new XdsServer({
      settings,
      createTranslation: (scope) => translator.scope(scope),
      observer: xdsMetrics(metrics, log),
      now,
      onCalm: () => collectGarbage(),
      ...(security === undefined ? {} : { gate: security.gate, createServer: security.createServer }),
      limits: { maxAgeMs: config.connectionAgeMs, maxSyncing: config.maxSyncing, ...options.limits },
    }),
  );
  const xds = await listening('--xds-listen', config.xdsListen, server.listen(config.xdsListen));

  const source = options.source ?? (await openSource(config.source, now));
  // Knows what is to be told only later, and asks for it later still.
  const view: StatusView = {
    get synced() {
      return feed.synced;
    },
    problems: () => plane.plainProblems(),
    receipt: (id) => {
      const { state, liveSince } = server.receipt(id);
      const isPartial = state === 'live' && census.isAnyAstray;
      return { state: isPartial ? 'pending' : state, liveSince, proxies: server.holders(id) };
    },
  };
  const status = await statusWriterOf(config.source, view, metrics, audit, options);
  const receipts = ownReceipts(config.source, view, audit, now);
  if (receipts !== undefined) stack.use(receipts);
  const feed = stack.use(
    new Feed({
      source,
      engine,
      publish: (model, change, seenAt) => {
        metrics.increase('detour_updates_total', {});
        server.publish(model, change);
        audit?.modelChanged(model, change);
        status?.modelChanged(model, change, seenAt);
        receipts?.modelChanged(model, change, seenAt);
      },
      onChanges: (changes) => {
        status?.objectsChanged(changes);
        for (const [kind, those] of Map.groupBy(changes, (change) => change.kind))
          metrics.increase('detour_source_changes_total', { kind }, those.length);
      },
      log,
      now,
    }),
  );
  feed.start();

  const census = stack.use(await censusKeeperOf(config.source, server, now));
  const plane = new ControlPlane({ engine, server, source, sourceState: feed, carriers, census, version, status, tls: security });
  if (status !== undefined) stack.use(status).start();
  const routes = adminRoutes(plane, () => {
    collectGauges(metrics, plane, processMetrics);
    return metrics.render();
  });
  // It knows who the other replicas are before they ask.
  census.start();
  const adminServer = await listening('--admin-listen', config.adminListen, startAdminServer(config.adminListen, routes, log));
  const { address: admin } = stack.use(adminServer);
  const health = config.health && {
    ...config.health,
    routes: healthRoutes(routes, { metrics: config.health.metrics, isReplica: (address) => census.isReplica(address) }),
  };
  const healthServer =
    health && stack.use(await listening('--health-listen', health.listen, startAdminServer(health.listen, health.routes, log)));
  const systemNamespace = await systemNamespaceOf(config.source);
  const hooks = config.webhooks && openWebhooks(config.webhooks, { systemNamespace, engine, feed, metrics, audit, log });
  const webhooks = hooks && stack.use(await listening('--webhook-listen', hooks.address, hooks.start()));
  log.info('started', { xds, admin, webhooks: webhooks?.address, source: source.name });

  const running = stack.move();
  const stop = (): Promise<void> => running.disposeAsync();
  const drain = async (signal: AbortSignal): Promise<void> => {
    log.info('letting Envoys go', { streams: server.proxies().length, seconds: config.drainMs / 1000 });
    const { streams, left } = await server.drain({ overMs: config.drainMs, signal });
    log.info('Envoys have gone', { streams, ended: streams - left, left });
  };
  return { xds, admin, health: healthServer?.address, webhooks: webhooks?.address, drain, stop, [Symbol.asyncDispose]: stop };
}

/** @returns undefined: in plaintext. */
async function streamSecurityOf(
  { streams, source }: Config,
  log: Logger,
  now: () => number,
): Promise<StreamSecurity | undefined> {
  if (streams.kind === 'plaintext') {
    const consequence =
      'Whoever reaches the port gets the configuration of any Envoy, as whoever it says it is, and what is sent can be read and changed on its way. Give --tls-cert and --tls-key.';
    if (streams.isOpen) log.warn('Envoys are served in plaintext', { consequence });
    return undefined;
  }
  const { kind: _, gateways, ...setting } = streams;
  const sender = source.kind === 'kubernetes' ? new HttpApiClient(accessOf(source.access, now), 'detour-identity') : undefined;
  const allowed = gateways.length > 0 ? gateways : [`${await systemNamespaceOf(source)}/*`];
  try {
    return await StreamSecurity.open({ ...setting, gateways: allowed, sender, log, now });
  } catch (error) {
    if (error instanceof TlsFilesError) throw new StartError(error.message, { cause: error });
    throw error;
  }
}

/** The control plane's own namespace. */
async function systemNamespaceOf(setting: SourceSetting): Promise<string> {
  const own = setting.kind === 'kubernetes' ? setting.status.leaseNamespace : undefined;
  return own ?? (await inClusterNamespace()) ?? SYSTEM_NAMESPACE;
}

async function listening<T>(flag: string, address: SocketAddress, attempt: Promise<T>): Promise<T> {
  try {
    return await attempt;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ListenError(`${flag} ${formatSocketAddress(address)} cannot be listened on: ${why}`, { cause: error });
  }
}

/** Where the control plane is, unless it is told or runs in a pod. */
const SYSTEM_NAMESPACE = 'detour-system';

/** @returns undefined where nothing is to be written. */
async function statusWriterOf(
  setting: SourceSetting,
  view: StatusView,
  metrics: Metrics,
  audit: Auditor | undefined,
  { log, now = Date.now, status: times = {} }: AppOptions,
): Promise<StatusWriter | undefined> {
  if (setting.kind !== 'kubernetes') return undefined;
  const { events, deleteExpired, identity } = setting.status;
  if (!events && !deleteExpired && audit === undefined) return undefined;
  return new StatusWriter({
    access: accessOf(setting.access, now),
    view,
    events,
    deleteExpired,
    identity,
    leaseNamespace: await systemNamespaceOf(setting),
    namespaces: setting.namespaces,
    times,
    now,
    log,
    audit: audit && { begin: (term) => audit.begin(term), onReceipt: receiptTeller(audit) },
    onCount: (counted) => {
      if (counted.kind === 'deleted') metrics.increase('detour_expired_deleted_total', {});
      else if (counted.kind === 'dropped') metrics.increase('detour_events_dropped_total', {}, counted.count);
      else metrics.increase(`detour_events_${counted.kind}_total`, {});
    },
  });
}

/** @returns undefined where the Lease says who tells what, or nobody wants to know. */
function ownReceipts(
  { kind }: SourceSetting,
  { receipt }: StatusView,
  audit: Auditor | undefined,
  now: () => number,
): OwnReceipts | undefined {
  if (kind === 'kubernetes' || audit === undefined) return undefined;
  audit.begin(new AbortController().signal);
  return new OwnReceipts({ receipt, now, everyMs: STATUS_TIMES.everyMs, onReceipt: receiptTeller(audit) });
}

async function censusKeeperOf(setting: SourceSetting, server: XdsServer, now: () => number): Promise<CensusKeeper> {
  const own = {
    connected: () => server.proxies().map(({ id }) => id),
    isDraining: () => server.isDraining,
  };
  if (setting.kind !== 'kubernetes') return new CensusKeeper({ ...own, name: '', cluster: undefined });
  const { identity } = setting.status;
  const sender = new HttpApiClient(accessOf(setting.access, now), 'detour-census');
  const namespace = await systemNamespaceOf(setting);
  return new CensusKeeper({ ...own, name: identity, cluster: { sender, namespace } });
}
