/** What a start leaves behind goes back to the system: without that, V8 keeps a tenth of a small control plane for good. */

/** Of the heap. It takes 0.1 s for half of that; where there is more, streams are not to be held up for so little. */
const MOST_BYTES = 64_000_000;

/** Does nothing where Node was not started with `--expose-gc`. @param heapBytes in use */
export function collectGarbage(heapBytes = process.memoryUsage().heapUsed): void {
  if (globalThis.gc === undefined || heapBytes > MOST_BYTES) return;
  // The only kind that moves together what is left.
  globalThis.gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
