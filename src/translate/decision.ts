/**
 * What one hop decides for requests to one Service port (design, section 3, "Route decision"): first the key, one hash
 * lookup; then the rules in their order; then mirrors by key and by rule; then the baseline. What a hop is (gateway,
 * sidecar, client) shows only in where its destinations are.
 */
import type { Intercept, PortModel, RuleEntry } from '../model/intercept.ts';
import type { InterceptId, ServicePortKey } from '../model/names.ts';
import { compareText, orderRules } from '../model/order.ts';
import type { Predicate } from '../model/rule.ts';
import { sortedUnique } from './sorted-unique.ts';

export interface Destination {
  /** `app`: this pod's own, behind an inbound sidecar: nothing decides after it. */
  readonly kind: 'preview' | 'baseline' | 'app';
  readonly cluster: string;
  /** What the stamp says, where the cluster's endpoints do not say it themselves. */
  readonly copy?: string;
  /** Wherever a captured connection was opened to. */
  readonly onward?: true;
}

/** Where requests of one kind go. */
export interface Leaf {
  /** For people who read a config dump: `key:pr-42`, `rule:pr-42`, `mirror:pr-42`, `baseline`. */
  readonly name: string;
  readonly target: ServicePortKey;
  readonly destination: Destination;
  /** 1..100 of the requests; the others go to `otherwise`. */
  readonly percent: number;
  readonly otherwise: Destination;
  readonly mirror: { readonly cluster: string; readonly percent: number } | undefined;
  /** Whether the reply says who answered: the request carried a key or matched a rule. */
  readonly stamped: boolean;
  /** Told to the client where nobody answers; undefined: Envoy's own words are enough. */
  readonly unavailable: string | undefined;
}

/** First match wins. */
export interface Row {
  /** All of them must match; empty: everything does. */
  readonly match: readonly Predicate[];
  readonly leaf: Leaf;
}

export interface Choice {
  /** Rules of previews, in their order. */
  readonly rules: readonly Row[];
  /** What no rule takes; the last one takes everything. */
  readonly rest: readonly Row[];
}

export interface Decision {
  /** By the value of the carrier header, sorted. */
  readonly keys: ReadonlyMap<string, Choice>;
  /** For every other value, and for none. */
  readonly otherwise: Choice;
  /** Baggage members that rules look at, sorted. */
  readonly members: readonly string[];
  /** Intercepts that shaped it, sorted. */
  readonly intercepts: readonly InterceptId[];
}

/** What differs from hop to hop. */
export interface Hop {
  /** The header that carries the key. */
  readonly carrier: string;
  readonly baseline: (port: PortModel) => Destination;
  /** `app` where the hop is a sidecar of the preview itself. */
  readonly preview: (port: PortModel, intercept: Intercept) => Destination;
  /** The cluster that gets copies; undefined where the hop makes none. */
  readonly mirror: ((port: PortModel, intercept: Intercept) => string) | undefined;
}

/** @param ports several where an address does not tell them apart; never empty. */
export function decide(ports: readonly [PortModel, ...PortModel[]], hop: Hop): Decision {
  const byRule = ruleRows(ports, (port) => port.rules, hop, routeLeaf);
  const keys = new Map<string, Choice>();
  for (const port of ports) {
    for (const [key, intercept] of port.routes) {
      if (!keys.has(key)) keys.set(key, { rules: [], rest: [{ match: [], leaf: routeLeaf(port, intercept, hop, 'key') }] });
    }
  }
  if (hop.mirror !== undefined) {
    for (const port of ports) {
      for (const [key, intercept] of port.mirrors) {
        // A rule of another preview comes before a mirror.
        if (!keys.has(key)) keys.set(key, { rules: byRule, rest: [{ match: [], leaf: mirrorLeaf(port, intercept, hop) }] });
      }
    }
  }
  const byMirrorRule = hop.mirror === undefined ? [] : ruleRows(ports, (port) => port.mirrorRules, hop, mirrorLeaf);
  const [first] = ports;
  const rules = [...byRule, ...byMirrorRule];
  const subjects = rules.flatMap((row) => row.match.map((predicate) => predicate.subject));
  return {
    keys: new Map([...keys].sort(([a], [b]) => compareText(a, b))),
    otherwise: { rules, rest: baselineRows(first, hop) },
    members: sortedUnique(subjects.flatMap((subject) => (subject.kind === 'baggage' ? [subject.name] : []))),
    intercepts: sortedUnique(ports.flatMap((port) => interceptsOf(port, hop.mirror !== undefined))),
  };
}

