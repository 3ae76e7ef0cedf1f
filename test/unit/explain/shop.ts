/** A model to explain requests in, and a short way to say what came out. */

import { explain } from '../../../src/explain/explain.ts';
import type { ExplainedRequest, Explanation } from '../../../src/explain/explanation.ts';
import { InterceptEngine } from '../../../src/intercepts/engine.ts';
import { DEFAULT_CARRIERS } from '../../../src/model/carriers.ts';
import type { InterceptModel } from '../../../src/model/intercept.ts';
import type { Scope } from '../../../src/model/proxy.ts';
import { type ClusterObject, puts } from '../../support/builders.ts';

export const NOW = Date.parse('2030-01-01T00:00:00Z');

export function modelOf(objects: readonly ClusterObject[]): InterceptModel {
  const engine = new InterceptEngine();
  engine.apply(puts(...objects), NOW);
  return engine.model;
}

export const GATEWAY: Extract<Scope, { kind: 'gateway' }> = {
  kind: 'gateway',
  namespace: 'shop',
  listen: { host: '0.0.0.0', port: 8080 },
  previewDomain: 'preview.example.com',
  corsOrigins: ['https://app.example.com'],
};

export type Ask = Partial<ExplainedRequest> & { readonly host?: string };

export function ask(model: InterceptModel, scope: Scope, { host = 'shop.example.com', headers = [], ...rest }: Ask): Explanation {
  const request: ExplainedRequest = { method: 'GET', path: '/', ...rest, headers: [['Host', host], ...headers] };
  const explanation = explain(model, scope, request, { carriers: DEFAULT_CARRIERS });
  if ('error' in explanation) throw new Error(explanation.error);
  return explanation;
}

/** `preview pr-42 by key`, `baseline`, `app (decided)`, …, then who signs for it. */
export function summary({ outcome, mirror, servedBy }: Explanation): string {
  const copy = mirror === undefined ? '' : ` + copy to ${mirror.intercept.split('/')[1]} by ${mirror.via.by}`;
  const sign = servedBy === undefined ? '' : ` > ${servedBy}`;
  return `${describe(outcome)}${copy}${sign}`;
}

function describe(outcome: Explanation['outcome']): string {
  switch (outcome.kind) {
    case 'preview':
      return `preview ${outcome.intercept.split('/')[1]} by ${outcome.via.by}${outcome.percent < 100 ? ` ${outcome.percent} %` : ''}`;
    case 'app':
      return `app (${outcome.why})`;
    case 'no-preview':
      return `no preview ${outcome.key}, link ${outcome.link}`;
    case 'unknown':
      return `unknown ${outcome.what}`;
    default:
      return outcome.kind;
  }
}
