/** Objects that are written, as an API server keeps them: no resource is known, versions are checked. */
type Stored = Readonly<Record<string, unknown>> & { readonly metadata?: Readonly<Record<string, unknown>> };

/** Of a request: `isList` where it asks for all below its path. */
export interface StoreRequest {
  readonly method: string;
  readonly path: string;
  readonly isList: boolean;
  readonly body: () => Promise<unknown>;
}

export class StoredObjects {
  /** By path. */
  readonly byPath = new Map<string, Stored>();
  #version = 1;

  put(path: string, object: Stored): void {
    this.#version += 1;
    this.byPath.set(path, { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } });
  }

  below(path: string): readonly Stored[] {
    return [...this.byPath].flatMap(([key, object]) => (key.startsWith(`${path}/`) ? [object] : []));
  }

  /** @returns the status, and the document where there is one. */
  async answer({ method, path, isList, body }: StoreRequest): Promise<readonly [code: number, object?: unknown]> {
    if (isList) return [200, { metadata: { resourceVersion: '1' }, items: this.below(path) }];
    const there = this.byPath.get(path);
    if (method === 'GET') return there === undefined ? [404] : [200, there];
    if (method === 'DELETE') {
      if (there === undefined) return [404];
      const { preconditions } = (await body()) as { preconditions: Record<string, unknown> };
      const isSame = Object.entries(preconditions).every(([name, value]) => there.metadata?.[name] === value);
      if (!isSame) return [409];
      this.byPath.delete(path);
      return [200, { kind: 'Status' }];
    }
    // What the code under test sends; it is only stored.
    const object = (await body()) as Stored;
    const target = method === 'POST' ? `${path}/${String(object.metadata?.['name'])}` : path;
    const before = this.byPath.get(target);
    if (method === 'POST' && before !== undefined) return [409];
    if (method === 'PUT' && before?.metadata?.['resourceVersion'] !== object.metadata?.['resourceVersion']) return [409];
    this.put(target, object);
    return [201, this.byPath.get(target)];
  }
}
