/** What a process holds at one moment, after collecting garbage. */
export interface Held {
  /** Heap, and what it holds outside of itself, in bytes. */
  readonly heap: number;
  /** In bytes. */
  readonly resident: number;
  /** Open file descriptors. */
  readonly files: number;
  /** What keeps the event loop alive, by kind. */
  readonly handles: Readonly<Record<string, number>>;
  /** Objects that are reachable. */
  readonly objects: Readonly<Record<'streams' | 'sessions' | 'views', number>>;
  /** Processor time so far. */
  readonly cpuMs: number;
}
