/** What the sidecars of an installation are: flags of `detour serve`, for its webhook, and of `detour inject`. */
import { readConcurrency, readImage, readResources } from './annotations/parse-sidecar.ts';
import { many, one, optional, readAddress, readChoice, readText } from './flag-values.ts';
import type { FlagTable, FlagValues, Reading } from './flags.ts';
import { type InjectSettings, IP_FAMILIES } from './inject/settings.ts';
import { DEFAULT_CLUSTER_CIDRS, type Egress, readCidr } from './model/egress.ts';
import { isDnsLabel } from './model/names.ts';

export const SIDECAR_FLAGS = {
  'sidecar-xds': {
    ...many(
      { value: 'HOST:PORT', summary: 'Injected sidecars: where they reach control planes.' },
      readAddress({ anyPort: false, names: true }),
    ),
    default: ['detour.detour-system:18000'],
  },
  'sidecar-xds-ca': optional(
    {
      value: 'FILE',
      summary:
        "Injected sidecars: the authorities, as PEM, that may have signed the control plane's certificate. Without it they speak without TLS.",
    },
    readText,
  ),
  'sidecar-xds-name': optional(
    {
      value: 'NAME',
      summary: "Injected sidecars: the DNS name in the control plane's certificate; without it the first host of --sidecar-xds.",
    },
    readName,
  ),
  'sidecar-image': one(
    { value: 'IMAGE', default: ['envoyproxy/envoy:distroless-v1.40.0'], summary: "Injected sidecars: Envoy's image." },
    readImage,
  ),
  'capture-image': one(
    { value: 'IMAGE', default: ['detour:0.1.0'], summary: "Injected sidecars: the init step's image, Detour's own." },
    readImage,
  ),
  'sidecar-resources': {
    ...one(
      {
        value: 'RESOURCES',
        default: ['requests.cpu=50m,requests.memory=64Mi,limits.memory=256Mi'],
        summary: 'Injected sidecars: what each may take.',
      },
      readResources,
    ),
  },
  'sidecar-concurrency': one(
    { value: 'NUMBER', default: ['2'], summary: "Injected sidecars: Envoy's worker threads." },
    readConcurrency,
  ),
  'sidecar-ip-families': {
    ...many(
      { value: 'ipv4|ipv6', summary: 'Injected sidecars: the families of addresses that pods have.' },
      readChoice(IP_FAMILIES),
    ),
    default: ['ipv4'],
  },
  'sidecar-egress-carriers': one(
    {
      value: 'accept|strip',
      default: ['accept'],
      summary: 'Injected sidecars: carriers of requests that leave the cluster stay, or are taken away.',
    },
    readChoice(['accept', 'strip']),
  ),
  'sidecar-cluster-cidrs': many(
    {
      value: 'CIDR',
      summary: 'Injected sidecars: the addresses that are in the cluster; without it those that no public network has.',
    },
    readNetwork,
  ),
} as const satisfies FlagTable;

/** What is in files is read by who uses it. */
export type SidecarSetting = Omit<InjectSettings, 'credentials' | 'systemNamespace'> & {
  /** undefined: no TLS. */
  readonly tls: { readonly serverName: string; readonly caFile: string } | undefined;
};

export function sidecarSetting(values: FlagValues<typeof SIDECAR_FLAGS>): SidecarSetting {
  const xds = values['sidecar-xds'];
  const caFile = values['sidecar-xds-ca'];
  const egress = egressOf(values['sidecar-egress-carriers'], values['sidecar-cluster-cidrs']);
  return {
    xds,
    tls: caFile === undefined ? undefined : { serverName: values['sidecar-xds-name'] ?? xds[0]?.host ?? '', caFile },
    image: values['sidecar-image'],
    captureImage: values['capture-image'],
    resources: values['sidecar-resources'],
    concurrency: values['sidecar-concurrency'],
    ipFamilies: values['sidecar-ip-families'],
    ...(egress !== undefined && { egress }),
  };
}

/** @returns undefined: what leaves the cluster leaves as it is. */
export function egressOf(carriers: 'accept' | 'strip' | undefined, cidrs: readonly string[]): Egress | undefined {
  if (carriers !== 'strip') return undefined;
  return { clusterCidrs: cidrs.length === 0 ? DEFAULT_CLUSTER_CIDRS : [...new Set(cidrs)] };
}

export function readNetwork(text: string): Reading<string> {
  return readCidr(text) === undefined ? { mistake: 'must be a network, for example 10.0.0.0/8' } : { value: text };
}

function readName(text: string): Reading<string> {
  const isName = text.length <= 253 && text.split('.').every(isDnsLabel);
  return isName ? { value: text } : { mistake: 'must be a DNS name in lower case, for example detour.detour-system' };
}
