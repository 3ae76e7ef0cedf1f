/** The webhooks that are set, with what they know and who is told. */
import { LogLimit } from './admin/log-limit.ts';
import type { Metrics } from './admin/metrics.ts';
import { appliedRecord } from './audit/applied-record.ts';
import type { Auditor } from './audit/auditor.ts';
import type { WebhookSetting } from './config.ts';
import type { Feed } from './feed.ts';
import type { InterceptEngine } from './intercepts/engine.ts';
import type { Logger } from './logger.ts';
import { WebhookServer } from './webhooks/webhook-server.ts';

export interface OpenWebhooksOptions {
  /** The control plane's own. */
  readonly systemNamespace: string;
  readonly engine: InterceptEngine;
  readonly feed: Feed;
  readonly metrics: Metrics;
  readonly audit: Auditor | undefined;
  readonly log: Logger;
}

/** To be started. */
export function openWebhooks(setting: WebhookSetting, options: OpenWebhooksOptions): WebhookServer {
  const { listen, certificate, clientCa, sidecars } = setting;
  const { systemNamespace, engine, feed, metrics, audit, log } = options;
  const { tls, ...others } = sidecars;
  const strangers = new LogLimit();
  return new WebhookServer({
    listen,
    certificate,
    clientCa,
    xdsCa: tls && { file: tls.caFile, serverName: tls.serverName },
    sidecars: { ...others, systemNamespace },
    // What is not read yet is not missing.
    faultsOf: (declaration, namespace) => (feed.synced ? engine.faultsOf(declaration, namespace) : []),
    onCertificate: (expiresAt, isFailing) => {
      if (expiresAt !== undefined)
        metrics.set('detour_tls_certificate_expiry_timestamp_seconds', { listener: 'webhooks' }, expiresAt / 1000);
      metrics.set('detour_tls_reload_failing', { listener: 'webhooks' }, isFailing ? 1 : 0);
    },
    onReview: (webhook, outcome, request) => {
      metrics.increase('detour_webhook_reviews_total', { webhook, outcome });
      const record = webhook === 'validate' && request !== undefined ? appliedRecord(request, outcome) : undefined;
      if (record !== undefined) audit?.applied(record);
    },
    onStranger: (from, why) => {
      const unsaid = strangers.take(performance.now());
      if (unsaid === undefined) return;
      const consequence =
        'Its review was not read. If it is the API server, pods are made without a sidecar, and annotations are not checked, until it shows a certificate of --webhook-client-ca.';
      log.warn(`a caller of the webhooks was refused: it ${why}`, { from, unsaid, consequence });
    },
    log,
  });
}
