/** RFC 3339, section 5.6, with upper or lower case T and Z. Leap seconds (`:60`) are not taken: no clock here has them. */
const INSTANT = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

const MINUTE = 60_000;

/** Milliseconds since the epoch, parts of one cut off; undefined where the text is no such instant. */
export function parseInstant(text: string): number | undefined {
  const match = INSTANT.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, sign, offsetHour, offsetMinute] = match;
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}${(fraction ?? '.0').slice(0, 4)}Z`;
  const instant = Date.parse(local);
  // `Date.parse` takes 30 February for 2 March, and 24:00 for the next day.
  if (Number.isNaN(instant) || !new Date(instant).toISOString().startsWith(`${year}-${month}-${day}T${hour}:`)) return undefined;
  if (Number(offsetHour ?? 0) > 23 || Number(offsetMinute ?? 0) > 59) return undefined;
  const offset = (Number(offsetHour ?? 0) * 60 + Number(offsetMinute ?? 0)) * MINUTE;
  return sign === '-' ? instant + offset : instant - offset;
}
