/** A rule: who else, besides requests with the key, goes to the preview. */
export type Operator = 'exact' | 'prefix' | 'suffix' | 'contains' | 'regex' | 'present' | 'absent';

/** What a predicate looks at: a header, or one member of W3C baggage. Names are in lower case. */
export type Subject = { readonly kind: 'header'; readonly name: string } | { readonly kind: 'baggage'; readonly name: string };

export interface Predicate {
  readonly subject: Subject;
  readonly operator: Operator;
  /** Empty for `present` and `absent`, never empty for the others. */
  readonly value: string;
}

/** Predicates that are all required. Never empty. */
export type Alternative = readonly Predicate[];

/** Any alternative suffices. Never empty. */
export interface Rule {
  readonly alternatives: readonly Alternative[];
}
