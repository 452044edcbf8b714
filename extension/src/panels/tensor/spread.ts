import { formatNumber } from '../../components/format';
import type { Distribution, Element } from '../../protocol';

/** One bar of a histogram. */
export interface IBar {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly text: string;
  /** Whether it counts what lies beyond the ends. */
  readonly outside: boolean;
}

/** The bars of a histogram: one for each category; else the bins, and one each for what lies beyond the ends. */
export function barsOf(distribution: Distribution): IBar[] {
  const { low, high, counts, below, above, statistics } = distribution;
  const { categories, min, max } = statistics;
  const bar = (from: number, to: number, count: number, text: string, outside = false): IBar => ({
    from,
    to,
    count,
    text,
    outside
  });
  if (categories.length > 0) {
    return categories.map((value, at) => bar(value, value, counts[at] ?? 0, formatNumber(value)));
  }
  const width = (high - low) / counts.length;
  const bins = counts.map((count, at) => {
    const [from, to] = [low + at * width, low + (at + 1) * width];
    return bar(from, to, count, `${formatNumber(from, 3)} to ${formatNumber(to, 3)}`);
  });
  return [
    ...(below > 0 ? [bar(min, low, below, `below ${formatNumber(low, 3)}`, true)] : []),
    ...bins,
    ...(above > 0 ? [bar(high, max, above, `above ${formatNumber(high, 3)}`, true)] : [])
  ];
}

const SIGNS = { '': '', nan: 'NaN', '+inf': '+Inf', '-inf': '−Inf' } as const;

/** An element's value as it is read. */
export function elementText({ value, sign }: Element): string {
  return value === null ? SIGNS[sign] : formatNumber(value);
}
