/** The text of manifests → the same text with sidecars: what is not touched stays as it was written, comments too. */
import { type Document, isCollection, isMap, isSeq, type ParsedNode, parseDocument } from 'yaml';
import { injectManifest, type ManifestInjection } from '../../inject/inject-manifest.ts';
import { type Addition, below, pathOf, withAdditions } from '../../inject/patch.ts';
import type { InjectSettings } from '../../inject/settings.ts';
import { isFields } from '../../model/field-reader.ts';
import type { FieldPath } from '../../model/pod-template.ts';
import { sameData } from '../../model/same-data.ts';
import { splitDocuments } from '../../sources/directory/parse.ts';
import { listItems } from '../../sources/objects.ts';
import { toJson, toYaml } from '../output.ts';

export interface InjectedText {
  readonly text: string;
  readonly injections: readonly ManifestInjection[];
}

export interface TextOptions {
  readonly settings: InjectSettings;
  /** Namespaces that refuse the init step. */
  readonly restricted: ReadonlySet<string>;
}

/** @param text that was read without mistakes before. */
export function injectText(text: string, isJson: boolean, options: TextOptions): InjectedText {
  if (isJson) {
    const value: unknown = text.trim() === '' ? null : JSON.parse(text);
    const { patch, injections } = injectValue(value, options);
    return { text: patch.length === 0 ? text : toJson(withAdditions(value, patch)), injections };
  }
  const parts = splitDocuments(text).map((part) => injectDocument(part, options));
  // What stood behind the dashes is still there.
  const whole = parts.map((part) => (/^[\r\n \t]/.test(part.text) ? `---${part.text}` : `---\n${part.text}`));
  return {
    text: whole.map((part) => (part.endsWith('\n') ? part : `${part}\n`)).join(''),
    injections: parts.flatMap(({ injections }) => injections),
  };
}

function injectDocument(text: string, options: TextOptions): InjectedText {
  const document = parseDocument(text, PARSING);
  const value: unknown = document.toJS();
  const { patch, injections } = injectValue(value, options);
  if (patch.length === 0) return { text, injections };
  const wanted = withAdditions(value, patch);
  const isEdited = patch.every((each) => edit(document, each)) && sameData(document.toJS(), wanted);
  // Anchors and merge keys: written in full, since what they name may stand elsewhere too.
  return { text: isEdited ? document.toString({ lineWidth: 0 }) : toYaml(wanted), injections };
}

const PARSING = { uniqueKeys: false, merge: true } as const;

/** @returns whether it could be done where it stands. */
function edit(document: Document<ParsedNode>, added: Addition): boolean {
  const parts = [...pathOf(added)];
  const last = parts.pop() ?? '';
  let parent: unknown = document.contents;
  for (const part of parts) {
    if (!isCollection(parent)) return false;
    parent = parent.get(isSeq(parent) ? Number(part) : part, true);
  }
  const node = document.createNode(added.value, { aliasDuplicateObjects: false });
  if (isSeq(parent)) parent.items.splice(last === '-' ? parent.items.length : Number(last), 0, node);
  else if (isMap(parent)) parent.set(last, node);
  else return false;
  return true;
}

interface InjectedValue {
  readonly patch: readonly Addition[];
  readonly injections: readonly ManifestInjection[];
}

/** An object, or a List of them. */
function injectValue(value: unknown, { settings, restricted }: TextOptions): InjectedValue {
  const patch: Addition[] = [];
  const injections: ManifestInjection[] = [];
  const waiting: { readonly value: unknown; readonly path: FieldPath }[] = [{ value, path: [] }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { path } = next;
    const items = listItems(next.value);
    if (items !== undefined) {
      const version = isFields(next.value) ? next.value['apiVersion'] : undefined;
      const kind = items.kind === undefined ? {} : { apiVersion: version, kind: items.kind };
      for (const [index, item] of items.values.entries())
        waiting.push({ value: isFields(item) ? { ...kind, ...item } : item, path: [...path, 'items', index] });
    } else if (isFields(next.value)) {
      const injection = injectManifest(next.value, restricted, settings);
      injections.push(injection);
      patch.push(...injection.patch.map((each) => below(path, each)));
    }
  }
  return { patch, injections: injections.reverse() };
}
