/** What stands in the way of a command, as a value. */
import { AccessError } from '../kubernetes/access.ts';
import type { Failure } from '../kubernetes/failure.ts';
import type { Io } from './command.ts';

export interface Trouble {
  /** What is wrong, without a full stop. */
  readonly trouble: string;
  /** What mends it; '' where nothing is known to. */
  readonly hint: string;
  /** It may pass by itself: a replica that is just being replaced. */
  readonly mayPass?: boolean;
  /** What of the question it is about, where the control plane says that. */
  readonly about?: string;
}

export function isTrouble(value: object): value is Trouble {
  return 'trouble' in value;
}

/** @param doing the beginning of a sentence: `cannot list pods in shop` */
export function troubleOf(failure: Failure, doing: string): Trouble {
  // What the server says then names the user, the verb and the resource: what it lacks is whose right it is to mend it.
  const { status, reason, fix, isAway = false } = failure;
  const hint = status === 403 ? NO_RIGHT : fix === '' && isAway ? NOBODY_THERE : fix;
  return { trouble: `${doing}: ${reason}`, hint };
}

const NOBODY_THERE = 'is the cluster running, and is it the one you mean (--context NAME, --kubeconfig FILE)?';
const NO_RIGHT = 'is that the namespace (-n NAME) and the context (--context NAME) you mean? Else have yourself given that right';

/** @returns what is wrong with the way to the cluster. @throws whatever else went wrong */
export function accessTrouble(error: unknown): Trouble {
  if (error instanceof AccessError) return { trouble: error.message, hint: '' };
  throw error;
}

/** `detour list: cannot …. Try ….` */
export function tell(command: string, { trouble, hint }: Trouble, io: Io): void {
  io.err(`detour ${command}: ${sentence(trouble)}${hint === '' ? '' : ` ${sentence(hint[0]?.toUpperCase() + hint.slice(1))}`}\n`);
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
