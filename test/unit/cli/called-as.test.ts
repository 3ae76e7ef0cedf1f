import { expect, test } from 'vitest';
import type { Io } from '../../../src/cli/command.ts';
import { run } from '../../../src/cli/main.ts';

async function said(environment: Io['environment'], ...args: readonly string[]): Promise<string> {
  let text = '';
  const add = (more: string): void => {
    text += more;
  };
  await run(args, { out: add, err: add, environment });
  return text;
}

test('help and mistakes name the command as it was called', async () => {
  const kubectl = { DETOUR_CALLED_AS: 'kubectl detour' };
  expect(await said(kubectl, 'wait')).toContain(
    'kubectl detour wait: one mistake:\n  KEY is missing: for example kubectl detour wait',
  );
  expect(await said(kubectl, 'create', '--help')).toContain('\nUsage: kubectl detour create SERVICE[:PORT] [FLAG]…\n');
  expect(await said(kubectl)).toContain('Usage: kubectl detour COMMAND [FLAG]…');
  expect(await said({}, 'wait')).toContain('detour wait: one mistake:');
  expect(await said({}, 'wait')).not.toContain('kubectl');
});
