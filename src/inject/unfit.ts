/** Pods that no sidecar is injected into, each for a reason that its owner is told. */
import { isIP } from 'node:net';
import { CAPTURE, SIDECAR, SIDECAR_PORTS, TOKEN_VOLUME } from './names.ts';
import type { ContainerShape, PodShape } from './pod-shape.ts';
import type { InjectSettings } from './settings.ts';

/** Two sentences: why there is none, and what to do for one. */
export interface Unfit {
  readonly why: string;
  readonly fix: string;
}

/** Containers that take a pod's traffic for themselves, by the names that their own injectors give them. */
const OTHERS: Readonly<Record<string, string>> = {
  'istio-proxy': 'Istio',
  'istio-init': 'Istio',
  'istio-validation': 'Istio',
  'linkerd-proxy': 'Linkerd',
  'linkerd-init': 'Linkerd',
  'kuma-sidecar': 'Kuma',
  'kuma-init': 'Kuma',
  'consul-dataplane': 'Consul',
  'osm-init': 'Open Service Mesh',
};

/** @returns undefined for a pod that can have a sidecar. */
export function unfit(shape: PodShape, { xds }: InjectSettings): Unfit | undefined {
  if (shape.hostNetwork)
    return {
      why: "It has its node's network (hostNetwork): what would take the pod's traffic would take the node's.",
      fix: `Leave hostNetwork out, or run an Envoy with explicit ports beside the app (docs/envoys.md).`,
    };
  if (shape.windows)
    return { why: 'It runs on Windows, where there is no iptables.', fix: 'Callers and gateways route to it all the same.' };
  if (Object.hasOwn(shape.annotations, 'kubernetes.io/config.mirror'))
    return { why: 'It is a static pod: its kubelet has it from a file.', fix: 'Make it a DaemonSet or a Deployment.' };
  return (
    otherSidecar(shape) ??
    takenPort(shape) ??
    noNames(
      shape,
      xds.some(({ host }) => isIP(host) === 0),
    ) ??
    takenName(shape)
  );
}

/** Whether the injection has been here, by webhook or by command. */
export function isInjected({ containers, initContainers }: PodShape): boolean {
  return [...containers, ...initContainers].some(({ name }) => name === SIDECAR || name === CAPTURE);
}

function otherSidecar(shape: PodShape): Unfit | undefined {
  const all = [...shape.containers, ...shape.initContainers];
  const mesh = all.find(({ name }) => Object.hasOwn(OTHERS, name));
  if (mesh !== undefined)
    return {
      why: `Its container ${mesh.name} is of ${OTHERS[mesh.name]}, which takes the pod's traffic already.`,
      fix: 'Have one of the two inject here, and not the other.',
    };
  const own = all.find(isOwnSidecar);
  if (own === undefined) return undefined;
  return {
    why: `Its container ${own.name} is a sidecar of Detour already.`,
    fix: 'Remove that container for one that is injected.',
  };
}

/** By hand, as docs/envoys.md shows. */
function isOwnSidecar({ words }: ContainerShape): boolean {
  return words.some((word) => /(^|[\s"':])sidecar~/.test(word));
}

function takenPort(shape: PodShape): Unfit | undefined {
  for (const { name, ports } of [...shape.containers, ...shape.initContainers]) {
    const taken = ports.find((port) => SIDECAR_PORTS.includes(port));
    if (taken !== undefined)
      return {
        why: `Its container ${name} has the port ${taken}, which the sidecar listens on.`,
        fix: 'Let it listen on another one.',
      };
  }
  return undefined;
}

/** With the node's resolver the control plane's name leads nowhere. */
function noNames({ dnsPolicy }: PodShape, isNamed: boolean): Unfit | undefined {
  if (dnsPolicy !== 'Default' || !isNamed) return undefined;
  return {
    why: "It has its node's DNS (dnsPolicy: Default), which does not know the control plane.",
    fix: 'Use dnsPolicy: ClusterFirst.',
  };
}

function takenName({ volumes }: PodShape): Unfit | undefined {
  if (!volumes.includes(TOKEN_VOLUME)) return undefined;
  return { why: `It has a volume ${TOKEN_VOLUME} of its own.`, fix: 'Give that another name.' };
}
