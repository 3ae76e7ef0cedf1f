/** Where a gateway finds its certificates: files of its own, of which the control plane knows the names alone. */

/** What HTTPS is at, where nobody says otherwise. */
export const HTTPS_PORT = 443;

/** The name of the file that says where a certificate is, in the form of SDS: Envoy reads those again when they change. */
export function certificateFile(certificate: string): string {
  return `tls-${certificate}.sds.json`;
}
