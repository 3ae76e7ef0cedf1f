/** The flags of `detour envoy` by which carriers from outside do not count as they come. */
import { many, optional, readChoice } from '../flag-values.ts';
import type { FlagTable, FlagValues } from '../flags.ts';
import type { CarrierPolicy } from '../model/carriers.ts';
import type { Egress } from '../model/egress.ts';
import { egressOf, readNetwork } from '../sidecar-setting.ts';
import { readFile } from './xds-credentials.ts';

export const CARRIER_FLAGS = {
  carriers: optional(
    {
      value: 'accept|signed|strip',
      summary: 'Gateway: carriers from outside count as they come, or signed ones alone, or none; accept without it.',
    },
    readChoice(['accept', 'signed', 'strip']),
  ),
  'carrier-keys': optional(
    { value: 'FILE', summary: "Gateway: the secrets that signed keys are signed with, one a line, as Envoy's file." },
    readFile,
  ),
} as const satisfies FlagTable;

export const EGRESS_FLAGS = {
  'egress-carriers': optional(
    {
      value: 'accept|strip',
      summary: 'Sidecar with --capture: carriers of requests that leave the cluster stay, or are taken away; accept without it.',
    },
    readChoice(['accept', 'strip']),
  ),
  'cluster-cidrs': many(
    { value: 'CIDR', summary: 'Sidecar: for --egress-carriers, the addresses that are in the cluster; private ones without it.' },
    readNetwork,
  ),
} as const satisfies FlagTable;

type Values = FlagValues<typeof CARRIER_FLAGS>;
type EgressValues = FlagValues<typeof EGRESS_FLAGS>;

/** @returns undefined: carriers count as they come. */
export function readCarrierPolicy(
  values: Values,
): { readonly policy: CarrierPolicy } | { readonly mistakes: readonly string[] } | undefined {
  const { carriers = 'accept', 'carrier-keys': keysFile } = values;
  if (carriers !== 'signed' && keysFile !== undefined)
    return { mistakes: ['--carrier-keys is about signed keys: write --carriers signed, or leave it out.'] };
  if (carriers === 'accept') return undefined;
  if (carriers === 'strip') return { policy: { kind: 'strip' } };
  if (keysFile !== undefined) return { policy: { kind: 'signed', keysFile } };
  return { mistakes: ['--carrier-keys is missing: a file of the Envoy, for example --carrier-keys /etc/detour/signing/keys.'] };
}

/** @returns undefined: what leaves the cluster leaves as it is. */
export function readEgress({ 'egress-carriers': carriers, 'cluster-cidrs': cidrs }: EgressValues): Egress | undefined {
  return egressOf(carriers, cidrs);
}

/** Flags that say nothing without others. */
export function egressMistakes(values: EgressValues & { readonly capture: readonly string[] }): readonly string[] {
  const { 'egress-carriers': carriers, 'cluster-cidrs': cidrs, capture } = values;
  const mistakes: string[] = [];
  if (carriers === 'strip' && capture.length === 0)
    mistakes.push('--egress-carriers is about captured traffic: give --capture too, or leave it out.');
  if (carriers !== 'strip' && cidrs.length > 0)
    mistakes.push('--cluster-cidrs is about what leaves the cluster: write --egress-carriers strip, or leave it out.');
  return mistakes;
}
