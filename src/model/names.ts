/**
 * Every name that crosses a room, as a type of its own, with its one builder.
 * Names come from identity (namespace, service, port, key), never from a position in a list.
 */
declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** `namespace/name` of any namespaced object. */
export type ObjectKey = `${string}/${string}`;
/** `namespace/service:port`, the port by number. The value of the mark header. */
export type ServicePortKey = `${string}/${string}:${number}`;
/** `namespace/key/Kind/controller/service-namespace/service:port`, see {@link interceptId}. */
export type InterceptId = Branded<'InterceptId'>;

export function objectKey(namespace: string, name: string): ObjectKey {
  return `${namespace}/${name}`;
}

export function splitObjectKey(key: ObjectKey): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

export function servicePortKey(service: ObjectKey, port: number): ServicePortKey {
  return `${service}:${port}`;
}

/** A preview is its namespace, its key and its controller (design, section 2). */
export interface PreviewName {
  readonly namespace: string;
  readonly key: string;
  /** `Deployment`, `StatefulSet`, `Job`, `ReplicaSet`, `Pod`, `Service`. */
  readonly kind: string;
  readonly name: string;
}

export function previewId(preview: PreviewName): string {
  return `${preview.namespace}/${preview.key}/${preview.kind}/${preview.name}`;
}

export function interceptId(preview: PreviewName, target: ServicePortKey): InterceptId {
  // The one place that makes this brand.
  return `${previewId(preview)}/${target}` as InterceptId;
}

/** The key of the preview: neither namespaces nor keys have a slash. */
export function keyOfIntercept(id: InterceptId): string {
  return id.split('/', 2)[1] ?? '';
}

/** The preview of the intercept: none of its parts has a slash. */
export function previewOfIntercept(id: InterceptId): PreviewName {
  const [namespace = '', key = '', kind = '', name = ''] = id.split('/', 4);
  return { namespace, key, kind, name };
}

/** RFC 1123 label: lower case, digits, inner hyphens, 63 characters at most. */
const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export function isDnsLabel(text: string): boolean {
  return DNS_LABEL.test(text);
}

/** A key is a DNS label without `--` that is not `xn` (design, section 2). */
export function isKey(text: string): boolean {
  return isDnsLabel(text) && !text.includes('--') && text !== 'xn';
}
