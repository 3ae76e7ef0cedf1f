/** Sources, and what they need of packages, as a few files of JavaScript: the package, and what benchmarks start in its stead. */
import { relative } from 'node:path';
import { type OutputChunk, rolldown } from 'rolldown';

/** Looked for where the package is installed, and done without: see package.json, and ws. */
const OPTIONAL = ['@kubernetes/client-node', 'bufferutil', 'utf-8-validate'];

export interface BundleOptions {
  /** Absolute paths of sources, by the names of their files in the folder, without an ending. */
  readonly input: Readonly<Record<string, string>>;
  readonly folder: string;
  /** Where a source would be, as a path from the folder: files find others by paths from where they are. */
  readonly placeOf: (source: string) => string;
}

export async function bundle({ input, folder, placeOf }: BundleOptions): Promise<readonly OutputChunk[]> {
  await using made = await rolldown({
    input: { ...input },
    platform: 'node',
    tsconfig: false,
    external: OPTIONAL,
    plugins: [
      {
        // All chunks are in the folder itself.
        name: 'own-place',
        transform: {
          filter: { id: /\.ts$/, code: 'import.meta.url' },
          handler: (code, id) => {
            const place = `new URL(${JSON.stringify(`./${placeOf(id)}`)}, import.meta.url).href`;
            return { code: code.replaceAll('import.meta.url', place), map: null };
          },
        },
      },
      {
        name: 'ascii',
        generateBundle: (_options, files) => {
          for (const file of Object.values(files)) if (file.type === 'chunk') file.code = ascii(file.code);
        },
      },
    ],
  });
  const { output } = await made.write({
    dir: folder,
    chunkFileNames: '[name]-[hash].js',
    // Only positions: `--enable-source-maps` then names files and lines of src/.
    sourcemap: true,
    sourcemapExcludeSources: true,
    comments: { legal: true, annotation: false, jsdoc: false },
  });
  return output.filter((file) => file.type === 'chunk');
}

/** V8 keeps a source for as long as it runs, and in two bytes a character where one of them is not of Latin-1. */
function ascii(code: string): string {
  return code.replace(/\\?[\u0080-\uffff]/g, (character) => {
    if (character.length > 1) throw new Error(`${character} cannot be written in ASCII: take the backslash away`);
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** {@link BundleOptions.placeOf} of sources that stay where they are. */
export function whereItIs(folder: string): BundleOptions['placeOf'] {
  return (source) => relative(folder, source);
}
