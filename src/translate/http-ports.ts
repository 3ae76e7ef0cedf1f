/** Port numbers at which Services of the cluster speak HTTP, or may: where captured connections are looked at. */
import { CAPTURED_INBOUND_PORT, CAPTURED_OUTBOUND_PORT } from '../model/capture.ts';
import type { InterceptModel, PortModel, ServiceModel } from '../model/intercept.ts';
import type { ObjectKey } from '../model/names.ts';

const OUR_OWN: ReadonlySet<number> = new Set([CAPTURED_INBOUND_PORT, CAPTURED_OUTBOUND_PORT]);

/** Where callers of this port connect to. Without an address of its own that is the pods'. */
export function numbersOf(service: ServiceModel, port: PortModel): readonly number[] {
  if (service.external || port.protocol === 'opaque') return [];
  const own = service.clusterIPs.length === 0 ? port.baseline.map((address) => address.port) : [];
  return [...new Set([port.port, ...own])].filter((number) => !OUR_OWN.has(number));
}

/**
 * Counted once for all scopes, since each of them needs all Services for it. To be told of every change is not
 * needed: whoever begins anew asks for everything.
 */
export class HttpPorts {
  readonly #byService = new Map<ObjectKey, readonly number[]>();
  readonly #count = new Map<number, number>();
  #turns = 0;

  /** How often a number came or went. */
  get turns(): number {
    return this.#turns;
  }

  /** @param touched undefined: any of them may have changed. */
  update(model: InterceptModel, touched: Iterable<ObjectKey> | undefined): ReadonlyMap<number, unknown> {
    for (const key of touched ?? new Set([...this.#byService.keys(), ...model.services.keys()])) {
      const service = model.services.get(key);
      const before = this.#byService.get(key) ?? [];
      const after = service === undefined ? [] : [...new Set(service.ports.flatMap((port) => numbersOf(service, port)))];
      for (const number of after) {
        const count = this.#count.get(number) ?? 0;
        if (count === 0) this.#turns += 1;
        this.#count.set(number, count + 1);
      }
      for (const number of before) {
        const left = (this.#count.get(number) ?? 1) - 1;
        if (left > 0) this.#count.set(number, left);
        else if (this.#count.delete(number)) this.#turns += 1;
      }
      if (after.length > 0) this.#byService.set(key, after);
      else this.#byService.delete(key);
    }
    return this.#count;
  }
}
