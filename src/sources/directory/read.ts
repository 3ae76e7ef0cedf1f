/** The text of one manifest file → objects and problems. */
import type { Subject } from '../../model/problem.ts';
import { type Projection, projectObjects } from '../objects.ts';
import { parseManifest, splitDocuments } from './parse.ts';

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

function readDocument(text: string, file: string, line: number, place: string): DocumentRead {
  const subject: Subject = { kind: 'File', key: file };
  const parsed = parseManifest(text, file, line);
  if ('mistake' in parsed) {
    const message = `${place}: ${parsed.mistake}`;
    const hint = 'Correct it; until then what the file said last is served.';
    return { text, line, objects: [], problems: [{ code: 'InvalidObject', subject, message, hint }], incomplete: true };
  }
  return { text, line, ...projectObjects(parsed.value, { subject, place }) };
}
