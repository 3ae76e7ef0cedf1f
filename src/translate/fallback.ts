/** Which of the baseline's endpoints a preview falls back to. */
import type { Address } from '../model/intercept.ts';

/** So many are enough. */
const FALLBACK_ENDPOINTS = 8;

/**
 * Rendezvous hashing: each preview falls back to endpoints of its own choice, and one that comes or goes changes only
 * those assignments that held it or are to hold it. Made once for a list that thousands of previews choose from.
 */
export class Fallback {
  readonly #addresses: readonly Address[];
  readonly #hashes: readonly number[];
  readonly #texts: ReadonlySet<string>;

  constructor(addresses: readonly Address[]) {
    const texts = addresses.map(addressText);
    this.#addresses = addresses;
    this.#hashes = texts.map(hash);
    this.#texts = new Set(texts);
  }

  /** In the order of the list. @param own endpoints of the preview: Envoy takes an address once, whatever its priority. */
  chooseFor(name: string, own: readonly Address[]): readonly Address[] {
    const taken = new Set(own.map(addressText).filter((text) => this.#texts.has(text)));
    const free = (index: number): boolean => taken.size === 0 || !taken.has(addressText(this.#at(index)));
    if (this.#addresses.length - taken.size <= FALLBACK_ENDPOINTS) return this.#addresses.filter((_, index) => free(index));
    const seed = hash(name);
    // Places and scores of the best so far, the best first.
    const places: number[] = [];
    const scores: number[] = [];
    for (const [index, own] of this.#hashes.entries()) {
      const score = mix(own ^ seed);
      let place = scores.length;
      while (place > 0 && score > (scores[place - 1] ?? 0)) place -= 1;
      if (place === FALLBACK_ENDPOINTS || !free(index)) continue;
      places.splice(place, 0, index);
      scores.splice(place, 0, score);
      places.length = Math.min(places.length, FALLBACK_ENDPOINTS);
      scores.length = places.length;
    }
    return places.sort((a, b) => a - b).map((index) => this.#at(index));
  }

  #at(index: number): Address {
    const address = this.#addresses[index];
    if (address === undefined) throw new Error('an index of the list is in the list');
    return address;
  }
}

function addressText(address: Address): string {
  return `${address.ip} ${address.port}`;
}

/** FNV-1a over the text. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return mix(value);
}

/** So that every bit of the input counts in every bit of the output. */
function mix(bits: number): number {
  let value = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
