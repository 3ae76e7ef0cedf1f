/**
 * Hosts of a gateway that are alike but for names: those that no preview has to do with, nearly all of a large cluster's,
 * and those with one preview of the usual kind.
 */
import type { HostModel, Intercept, PortModel, ServiceModel, WhenUnavailable } from '../model/intercept.ts';
import type { InterceptId, ServicePortKey } from '../model/names.ts';
import { NO_ENTRIES, NO_ITEMS } from '../model/none.ts';
import type { Predicate } from '../model/rule.ts';
import { Stencil, Stenciled, textMark } from '../model/stencil.ts';
import { decide, type Hop } from './decision.ts';
import { domainsOf } from './gateway-routes.ts';
import { callerHop } from './hops.ts';
import { isIntercepted } from './http-ports.ts';
import { sortedUnique } from './sorted-unique.ts';
import { StenciledPart, type VirtualHostPart, virtualHostPart } from './virtual-host.ts';

/** The places: the host, the port's key and cluster; the preview's key and cluster; name and value of the header of its rule. */
const MARK = {
  host: textMark(0),
  // Nobody looks into it.
  port: textMark(1) as ServicePortKey,
  cluster: textMark(2),
  key: textMark(3),
  copy: textMark(4),
  header: textMark(5),
  value: textMark(6),
};

/** The one preview of a port. */
interface Usual {
  readonly intercept: Intercept;
  /** undefined: it has no rule. */
  readonly predicate: Predicate | undefined;
}

export class HostStencils {
  readonly #carrier: string;
  readonly #hop: Hop;
  /** By what they differ in beside names. */
  readonly #stencils = new Map<string, Stencil>();

  /** @param carrier the header that carries the key */
  constructor(carrier: string) {
    this.#carrier = carrier;
    this.#hop = callerHop(carrier);
  }

  /** What {@link hostPart} makes of it; undefined: it is not one of those. */
  part({ host, paths, previewUrls }: HostModel, [service]: readonly (ServiceModel | undefined)[]): VirtualHostPart | undefined {
    const [only] = paths;
    if (only?.prefix !== '/' || paths.length > 1) return undefined;
    const port = service?.ports.find((each) => each.key === only.target);
    if (port === undefined) return undefined;
    const { cluster } = this.#hop.baseline(port);
    if (!isIntercepted(port)) {
      const stencil = this.#stencil(previewUrls, undefined, undefined);
      return new StenciledPart(new Stenciled(stencil, [host, port.key, cluster]), [cluster], NO_ITEMS);
    }
    const usual = usualOf(port);
    if (usual === undefined) return undefined;
    const { intercept, predicate } = usual;
    const copy = this.#hop.preview(port, intercept).cluster;
    const values = [host, port.key, cluster, intercept.key, copy, predicate?.subject.name ?? '', predicate?.value ?? ''];
    const stencil = this.#stencil(previewUrls, intercept.whenUnavailable, predicate?.operator);
    return new StenciledPart(new Stenciled(stencil, values), sortedUnique([cluster, copy]), [intercept.id]);
  }

  #stencil(
    previewUrls: boolean,
    whenUnavailable: WhenUnavailable | undefined,
    operator: Predicate['operator'] | undefined,
  ): Stencil {
    const id = `${previewUrls} ${whenUnavailable} ${operator}`;
    const known = this.#stencils.get(id);
    if (known !== undefined) return known;
    const example = whenUnavailable === undefined ? PLAIN : intercepted(whenUnavailable, operator);
    const decision = decide([example], {
      ...this.#hop,
      baseline: () => ({ kind: 'baseline', cluster: MARK.cluster }),
      preview: () => ({ kind: 'preview', cluster: MARK.copy }),
    });
    const domains = domainsOf(MARK.host, previewUrls);
    const paths = [{ prefix: '/', decision }];
    const { virtualHost } = virtualHostPart({ name: MARK.host, domains, carrier: this.#carrier, paths });
    const stencil = new Stencil(virtualHost);
    this.#stencils.set(id, stencil);
    return stencil;
  }
}

/** One that all requests with its key go to, and those with one header, if it says which. */
function usualOf({ routes, rules, mirrors, mirrorRules }: PortModel): Usual | undefined {
  if (routes.size !== 1 || rules.length > 1 || mirrors.size > 0 || mirrorRules.length > 0) return undefined;
  const [intercept] = routes.values();
  if (intercept?.percent !== 100) return undefined;
  const [rule] = rules;
  if (rule === undefined) return { intercept, predicate: undefined };
  const [predicate] = rule.alternative;
  if (rule.intercept !== intercept || rule.alternative.length !== 1 || predicate?.subject.kind !== 'header') return undefined;
  return predicate.value === '' ? undefined : { intercept, predicate };
}

const PLAIN: PortModel = {
  key: MARK.port,
  port: 0,
  name: '',
  protocol: 'http1',
  baseline: NO_ITEMS,
  routes: NO_ENTRIES,
  rules: NO_ITEMS,
  mirrors: NO_ENTRIES,
  mirrorRules: NO_ITEMS,
};

function intercepted(whenUnavailable: WhenUnavailable, operator: Predicate['operator'] | undefined): PortModel {
  const intercept: Intercept = {
    // Nobody looks at it.
    id: '' as InterceptId,
    preview: { namespace: '', key: MARK.key, kind: '', name: '' },
    key: MARK.key,
    target: MARK.port,
    rule: undefined,
    whenUnavailable,
    mode: 'route',
    percent: 100,
    expiresAt: undefined,
    endpoints: NO_ITEMS,
    state: 'active',
    winner: undefined,
    problems: NO_ITEMS,
  };
  const subject = { kind: 'header', name: MARK.header } as const;
  const rules = operator === undefined ? NO_ITEMS : [{ intercept, alternative: [{ subject, operator, value: MARK.value }] }];
  return { ...PLAIN, routes: new Map([[MARK.key, intercept]]), rules };
}
