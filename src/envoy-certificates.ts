/** Certificates that a gateway shows its clients: mounted Secrets of the type `kubernetes.io/tls`. */
import { posix } from 'node:path';
import { secretFile, tlsCertificate } from './envoy-credentials.ts';
import { certificateFile } from './model/certificate-file.ts';

/** Paths are the Envoy's. */
export interface GatewayCertificate {
  readonly name: string;
  /** With `tls.crt` and `tls.key`, which change together, as a kubelet changes a Secret. */
  readonly folder: string;
}

/** Files of a gateway's `sdsFolder` by their names. */
export function certificateFiles(certificates: readonly GatewayCertificate[]): ReadonlyMap<string, object> {
  return new Map(
    certificates.map(({ name, folder }) => {
      const secret = tlsCertificate(posix.join(folder, 'tls.crt'), posix.join(folder, 'tls.key'));
      return [certificateFile(name), secretFile(name, secret)];
    }),
  );
}
