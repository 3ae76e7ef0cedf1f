/** Port numbers at which Services speak HTTP, or may: where captured connections are looked at. */
import { CAPTURED_INBOUND_PORT, CAPTURED_OUTBOUND_PORT } from '../model/capture.ts';
import type { InterceptModel, PortModel, ServiceModel } from '../model/intercept.ts';
import { type ObjectKey, splitObjectKey } from '../model/names.ts';

const OUR_OWN: ReadonlySet<number> = new Set([CAPTURED_INBOUND_PORT, CAPTURED_OUTBOUND_PORT]);

/**
 * Looked at by everybody, from the start, where any Service has them: most do. A listener costs Envoy half a megabyte, so
 * for other numbers of other namespaces there is one only while a Service with a live intercept has them.
 */
const USUAL: ReadonlySet<number> = new Set([80, 8080]);

/** Where callers of this port connect to. Without an address of its own that is the pods'. */
export function numbersOf(service: ServiceModel, port: PortModel): readonly number[] {
  if (service.external || port.protocol === 'opaque') return [];
  const own = service.clusterIPs.length === 0 ? port.baseline.map((address) => address.port) : [];
  return [...new Set([port.port, ...own])].filter((number) => !OUR_OWN.has(number));
}

/** Whether any request to it may be routed. */
export function isIntercepted({ routes, rules, mirrors, mirrorRules }: PortModel): boolean {
  return routes.size > 0 || rules.length > 0 || mirrors.size > 0 || mirrorRules.length > 0;
}

interface Numbers {
  readonly all: readonly number[];
  /** Of these, those that matter in every namespace. */
  readonly everywhere: readonly number[];
}

/** Counted once for all scopes, since each of them needs all Services for it. To be told twice changes nothing. */
export class HttpPorts {
  readonly #byService = new Map<ObjectKey, Numbers>();
  readonly #byNamespace = new Map<string, Counts>();
  readonly #everywhere = new Counts();

  /** @param touched undefined: any of them may have changed. */
  update(model: InterceptModel, touched: Iterable<ObjectKey> | undefined): void {
    for (const key of touched ?? new Set([...this.#byService.keys(), ...model.services.keys()])) {
      const service = model.services.get(key);
      const before = this.#byService.get(key);
      const after = service === undefined ? undefined : readNumbers(service);
      if (after !== undefined) this.#count(key, after, 1);
      if (before !== undefined) this.#count(key, before, -1);
      if (after === undefined || after.all.length === 0) this.#byService.delete(key);
      else this.#byService.set(key, after);
    }
  }

  /** @param further Services of other namespaces that the pod is known to call. */
  of(namespace: string, further: readonly ObjectKey[]): ReadonlySet<number> {
    const named = further.flatMap((key) => this.#byService.get(key)?.all ?? []);
    return new Set([...(this.#byNamespace.get(namespace)?.numbers() ?? []), ...this.#everywhere.numbers(), ...named]);
  }

  /** How often a number came or went that counts in this namespace, those of further Services aside. */
  turns(namespace: string): number {
    return (this.#byNamespace.get(namespace)?.turns ?? 0) + this.#everywhere.turns;
  }

  #count(service: ObjectKey, { all, everywhere }: Numbers, by: 1 | -1): void {
    const { namespace } = splitObjectKey(service);
    const own = this.#byNamespace.get(namespace) ?? new Counts();
    this.#byNamespace.set(namespace, own);
    for (const number of all) own.add(number, by);
    for (const number of everywhere) this.#everywhere.add(number, by);
  }
}

/** How many Services have a number. */
class Counts {
  readonly #counts = new Map<number, number>();
  /** How often a number came or went. */
  turns = 0;

  numbers(): Iterable<number> {
    return this.#counts.keys();
  }

  add(number: number, by: 1 | -1): void {
    const before = this.#counts.get(number) ?? 0;
    const count = before + by;
    if (count > 0) this.#counts.set(number, count);
    else this.#counts.delete(number);
    if (before <= 0 || count <= 0) this.turns += 1;
  }
}

function readNumbers(service: ServiceModel): Numbers {
  const all = new Set<number>();
  const everywhere = new Set<number>();
  for (const port of service.ports) {
    for (const number of numbersOf(service, port)) {
      all.add(number);
      if (USUAL.has(number) || isIntercepted(port)) everywhere.add(number);
    }
  }
  return { all: [...all], everywhere: [...everywhere] };
}
