/** A gateway's hop: preflights, preview URLs, addresses of previews, hosts and their paths. */
import { readSignedKey } from '../keys/signed-key.ts';
import { type CarrierPolicy, MARK_HEADER } from '../model/carriers.ts';
import type { HostModel, Intercept, PortModel, ServiceModel } from '../model/intercept.ts';
import { isKey } from '../model/names.ts';
import { compareText } from '../model/order.ts';
import type { Scope } from '../model/proxy.ts';
import { previewAddresses } from '../translate/gateway-routes.ts';
import { type HostReading, readAuthority, readHost } from './authority.ts';
import { readEdge } from './edge.ts';
import type { Explanation, Outcome } from './explanation.ts';
import { type HeaderLines, headerValue, lowerCase, withHeader, withoutHeader } from './headers.ts';
import { explainPorts, foundKey, type Hop, type Site } from './hop.ts';
import { type CarriedKey, carriedKey } from './key.ts';
import { memberValue, withMember } from './members.ts';

type GatewayScope = Extract<Scope, { readonly kind: 'gateway' }>;

const SITE: Site = { hop: 'gateway', baseline: 'baseline', app: undefined };

export function explainGateway(scope: GatewayScope, asked: Hop): Explanation {
  const { carriers } = scope;
  return carriers === undefined
    ? explainOpen(scope, asked)
    : { ...explainGuarded(scope, carriers, asked), carriers: carriers.kind };
}

/** Carriers do not count as they come. */
function explainGuarded(scope: GatewayScope, policy: CarrierPolicy, asked: Hop): Explanation {
  const { lines, signed } = readEdge(policy, asked.carriers, asked.lines);
  const hop = { ...asked, lines };
  if (policy.kind === 'signed' && isCarrierPreflight(scope, hop)) return replied({ kind: 'preflight' }, undefined, hop);
  const authority = readAuthority(headerValue(lines, 'host') ?? '');
  const host = authority.host.replace(/\.$/, '');
  const reading = readHost(host, scope.previewDomain);
  const declared = hop.model.hosts.get(host);
  if (reading.kind === 'address' || (reading.kind === 'preview' && declared === undefined))
    return explainGuardedPreview(scope, policy, signed, reading, authority.port, host, hop);
  const found = signed.find(({ source }) => source.kind !== 'cookie');
  if (declared === undefined || reading.kind === 'impossible') return replied({ kind: 'unknown', what: 'host' }, found, hop);
  return explainHost(declared, hop, found);
}

function explainGuardedPreview(
  scope: GatewayScope,
  policy: CarrierPolicy,
  signed: readonly CarriedKey[],
  reading: Extract<HostReading, { readonly kind: 'preview' | 'address' }>,
  port: string,
  host: string,
  hop: Hop,
): Explanation {
  const { key } = reading;
  let link: string | undefined;
  if (reading.kind === 'preview') {
    const served = hop.model.hosts.get(reading.host);
    if (served?.previewUrls !== true || key === '') return replied({ kind: 'unknown', what: 'host' }, undefined, hop);
    if (portFor(served, hop) === undefined) return replied({ kind: 'unknown', what: 'path' }, undefined, hop);
    link = reading.host + port;
  }
  if (policy.kind === 'strip' || !isKey(key)) return replied({ kind: 'no-preview', key, link }, undefined, hop);
  if (/^(GET|HEAD)$/.test(hop.method) && signedInQuery(hop.path).includes(key))
    return replied({ kind: 'cookie', key }, undefined, hop);
  if (!signed.some((each) => each.key === key)) return replied({ kind: 'unsigned', key }, undefined, hop);
  return reading.kind === 'preview' ? explainPreviewHost(reading, port, host, hop) : explainAddress(scope, key, host, hop);
}

/** Keys of those that the query has. */
function signedInQuery(path: string): readonly string[] {
  const [, query = ''] = /^[^?]*\?(.*)$/.exec(path) ?? [];
  return query
    .split('&')
    .flatMap((pair) => (pair.startsWith('detour=') ? (readSignedKey(pair.slice('detour='.length))?.key ?? []) : []));
}

function explainOpen(scope: GatewayScope, asked: Hop): Explanation {
  if (isCarrierPreflight(scope, asked)) return replied({ kind: 'preflight' }, undefined, asked);
  const hop = { ...asked, lines: withoutHeader(asked.lines, MARK_HEADER) };
  const authority = readAuthority(headerValue(hop.lines, 'host') ?? '');
  const host = authority.host.replace(/\.$/, '');
  const reading = readHost(host, scope.previewDomain);
  if (reading.kind === 'impossible') return replied({ kind: 'unknown', what: 'host' }, undefined, hop);
  if (reading.kind === 'address') return explainAddress(scope, reading.key, host, hop);
  const model = hop.model.hosts.get(host);
  const found = carriedKey(hop.lines, hop.carriers);
  // A host that somebody declared is no preview of another, whatever it looks like.
  if (model !== undefined) return explainHost(model, hop, found);
  if (reading.kind === 'preview') return explainPreviewHost(reading, authority.port, host, hop);
  return replied({ kind: 'unknown', what: 'host' }, found, hop);
}

