/** How the image starts Node, before it tells it what to run: benchmarks start Detour as it is run. */
import { readFile } from 'node:fs/promises';

/** @throws Error when the Dockerfile does not say how it starts Node. */
export async function imageFlags(): Promise<readonly string[]> {
  const entry = /^ENTRYPOINT (\["node", .*\])$/m.exec(await dockerfile())?.[1];
  if (entry === undefined) throw new Error('The Dockerfile has no ENTRYPOINT ["node", …] in one line.');
  // Written in this repository, as a list of texts.
  return (JSON.parse(entry) as readonly string[]).filter((each) => each.startsWith('--'));
}

/** The environment of this process with that of the image, but for Detour's own settings. */
export async function imageEnvironment(): Promise<NodeJS.ProcessEnv> {
  const line = /^ENV (.*)$/m.exec(await dockerfile())?.[1];
  if (line === undefined) throw new Error('The Dockerfile has no ENV in one line.');
  const pairs = [...line.matchAll(/([A-Z_]+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value] as const);
  return { ...process.env, ...Object.fromEntries(pairs.filter(([name]) => !name.startsWith('DETOUR_'))) };
}

function dockerfile(): Promise<string> {
  return readFile(new URL('../Dockerfile', import.meta.url), 'utf8');
}
