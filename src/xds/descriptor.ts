/** What messages and enums there are, as `npm run gen` wrote them down. */
import { readFileSync } from 'node:fs';

export interface FieldFacts {
  /** A scalar's name; or the full name of a message or enum, after a dot. */
  readonly type: string;
  readonly id: number;
  readonly rule?: 'repeated';
  /** Of a map. */
  readonly keyType?: string;
}

export interface MessageFacts {
  readonly fields: Readonly<Record<string, FieldFacts>>;
  /** Optional fields are in one of their own. */
  readonly oneofs?: Readonly<Record<string, { readonly oneof: readonly string[] }>>;
}

export interface EnumFacts {
  readonly values: Readonly<Record<string, number>>;
}

/** A package, a message with those within it, or an enum. */
interface Place extends Partial<MessageFacts>, Partial<EnumFacts> {
  readonly nested?: Readonly<Record<string, Place>>;
}

export class Descriptor {
  readonly #root: Place;

  /** @param root as protobufjs writes descriptors in JSON */
  constructor(root: object) {
    this.#root = root;
  }

  /** Reads the file, which is constant. */
  static read(): Descriptor {
    // Written by `npm run gen`.
    return new Descriptor(JSON.parse(readFileSync(new URL('../generated/envoy.json', import.meta.url), 'utf8')) as object);
  }

  /** @param name in full, like `envoy.config.cluster.v3.Cluster` @returns undefined: there is no such message */
  message(name: string): MessageFacts | undefined {
    const place = this.#find(name);
    return place?.fields === undefined ? undefined : { ...place, fields: place.fields };
  }

  enum(name: string): EnumFacts | undefined {
    const place = this.#find(name);
    return place?.values === undefined ? undefined : { values: place.values };
  }

  /** Of all messages, in full. */
  messages(): readonly string[] {
    const found: string[] = [];
    const visit = ({ nested = {} }: Place, before: string): void => {
      for (const [name, place] of Object.entries(nested)) {
        if (place.fields !== undefined) found.push(before + name);
        visit(place, `${before}${name}.`);
      }
    };
    visit(this.#root, '');
    return found;
  }

  #find(name: string): Place | undefined {
    let place: Place | undefined = this.#root;
    for (const part of name.split('.')) {
      const nested: Place['nested'] = place?.nested;
      place = nested !== undefined && Object.hasOwn(nested, part) ? nested[part] : undefined;
    }
    return place;
  }
}
