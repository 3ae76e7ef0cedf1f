/** What `detour help` and `detour COMMAND --help` print. */
import { readFileSync } from 'node:fs';
import { type Arguments, describeFlags, type FlagTable, NO_ARGUMENTS } from '../flags.ts';
import type { Command } from './command.ts';

/** The number in package.json. */
export function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) return String(manifest.version);
  throw new Error('package.json names no version');
}

export function helpText(commands: Readonly<Record<string, Command>>): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length)) + 2;
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}${summary}`);
  return `detour ${version()}: an Envoy control plane that sends requests with a preview's key through the preview.

Usage: detour COMMAND [FLAG]…

${lines.join('\n')}
  ${'help'.padEnd(width)}this; \`detour help COMMAND\` tells its flags

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not in time.
`;
}

export interface CommandHelp {
  readonly name: string;
  /** A sentence or more. */
  readonly about: string;
  readonly example: string;
  /** Whether a flag has a variable too. */
  readonly variables: boolean;
}

export function commandHelp(help: CommandHelp, table: FlagTable, takes: Arguments = NO_ARGUMENTS): string {
  const environment = help.variables ? '\nThe variable in brackets stands in for its flag; the flag wins.\n' : '';
  const flags = Object.keys(table).length === 0 ? '' : `\n${describeFlags(table, help.variables)}\n`;
  return `${help.about}

Usage: detour ${[help.name, takes.value, flags === '' ? '' : '[FLAG]…'].filter((part) => part !== '').join(' ')}
${flags}${environment}
Example:
  ${help.example}
`;
}
