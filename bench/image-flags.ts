/** What the image tells Node before it tells it what to run: benchmarks start Detour as it is run. */
import { readFile } from 'node:fs/promises';

/** @throws Error when the Dockerfile does not say how it starts Node. */
export async function imageFlags(): Promise<readonly string[]> {
  const dockerfile = await readFile(new URL('../Dockerfile', import.meta.url), 'utf8');
  const entry = /^ENTRYPOINT (\["node", .*\])$/m.exec(dockerfile)?.[1];
  if (entry === undefined) throw new Error('The Dockerfile has no ENTRYPOINT ["node", …] in one line.');
  // Written in this repository, as a list of texts.
  return (JSON.parse(entry) as readonly string[]).filter((each) => each.startsWith('--'));
}
