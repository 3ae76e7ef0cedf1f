/** What replicas say to each other, as JSON. */
import { FieldReader, isFields } from '../model/field-reader.ts';
import type { Attendance, Counts } from './census.ts';

export function attendanceJson({ connected, astray, ...rest }: Attendance): object {
  return { ...rest, connected: Object.fromEntries(connected), astray: Object.fromEntries(astray) };
}

/** undefined: that is no answer of a replica. */
export function readAttendance(value: unknown): Attendance | undefined {
  if (!isFields(value) || typeof value['life'] !== 'string') return undefined;
  const read = new FieldReader();
  const counts = (name: string): Counts =>
    new Map(
      Object.entries(read.map(value[name], name)).flatMap(([id, count]) => (typeof count === 'number' ? [[id, count]] : [])),
    );
  return {
    name: read.text(value['name'], 'name'),
    life: value['life'],
    isSettled: value['isSettled'] === true,
    connected: counts('connected'),
    astray: counts('astray'),
  };
}
