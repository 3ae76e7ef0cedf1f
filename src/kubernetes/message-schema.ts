/** What is read of a message of Kubernetes' protobuf. */

/**
 * How a field is read. An empty `text`, which Go leaves out of JSON, and the zero `time` are left out here too.
 * `intOrString`: a number or a text, as in a port. `texts` and a list of messages (`[schema]`) are repeated fields.
 * `word`: a text of which there are few; equal ones are one string.
 */
export type FieldType =
  | 'text'
  | 'word'
  | 'texts'
  | 'int'
  | 'flag'
  | 'time'
  | 'intOrString'
  | TextMap
  | MessageSchema
  | readonly [MessageSchema];

/** A map of texts. */
export interface TextMap {
  /** Entries with other keys are passed over; none: all are read. One that ends in a slash: what begins with it. */
  readonly keys: readonly Uint8Array[];
}

/** @param keys see {@link TextMap} */
export function textMap(...keys: readonly string[]): TextMap {
  return { keys: keys.map((key) => Buffer.from(key)) };
}

export interface ProtobufField {
  readonly name: string;
  readonly type: FieldType;
}

/** By field number; what has no entry is passed over. */
export interface MessageSchema {
  readonly fields: readonly (ProtobufField | undefined)[];
}

/** @param fields as in the `.proto` files: name, number, type */
export function messageSchema(...fields: readonly (readonly [name: string, number: number, type: FieldType])[]): MessageSchema {
  const byNumber: (ProtobufField | undefined)[] = [];
  for (const [name, number, type] of fields) {
    while (byNumber.length <= number) byNumber.push(undefined);
    byNumber[number] = { name, type };
  }
  return { fields: byNumber };
}
