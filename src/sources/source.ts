/** What every source gives to the app, whatever it reads from. */
import type { ClusterChange } from '../model/cluster-state.ts';
import type { Problem } from '../model/problem.ts';

export interface SourceBatch {
  /** What differs from the batches before; never an object that is as it was. */
  readonly changes: readonly ClusterChange[];
  /** All that is wrong now with what is read. */
  readonly problems: readonly Problem[];
  /** Everything was read once: the state is the world's, not a part of it. Never false again. */
  readonly synced: boolean;
  /** Why the source cannot be read now; undefined: it can. What it said last holds on. */
  readonly trouble: string | undefined;
}

export type OnBatch = (batch: SourceBatch) => void;

export interface Source {
  /** As in the settings: `directory:/etc/detour`. */
  readonly name: string;
  /** Begins to read, and ends when what it gives is disposed of. */
  follow(onBatch: OnBatch): Disposable;
  /** When it was last read without trouble, in ms since the epoch; 0: never. */
  lastReadAt(): number;
  /** By how many ms the clock here is ahead of the source's; undefined: not known. Where it has none, there is no such method. */
  clockAheadMs?(): number | undefined;
}
