/** What a preview says it stands in for, bound to the ports of a Service. */
import type { Service, ServicePort } from '../model/cluster-state.ts';
import type { Target } from '../model/intercept.ts';
import type { ObjectKey } from '../model/names.ts';
import { shorten } from '../model/shorten.ts';
import type { Fault } from './fault.ts';
import { isHttp, isSilent, isTls, portProtocol } from './protocol.ts';

export interface Binding {
  readonly port: ServicePort;
  /** Port of the preview as its author says; undefined: as the Service says. */
  readonly targetPort: string | number | undefined;
}

/** A target that could not be bound. */
export interface Unbound {
  /** Port of the Service; 0 where no number is known. */
  readonly port: number;
  readonly fault: Fault;
}

export interface BoundTargets {
  /** By port, at most one each; never one that is in `unbound` too. */
  readonly bindings: readonly Binding[];
  readonly unbound: readonly Unbound[];
}

/**
 * TCP ports of the Service, one for each number.
 * Detour routes nothing else, and a name of a port is its number: a UDP port of the same number must not get in its way.
 */
export function tcpPorts(service: Service): readonly ServicePort[] {
  const [only, ...others] = service.ports;
  // Most Services have one.
  if (only?.transport === 'TCP' && others.length === 0) return service.ports;
  const byNumber = new Map<number, ServicePort>();
  for (const port of service.ports) {
    if (port.transport === 'TCP' && !byNumber.has(port.port)) byNumber.set(port.port, port);
  }
  return [...byNumber.values()];
}

/** @param targets those entries of one declaration that name the Service `key`. */
export function bindTargets(targets: readonly Target[], key: ObjectKey, service: Service | undefined): BoundTargets {
  const bindings = new Map<number, Binding>();
  const unbound: Unbound[] = [];
  for (const target of targets) {
    const bound = service === undefined ? unknownService(target, key) : bindTarget(target, key, service);
    if (!Array.isArray(bound)) {
      unbound.push(bound);
      continue;
    }
    for (const binding of bound) {
      const other = bindings.get(binding.port.port);
      if (other === undefined) bindings.set(binding.port.port, binding);
      else if (other.targetPort !== binding.targetPort) {
        // By name and by number: the annotation alone did not show it.
        unbound.push({ port: binding.port.port, fault: ambiguous(key, binding.port) });
      }
    }
  }
  for (const { port } of unbound) bindings.delete(port);
  return { bindings: [...bindings.values()].sort((a, b) => a.port.port - b.port.port), unbound };
}

function bindTarget(target: Target, key: ObjectKey, service: Service): Binding[] | Unbound {
  if (service.type === 'ExternalName') return externalName(target, key);
  return target.port === undefined ? bindAll(target, key, service) : bindOne(target, target.port, key, service);
}

function bindOne(target: Target, wanted: string | number, key: ObjectKey, service: Service): Binding[] | Unbound {
  const named = (port: ServicePort) => (typeof wanted === 'number' ? port.port === wanted : port.name === wanted);
  const port = tcpPorts(service).find(named) ?? service.ports.find(named);
  if (port === undefined) return { port: numberOf(target), fault: unknownPort(wanted, key, service) };
  if (!isHttp(portProtocol(port))) return { port: port.port, fault: notHttp(key, port) };
  return [{ port, targetPort: target.targetPort }];
}

function bindAll(target: Target, key: ObjectKey, service: Service): Binding[] | Unbound {
  const ports = tcpPorts(service).filter((port) => isHttp(portProtocol(port)));
  const [only] = ports;
  if (only === undefined) return { port: 0, fault: noHttpPort(key, service) };
  if (target.targetPort !== undefined && ports.length > 1) return { port: 0, fault: whichPort(target, key, ports) };
  return ports.map((port) => ({ port, targetPort: target.targetPort }));
}

function numberOf(target: Target): number {
  return typeof target.port === 'number' ? target.port : 0;
}

function unknownService(target: Target, key: ObjectKey): Unbound {
  const fault = {
    code: 'UnknownService',
    message: `There is no Service ${key}.`,
    hint: 'Correct the name (service.namespace for one in another namespace), or create the Service: it is found as soon as it is there.',
  } as const;
  return { port: numberOf(target), fault };
}

function externalName(target: Target, key: ObjectKey): Unbound {
  const fault = {
    code: 'ExternalName',
    message: `Service ${key} is of type ExternalName: its requests go to a host outside, past every Envoy that could decide.`,
    hint: 'Name the Service that its callers reach in the end, or make it a ClusterIP Service with EndpointSlices.',
  } as const;
  return { port: numberOf(target), fault };
}

function unknownPort(wanted: string | number, key: ObjectKey, service: Service): Fault {
  return {
    code: 'UnknownPort',
    message: `Service ${key} has no port ${typeof wanted === 'number' ? wanted : shorten(wanted)}.`,
    hint: `It has ${describePorts(service.ports)}.`,
  };
}

function notHttp(key: ObjectKey, port: ServicePort): Fault {
  if (port.transport === 'TCP' && isTls(port)) {
    return {
      code: 'PortNotHttp',
      message:
        `Port ${describePort(port)} of Service ${key} speaks TLS${why(port)}: nobody between a client and the app can read ` +
        'its headers, so it cannot be routed by them.',
      hint: 'Intercept a port without TLS; or, if this one has none, say so with appProtocol: http (or http2, grpc) on the Service.',
    };
  }
  return {
    code: 'PortNotHttp',
    message: `Port ${describePort(port)} of Service ${key} does not speak HTTP${why(port)}.`,
    hint: 'Intercept another port; or, if it does speak HTTP, say so with appProtocol: http (or http2, grpc) on the Service.',
  };
}

function noHttpPort(key: ObjectKey, service: Service): Fault {
  return {
    code: 'PortNotHttp',
    message: `Service ${key} has no port that speaks HTTP: it has ${describePorts(service.ports)}.`,
    hint: 'If one does, say so with appProtocol: http (or http2, grpc) on the Service.',
  };
}

function whichPort(target: Target, key: ObjectKey, ports: readonly ServicePort[]): Fault {
  const first = ports[0];
  return {
    code: 'InvalidTarget',
    message: `"=${target.targetPort}" does not say which port of Service ${key} it is for: it has ${describePorts(ports)}.`,
    hint:
      first === undefined
        ? ''
        : `Name the port: ${target.service.split('/')[1]}:${first.name || first.port}=${target.targetPort}.`,
  };
}

function ambiguous(key: ObjectKey, port: ServicePort): Fault {
  return {
    code: 'InvalidTarget',
    message: `Port ${describePort(port)} of Service ${key} is named twice, with different ports of the preview.`,
    hint: 'Name it once.',
  };
}

/** Why a port is taken not to be HTTP. */
function why(port: ServicePort): string {
  if (port.transport !== 'TCP') return `: it is a ${port.transport} port`;
  if (isSilent(port)) return ', by its number';
  return port.appProtocol === '' ? ', by its name' : `, by its appProtocol ${shorten(port.appProtocol)}`;
}

function describePorts(ports: readonly ServicePort[]): string {
  return ports.length === 0 ? 'no ports' : ports.map(describePort).join(', ');
}

function describePort(port: ServicePort): string {
  return port.name === '' ? `${port.port}` : `${port.port} (${port.name})`;
}
