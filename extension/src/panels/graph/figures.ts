import type { GraphNode, LayerTime } from '../../protocol';

/** What the colours of the nodes can stand for besides the types. */
export const OVERLAYS = ['none', 'time', 'parameters', 'gradients'] as const;

export type Overlay = (typeof OVERLAYS)[number];

/** Number of learnable values of some layers together; those that layers share count once. */
export function paramCount(nodes: readonly GraphNode[]): number {
  const seen = new Set<string>();
  let sum = 0;
  for (const { params, shared } of nodes) {
    params.forEach(({ shape }, at) => {
      const name = shared[at] ?? '';
      if (name === '' || !seen.has(name)) {
        sum += shape.reduce((product, size) => product * size, 1);
        seen.add(name);
      }
    });
  }
  return sum;
}

const UNITS = ['', ' k', ' M', ' G', ' T'];

/** A count as a person reads it: `864`, `9.4 k`, `61 M`. */
export function formatCount(count: number): string {
  let unit = 0;
  let size = count;
  while (size >= 999.5 && unit < UNITS.length - 1) {
    size /= 1000;
    unit++;
  }
  const digits = size >= 100 || unit === 0 ? size.toFixed(0) : Number(size.toPrecision(2)).toString();
  return `${digits}${UNITS[unit] ?? ''}`;
}

/** The value of some layers under an overlay: a sum, or the largest gradient. */
export function valueOf(
  overlay: Overlay,
  nodes: readonly GraphNode[],
  times: ReadonlyMap<number, LayerTime>,
  gradients: ReadonlyMap<number, number>
): number {
  if (overlay === 'gradients') {
    const found = nodes.map(({ index }) => gradients.get(index) ?? 0);
    return Math.max(0, ...found.filter(Number.isFinite));
  }
  if (overlay === 'parameters') {
    return paramCount(nodes);
  }
  if (overlay === 'none') {
    return 0;
  }
  return nodes.reduce((sum, { index }) => {
    const time = times.get(index);
    return sum + (time ? time.forward + time.backward : 0);
  }, 0);
}

/** The scale of the colours spans this many powers of ten below the greatest value; gradients vanish by more of them. */
export const decadesOf = (overlay: Overlay): number => (overlay === 'gradients' ? 6 : 3);

/** How strong a value's colour is, from 0 to 1, on a logarithmic scale; null for nothing. */
export function heatOf(value: number, greatest: number, decades: number): number | null {
  if (!(value > 0) || !(greatest > 0)) {
    return null;
  }
  return Math.min(1, Math.max(0, 1 + Math.log10(value / greatest) / decades));
}
