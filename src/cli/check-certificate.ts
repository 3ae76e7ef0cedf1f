/** Looks at a gateway's certificates before an Envoy does, where they are on this machine. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GatewayCertificate } from '../envoy-certificates.ts';

export interface CertificateFindings {
  /** Envoy would refuse it. */
  readonly mistake?: string;
  /** Envoy takes it, or it could not be looked at. */
  readonly warning?: string;
}

/** @param now ms since the epoch */
export async function checkCertificate({ folder }: GatewayCertificate, now: number): Promise<CertificateFindings> {
  const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  const [cert, key] = await Promise.all([readIfThere(files.cert), readIfThere(files.key)]);
  for (const [text, file] of [
    [cert, files.cert],
    [key, files.key],
  ] as const) {
    if (text instanceof Error)
      return { warning: `--tls ${folder}: ${file} cannot be read here (${text.message}). Envoy has to find it where it runs.` };
  }
  const certificate = parsed(() => new X509Certificate(String(cert)));
  if (certificate === undefined) return { mistake: `--tls ${folder}: ${files.cert} holds no PEM certificate.` };
  const privateKey = parsed(() => createPrivateKey(String(key)));
  if (privateKey === undefined) return { mistake: `--tls ${folder}: ${files.key} holds no PEM private key without a password.` };
  if (!certificate.checkPrivateKey(privateKey))
    return { mistake: `--tls ${folder}: tls.key is not the key of tls.crt: take both from one Secret.` };
  const until = Date.parse(certificate.validTo);
  if (until < now)
    return { warning: `--tls ${folder}: the certificate expired on ${new Date(until).toISOString()}: clients will refuse it.` };
  return {};
}

async function readIfThere(file: string): Promise<string | Error> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
