/** The demo's Envoys, each as the arguments of the `detour envoy` command that makes its bootstrap. */
import { NAMESPACE, type Shop } from './shop.ts';

export interface DemoEnvoy {
  /** Also the name of its files. */
  readonly name: string;
  /** Arguments after `detour envoy`. */
  readonly args: readonly string[];
  readonly admin: number;
}

export function gatewayOf(shop: Shop): DemoEnvoy {
  const { listen, envoyAdmin } = shop.gateway;
  const args = ['--role', 'gateway', '--node', `${NAMESPACE}/edge`, '--listen', loopback(listen)];
  return { name: 'gateway', args: [...args, ...common(shop, envoyAdmin)], admin: envoyAdmin };
}

/** One for each pod, named `<pod>-envoy`. */
export function sidecarsOf(shop: Shop): DemoEnvoy[] {
  return shop.pods.map(({ name, app, inbound, outbound, envoyAdmin }) => {
    const ports = ['--inbound', `${loopback(inbound)}=${app}`, '--outbound', loopback(outbound)];
    const args = ['--role', 'sidecar', '--node', `${NAMESPACE}/${name}`, ...ports, ...common(shop, envoyAdmin)];
    return { name: sidecarName(name), args, admin: envoyAdmin };
  });
}

export function sidecarName(pod: string): string {
  return `${pod}-envoy`;
}

function common(shop: Shop, admin: number): readonly string[] {
  return ['--xds', loopback(shop.controlPlane.xds), '--admin', loopback(admin)];
}

export function loopback(port: number): string {
  return `127.0.0.1:${port}`;
}
