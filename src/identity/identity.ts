/** Who a client has proven to be. */
import type { ObjectKey } from '../model/names.ts';
import { isDnsLabel, objectKey } from '../model/names.ts';

export type Identity =
  /** A pod's token. */
  | { readonly kind: 'token'; readonly account: ObjectKey; readonly pod: ObjectKey | undefined }
  /** `spiffe://<trust domain>/ns/<namespace>/sa/<ServiceAccount>`. */
  | { readonly kind: 'spiffe'; readonly id: string; readonly account: ObjectKey }
  /** `nodes`: whom those of `names` name that are `<name>.<namespace>.<trust domain>`. */
  | { readonly kind: 'dns'; readonly names: readonly string[]; readonly nodes: readonly ObjectKey[] };

/** How it is called in messages. */
export function identityName(identity: Identity): string {
  switch (identity.kind) {
    case 'token':
      return identity.pod === undefined
        ? `ServiceAccount ${identity.account}`
        : `pod ${identity.pod} (ServiceAccount ${identity.account})`;
    case 'spiffe':
      return identity.id;
    case 'dns':
      return `the certificate of ${identity.names.join(', ')}`;
  }
}

const SPIFFE = /^spiffe:\/\/(?<domain>[^/]+)\/ns\/(?<namespace>[^/]+)\/sa\/(?<account>[^/]+)$/;

/**
 * @param alternativeNames as node:crypto says them: `URI:spiffe://…, DNS:…`
 * @returns what is wrong with them, where they name nobody.
 */
export function identityOfNames(
  alternativeNames: string | undefined,
  trustDomain: string,
): Identity | { readonly mistake: string } {
  const names = split(alternativeNames ?? '');
  const spiffe = names.flatMap(([kind, name]) => (kind === 'URI' && name.startsWith('spiffe:') ? [name] : []));
  // SPIFFE allows one, so that nobody is two.
  if (spiffe.length > 1) return { mistake: 'has several SPIFFE ids, and must have one' };
  const [id] = spiffe;
  if (id !== undefined) return spiffeIdentity(id, trustDomain);
  const dns = names.flatMap(([kind, name]) => (kind === 'DNS' ? [name.toLowerCase()] : []));
  if (dns.length === 0) return { mistake: 'has neither a SPIFFE id nor a DNS name' };
  return { kind: 'dns', names: dns, nodes: dns.flatMap((name) => nodeOfName(name, trustDomain) ?? []) };
}

function spiffeIdentity(id: string, trustDomain: string): Identity | { readonly mistake: string } {
  const { domain, namespace = '', account = '' } = SPIFFE.exec(id)?.groups ?? {};
  if (domain === undefined) return { mistake: `has the SPIFFE id ${id}, which must be spiffe://${trustDomain}/ns/…/sa/…` };
  if (domain !== trustDomain) return { mistake: `is of the trust domain ${domain}, and --trust-domain is ${trustDomain}` };
  if (!isDnsLabel(namespace) || !account.split('.').every(isDnsLabel))
    return { mistake: `has the SPIFFE id ${id}, which names no ServiceAccount` };
  return { kind: 'spiffe', id, account: objectKey(namespace, account) };
}

/** Names of pods may have dots, namespaces none. */
function nodeOfName(name: string, trustDomain: string): ObjectKey | undefined {
  if (!name.endsWith(`.${trustDomain}`)) return undefined;
  const labels = name.slice(0, -trustDomain.length - 1).split('.');
  const namespace = labels.pop() ?? '';
  if (labels.length === 0 || ![...labels, namespace].every(isDnsLabel)) return undefined;
  return objectKey(namespace, labels.join('.'));
}

/** What node:crypto puts into quotes has characters that no name of ours has, and is left out. */
function split(text: string): readonly (readonly [kind: string, name: string])[] {
  return text
    .replaceAll(/[A-Za-z ]+:"(?:[^"\\]|\\.)*"/g, '')
    .split(', ')
    .flatMap((entry) => {
      const colon = entry.indexOf(':');
      return colon < 0 ? [] : [[entry.slice(0, colon), entry.slice(colon + 1)] as const];
    });
}
