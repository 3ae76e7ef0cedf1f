/** Numbers of protobuf's wire format. */

/** The lower three bits of a tag; above them the number of the field. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
/** Tags of the fields 1 and 2 of Any, Struct, ListValue and map entries. */
export const FIRST = (1 << 3) | WIRE.bytes;
export const SECOND = (2 << 3) | WIRE.bytes;
/** Messages within messages: as many as protobuf's own readers take. */
export const DEEPEST = 100;
