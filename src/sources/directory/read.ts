/** The text of one manifest file → objects and problems. */
import { type Document, isScalar, parseDocument, visit } from 'yaml';
import type { Subject } from '../../model/problem.ts';
import { type Projection, projectObjects } from '../objects.ts';

/** One document of a file, as it was read: of an edited file only the documents that differ are read again. */
interface DocumentRead extends Projection {
  readonly text: string;
  /** Its first line in the file, from 1. */
  readonly line: number;
}

export interface FileRead extends Projection {
  readonly documents: readonly DocumentRead[];
}

export const EMPTY_FILE: FileRead = { objects: [], problems: [], incomplete: false, documents: [] };

/**
 * A broken document spoils only itself. `incomplete`: something in the file could not be read.
 * @param file path below the directory, as problems name it.
 * @param previous what this gave for the file before.
 */
export function readManifests(text: string, file: string, previous: FileRead = EMPTY_FILE): FileRead {
  const parts = file.endsWith('.json') ? [text] : splitDocuments(text);
  let line = 1;
  const documents = parts.map((part, index) => {
    const known = previous.documents[index];
    const at = line;
    line += part.split('\n').length - 1;
    // A message may name a line, which an edit further up moves.
    if (known !== undefined && known.text === part && (known.line === at || !known.incomplete)) return known;
    return readDocument(part, file, at, parts.length === 1 ? file : `${file}, document ${index + 1}`);
  });
  return {
    objects: documents.flatMap((document) => document.objects),
    problems: documents.flatMap((document) => document.problems),
    incomplete: documents.some((document) => document.incomplete),
    documents,
  };
}

/** A line that begins with `---` ends a document wherever it stands, in quoted text too (YAML 1.2, 9.1.2). */
function splitDocuments(text: string): readonly string[] {
  const withoutMark = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const parts = withoutMark.replace(/^%(YAML|TAG)[ \t].*$/gm, '').split(/^---(?=[ \t\r\n]|$)/m);
  return parts[0] === '' && parts.length > 1 ? parts.slice(1) : parts;
}

function readDocument(text: string, file: string, line: number, place: string): DocumentRead {
  const subject: Subject = { kind: 'File', key: file };
  const parsed = file.endsWith('.json') ? parseJson(text) : parseYaml(text, line);
  if ('mistake' in parsed) {
    const message = `${place}: ${parsed.mistake}`;
    const hint = 'Correct it; until then what the file said last is served.';
    return { text, line, objects: [], problems: [{ code: 'InvalidObject', subject, message, hint }], incomplete: true };
  }
  return { text, line, ...projectObjects(parsed.value, { subject, place }) };
}

type Parsed = { readonly value: unknown } | { readonly mistake: string };

function parseJson(text: string): Parsed {
  try {
    return { value: text.trim() === '' ? null : JSON.parse(text) };
  } catch (error) {
    return { mistake: `not JSON: ${sentence(error)}` };
  }
}

function parseYaml(text: string, firstLine: number): Parsed {
  try {
    // The parser's own search for repeated keys takes seconds for 10,000 of them.
    const document = parseDocument(text, { uniqueKeys: false, merge: true, prettyErrors: false });
    const [error] = document.errors;
    if (error !== undefined) {
      const line = firstLine + text.slice(0, error.pos[0]).split('\n').length - 1;
      return { mistake: `not YAML, at line ${line}: ${sentence(error)}` };
    }
    const repeated = repeatedKey(document);
    if (repeated !== undefined) return { mistake: `the key ${repeated} is there twice in one map.` };
    return { value: document.toJS() };
  } catch (error) {
    // What the parser throws is about the text: aliases without end, nesting without end.
    return { mistake: `not YAML: ${sentence(error)}` };
  }
}

function repeatedKey(document: Document): string | undefined {
  let repeated: string | undefined;
  visit(document, {
    Map(_, map) {
      const keys = new Set<unknown>();
      for (const { key } of map.items) {
        const name = isScalar(key) ? key.value : key;
        if (keys.has(name) && name !== '<<') {
          repeated = String(name).slice(0, 80);
          return visit.BREAK;
        }
        keys.add(name);
      }
      return undefined;
    },
  });
  return repeated;
}

/** The first line of what a parser says: it goes on with an excerpt, which may be long. */
function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const [line = ''] = text.split('\n');
  return `${line.slice(0, 200).replace(/[:.]$/, '')}.`;
}
