/** What both sides of the comparison answer with, and by which keys. */
export function previewKey(index: number): string {
  return `pr-${index + 1}`;
}

/** Envoy answers itself: what is measured is finding the route, not an upstream. */
export function directResponse(copy: string): object {
  return { status: 200, body: { inline_string: copy } };
}
