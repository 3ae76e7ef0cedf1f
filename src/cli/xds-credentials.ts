/** The flags of `detour envoy` that say how it and the control plane know each other. */
import { isIP } from 'node:net';
import type { EnvoyCredentials } from '../envoy-credentials.ts';
import { optional, readText } from '../flag-values.ts';
import type { FlagTable, FlagValues, Reading } from '../flags.ts';
import { isDnsLabel } from '../model/names.ts';
import type { SocketAddress } from '../model/proxy.ts';

export const CREDENTIAL_FLAGS = {
  'xds-ca': optional(
    {
      value: 'FILE',
      summary: "TLS to the control plane: the authorities that may have signed its certificate, as Envoy's file.",
    },
    readFile,
  ),
  'xds-name': optional(
    { value: 'NAME', summary: "The DNS name in the control plane's certificate; without it the host of the first --xds." },
    readName,
  ),
  'xds-token': optional(
    { value: 'FILE', summary: "Who the Envoy is: its ServiceAccount's token, for audience detour." },
    readFile,
  ),
  'xds-cert': optional({ value: 'FILE', summary: 'Who the Envoy is: its client certificate.' }, readFile),
  'xds-key': optional({ value: 'FILE', summary: 'The key of --xds-cert.' }, readFile),
  'xds-sds': optional(
    {
      value: 'FOLDER',
      summary: 'Where small files are written that Envoy finds the others by, so that it reads those again when they change.',
    },
    readFile,
  ),
} as const satisfies FlagTable;

export const NO_FOLDER = '--xds-sds is missing: a folder that Envoy can read, for example --xds-sds /etc/detour.';

type Values = FlagValues<typeof CREDENTIAL_FLAGS>;

/**
 * @param forOthers whether `--xds-sds` is there for other files too
 * @returns undefined where none of them is written.
 */
export function readCredentials(
  values: Values,
  xds: readonly SocketAddress[],
  forOthers = false,
): EnvoyCredentials | { readonly mistakes: readonly string[] } | undefined {
  const { 'xds-ca': ca, 'xds-token': token, 'xds-cert': chain, 'xds-key': key, 'xds-sds': sdsFolder } = values;
  const written = Object.entries(values).flatMap(([name, value]) =>
    name in CREDENTIAL_FLAGS && value !== undefined && !(forOthers && name === 'xds-sds') ? [name] : [],
  );
  if (written.length === 0) return undefined;
  const host = xds[0]?.host ?? '';
  const serverName = values['xds-name'] ?? (isIP(host) === 0 ? host : undefined);
  const mistakes: string[] = [];
  if (ca === undefined)
    mistakes.push(
      `--${written[0]} is for TLS: give --xds-ca, the authorities that may have signed the control plane's certificate.`,
    );
  if (serverName === undefined)
    mistakes.push(`--xds-name is missing: ${host} is no name, and the control plane's certificate must have one.`);
  if (sdsFolder === undefined) mistakes.push(NO_FOLDER);
  if ((chain === undefined) !== (key === undefined)) mistakes.push('--xds-cert and --xds-key go together: give both or none.');
  if (ca === undefined || serverName === undefined || sdsFolder === undefined || mistakes.length > 0) return { mistakes };
  const certificate = chain !== undefined && key !== undefined ? { chain, key } : undefined;
  return { serverName, ca: { file: ca }, certificate, token, sdsFolder };
}

/** Envoy would look for relative paths where it is started, and watches folders. */
export function readFile(text: string): Reading<string> {
  const reading = readText(text);
  if ('value' in reading && !text.startsWith('/')) return { mistake: 'must be a path that begins with /' };
  return reading;
}

function readName(text: string): Reading<string> {
  if (text.length <= 253 && text.split('.').every(isDnsLabel)) return { value: text };
  return { mistake: 'must be a DNS name in lower case, for example detour.detour-system' };
}
