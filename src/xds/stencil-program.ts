/** The bytes of a stencil's example, taken apart where the others differ: what each of them costs is copying the pieces. */
import { piecesOf, placeOfNumber, type Stenciled } from '../model/stencil.ts';
import { ByteWriter } from './byte-writer.ts';

/**
 * `raw`: bytes that are always there; `begin`, `end`: a message or a text whose length is not always the same; `text`,
 * `part`, `number`: what stands in a place, `text` with its length before it.
 */
type Step =
  | { readonly kind: 'raw'; readonly bytes: Uint8Array }
  | { readonly kind: 'begin' | 'end' }
  | { readonly kind: 'text' | 'part' | 'number'; readonly place: number };

/** A note of where in the bytes something begins, ends or is to be put. `length`: how many bytes say how long it is. */
interface Note {
  readonly kind: 'begin' | 'end' | 'part' | 'number';
  readonly place: number;
  at: number;
  length: number;
}

export class StencilProgram {
  readonly #steps: readonly Step[];
  readonly #starts: number[] = [];

  /** @param write writes the example */
  constructor(write: (writer: ByteWriter) => void) {
    const writer = new NotingWriter();
    write(writer);
    this.#steps = stepsOf(writer.written, writer.notes);
  }

  /** @returns false, with anything written, where a value cannot stand in its place. */
  run(writer: ByteWriter, values: Stenciled['values']): boolean {
    const starts = this.#starts;
    starts.length = 0;
    for (const step of this.#steps) {
      switch (step.kind) {
        case 'raw':
          writer.raw(step.bytes);
          break;
        case 'begin':
          starts.push(writer.begin());
          break;
        case 'end':
          writer.end(starts.pop() ?? 0);
          break;
        default:
          if (!put(writer, step.kind, values[step.place])) return false;
      }
    }
    return true;
  }
}

/** Where a text is empty, or a number zero, the whole field may have to go. */
function put(writer: ByteWriter, kind: 'text' | 'part' | 'number', value: string | number | undefined): boolean {
  if (typeof value === 'number') {
    if (kind !== 'number' || !Number.isSafeInteger(value) || value <= 0 || value > MOST) return false;
    writer.integer(value);
    return true;
  }
  if (kind === 'number' || value === undefined || value === '' || !value.isWellFormed()) return false;
  if (kind === 'text') writer.text(value);
  else writer.part(value);
  return true;
}

/** Of a `uint32`. */
const MOST = 2 ** 32 - 1;

/** Writes all but what stands in the places, and notes where that is. */
class NotingWriter extends ByteWriter {
  readonly notes: Note[] = [];
  readonly #open: number[] = [];

  override begin(): number {
    const start = super.begin();
    this.#open.push(this.notes.length);
    this.notes.push({ kind: 'begin', place: -1, at: start, length: 1 });
    return start;
  }

  override end(start: number): number {
    const before = this.position;
    const length = super.end(start);
    // A length of several bytes has moved what it is the length of.
    const more = this.position - before;
    const first = this.#open.pop() ?? 0;
    for (const note of this.notes.slice(first)) note.at += more;
    const begun = this.notes[first];
    if (begun !== undefined) begun.length += more;
    this.notes.push({ kind: 'end', place: -1, at: this.position, length: 0 });
    return length;
  }

  override rewind(position: number): void {
    super.rewind(position);
    while ((this.notes.at(-1)?.at ?? 0) > position) this.notes.pop();
  }

  override text(value: string): void {
    const pieces = piecesOf(value);
    if (pieces === undefined) return super.text(value);
    const start = this.begin();
    for (const piece of pieces) {
      if (typeof piece === 'string') this.raw(Buffer.from(piece));
      else this.#put('part', piece);
    }
    this.end(start);
  }

  override integer(value: number): void {
    const place = placeOfNumber(value);
    if (place === undefined) super.integer(value);
    else this.#put('number', place);
  }

  #put(kind: 'part' | 'number', place: number): void {
    this.notes.push({ kind, place, at: this.position, length: 0 });
  }
}

function stepsOf(bytes: Buffer, notes: readonly Note[]): readonly Step[] {
  const varying = varyingOf(notes);
  const steps: Step[] = [];
  let done = 0;
  const copyUpTo = (at: number): void => {
    if (at > done) steps.push({ kind: 'raw', bytes: Uint8Array.prototype.slice.call(bytes, done, at) });
    done = at;
  };
  for (const note of notes.filter((each) => varying.has(each))) {
    copyUpTo(note.at - note.length);
    done = note.at;
    steps.push(note.kind === 'begin' || note.kind === 'end' ? { kind: note.kind } : { kind: note.kind, place: note.place });
  }
  copyUpTo(bytes.length);
  return withWholeTexts(steps);
}

/** Those whose lengths are always the same are left out: they are bytes like others. */
function varyingOf(notes: readonly Note[]): ReadonlySet<Note> {
  const varying = new Set<Note>();
  const open: Note[] = [];
  for (const note of notes) {
    if (note.kind === 'begin') open.push(note);
    else if (note.kind === 'end') {
      const begun = open.pop();
      if (begun !== undefined && varying.has(begun)) varying.add(note);
    } else {
      varying.add(note);
      for (const each of open) varying.add(each);
    }
  }
  return varying;
}

/** What has one part and nothing else is a text. */
function withWholeTexts(steps: readonly Step[]): readonly Step[] {
  const joined: Step[] = [];
  for (const step of steps) {
    const [before, last] = joined.slice(-2);
    if (step.kind === 'end' && last?.kind === 'part' && before?.kind === 'begin') {
      joined.splice(-2, 2, { kind: 'text', place: last.place });
    } else joined.push(step);
  }
  return joined;
}
