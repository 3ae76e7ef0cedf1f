/** The text of manifests → plain data, or what is wrong with it. */
import { type Document, isScalar, parseDocument, visit } from 'yaml';

/** A line that begins with `---` ends a document wherever it stands, in quoted text too (YAML 1.2, 9.1.2). */
export function splitDocuments(text: string): readonly string[] {
  const withoutMark = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const parts = withoutMark.replace(/^%(YAML|TAG)[ \t].*$/gm, '').split(/^---(?=[ \t\r\n]|$)/m);
  return parts[0] === '' && parts.length > 1 ? parts.slice(1) : parts;
}

export type Parsed = { readonly value: unknown } | { readonly mistake: string };

/** One document. @param line where it begins in its file, from 1. */
export function parseManifest(text: string, file: string, line: number): Parsed {
  return file.endsWith('.json') ? parseJson(text) : parseYaml(text, line);
}

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
