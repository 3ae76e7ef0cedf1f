/** Manifest files as the commands without a cluster read them: single objects, each with its place in the text. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { type Fields, isFields } from '../model/field-reader.ts';
import type { FieldPath } from '../model/pod-template.ts';
import { parseManifest, splitDocuments } from '../sources/directory/parse.ts';
import { listItems } from '../sources/objects.ts';
import type { Io } from './command.ts';
import { isTrouble, type Trouble } from './trouble.ts';
import { unreadable } from './unreadable.ts';

export interface ManifestObject {
  readonly file: string;
  /** As a message names it: `shop.yaml, document 2`. */
  readonly place: string;
  readonly value: unknown;
  /** The line, from 1, of a field, or of what is nearest to it; of the object itself for []. */
  readonly lineOf: (path: FieldPath) => number;
}

export interface ManifestMistake {
  readonly file: string;
  readonly place: string;
  readonly line: number;
  readonly message: string;
}

export interface Manifests {
  readonly objects: readonly ManifestObject[];
  readonly mistakes: readonly ManifestMistake[];
}

export interface Input {
  /** `-` for standard input. */
  readonly file: string;
  readonly text: string;
  /** Found in a folder, not named by the user: may be anything. */
  readonly found: boolean;
}

/** @returns trouble where one of them cannot be read */
export async function readInputs(paths: readonly string[], io: Io): Promise<readonly Input[] | Trouble> {
  const inputs: Input[] = [];
  for (const path of paths) {
    if (path === '-') {
      inputs.push({ file: '-', text: await (io.input ?? readStandardInput)(), found: false });
      continue;
    }
    const files = filesOf(path);
    if (isTrouble(files)) return files;
    inputs.push(...files);
  }
  return inputs;
}

/** A file, or all of a folder. */
function filesOf(path: string): readonly Input[] | Trouble {
  let file = path;
  try {
    if (!statSync(path).isDirectory()) return [{ file, text: readFileSync(path, 'utf8'), found: false }];
    const inputs: Input[] = [];
    for (file of filesBelow(path)) inputs.push({ file, text: readFileSync(file, 'utf8'), found: true });
    return inputs;
  } catch (error) {
    return unreadable(file, error, 'give files, folders, or - for standard input');
  }
}

function readStandardInput(): Promise<string> {
  return text(process.stdin);
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.name.startsWith('.') || entry.name === 'node_modules') return [];
      if (entry.isDirectory()) return filesBelow(path);
      return /\.(ya?ml|json)$/.test(entry.name) ? [path] : [];
    });
}

/** Documents, and what Lists hold, one by one. */
export function manifestsOf({ file, text: whole }: Input): Manifests {
  const name = file === '-' && /^\s*[{[]/.test(whole) ? 'standard input.json' : file === '-' ? 'standard input' : file;
  const parts = name.endsWith('.json') ? [whole] : splitDocuments(whole);
  const objects: ManifestObject[] = [];
  const mistakes: ManifestMistake[] = [];
  let line = 1;
  for (const [index, part] of parts.entries()) {
    const place = parts.length === 1 ? shown(name) : `${shown(name)}, document ${index + 1}`;
    const parsed = parseManifest(part, name, line);
    if ('mistake' in parsed) {
      const at = /at line (\d+)/.exec(parsed.mistake)?.[1];
      mistakes.push({ file: shown(name), place, line: at === undefined ? line : Number(at), message: parsed.mistake });
    } else if (parsed.value !== undefined && parsed.value !== null) {
      const lines = new Lines(part, line);
      for (const one of flatten(parsed.value, place)) {
        const lineOf = (path: FieldPath) => lines.of([...one.path, ...path]);
        objects.push({ file: shown(name), place: one.place, value: one.value, lineOf });
      }
    }
    line += part.split('\n').length - 1;
  }
  return { objects, mistakes };
}

function shown(name: string): string {
  return name === 'standard input.json' ? 'standard input' : name;
}

interface Placed {
  readonly value: unknown;
  readonly path: FieldPath;
  readonly place: string;
}

function flatten(value: unknown, place: string): readonly Placed[] {
  const found: Placed[] = [];
  const waiting: Placed[] = [{ value, path: [], place }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { path, place: outer } = next;
    const items = listItems(next.value);
    if (items === undefined) found.push(next);
    else {
      const version = isFields(next.value) ? next.value['apiVersion'] : undefined;
      for (const [index, item] of items.values.entries()) {
        const whole = isFields(item) && items.kind !== undefined ? { apiVersion: version, kind: items.kind, ...item } : item;
        waiting.push({ value: whole, path: [...path, 'items', index], place: `${outer}, items[${index}]` });
      }
    }
  }
  return found.reverse();
}

/** Where fields are in the text of one document, looked up only where a problem is told. */
class Lines {
  readonly #text: string;
  readonly #first: number;
  #parsed: ReturnType<typeof parsePlaces> | undefined;

  constructor(source: string, first: number) {
    this.#text = source;
    this.#first = first;
  }

  of(path: FieldPath): number {
    this.#parsed ??= parsePlaces(this.#text);
    const { document, counter } = this.#parsed;
    let node: unknown = document.contents;
    let offset = document.contents?.range?.[0] ?? 0;
    for (const segment of path) {
      if (isAlias(node)) node = node.resolve(document);
      if (isSeq(node)) node = node.items[Number(segment)];
      else if (isMap(node)) {
        const pair = node.items.find(({ key }) => (isScalar(key) ? key.value : key) === segment);
        if (pair === undefined) break;
        if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
        node = pair.value;
        continue;
      } else break;
      if (isMap(node) || isScalar(node)) offset = node.range?.[0] ?? offset;
    }
    return this.#first + counter.linePos(offset).line - 1;
  }
}

function parsePlaces(source: string): { readonly document: Document.Parsed; readonly counter: LineCounter } {
  const counter = new LineCounter();
  return { document: parseDocument(source, { uniqueKeys: false, merge: true, lineCounter: counter }), counter };
}

/** Those that are Kubernetes objects at all. */
export function fieldsOfAll(objects: readonly ManifestObject[]): readonly Fields[] {
  return objects.map(({ value }) => value).filter((value) => isFields(value));
}
