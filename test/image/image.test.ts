/** The Dockerfile: built by buildah on a stand-in for its base image, and run as a pod runs it. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startBuildah } from '../support/image/buildah.ts';
import { ContainedProcess } from '../support/image/contained-process.ts';
import { freePorts } from '../support/ports.ts';
import { until } from '../support/until.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SERVICE = `
apiVersion: v1
kind: Service
metadata: { name: api, namespace: shop }
spec: { ports: [{ name: http, port: 80 }] }
`;

test('the image has what serve needs and no more, and runs without root and on a root that is read-only', async () => {
  const data = await mkdtemp(join(tmpdir(), 'detour-image-data-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(data, { recursive: true, force: true }));
  await writeFile(join(data, 'api.yaml'), SERVICE);
  await chmod(data, 0o755);
  const buildah = stack.use(await startBuildah());

  await buildah.makeBaseImage('localhost/base');
  await buildah.build(ROOT, 'localhost/detour', '--build-arg', 'NODE_IMAGE=localhost/base');
  const config = await buildah.configOf('localhost/detour');
  expect(config.User).toBe('65532:65532');
  const root = await buildah.mount('localhost/detour');
  const run = (...command: string[]) => stack.use(ContainedProcess.start(root, config, data, command));

  // Who it is, what it can write to, and what of the build is left: no npm, no package, no source.
  const look = run(
    'node',
    '-p',
    `const fs = require('fs');
     const write = (path) => { try { fs.writeFileSync(path, ''); return 'written'; } catch (error) { return error.code; } };
     JSON.stringify({
       user: [process.getuid(), process.getgid(), process.getgroups()],
       written: ['/x', '/tmp/x', '/app/x'].map(write),
       app: fs.readdirSync('/app').sort(),
       npm: fs.existsSync('/usr/local/bin/npm') || fs.existsSync('/usr/local/lib/node_modules'),
     })`,
  );
  expect(await look.ended(), look.output).toBe(0);
  expect(JSON.parse(look.output)).toEqual({
    user: [65532, 65532, [65532]],
    written: ['EROFS', 'EROFS', 'EROFS'],
    app: ['LICENSE', 'dist', 'envoy', 'package.json'],
    npm: false,
  });

  const iptables = run('iptables-nft', '--version');
  expect(await iptables.ended(), iptables.output).toBe(0);

  const help = stack.use(ContainedProcess.start(root, config, data));
  expect(await help.ended(), help.output).toBe(0);
  expect(help.output).toContain('Usage: detour COMMAND');

  const [xds, admin] = await freePorts(2);
  const listen = ['--xds-listen', `127.0.0.1:${xds}`, '--admin-listen', `127.0.0.1:${admin}`];
  const serve = run(...config.Entrypoint, 'serve', '--source', 'directory:/data', ...listen);
  await until('/readyz to answer', async () => (await fetch(`http://127.0.0.1:${admin}/readyz`)).ok, 30_000).catch(
    (error: unknown) => {
      throw new Error(`${String(error)}; it said: ${serve.output}`);
    },
  );
  serve.terminate();
  expect(await serve.ended(), serve.output).toBe(0);

  const images = JSON.parse(await buildah.run('images', '--json')) as readonly {
    readonly names: readonly string[];
    readonly size: string;
  }[];
  console.log(images.map(({ names, size }) => `${names.join(', ')}: ${size}`).join('\n'));
}, 240_000);
