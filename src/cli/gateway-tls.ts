/** The flags of `detour envoy` by which a gateway ends TLS. */
import { posix } from 'node:path';
import type { GatewayCertificate } from '../envoy-certificates.ts';
import { many, optional, readAddress } from '../flag-values.ts';
import type { FlagTable, FlagValues, Reading } from '../flags.ts';
import { HTTPS_PORT } from '../model/certificate-file.ts';
import { isDnsLabel } from '../model/names.ts';
import type { GatewayTls, SocketAddress } from '../model/proxy.ts';
import { NO_FOLDER, readFile } from './xds-credentials.ts';

const BIND = { anyPort: false, names: false };

export const TLS_FLAGS = {
  'listen-tls': optional({ value: 'IP:PORT', summary: 'Gateway: where it listens with TLS.' }, readAddress(BIND)),
  tls: many(
    {
      value: 'FOLDER',
      summary: 'Gateway: a certificate, as a Secret with tls.crt and tls.key is mounted. Clients say by SNI which they mean.',
    },
    readFolder,
  ),
  http: optional(
    {
      value: 'redirect|redirect:PORT|serve',
      summary: 'Gateway with TLS: whether --listen leads to https, at 443 or PORT, or serves; redirect without it.',
    },
    readHttp,
  ),
} as const satisfies FlagTable;

type Values = FlagValues<typeof TLS_FLAGS>;

export interface TlsReading {
  readonly tls: GatewayTls;
  readonly certificates: readonly GatewayCertificate[];
}

/** @returns undefined where none of the flags is written. */
export function readTls(
  values: Values,
  listen: SocketAddress | undefined,
  sdsFolder: string | undefined,
): TlsReading | { readonly mistakes: readonly string[] } | undefined {
  const { 'listen-tls': address, tls: certificates, http } = values;
  if (address === undefined && certificates.length === 0 && http === undefined) return undefined;
  const mistakes: string[] = [];
  if (address === undefined)
    mistakes.push('--listen-tls is missing: where the gateway listens with TLS, for example --listen-tls 0.0.0.0:8443.');
  if (certificates.length === 0)
    mistakes.push('--tls is missing: a folder with tls.crt and tls.key, for example --tls /etc/detour/certificates/shop.');
  if (sdsFolder === undefined) mistakes.push(NO_FOLDER);
  if (http !== undefined && listen === undefined) mistakes.push('--http is about --listen, which is missing: give both or none.');
  const names = certificates.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined)
    mistakes.push(`--tls names two folders that are called ${twice}: a certificate goes by the name of its folder.`);
  if (address === undefined || sdsFolder === undefined || mistakes.length > 0) return { mistakes };
  const redirectPort = listen === undefined ? undefined : (http ?? { redirectPort: HTTPS_PORT }).redirectPort;
  return { tls: { listen: address, certificates: names, sdsFolder, redirectPort }, certificates };
}

function readFolder(text: string): Reading<GatewayCertificate> {
  const path = readFile(text);
  if ('mistake' in path) return path;
  const name = posix.basename(path.value);
  if (name.length <= 253 && name.split('.').every(isDnsLabel)) return { value: { name, folder: posix.normalize(path.value) } };
  return { mistake: 'must end with the name of a Secret, for example /etc/detour/certificates/shop' };
}

function readHttp(text: string): Reading<{ readonly redirectPort: number | undefined }> {
  if (text === 'serve') return { value: { redirectPort: undefined } };
  if (text === 'redirect') return { value: { redirectPort: HTTPS_PORT } };
  const port = /^redirect:(\d{1,5})$/.exec(text)?.[1];
  if (port !== undefined && Number(port) > 0 && Number(port) <= 65_535) return { value: { redirectPort: Number(port) } };
  return { mistake: 'must be redirect, redirect:PORT or serve' };
}
