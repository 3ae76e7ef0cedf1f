/** What no honest use of the annotations comes near. Whatever is larger is refused unread, so that it costs nothing. */

/** `detour.dev/` annotations of one object, known and unknown. */
export const MAX_ANNOTATIONS = 64;
/** Characters of one annotation's value. */
export const MAX_VALUE_LENGTH = 8192;
/** Entries of a comma-separated list: targets, hosts, namespaces, headers. */
export const MAX_LIST_ENTRIES = 256;
/** Predicates of one rule, all its alternatives together. */
export const MAX_PREDICATES = 64;
/** Characters of a predicate's name, and of its value. */
export const MAX_NAME_LENGTH = 128;
export const MAX_PREDICATE_VALUE_LENGTH = 2048;
/** RE2 instructions of all regular expressions of one rule: each request that names no preview may meet them all. */
export const MAX_RULE_PROGRAM_SIZE = 2000;
