import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Children } from '../../../../src/cli/demo/children.ts';
import { until } from '../../../support/until.ts';

const run = promisify(execFile);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'detour-children-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function sleeper(name: string) {
  return { name, command: 'sleep', args: ['60'], env: process.env, log: join(folder, 'log') };
}

function alive(pid: number | undefined): Promise<boolean> {
  return run('ps', ['-o', 'stat=', '-p', String(pid)]).then(
    // A zombie has ended: nobody has asked for its exit code.
    ({ stdout }) => !stdout.startsWith('Z'),
    () => false,
  );
}

test('all end with their owner', async () => {
  const children = new Children(() => undefined);
  for (const name of ['a', 'b']) children.start(sleeper(name));
  const pids = ['a', 'b'].map((name) => children.pid(name));
  await children[Symbol.asyncDispose]();
  expect(await Promise.all(pids.map(alive))).toEqual([false, false]);
});

test('one that is killed is no news, one that ends by itself is', async () => {
  const ended: string[] = [];
  await using children = new Children((name, how) => ended.push(`${name}: ${how}`));
  children.start(sleeper('killed'));
  await children.kill('killed');
  children.start({ ...sleeper('leaving'), command: 'sh', args: ['-c', 'exit 3'] });
  children.start({ ...sleeper('missing'), command: join(folder, 'no-such-command') });
  await until('both to be told', () => ended.length === 2);
  expect(ended.toSorted()).toEqual(['leaving: code 3', 'missing: code 127']);
});

test('a killed owner leaves nobody behind, and spares those that it had let go', async () => {
  const pidFile = join(folder, 'pids');
  const script = join(folder, 'owner.ts');
  const module = new URL('../../../../src/cli/demo/children.ts', import.meta.url);
  await writeFile(
    script,
    `import { writeFileSync } from 'node:fs';
     import { Children } from ${JSON.stringify(module.href)};
     const children = new Children(() => undefined);
     const sleeper = { command: 'sleep', args: ['60'], env: process.env, log: ${JSON.stringify(join(folder, 'log'))} };
     for (const name of ['a', 'b', 'c']) children.start({ name, ...sleeper });
     await children.kill('b');
     writeFileSync(${JSON.stringify(pidFile)}, ['a', 'c'].map((name) => children.pid(name)).join());
     setInterval(() => undefined, 1000);`,
  );
  const owner = spawn(process.execPath, [script], { stdio: 'ignore' });
  const pids = await until('the children to run', async () => {
    const text = await readFile(pidFile, 'utf8');
    return text === '' ? undefined : text.split(',').map(Number);
  });
  expect(await Promise.all(pids.map(alive))).toEqual([true, true]);
  owner.kill('SIGKILL');
  await until('the watchdog to end them', async () => !(await Promise.all(pids.map(alive))).includes(true));
});

test('an owner that dies in the middle of starting leaves nobody behind either', async () => {
  const script = join(folder, 'hasty.ts');
  const seconds = `60.${process.pid}`;
  const module = new URL('../../../../src/cli/demo/children.ts', import.meta.url);
  await writeFile(
    script,
    `import { Children } from ${JSON.stringify(module.href)};
     const children = new Children(() => undefined);
     const sleeper = { command: 'sleep', args: ['${seconds}'], env: process.env, log: ${JSON.stringify(join(folder, 'log'))} };
     for (let index = 0; index < 20; index++) children.start({ name: String(index), ...sleeper });
     process.kill(process.pid, 'SIGKILL');`,
  );
  await run(process.execPath, [script]).catch(() => undefined);
  await until('all of them to end', async () => {
    const { stdout } = await run('ps', ['axo', 'stat=,args=']);
    return !stdout.split('\n').some((line) => line.includes(seconds) && !line.startsWith('Z'));
  });
});
