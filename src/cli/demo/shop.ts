/** The demo's shop as data: which pods there are, on which ports, and what they call. */

export const NAMESPACE = 'shop';
/** Browsers resolve every name below `localhost` to this machine; three labels, so that it has preview URLs. */
export const HOST = 'shop.detour.localhost';
export const BASELINE = 'baseline';

const SERVICES = ['frontend', 'api', 'identity'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** The whole path of a request through the shop. */
export const PATH: readonly ServiceName[] = SERVICES;
const CALLS: Readonly<Record<ServiceName, ServiceName | undefined>> = { frontend: 'api', api: 'identity', identity: undefined };

/** Copies that run: the baseline of all three, `pr-42` of one, `pr-7` across two. */
const COPIES: readonly { readonly service: ServiceName; readonly copy: string }[] = [
  ...SERVICES.map((service) => ({ service, copy: BASELINE })),
  { service: 'api', copy: 'pr-42' },
  { service: 'api', copy: 'pr-7' },
  { service: 'identity', copy: 'pr-7' },
];

/** One pod: an app and its own Envoy, all on 127.0.0.1. */
export interface ShopPod {
  readonly name: string;
  readonly service: ServiceName;
  /** `baseline`, or the preview's key. */
  readonly copy: string;
  readonly calls: ServiceName | undefined;
  /** Where the app listens. */
  readonly app: number;
  /** The Envoy's inbound port: where the pod is reached. */
  readonly inbound: number;
  /** The Envoy's outbound port: what the app calls others through. */
  readonly outbound: number;
  readonly envoyAdmin: number;
}

export interface Shop {
  readonly pods: readonly ShopPod[];
  readonly gateway: { readonly listen: number; readonly envoyAdmin: number };
  readonly controlPlane: { readonly xds: number; readonly admin: number };
}

const PORTS_OF_A_POD = 4;
export const PORTS = COPIES.length * PORTS_OF_A_POD + 2;

/**
 * @param ports {@link PORTS} free ports, for everything that nobody types.
 * @param gateway the port of the shop's URLs. @param admin the port of the control plane's API.
 */
export function shopOn(ports: readonly number[], gateway: number, admin: number): Shop {
  const port = (index: number): number => {
    const value = ports[index];
    if (value === undefined) throw new Error(`the shop needs ${PORTS} ports`);
    return value;
  };
  const pods = COPIES.map(({ service, copy }, index) => {
    const first = index * PORTS_OF_A_POD;
    const [app, inbound, outbound, envoyAdmin] = [port(first), port(first + 1), port(first + 2), port(first + 3)];
    return { name: `${service}-${copy}-0`, service, copy, calls: CALLS[service], app, inbound, outbound, envoyAdmin };
  });
  return {
    pods,
    gateway: { listen: gateway, envoyAdmin: port(PORTS - 2) },
    controlPlane: { xds: port(PORTS - 1), admin },
  };
}
