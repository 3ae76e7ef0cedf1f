/** Makes sure that what the tests of the image need is there: `tools/run tools/image/get.ts`. */
import { getBuildah } from './buildah.ts';

try {
  await getBuildah((line) => console.log(line));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
