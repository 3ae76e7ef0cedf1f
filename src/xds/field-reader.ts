/** Reads the wire format of protobuf: a message as its fields, of which those are of interest that have bytes in them. */

const WIRE = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 } as const;

/** Goes over the length-delimited fields of a message. */
export class FieldReader {
  readonly #bytes: Buffer;
  #position: number;
  #end: number;
  #start = 0;
  #from = 0;
  #to = 0;

  constructor(bytes: Buffer, from: number, to: number) {
    this.#bytes = bytes;
    this.#position = from;
    this.#end = to;
  }

  /**
   * @returns the number of the next length-delimited field; 0: there is none.
   * @throws Error when the bytes are not a message.
   */
  next(): number {
    while (this.#position < this.#end) {
      this.#start = this.#position;
      const tag = this.#varint();
      const field = tag >>> 3;
      if (field === 0) throw new Error('a field has the number 0');
      const wire = tag & 7;
      if (wire === WIRE.delimited) {
        const length = this.#varint();
        this.#from = this.#position;
        this.#to = this.#from + length;
        this.#skipTo(this.#to);
        return field;
      }
      if (wire === WIRE.varint) this.#varint();
      else if (wire === WIRE.fixed64) this.#skipTo(this.#position + 8);
      else if (wire === WIRE.fixed32) this.#skipTo(this.#position + 4);
      else throw new Error(`field ${field} has the wire type ${wire}, which no xDS message has`);
    }
    return 0;
  }

  /** Where the present field begins, with its number. */
  get start(): number {
    return this.#start;
  }

  /** Where the content of the present field begins. */
  get from(): number {
    return this.#from;
  }

  /** Where the content of the present field ends. */
  get to(): number {
    return this.#to;
  }

  /**
   * As {@link next} for those that follow one another in tens of thousands: goes on to a field of this number, which is
   * below 16, of less than 128 bytes.
   * @returns whether it has: what comes next may be anything else.
   */
  nextShort(field: number): boolean {
    const at = this.#position;
    const length = this.#bytes[at + 1] ?? 0;
    const to = at + 2 + length;
    if (this.#bytes[at] !== field * 8 + WIRE.delimited || length >= 128 || to > this.#end) return false;
    this.#start = at;
    this.#from = at + 2;
    this.#to = to;
    this.#position = to;
    return true;
  }

  /** On with the fields of another message, or part of one. */
  goTo(from: number, to: number): void {
    this.#position = from;
    this.#end = to;
  }

  #varint(): number {
    const first = this.#bytes[this.#position] ?? 0;
    if (first < 128 && this.#position < this.#end) {
      this.#position += 1;
      return first;
    }
    let value = 0;
    // Lengths and tags are below 2³²; of longer numbers only the end is looked for.
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#position >= this.#end) throw new Error('it ends within a field');
      const byte = this.#bytes[this.#position++] ?? 0;
      if (shift < 35) value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new Error('a number is longer than 64 bits');
  }

  #skipTo(position: number): void {
    if (position > this.#end) throw new Error('it ends within a field');
    this.#position = position;
  }
}
