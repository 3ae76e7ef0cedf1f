/** The audit log that is set. */
import { hostname } from 'node:os';
import { Auditor } from './audit/auditor.ts';
import { appendToFile, appendToStream } from './audit/line-writer.ts';
import type { AuditLogSetting, Config } from './config.ts';
import type { Logger } from './logger.ts';
import type { ReceiptAskerOptions } from './status/receipt-asker.ts';

export interface OpenAuditOptions {
  /** ms since the epoch. */
  readonly now: () => number;
  readonly log: Logger;
  readonly onDropped: (lines: number) => void;
}

/** @returns undefined: there is none. */
export function openAudit({ auditLog, source }: Config, options: OpenAuditOptions): Auditor | undefined {
  if (auditLog === undefined) return undefined;
  const replica = source.kind === 'kubernetes' ? source.status.identity : hostname();
  return new Auditor({ ...options, ...placeOf(auditLog), replica });
}

function placeOf(setting: AuditLogSetting): Pick<ConstructorParameters<typeof Auditor>[0], 'append' | 'place'> {
  if (setting.kind === 'file') return { append: appendToFile(setting.path), place: setting.path };
  if (setting.kind === 'stdout') return { append: appendToStream(process.stdout), place: 'standard output' };
  return { append: appendToStream(process.stderr), place: 'standard error' };
}

/** What is told of a receipt. */
export function receiptTeller(audit: Auditor): NonNullable<ReceiptAskerOptions['onReceipt']> {
  return (state, { intercept, version, seenAt }, { proxies, liveSince }) => {
    const acked = [...proxies.values()].filter((has) => has).length;
    const afterMs = state === 'live' && liveSince !== undefined ? Math.max(0, liveSince - seenAt) : null;
    audit.received({ intercept: intercept.id, version, state, envoys: proxies.size, acked, afterMs });
  };
}
