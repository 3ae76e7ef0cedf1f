/** Who leads, as a `coordination.k8s.io/v1` Lease says it, and what one may conclude from that. No clock: times come in. */
import { FieldReader, type Fields } from '../model/field-reader.ts';

export interface LeaseRecord {
  /** '' where it was given up. */
  readonly holder: string;
  readonly durationSeconds: number;
  /** As written by the holder's clock: only compared, never read as a time. */
  readonly renewTime: string;
  readonly acquireTime: string;
  readonly transitions: number;
  readonly resourceVersion: string;
}

/** A record, and when this replica first saw it, on a clock of its own. */
export interface Observed {
  readonly record: LeaseRecord;
  /** ms, monotonic */
  readonly at: number;
}

/** What cannot be read counts as held by nobody: the compare-and-swap settles who is first. */
export function readLease(object: Fields): LeaseRecord {
  const read = new FieldReader();
  const metadata = read.map(object['metadata'], 'metadata');
  const spec = read.map(object['spec'], 'spec');
  const count = (value: unknown) => (typeof value === 'number' && value > 0 ? value : 0);
  return {
    holder: read.text(spec['holderIdentity'], 'spec.holderIdentity'),
    durationSeconds: count(spec['leaseDurationSeconds']),
    renewTime: read.text(spec['renewTime'], 'spec.renewTime'),
    acquireTime: read.text(spec['acquireTime'], 'spec.acquireTime'),
    transitions: count(spec['leaseTransitions']),
    resourceVersion: read.text(metadata['resourceVersion'], 'metadata.resourceVersion'),
  };
}

/** A record that changed was renewed just now, whatever the time in it: clocks of replicas need not agree. */
export function observe(before: Observed | undefined, record: LeaseRecord, at: number): Observed {
  return before?.record.resourceVersion === record.resourceVersion ? before : { record, at };
}

/** @param now ms, monotonic */
export function mayClaim({ record, at }: Observed, identity: string, now: number): boolean {
  return record.holder === '' || record.holder === identity || at + record.durationSeconds * 1000 <= now;
}

export interface Claim {
  readonly namespace: string;
  readonly name: string;
  /** '' gives it up. */
  readonly holder: string;
  readonly durationMs: number;
  /** ms since the epoch */
  readonly now: number;
}

/** The Lease that says so, for a PUT that only succeeds if nobody wrote since `before`; undefined: for a POST. */
export function leaseOf(claim: Claim, before: LeaseRecord | undefined): Fields {
  const { namespace, name, holder, durationMs, now } = claim;
  const time = new Date(now).toISOString().replace('Z', '000Z');
  const isNewTerm = before?.holder !== holder;
  const isTakeOver = isNewTerm && holder !== '' && before !== undefined;
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace, name, ...(before === undefined ? {} : { resourceVersion: before.resourceVersion }) },
    spec: {
      holderIdentity: holder,
      leaseDurationSeconds: holder === '' ? 1 : Math.max(1, Math.ceil(durationMs / 1000)),
      acquireTime: isNewTerm || before.acquireTime === '' ? time : before.acquireTime,
      renewTime: time,
      leaseTransitions: (before?.transitions ?? 0) + (isTakeOver ? 1 : 0),
    },
  };
}
