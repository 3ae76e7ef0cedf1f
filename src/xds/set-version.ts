/**
 * The version of a set of resources, from the versions of its members, whatever their order: a member comes and goes in
 * constant time, and every replica that holds the same set says the same (C5).
 */
export class SetVersion {
  #high = 0;
  #low = 0;
  #text: string | undefined;

  static of(versions: Iterable<string>): SetVersion {
    const result = new SetVersion();
    for (const version of versions) result.add(version);
    return result;
  }

  add(version: string): void {
    this.#text = undefined;
    const [high, low] = digest(version);
    this.#high = (this.#high + high) >>> 0;
    this.#low = (this.#low + low) >>> 0;
  }

  delete(version: string): void {
    this.#text = undefined;
    const [high, low] = digest(version);
    this.#high = (this.#high - high) >>> 0;
    this.#low = (this.#low - low) >>> 0;
  }

  toString(): string {
    this.#text ??= `${this.#high.toString(16).padStart(8, '0')}${this.#low.toString(16).padStart(8, '0')}`;
    return this.#text;
  }
}

/** A resource's version is a piece of a SHA-256 in base64: 64 of its bits. */
function digest(version: string): readonly [number, number] {
  const bytes = Buffer.from(version, 'base64url');
  return [bytes.readUInt32BE(0), bytes.readUInt32BE(4)];
}
