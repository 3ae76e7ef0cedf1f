/** Hosts of a gateway that no preview has to do with: nearly all of a large cluster's, and all alike but for their names. */
import type { HostModel, PortModel, ServiceModel } from '../model/intercept.ts';
import type { ServicePortKey } from '../model/names.ts';
import { NO_ENTRIES, NO_ITEMS } from '../model/none.ts';
import { Stencil, Stenciled, textMark } from '../model/stencil.ts';
import { decide, type Hop } from './decision.ts';
import { domainsOf } from './gateway-routes.ts';
import { callerHop } from './hops.ts';
import { isIntercepted } from './http-ports.ts';
import { StenciledPart, type VirtualHostPart, virtualHostPart } from './virtual-host.ts';

/** Of a port like any other. The places: the host, the port's key, its cluster. */
const EXAMPLE: PortModel = {
  // Nobody looks into it.
  key: textMark(1) as ServicePortKey,
  port: 0,
  name: '',
  protocol: 'http1',
  baseline: NO_ITEMS,
  routes: NO_ENTRIES,
  rules: NO_ITEMS,
  mirrors: NO_ENTRIES,
  mirrorRules: NO_ITEMS,
};

export class PlainHosts {
  readonly #hop: Hop;
  readonly #withUrls: Stencil;
  readonly #withoutUrls: Stencil;

  /** @param carrier the header that carries the key */
  constructor(carrier: string) {
    const hop = callerHop(carrier);
    const decision = decide([EXAMPLE], { ...hop, baseline: () => ({ kind: 'baseline', cluster: textMark(2) }) });
    const stencil = (previewUrls: boolean): Stencil => {
      const domains = domainsOf(textMark(0), previewUrls);
      const paths = [{ prefix: '/', decision }];
      return new Stencil(virtualHostPart({ name: textMark(0), domains, carrier, paths }).virtualHost);
    };
    this.#hop = hop;
    this.#withUrls = stencil(true);
    this.#withoutUrls = stencil(false);
  }

  /** What {@link hostPart} makes of it; undefined: there is more to it. */
  part({ host, paths, previewUrls }: HostModel, [service]: readonly (ServiceModel | undefined)[]): VirtualHostPart | undefined {
    const [only, ...others] = paths;
    if (only?.prefix !== '/' || others.length > 0) return undefined;
    const port = service?.ports.find((each) => each.key === only.target);
    if (port === undefined || isIntercepted(port)) return undefined;
    const { cluster } = this.#hop.baseline(port);
    const stencil = previewUrls ? this.#withUrls : this.#withoutUrls;
    return new StenciledPart(new Stenciled(stencil, [host, port.key, cluster]), [cluster]);
  }
}
