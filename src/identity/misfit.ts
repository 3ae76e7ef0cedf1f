/** Whether somebody may be whom its `node.id` claims: a sidecar only its own pod's, a gateway only who is allowed to. */
import { type ObjectKey, objectKey, splitObjectKey } from '../model/names.ts';
import type { Proxy } from '../model/proxy.ts';
import { type Identity, identityName } from './identity.ts';

export interface GatewayRules {
  /** `namespace/account`, `namespace/*`, a SPIFFE id, or a certificate's DNS name. */
  readonly gateways: readonly string[];
}

export type Misfit = { readonly reason: 'gateway' | 'node' | 'unbound'; readonly message: string };
/** What is to be known of a pod before an identity of its ServiceAccount may be it. */
export type Question = { readonly pod: ObjectKey; readonly account: ObjectKey };

/** @returns undefined: it fits. */
export function misfitOf(identity: Identity, proxy: Proxy, rules: GatewayRules): Misfit | Question | undefined {
  if (proxy.role === 'gateway') return mayBeGateway(identity, rules) ? undefined : noGateway(identity, proxy);
  // It asks for names, as with DNS, and gets what every pod may know: see docs/security.md.
  if (proxy.role === 'client') return undefined;
  const claimed = objectKey(proxy.namespace, proxy.name);
  switch (identity.kind) {
    case 'token': {
      if (identity.pod === undefined) return unbound(identity, claimed);
      return identity.pod === claimed ? undefined : otherPod(identity, claimed, identity.pod);
    }
    case 'spiffe': {
      // An account is its namespace's own.
      if (splitObjectKey(identity.account).namespace !== proxy.namespace) return otherPod(identity, claimed, undefined);
      return { pod: claimed, account: identity.account };
    }
    case 'dns':
      return identity.nodes.includes(claimed) ? undefined : otherPod(identity, claimed, identity.nodes[0]);
  }
}

/** The answer to a question. @param account of the pod; undefined: there is no such pod. */
export function misfitOfAccount(identity: Identity, { pod, account }: Question, actual: string | undefined): Misfit | undefined {
  if (actual === account) return undefined;
  const is = actual === undefined ? 'there is no such pod' : `that pod runs as ServiceAccount ${actual}`;
  const message = `node.id sidecar~${pod} does not fit ${identityName(identity)}: ${is}. Start each Envoy with its own pod's name and certificate.`;
  return { reason: 'node', message };
}

/** Those see everything. */
export function mayBeGateway(identity: Identity, { gateways }: GatewayRules): boolean {
  if (identity.kind === 'dns') return identity.names.some((name) => gateways.includes(name));
  const { namespace } = splitObjectKey(identity.account);
  const names: string[] = [identity.account, `${namespace}/*`];
  if (identity.kind === 'spiffe') names.push(identity.id);
  return gateways.some((each) => names.includes(each));
}

function noGateway(identity: Identity, { namespace, name }: { namespace: string; name: string }): Misfit {
  const rule = identity.kind === 'dns' ? identity.names[0] : identity.account;
  const message =
    `node.id gateway~${namespace}/${name}: ${identityName(identity)} may not be a gateway. ` +
    `Start the control plane with --gateways ${rule}, beside those that it has, if it should be one.`;
  return { reason: 'gateway', message };
}

function unbound(identity: Identity, claimed: ObjectKey): Misfit {
  const message =
    `node.id sidecar~${claimed}: the token of ${identityName(identity)} is bound to no pod. ` +
    'Give the Envoy a projected serviceAccountToken of its pod, with audience detour.';
  return { reason: 'unbound', message };
}

function otherPod(identity: Identity, claimed: ObjectKey, own: ObjectKey | undefined): Misfit {
  const fix = own === undefined ? "its own pod's name" : `node.id sidecar~${own}`;
  const message = `node.id sidecar~${claimed} does not fit ${identityName(identity)}: start this Envoy with ${fix}.`;
  return { reason: 'node', message };
}
