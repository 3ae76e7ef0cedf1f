/** The gRPC client for Go that tests drive: a program of our own around grpc-go, built once for each of its states. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KubernetesPart } from '../kubernetes/parts.ts';

const MODULE = fileURLToPath(new URL('../../test/support/clients/go/', import.meta.url));

/** It has no releases: what it is made of says which it is. */
function versionOfClient(): string {
  const hash = createHash('sha256');
  for (const name of ['main.go', 'go.mod', 'go.sum']) hash.update(readFileSync(join(MODULE, name)));
  return hash.digest('hex').slice(0, 12);
}

const VERSION = versionOfClient();

/** Built as the Kubernetes programs are. */
export const GO_CLIENT: KubernetesPart = {
  name: 'grpc-go-client',
  version: VERSION,
  package: '.',
  moduleFolder: MODULE,
  linkerFlags: `-s -w -X main.version=${VERSION}`,
  accepted: new RegExp(`^grpc-go-client ${VERSION}$`, 'm'),
  isAsset: false,
  minutes: 2,
  cached: join(homedir(), '.cache', 'detour', `grpc-go-client-${VERSION}`, 'grpc-go-client'),
};
