/** How a sidecar says whose it is: by a token of its pod, which the kubelet renews. */
import { PREFIX, TOKEN_FILE } from '../annotations/keys.ts';
import { type EnvoyCredentials, sdsFiles } from '../envoy-credentials.ts';
import { TOKEN_VOLUME } from './names.ts';

/** How sidecars and control planes know each other. */
export interface SidecarCredentials {
  /** The DNS name in the control plane's certificate. */
  readonly serverName: string;
  /** PEM: the authorities that may have signed it. */
  readonly ca: string;
}

const FOLDER = '/var/run/secrets/detour';
const AUDIENCE = 'detour';
const LIFETIME_SECONDS = 3600;
/** Envoy reads a token again only where a file says where it is. The text of that file is an annotation of the pod. */
const FILE = 'token.sds.json';
export const FILE_ANNOTATION = `${PREFIX}${TOKEN_FILE}`;

export function envoyCredentials({ serverName, ca }: SidecarCredentials): EnvoyCredentials {
  return { serverName, ca: { pem: ca }, token: `${FOLDER}/token`, sdsFolder: FOLDER };
}

/** The text of {@link FILE_ANNOTATION}. */
export function tokenFile(credentials: SidecarCredentials): string {
  return JSON.stringify(sdsFiles(envoyCredentials(credentials)).get(FILE));
}

/** A token for the control plane and nobody else. */
export function tokenVolume(): object {
  const serviceAccountToken = { audience: AUDIENCE, expirationSeconds: LIFETIME_SECONDS, path: 'token' };
  const file = { path: FILE, fieldRef: { fieldPath: `metadata.annotations['${FILE_ANNOTATION}']` } };
  return { name: TOKEN_VOLUME, projected: { sources: [{ serviceAccountToken }, { downwardAPI: { items: [file] } }] } };
}

export function tokenMount(): object {
  return { name: TOKEN_VOLUME, mountPath: FOLDER, readOnly: true };
}
