/** What has to be known of a message type to write it. */
import type { Stencil } from '../model/stencil.ts';
import type { StencilProgram } from './stencil-program.ts';

export interface MessageSchema {
  /** In full. */
  readonly name: string;
  /** `struct`, `value`, `list`: any JSON; `leaf`: its JSON is a text, a number or a boolean, like a Duration's. */
  readonly kind: 'message' | 'any' | 'struct' | 'value' | 'list' | 'leaf';
  /** undefined: there is none of this name. */
  readonly field: (name: string) => FieldSchema | undefined;
  /** Of another message, by its full name. */
  readonly named: (name: string) => MessageSchema | undefined;
  /** For a leaf: its bytes. @throws Error when it has no such value. */
  readonly leaf: (value: unknown) => Uint8Array;
  /** Bytes of constants that were written. */
  readonly constants: WeakMap<object, Uint8Array>;
  /** Of stencils that were written. */
  readonly stencils: WeakMap<Stencil, StencilProgram>;
}

export interface FieldSchema {
  readonly name: string;
  /** With the message that it is of. */
  readonly fullName: string;
  readonly id: number;
  readonly kind: 'text' | 'bytes' | 'bool' | 'integer' | 'enum' | 'double' | 'message';
  /** Of an integer. */
  readonly smallest: bigint;
  readonly largest: bigint;
  /** The largest one, as far as it is a safe one. */
  readonly largestNumber: number;
  /** `map`: its keys are texts. */
  readonly shape: 'one' | 'repeated' | 'map';
  /** Zero, false and '' are the same as nothing, and not written. */
  readonly isImplicit: boolean;
  /** Of the oneof that it is a member of; 0: none. */
  readonly oneof: number;
  readonly oneofName: string;
  /** Of an enum. */
  readonly values: Readonly<Record<string, number>>;
  /** Of a message. */
  readonly message: () => MessageSchema;
}
