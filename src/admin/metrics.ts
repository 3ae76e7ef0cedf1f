/** Every metric there is, in one table, and the one registry that holds them. */
import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';

interface MetricEntry {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
}

/** `docs/metrics.md` is checked against this table. Units are seconds and bytes; counters end in `_total`. */
export const METRICS = {
  detour_build_info: { kind: 'gauge', labels: ['version'], help: 'Always 1; its label is the version of Detour.' },
  detour_draining: { kind: 'gauge', labels: [], help: '1 from the signal to stop on, while streams are let go.' },
  detour_ready: { kind: 'gauge', labels: [], help: '1 when /readyz says ready.' },

  detour_source_synced: { kind: 'gauge', labels: ['source'], help: '1 once everything was read; Envoys wait until then.' },
  detour_source_available: {
    kind: 'gauge',
    labels: ['source'],
    help: '0 while the source cannot be read; what it said last is served meanwhile.',
  },
  detour_source_last_read_timestamp_seconds: {
    kind: 'gauge',
    labels: ['source'],
    help: 'When the source was last read without trouble, in seconds since the epoch; 0: never.',
  },
  detour_source_age_seconds: {
    kind: 'gauge',
    labels: ['source'],
    help: 'How old what is served may be: 0 while the source is followed, else how long it has not been heard; absent before everything was read once.',
  },
  detour_source_clock_ahead_seconds: {
    kind: 'gauge',
    labels: ['source'],
    help: "By how much the clock here is ahead of the API server's, to about a second; negative: behind. Expiries come by the clock here.",
  },
  detour_source_changes_total: {
    kind: 'counter',
    labels: ['kind'],
    help: 'Objects that were added, changed or removed, by kind: service, slice, pod.',
  },

  detour_intercepts: {
    kind: 'gauge',
    labels: ['state'],
    help: 'Intercepts by state: active, shadowed, expired, invalid, rejected.',
  },
  detour_problems: {
    kind: 'gauge',
    labels: ['code', 'severity'],
    help: 'Problems that are there now, by code (see problems.md).',
  },
  detour_services_built_total: {
    kind: 'counter',
    labels: [],
    help: 'Services whose model was built again: the work of changes.',
  },
  detour_updates_total: { kind: 'counter', labels: [], help: 'Changes of the model that were handed to the streams.' },

  detour_leader: { kind: 'gauge', labels: [], help: '1 while this replica writes Events and deletes what has expired.' },
  detour_status_available: {
    kind: 'gauge',
    labels: [],
    help: '0 while something keeps this replica from the Lease, from writing Events or from deleting; /readyz?verbose says what.',
  },
  detour_events_written_total: { kind: 'counter', labels: [], help: 'Events that were written, new ones and repetitions.' },
  detour_events_failed_total: {
    kind: 'counter',
    labels: [],
    help: 'Attempts to write an Event that failed; most are tried again.',
  },
  detour_events_dropped_total: {
    kind: 'counter',
    labels: [],
    help: 'Events that are never written: too many at once, or refused by the API server.',
  },
  detour_audit_dropped_total: {
    kind: 'counter',
    labels: [],
    help: 'Lines of the audit log that were left out, as too many waited to be written.',
  },
  detour_expired_deleted_total: { kind: 'counter', labels: [], help: 'Workloads that were deleted because they had expired.' },

  detour_webhook_reviews_total: {
    kind: 'counter',
    labels: ['webhook', 'outcome'],
    help: 'What the API server asked: inject (injected, unfit, left, failed), validate (fine, warned, denied, failed); refused: whoever asked may not.',
  },

  detour_xds_streams: {
    kind: 'gauge',
    labels: ['protocol', 'role'],
    help: 'Open streams, by protocol (sotw, delta) and role of the client.',
  },
  detour_xds_streams_total: { kind: 'counter', labels: ['protocol'], help: 'Streams that were opened.' },
  detour_xds_streams_closed_total: {
    kind: 'counter',
    labels: [],
    help: 'Streams that Detour closed, because the client took nothing or asked for what cannot be.',
  },
  detour_xds_streams_drained_total: {
    kind: 'counter',
    labels: [],
    help: 'Streams that Detour ended because it was told to stop.',
  },
  detour_xds_streams_refused_total: {
    kind: 'counter',
    labels: [],
    help: 'Streams that were closed because of what the client said of itself.',
  },
  detour_xds_streams_sent_away_total: {
    kind: 'counter',
    labels: [],
    help: 'Streams that were closed before they were read, because many others were being brought up to date.',
  },
  detour_xds_connections_total: {
    kind: 'counter',
    labels: [],
    help: 'Connections that were made.',
  },
  detour_xds_connections_given_up_total: {
    kind: 'counter',
    labels: ['why'],
    help: 'Connections that Detour gave up: age, idle, dead (no sign of life), flood (of frames that are of no use), full (too many).',
  },
  detour_xds_denied_total: {
    kind: 'counter',
    labels: ['reason'],
    help: 'Streams that were not let in, by reason: none, token, audience, expired, certificate, unbound, node, gateway, status, unavailable.',
  },
  detour_xds_subscriptions: {
    kind: 'gauge',
    labels: ['type'],
    help: 'Types that streams are subscribed to: one for each stream and type.',
  },
  detour_xds_responses_total: { kind: 'counter', labels: ['type'], help: 'Responses that were sent.' },
  detour_xds_response_bytes_total: { kind: 'counter', labels: ['type'], help: 'Bytes of these responses.' },
  detour_xds_resources_sent_total: {
    kind: 'counter',
    labels: ['type'],
    help: 'Resources in these responses: an Envoy that comes from another replica costs none.',
  },
  detour_xds_acks_total: { kind: 'counter', labels: ['type'], help: 'Responses that clients accepted.' },
  detour_xds_nacks_total: { kind: 'counter', labels: ['type'], help: 'Responses that clients refused.' },
  detour_xds_resources: {
    kind: 'gauge',
    labels: ['type'],
    help: 'Resources that are held, over all views, each distinct one once.',
  },
  detour_xds_duplicate_nodes: {
    kind: 'gauge',
    labels: [],
    help: 'Node ids that several connected Envoys claim: a mistake in their bootstraps.',
  },
  detour_xds_quarantined_intercepts: {
    kind: 'gauge',
    labels: [],
    help: 'Intercepts that are left out because an Envoy refused them.',
  },
  detour_change_to_last_ack_seconds: {
    kind: 'histogram',
    labels: [],
    help: 'From the moment a change was handed to the streams until the last Envoy that needs it has accepted it.',
  },

  detour_tls_certificate_expiry_timestamp_seconds: {
    kind: 'gauge',
    labels: ['listener'],
    help: 'When a certificate expires, in seconds since the epoch, by listener: xds, webhooks; absent without TLS.',
  },
  detour_tls_reload_failing: {
    kind: 'gauge',
    labels: ['listener'],
    help: '1 while the files of a certificate cannot be used, by listener: xds, webhooks; what they held before is used on. Absent without TLS.',
  },
  detour_event_loop_lag_seconds: {
    kind: 'gauge',
    labels: ['quantile'],
    help: 'How late the event loop was since the last scrape: quantiles 0.5, 0.99 and 1.',
  },
  process_resident_memory_bytes: { kind: 'gauge', labels: [], help: 'Resident memory of the process.' },
  process_cpu_seconds_total: { kind: 'counter', labels: [], help: 'User and system CPU time of the process.' },
  process_start_time_seconds: { kind: 'gauge', labels: [], help: 'When the process started, in seconds since the epoch.' },
} as const satisfies Readonly<Record<string, MetricEntry>>;

