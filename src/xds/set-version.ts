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
    this.#high = (this.#high + highBits(version)) >>> 0;
    this.#low = (this.#low + lowBits(version)) >>> 0;
  }

  delete(version: string): void {
    this.#text = undefined;
    this.#high = (this.#high - highBits(version)) >>> 0;
    this.#low = (this.#low - lowBits(version)) >>> 0;
  }

  toString(): string {
    this.#text ??= `${this.#high.toString(16).padStart(8, '0')}${this.#low.toString(16).padStart(8, '0')}`;
    return this.#text;
  }
}

/** The first 32 bits of a resource's version: it is a piece of a SHA-256 in base64, six bits a character. */
function highBits(version: string): number {
  return bitsAt(version, 0) * 2 ** 8 + (bitsAt(version, 4) >>> 16);
}

/** The next 32. */
function lowBits(version: string): number {
  return ((bitsAt(version, 4) & 0xffff) * 2 ** 16 + (bitsAt(version, 8) >>> 8)) >>> 0;
}

/** The 24 bits of four characters. */
function bitsAt(version: string, index: number): number {
  let bits = 0;
  for (let next = index; next < index + 4; next += 1) bits = (bits << 6) | (SIX_BITS[version.charCodeAt(next)] ?? 0);
  return bits;
}

/** By the code of a character. */
const SIX_BITS = new Uint8Array(128);
for (const [value, character] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].entries())
  SIX_BITS[character.charCodeAt(0)] = value;
