/** One replica of the control plane, as commands ask it. */
import type { Trouble } from '../trouble.ts';

export interface ReplicaAnswer {
  readonly status: number;
  /** Parsed JSON. */
  readonly body: unknown;
}

export interface Replica {
  /** For messages. */
  readonly name: string;
  /** @param path with its query */
  get(path: string): Promise<ReplicaAnswer | Trouble>;
}

/** Finds those that are ready, anew for each question: replicas come and go. */
export type FindReplicas = () => Promise<readonly Replica[] | Trouble>;

/** @param name of the replica, for the message. */
export function parseAnswer(name: string, status: number, text: string): ReplicaAnswer | Trouble {
  try {
    return { status, body: JSON.parse(text) };
  } catch {
    return { trouble: `${name} answers ${status} with what is no JSON`, hint: 'is that the admin endpoint of Detour?' };
  }
}
