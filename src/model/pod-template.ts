/** Where a workload describes its pods, and such a pod. */
import { type Fields, isFields } from './field-reader.ts';

export type FieldPath = readonly (string | number)[];

/** Where the template of an object's pods is: [] where it is a Pod itself; undefined where it has none. */
export function templatePath(object: Fields): FieldPath | undefined {
  if (object['kind'] === 'Pod') return object['apiVersion'] === 'v1' ? [] : undefined;
  const path = object['kind'] === 'CronJob' ? ['spec', 'jobTemplate', 'spec', 'template'] : ['spec', 'template'];
  return isFields(fieldAt(object, path)) ? path : undefined;
}

export function fieldAt(object: unknown, path: FieldPath): unknown {
  return path.reduce<unknown>((value, name) => (isFields(value) ? value[name] : undefined), object);
}

/** A Pod as its controller would make it, running and ready. @param name of the pod. */
export function podOfTemplate(object: Fields, path: FieldPath, name: string): Fields {
  const template = fieldAt(object, path);
  const own = isFields(template) && isFields(template['metadata']) ? template['metadata'] : {};
  const outer = isFields(object['metadata']) ? object['metadata'] : {};
  const owner = { kind: object['kind'], name: outer['name'], controller: true };
  const metadata = { ...own, name, namespace: outer['namespace'], ...(path.length > 0 && { ownerReferences: [owner] }) };
  const status = { phase: 'Running', podIP: '192.0.2.2', conditions: [{ type: 'Ready', status: 'True' }] };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: isFields(template) ? template['spec'] : {}, status };
}
