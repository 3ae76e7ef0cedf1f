/** What the Helm chart makes, as objects. */
import { parseAllDocuments } from 'yaml';
import { template } from '../../../tools/kubernetes/chart.ts';
import { findClient } from '../../../tools/kubernetes/client-programs.ts';
import type { KubernetesObject } from './api-client.ts';

/** @throws Error that says what to do: tests fetch nothing themselves. */
export async function helmProgram(): Promise<string> {
  const found = await findClient('helm', { path: process.env['PATH'] ?? '' });
  if (found !== undefined) return found;
  throw new Error('There is no helm here. `tools/run tools/test.ts get-kubernetes` fetches it; or put helm 3 or 4 on the PATH.');
}

/** @param args as `helm template` takes them: `--set`, `--values`. */
export async function chartObjects(...args: readonly string[]): Promise<readonly KubernetesObject[]> {
  return objectsOf(await template(await helmProgram(), ...args));
}

/** The objects of a manifest. What they are is for the API server to say. */
export function objectsOf(text: string): readonly KubernetesObject[] {
  return parseAllDocuments(text, { version: '1.1' }).flatMap((document) => {
    if (document.errors.length > 0) throw new Error(document.errors.join('\n'));
    const object: unknown = document.toJS();
    return object === null ? [] : [object as KubernetesObject];
  });
}

/** @throws Error when it is not there. */
export function theObject(objects: readonly KubernetesObject[], kind: string, name: string): KubernetesObject {
  const found = objects.find((each) => each.kind === kind && each.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name} among ${objects.map(({ kind: one }) => one).join(', ')}`);
  return found;
}
