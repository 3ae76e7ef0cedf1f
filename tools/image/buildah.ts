/** Finds Debian's `buildah`, which builds a Dockerfile without an engine, or installs it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { aptInstall } from '../apt-get.ts';

const run = promisify(execFile);

/** What `buildah --version` says; undefined when there is none. */
export async function buildahVersion(): Promise<string | undefined> {
  return run('buildah', ['--version']).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
}

/**
 * Its version, once it is there.
 * @param progress told what is being done, line by line.
 * @throws Error that says what to install, when it is neither there nor can be installed.
 */
export async function getBuildah(progress: (line: string) => void): Promise<string> {
  const found = await buildahVersion();
  if (found !== undefined) return found;
  const help = 'Install it and try again, for example with `sudo apt-get install buildah`.';
  if (process.getuid?.() !== 0)
    throw new Error(`There is no buildah, which builds the image, and only root may install it. ${help}`);
  try {
    progress('Installing buildah, which builds the image (apt-get, once)…');
    await aptInstall('buildah', progress);
  } catch (error) {
    throw new Error(
      `There is no buildah, and installing it failed: ${error instanceof Error ? error.message : String(error)}. ${help}`,
    );
  }
  const installed = await buildahVersion();
  if (installed === undefined) throw new Error(`apt-get installed buildah, but \`buildah --version\` does not run. ${help}`);
  return installed;
}