type Table = typeof METRICS;
export type MetricName = keyof Table;
type NamesOf<Kind extends MetricEntry['kind']> = {
  [Name in MetricName]: Table[Name]['kind'] extends Kind ? Name : never;
}[MetricName];
export type LabelsOf<Name extends MetricName> = Readonly<Record<Table[Name]['labels'][number], string>>;

/** A millisecond to a minute: most changes are in the first half, a slow Envoy in the second. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export class Metrics {
  readonly #registry = new Registry();
  readonly #counters = new Map<string, Counter<string>>();
  readonly #gauges = new Map<string, Gauge<string>>();
  readonly #histograms = new Map<string, Histogram<string>>();

  constructor() {
    const table: Readonly<Record<string, MetricEntry>> = METRICS;
    for (const [name, { kind, labels, help }] of Object.entries(table)) {
      const configuration = { name, help, labelNames: labels, registers: [this.#registry] };
      if (kind === 'counter') this.#counters.set(name, new Counter(configuration));
      else if (kind === 'gauge') this.#gauges.set(name, new Gauge(configuration));
      else this.#histograms.set(name, new Histogram({ ...configuration, buckets: BUCKETS }));
    }
  }

  increase<Name extends NamesOf<'counter'>>(name: Name, labels: LabelsOf<Name>, by = 1): void {
    this.#counters.get(name)?.inc(labels, by);
  }

  /** For counters that are kept elsewhere. */
  setCounter(name: NamesOf<'counter'>, value: number): void {
    const counter = this.#counters.get(name);
    counter?.reset();
    counter?.inc(value);
  }

  set<Name extends NamesOf<'gauge'>>(name: Name, labels: LabelsOf<Name>, value: number): void {
    this.#gauges.get(name)?.set(labels, value);
  }

  /** Replaces all that the gauge said: what is not counted any more is not reported either. */
  replace<Name extends NamesOf<'gauge'>>(name: Name, values: Iterable<readonly [labels: LabelsOf<Name>, value: number]>): void {
    this.#gauges.get(name)?.reset();
    for (const [labels, value] of values) this.set(name, labels, value);
  }

  /** @param value in the metric's unit */
  observe(name: NamesOf<'histogram'>, value: number): void {
    this.#histograms.get(name)?.observe(value);
  }

  /** The text format of Prometheus. */
  async render(): Promise<{ readonly type: string; readonly body: string }> {
    return { type: this.#registry.contentType, body: await this.#registry.metrics() };
  }
}
