import type { Check, CheckRow } from '../../protocol';

/** The rows of a check, the failing and worst ones first, those that were not checked last. */
export function worstFirst(check: Check): CheckRow[] {
  const size = (row: CheckRow): number => row.max_error ?? Number.POSITIVE_INFINITY;
  return [...check.rows].sort(
    (a, b) => Number(a.ok) - Number(b.ok) || Number(a.skipped) - Number(b.skipped) || size(b) - size(a)
  );
}

/** `[0, 3]`; an empty index for a scalar. */
export function indexText(index: readonly number[]): string {
  return `[${index.join(', ')}]`;
}

/** The rows to be shown as pictures, with their places: those that failed, else the first compared one by one. */
export function pictured(check: Check): { row: CheckRow; at: number }[] {
  const checked = check.rows.map((row, at) => ({ row, at })).filter(({ row }) => !row.skipped);
  const failed = checked.filter(({ row }) => !row.ok);
  return failed.length > 0 ? failed : checked.filter(({ row }) => !row.line).slice(0, 1);
}

/** Whether something was compared along a line only, so that there are no differences of single elements. */
export function onLines(check: Check): boolean {
  return check.rows.some(row => row.line && !row.skipped);
}
