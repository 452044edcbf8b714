import type { BadTensor, KeptIterations } from '../../protocol';

/** Bytes as a person reads them. */
export function sizeOf(bytes: number): string {
  const [value, unit] =
    bytes >= 2 ** 30
      ? [bytes / 2 ** 30, 'GB']
      : bytes >= 2 ** 20
        ? [bytes / 2 ** 20, 'MB']
        : [bytes / 2 ** 10, 'KB'];
  return `${value >= 100 ? value.toFixed(0) : Number(value.toPrecision(2))} ${unit}`;
}

const thousands = (count: number): string => count.toLocaleString('en');

/** How far one can go back, and what that takes. */
export function wordsForKept(kept: KeptIterations): string {
  const { iterations, most, bytes } = kept;
  if (most === 0) {
    return 'Not one iteration fits any more; keep more memory.';
  }
  if (iterations === 0) {
    return `None kept yet; ${thousands(most)} ${most === 1 ? 'fits' : 'fit'}.`;
  }
  const what = iterations === 1 ? 'Last iteration kept' : `Last ${thousands(iterations)} iterations kept`;
  return `${what}, ${sizeOf(bytes)}${iterations < most ? `; ${thousands(most)} fit` : ''}.`;
}

/** Where a bad value is. */
export function placeOf(bad: BadTensor): string {
  const what = bad.part === 'diff' ? `the diff of ${bad.blob}` : bad.blob;
  const more = bad.count > 1 ? `, ${bad.count} values are not finite` : '';
  return `${what}${bad.index.length > 0 ? ` at [${bad.index.join(', ')}]` : ''}${more}`;
}
