/** What comes with the licenses of the packages that are built in: their texts. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const PACKAGE = /^(?<folder>.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//;

/**
 * @param files paths of modules; those outside of node_modules are the project's own
 * @throws Error that names the package which has no license
 */
export function licensesOf(files: readonly string[]): string {
  const folders = new Set(files.flatMap((file) => PACKAGE.exec(file)?.groups?.['folder'] ?? []));
  return [...folders]
    .map((folder) => textOf(folder))
    .sort()
    .join(`\n${'-'.repeat(80)}\n\n`);
}

function textOf(folder: string): string {
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) throw new Error(`${folder} is no package`);
  const { name, version, license } = JSON.parse(readFileSync(manifest, 'utf8'));
  const texts = globSync('{LICEN[CS]E,licen[cs]e,NOTICE}*', { cwd: folder }).sort();
  if (typeof license !== 'string') throw new Error(`${name} does not say its license`);
  const said = texts.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return `${name} ${version} (${license})\n\n${said.join('\n\n')}\n`;
}
