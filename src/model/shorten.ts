/** Quotes a user's text for a message: on one line, at most 60 characters of it. */
export function shorten(text: string, limit = 60): string {
  const cut = text.length > limit ? `${text.slice(0, limit).replace(/[\ud800-\udbff]$/, '')}…` : text;
  return JSON.stringify(cut);
}
