/** Addresses as text: `10.0.0.1:80`, `[::1]:80`, `xds.detour:18000`. */
import type { SocketAddress } from './proxy.ts';

const WITH_PORT = /^(?:\[(?<six>[0-9A-Fa-f:.]+)\]|(?<host>[A-Za-z0-9.-]+)):(?<port>\d{1,5})$/;

/** undefined for anything else; port 0 is one. */
export function parseSocketAddress(text: string): SocketAddress | undefined {
  const groups = WITH_PORT.exec(text)?.groups;
  const host = groups?.['six'] ?? groups?.['host'];
  const port = Number(groups?.['port']);
  return host === undefined || port > 65535 ? undefined : { host, port };
}

export function formatSocketAddress({ host, port }: SocketAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
