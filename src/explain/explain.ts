/**
 * The one door of this room: what one Envoy does with one request, and why. It reads the model by itself, and not the
 * resources that translation makes of it; a property test holds it against real Envoys.
 */
import type { Carriers } from '../model/carriers.ts';
import type { InterceptModel } from '../model/intercept.ts';
import type { Scope } from '../model/proxy.ts';
import { Regexes } from '../model/re2.ts';
import { explainGateway } from './explain-gateway.ts';
import { explainInbound, explainOutbound } from './explain-sidecar.ts';
import type { ExplainedRequest, Explanation } from './explanation.ts';
import { headerLines } from './headers.ts';
import type { Hop } from './hop.ts';

export interface ExplainSettings {
  readonly carriers: Carriers;
}

/** @returns `error`: the request does not fit the Envoy, in a sentence. */
export function explain(
  model: InterceptModel,
  scope: Scope,
  request: ExplainedRequest,
  settings: ExplainSettings,
): Explanation | { readonly error: string } {
  const hop: Hop = {
    model,
    carriers: settings.carriers,
    regexes: new Regexes(),
    method: request.method,
    path: request.path,
    lines: headerLines(request.headers),
  };
  if (scope.kind === 'gateway') return explainGateway(scope, hop);
  if (scope.kind === 'client') return { error: 'A client that routes for itself is no Envoy: there is no hop to explain.' };
  const { listener } = request;
  if (listener === undefined) return { error: 'A sidecar has several listeners: say which one the request comes to.' };
  return listener.kind === 'inbound' ? explainInbound(scope, listener.port, hop) : explainOutbound(scope, hop);
}
