/** The lines of the audit log (docs/audit.md): one JSON object each. What is not there is null: JSON has no undefined. */
import type { Mode, WhenUnavailable } from '../model/intercept.ts';
import type { InterceptId, ServicePortKey } from '../model/names.ts';
import type { ProblemCode } from '../model/problem.ts';

/** What an author decides about an intercept. */
export interface Terms {
  /** As `detour.dev/match` would say it; null: the key only. */
  readonly match: string | null;
  readonly mode: Mode;
  readonly percent: number;
  readonly whenUnavailable: WhenUnavailable;
  /** RFC 3339; null: never. */
  readonly expires: string | null;
}

/** Whether it is served. `shadowed`: another preview with the key is. */
export type Standing = 'active' | 'shadowed' | 'expired' | 'refused';

/** Of one intercept, all that the log tells. */
export interface AuditedState {
  readonly standing: Standing;
  readonly terms: Terms;
  /** For `refused`: why, sorted. */
  readonly problems: readonly ProblemCode[];
  /** For `shadowed`: who is served. */
  readonly winner: InterceptId | null;
}

/** Whom a line is about. */
export interface AuditSubject {
  readonly intercept: InterceptId;
  /** Of the preview, with the workload that its pods belong to: what lines of the webhook name, too. */
  readonly namespace: string;
  readonly workload: { readonly kind: string; readonly name: string };
  readonly key: string;
  readonly target: ServicePortKey;
}

export type ChangeEvent = 'present' | 'created' | 'changed' | 'refused' | 'lost' | 'won' | 'expired' | 'deleted';

/** What became of an intercept. */
export interface ChangeRecord extends AuditSubject {
  readonly event: ChangeEvent;
  /** What differs now; everything for `present` and `created`, nothing for `deleted`. */
  readonly after: Partial<AuditedState>;
  /** What of it was there before. */
  readonly before: Partial<AuditedState>;
}

export interface ReceiptRecord extends AuditSubject {
  /** `live`: every Envoy that needs it has it. `rejected`: one refuses it. */
  readonly event: 'live' | 'rejected';
  readonly envoys: number;
  /** Of these, how many have it. */
  readonly acked: number;
  /** From when the control plane heard of it until the last Envoy had it. */
  readonly afterMs: number | null;
}

/** Who applied an object, as the API server told the validating webhook. */
export interface AppliedRecord {
  readonly event: 'applied';
  readonly namespace: string;
  readonly workload: { readonly kind: string; readonly name: string };
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly user: string;
  /** What the webhook said: a line may be about what was denied. */
  readonly outcome: string;
  /** Labels and annotations of Detour that differ, as they are and as they were. */
  readonly after: Readonly<Record<string, string>>;
  readonly before: Readonly<Record<string, string>>;
}

/** This replica writes from here on: `present` lines follow, one for each intercept that there is. */
export interface LeadingRecord {
  readonly event: 'leading';
  readonly intercepts: number;
}

/** Lines that could not be written since the last one that was. */
export interface DroppedRecord {
  readonly event: 'dropped';
  readonly lines: number;
}

export type AuditRecord = ChangeRecord | ReceiptRecord | AppliedRecord | LeadingRecord | DroppedRecord;
