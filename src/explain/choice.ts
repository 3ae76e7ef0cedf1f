/**
 * Which intercept of a Service port gets a request (design, section 2, "Conflicts"): the key names it, else the first
 * rule that matches; a mirror only where neither does.
 */
import type { Intercept, PortModel, RuleEntry } from '../model/intercept.ts';
import { orderRules } from '../model/order.ts';
import type { Regexes } from '../model/re2.ts';
import type { Via } from './explanation.ts';
import type { HeaderLines } from './headers.ts';
import { mismatch } from './predicates.ts';

export interface Chosen {
  readonly port: PortModel;
  readonly intercept: Intercept;
  readonly via: Via;
}

export interface Choice {
  readonly route: Chosen | undefined;
  /** Only where there is no route. */
  readonly mirror: Chosen | undefined;
}

/** @param ports several where the address does not tell them apart. */
export function choose(ports: readonly PortModel[], key: string | undefined, lines: HeaderLines, regexes: Regexes): Choice {
  const byRule = (entriesOf: (port: PortModel) => readonly RuleEntry[]): Chosen | undefined => {
    const places = new Map(ports.flatMap((port) => entriesOf(port).map((entry) => [entry, port] as const)));
    const entry = orderRules([...places.keys()]).find(({ alternative }) => mismatch(alternative, lines, regexes) === undefined);
    const port = entry && places.get(entry);
    return port && { port, intercept: entry.intercept, via: { by: 'rule', alternative: entry.alternative } };
  };
  const byKey = (interceptsOf: (port: PortModel) => ReadonlyMap<string, Intercept>): Chosen | undefined => {
    if (key === undefined) return undefined;
    for (const port of ports) {
      const intercept = interceptsOf(port).get(key);
      if (intercept !== undefined) return { port, intercept, via: { by: 'key' } };
    }
    return undefined;
  };
  const route = byKey((port) => port.routes) ?? byRule((port) => port.rules);
  if (route !== undefined) return { route, mirror: undefined };
  return { route, mirror: byKey((port) => port.mirrors) ?? byRule((port) => port.mirrorRules) };
}
