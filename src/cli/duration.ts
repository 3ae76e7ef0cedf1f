import type { Reading } from '../flags.ts';

const FORM = /^(?:(\d{1,4})d)?(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,10})s)?$/;
const TEN_YEARS = 10 * 365 * 24 * 3600;

/** `72h`, `7d`, `1h30m`: in ms, more than none. */
export function readDuration(text: string): Reading<number> {
  const [, days, hours, minutes, seconds] = FORM.exec(text) ?? [];
  const total = Number(days ?? 0) * 86_400 + Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
  if (total > 0 && total <= TEN_YEARS) return { value: total * 1000 };
  return { mistake: 'must be a time such as 72h, 7d or 1h30m, ten years at most' };
}