function explainPreviewHost(
  { key, host: plain }: Extract<HostReading, { readonly kind: 'preview' }>,
  port: string,
  host: string,
  hop: Hop,
): Explanation {
  const model = hop.model.hosts.get(plain);
  const served = model?.previewUrls === true && key !== '' ? model : undefined;
  if (isKey(key) && hop.model.keys.has(key)) {
    const found: CarriedKey = { key, source: { kind: 'host', host } };
    const carrying = { ...hop, lines: carry(hop.lines, key, hop) };
    return served === undefined ? replied({ kind: 'unknown', what: 'host' }, found, hop) : explainHost(served, carrying, found);
  }
  const found = carriedKey(hop.lines, hop.carriers);
  if (served === undefined) return replied({ kind: 'unknown', what: 'host' }, found, hop);
  if (portFor(served, hop) === undefined) return replied({ kind: 'unknown', what: 'path' }, found, hop);
  return replied({ kind: 'no-preview', key, link: plain + port }, found, hop);
}

function explainHost(host: HostModel, hop: Hop, found: CarriedKey | undefined): Explanation {
  const port = portFor(host, hop);
  return port === undefined ? replied({ kind: 'unknown', what: 'path' }, found, hop) : explainPorts([port], SITE, hop, found);
}

/** The longest prefix of whole segments; a Service that has gone serves none. */
function portFor(host: HostModel, { model, path }: Hop): PortModel | undefined {
  for (const { prefix, service, target } of host.paths) {
    const under = prefix === '/' || path === prefix || path.startsWith(`${prefix}/`) || path.startsWith(`${prefix}?`);
    const port = under ? model.services.get(service)?.ports.find(({ key }) => key === target) : undefined;
    if (port !== undefined) return port;
  }
  return undefined;
}

/** Straight to the copy, whatever the request carries. */
function explainAddress(scope: GatewayScope, key: string, host: string, hop: Hop): Explanation {
  const found: CarriedKey = { key, source: { kind: 'host', host } };
  const carrying = { ...hop, lines: carry(hop.lines, key, hop) };
  const service = addressed(scope, host, hop);
  const declared = hop.model.hosts.get(host);
  // Nobody may take the addresses of another namespace's previews.
  if (declared !== undefined && (service === undefined || service.namespace === declared.namespace)) {
    if (portFor(declared, hop) !== undefined) return explainHost(declared, carrying, found);
    return replied({ kind: 'no-preview', key, link: undefined }, carriedKey(hop.lines, hop.carriers), hop);
  }
  for (const port of service?.ports ?? []) {
    const intercept = port.routes.get(key) ?? port.mirrors.get(key);
    if (intercept !== undefined) return explainStraight(port, intercept, carrying, found);
  }
  return replied({ kind: 'no-preview', key, link: undefined }, carriedKey(hop.lines, hop.carriers), hop);
}

/** Two Services can come to the same address: the one of the gateway's namespace goes first. */
function addressed({ previewDomain = '', namespace }: GatewayScope, host: string, { model }: Hop): ServiceModel | undefined {
  const claims = [...model.services.values()]
    .filter((service) => previewAddresses(service, previewDomain, namespace).has(host))
    .sort((a, b) => compareText(a.key, b.key));
  return claims.find((service) => service.namespace === namespace) ?? claims[0];
}

function explainStraight(port: PortModel, intercept: Intercept, hop: Hop, found: CarriedKey): Explanation {
  // What gets copies has no fallback.
  const whenUnavailable = intercept.mode === 'mirror' ? 'fail' : intercept.whenUnavailable;
  const only = { ...port, routes: new Map([[found.key, { ...intercept, percent: 100, whenUnavailable }]]) };
  const explanation = explainPorts([only], SITE, hop, found);
  const { outcome } = explanation;
  return outcome.kind === 'preview' ? { ...explanation, outcome: { ...outcome, via: { by: 'address' } } } : explanation;
}

/** The key of a host is there for the hops behind, over an older one. */
function carry(lines: HeaderLines, key: string, { carriers }: Hop): HeaderLines {
  const member = lowerCase(carriers.member);
  const aliases = carriers.headerAliases.map(lowerCase).filter((name) => headerValue(lines, name) !== undefined);
  const named = [lowerCase(carriers.header), ...aliases].reduce((soFar, name) => withHeader(soFar, name, key), lines);
  const carrying = withHeader(named, 'baggage', withMember(headerValue(lines, 'baggage'), member, key));
  const state = headerValue(lines, 'tracestate');
  if (state === undefined || memberValue(state, member) === undefined) return carrying;
  return withHeader(carrying, 'tracestate', withMember(state, member, key));
}

/** The Envoy answers by itself. */
function replied(outcome: Outcome, found: CarriedKey | undefined, { model }: Hop): Explanation {
  return {
    hop: 'gateway',
    key: foundKey(found, model),
    target: undefined,
    outcome,
    mirror: undefined,
    servedBy: undefined,
    decided: undefined,
    losers: [],
  };
}

/** A browser asks whether a page may send a carrier. Preflights that name none are the app's own. */
function isCarrierPreflight({ corsOrigins }: GatewayScope, { method, lines, carriers }: Hop): boolean {
  const origin = headerValue(lines, 'origin');
  const asked = headerValue(lines, 'access-control-request-headers');
  if (method !== 'OPTIONS' || origin === undefined || asked === undefined) return false;
  if (headerValue(lines, 'access-control-request-method') === undefined) return false;
  if (!corsOrigins.some((each) => each === '*' || lowerCase(each) === lowerCase(origin))) return false;
  const names = new Set([carriers.header, ...carriers.headerAliases, 'baggage', 'tracestate'].map(lowerCase));
  return lowerCase(asked)
    .split(/[, \t]+/)
    .some((name) => names.has(name));
}
