/** What people should be told of an object: the words between the model and Kubernetes' Events. */

/** The object that an Event is about, by what identifies it among those that live now. */
export interface EventTarget {
  /** `Deployment`, `StatefulSet`, `Job`, `Pod`, `Service`, … */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Something that is so now. It is told once, again when its version is another, and its end is told too. */
export interface Fact {
  readonly target: EventTarget;
  /** What it is about, the same over all of its versions; unique among the facts of one moment. */
  readonly topic: string;
  /** As Kubernetes has them: `UnknownService`. */
  readonly reason: string;
  readonly type: 'Normal' | 'Warning';
  readonly text: string;
  /** Two facts of one topic and version are told as one. undefined: nothing to tell now, what was told still counts. */
  readonly version: string | undefined;
  /** The reason of the Event that tells the end; undefined: the end is not told. */
  readonly ending: string | undefined;
  /** Kubernetes forgets Events after an hour: told again in time while it is so. */
  readonly repeats: boolean;
}

export type Phase = 'is' | 'ended';

/** One Event to write. */
export interface Telling {
  readonly fact: Fact;
  readonly phase: Phase;
  /** What the fact's version was when this was decided. */
  readonly version: string;
  /** The uid of the object that was told of it last; undefined: none was, or it is not known. */
  readonly toldOn?: string | undefined;
  /** That object knows: only one that was made anew under its name is to be told. */
  readonly onlyAnew?: boolean;
}

/** `Kind/namespace/name`. */
export function targetName({ kind, namespace, name }: EventTarget): string {
  return `${kind}/${namespace}/${name}`;
}