/** Every request to the baseline, with the stamp on those that carry a key. */
function baselineRows(port: PortModel, hop: Hop): readonly Row[] {
  const leaf = baselineLeaf(port, hop);
  return [
    {
      match: [{ subject: { kind: 'header', name: hop.carrier }, operator: 'present', value: '' }],
      leaf: { ...leaf, stamped: true },
    },
    { match: [], leaf },
  ];
}

export function baselineLeaf(port: PortModel, hop: Hop): Leaf {
  const destination = hop.baseline(port);
  const plain = { percent: 100, otherwise: destination, mirror: undefined, stamped: false, unavailable: undefined };
  return { name: 'baseline', target: port.key, destination, ...plain };
}

type MakeLeaf = (port: PortModel, intercept: Intercept, hop: Hop, by: string) => Leaf;

function ruleRows(
  ports: readonly PortModel[],
  entriesOf: (port: PortModel) => readonly RuleEntry[],
  hop: Hop,
  leaf: MakeLeaf,
): readonly Row[] {
  const [only] = ports;
  const places = new Map<RuleEntry, PortModel>();
  for (const port of ports) for (const entry of entriesOf(port)) places.set(entry, port);
  const entries = [...places.keys()];
  // One port's are in their order already.
  const ordered = ports.length === 1 ? entries : orderRules(entries);
  return ordered.flatMap((entry) => {
    const port = places.get(entry) ?? only;
    if (port === undefined) return [];
    return [{ match: entry.alternative, leaf: leaf(port, entry.intercept, hop, 'rule') }];
  });
}

export function routeLeaf(port: PortModel, intercept: Intercept, hop: Hop, by: string): Leaf {
  const destination = hop.preview(port, intercept);
  return {
    ...baselineLeaf(port, hop),
    name: `${by}:${intercept.key}`,
    destination,
    // What reached the preview's own pod stays there: the share was taken before, or the pod was asked for itself.
    percent: destination.kind === 'app' ? 100 : intercept.percent,
    stamped: true,
    unavailable: intercept.whenUnavailable === 'fail' ? failText(port, intercept) : undefined,
  };
}

function mirrorLeaf(port: PortModel, intercept: Intercept, hop: Hop): Leaf {
  const leaf = { ...baselineLeaf(port, hop), name: `mirror:${intercept.key}`, stamped: true };
  const own = hop.preview(port, intercept);
  if (own.kind === 'app') return { ...leaf, destination: own, otherwise: own };
  if (hop.mirror === undefined) return leaf;
  return { ...leaf, mirror: { cluster: hop.mirror(port, intercept), percent: intercept.percent } };
}

function failText(port: PortModel, intercept: Intercept): string {
  return (
    `The preview ${intercept.key} of ${port.key} cannot be reached: it has no ready pod, or none that accepts connections. ` +
    'It says when-unavailable: fail, so the baseline does not answer in its place.'
  );
}

function interceptsOf(port: PortModel, mirrors: boolean): readonly InterceptId[] {
  const byKey = [...port.routes.values(), ...(mirrors ? port.mirrors.values() : [])];
  const byRule = [...port.rules, ...(mirrors ? port.mirrorRules : [])].map((entry) => entry.intercept);
  return [...byKey, ...byRule].map((intercept) => intercept.id);
}
