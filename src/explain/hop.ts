/** What all kinds of hops share: a request, the model, and how a choice among intercepts becomes an outcome. */
import { type Carriers, COPY_BASELINE, COPY_FALLBACK } from '../model/carriers.ts';
import type { Intercept, InterceptModel, PortModel } from '../model/intercept.ts';
import type { InterceptId } from '../model/names.ts';
import type { Regexes } from '../model/re2.ts';
import { type Chosen, choose } from './choice.ts';
import type { Explanation, FoundKey, Outcome } from './explanation.ts';
import { type HeaderLines, headerValue, lowerCase, textOf, withHeader } from './headers.ts';
import { type CarriedKey, carriedKey } from './key.ts';
import { losersOf } from './losers.ts';

/** A request at an Envoy. */
export interface Hop {
  readonly model: InterceptModel;
  readonly carriers: Carriers;
  readonly regexes: Regexes;
  readonly method: string;
  readonly path: string;
  readonly lines: HeaderLines;
}

export interface Site {
  readonly hop: Explanation['hop'];
  /** Where what nobody intercepts goes, and what previews fall back to. `app`: that of the pod itself. */
  readonly baseline: 'baseline' | 'app';
  /** For an inbound sidecar. */
  readonly app: LocalApp | undefined;
}

export interface LocalApp {
  /** Intercepts that the pod serves itself. */
  readonly own: ReadonlySet<InterceptId>;
  /** What the stamp says of it. */
  readonly copy: string;
}

/** Lines behind the filter: the carrier header says the key and nothing else. */
export function settleKey(lines: HeaderLines, carriers: Carriers, found: CarriedKey | undefined): HeaderLines {
  return found === undefined ? lines : withHeader(lines, lowerCase(carriers.header), found.key);
}

export function foundKey(found: CarriedKey | undefined, model: InterceptModel): FoundKey | undefined {
  return found && { text: textOf(found.key), source: found.source, live: model.keys.has(found.key) };
}

/** What happens to a request for a Service port, once its host and path are read. */
export function explainPorts(
  ports: readonly [PortModel, ...PortModel[]],
  site: Site,
  hop: Hop,
  found: CarriedKey | undefined = carriedKey(hop.lines, hop.carriers),
): Explanation {
  const lines = settleKey(hop.lines, hop.carriers, found);
  const key = found?.key;
  const { route, mirror } = choose(ports, key, lines, hop.regexes);
  const port = route?.port ?? mirror?.port ?? ports[0];
  const outcome = route === undefined ? unrouted(port, mirror, site) : routed(port, route, site);
  // Envoy copies what it can send on.
  const sent = outcome.kind !== 'baseline' || outcome.answeredBy !== 'nobody';
  const copied = mirror !== undefined && sent && !isOwn(mirror.intercept, site);
  const atApp = outcome.kind === 'app';
  const intercepts = ports.flatMap((each) => {
    const service = hop.model.services.get(serviceOf(each));
    return (service?.intercepts ?? []).filter(({ target }) => target === each.key);
  });
  // A blank carrier header is no key, but there.
  const carries = headerValue(lines, lowerCase(hop.carriers.header)) !== undefined;
  const stamped = route !== undefined || mirror !== undefined || carries;
  return {
    hop: site.hop,
    key: foundKey(found, hop.model),
    target: port.key,
    outcome,
    mirror: copied ? { intercept: mirror.intercept.id, via: mirror.via, percent: mirror.intercept.percent } : undefined,
    servedBy: stamped ? stampOf(outcome, route, site) : undefined,
    decided: atApp ? undefined : port.key,
    losers: losersOf(intercepts, { key, lines, regexes: hop.regexes, winner: route ?? mirror }),
  };
}

export function serviceOf(port: PortModel): `${string}/${string}` {
  // A ServicePortKey is an ObjectKey, a colon and a port.
  return port.key.slice(0, port.key.lastIndexOf(':')) as `${string}/${string}`;
}

function isOwn({ id }: Intercept, { app }: Site): boolean {
  return app?.own.has(id) ?? false;
}

function unrouted(port: PortModel, mirror: Chosen | undefined, site: Site): Outcome {
  if (mirror !== undefined && isOwn(mirror.intercept, site))
    return { kind: 'app', why: 'own', intercept: mirror.intercept.id, via: mirror.via };
  if (site.baseline === 'app') return { kind: 'app', why: 'baseline' };
  return { kind: 'baseline', answeredBy: port.baseline.length > 0 ? 'baseline' : 'nobody' };
}

function routed(port: PortModel, { intercept, via }: Chosen, site: Site): Outcome {
  if (isOwn(intercept, site)) return { kind: 'app', why: 'own', intercept: intercept.id, via };
  return {
    kind: 'preview',
    intercept: intercept.id,
    via,
    percent: intercept.percent,
    otherwise: site.baseline,
    answeredBy: answeredBy(port, intercept, site),
  };
}

/** By the endpoints that are known to be ready; whether they take connections is seen at the request. */
function answeredBy(port: PortModel, intercept: Intercept, site: Site): Extract<Outcome, { kind: 'preview' }>['answeredBy'] {
  if (intercept.endpoints.length > 0) return 'preview';
  if (intercept.whenUnavailable === 'fail') return 'nobody';
  if (site.baseline === 'app') return 'app';
  return port.baseline.length > 0 ? 'baseline' : 'nobody';
}

function stampOf(outcome: Outcome, route: Chosen | undefined, site: Site): string | undefined {
  switch (outcome.kind) {
    case 'app':
      return site.app?.copy;
    case 'baseline':
      return outcome.answeredBy === 'baseline' ? COPY_BASELINE : undefined;
    case 'preview':
      if (outcome.answeredBy === 'nobody') return undefined;
      return outcome.answeredBy === 'preview' ? route?.intercept.key : COPY_FALLBACK;
    default:
      return undefined;
  }
}
