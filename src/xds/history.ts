/** What became of a type's responses on one stream, for people. */
export interface Nack {
  readonly error: string;
  /** ms */
  readonly at: number;
  readonly names: readonly string[];
}

/** Versions are '' where there is none. */
export interface History {
  readonly sent: string;
  readonly acked: string;
  readonly nack: Nack | undefined;
}
