/** The flags of `detour envoy` by which carriers from outside do not count as they come. */
import { optional, readChoice } from '../flag-values.ts';
import type { FlagTable, FlagValues } from '../flags.ts';
import type { CarrierPolicy } from '../model/carriers.ts';
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

type Values = FlagValues<typeof CARRIER_FLAGS>;

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
