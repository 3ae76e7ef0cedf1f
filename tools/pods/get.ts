/** Makes sure that what the tests of pods need is there: `tools/run tools/pods/get.ts`. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { aptInstall } from '../apt-get.ts';

const run = promisify(execFile);
const HELP = 'Install it and try again, for example with `sudo apt-get install iptables`.';

async function isThere(): Promise<boolean> {
  return run('iptables-nft', ['--version']).then(
    () => true,
    () => false,
  );
}

try {
  if (!(await isThere())) {
    if (process.getuid?.() !== 0)
      throw new Error(`There is no iptables, which captures a pod's traffic, and only root may install it. ${HELP}`);
    console.log("Installing iptables, which captures a pod's traffic (apt-get, once)…");
    await aptInstall('iptables', (line) => console.log(line));
    if (!(await isThere())) throw new Error(`apt-get installed iptables, but \`iptables-nft --version\` does not run. ${HELP}`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
