import type { Curve, History, Known } from '../../protocol';

/** A scalar by iteration, as far as it is known. */
export interface ICurve {
  readonly id: string;
  readonly name: string;
  readonly kind: Curve['kind'];
  /** What it is called where several of a name are about. */
  readonly label: string;
  /** First iteration of each stretch, rising. */
  readonly at: readonly number[];
  readonly means: readonly (number | null)[];
  readonly lows: readonly (number | null)[];
  readonly highs: readonly (number | null)[];
}

const ORDER: readonly Curve['kind'][] = ['loss', 'test', 'train', 'rate'];

interface IHeld {
  id: string;
  name: string;
  kind: Curve['kind'];
  label: string;
  generation: number;
  stamp: number;
  at: number[];
  means: (number | null)[];
  lows: (number | null)[];
  highs: (number | null)[];
}

/** The curves of one solver, put together from the kernel's answers. A lost or repeated answer does no harm. */
export class Curves {
  /** Tells this history from any other; empty while none is known. */
  get key(): string {
    return this.#key;
  }

  /** The loss first, the learning rate last. */
  get all(): readonly ICurve[] {
    return [...this.#held.values()].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  }

  /** Grows with every change. */
  get revision(): number {
    return this.#revision;
  }

  /** How much is known, for the next question. */
  get known(): Known[] {
    return [...this.#held.values()].map(({ id, generation, stamp }) => ({ curve: id, generation, stamp }));
  }

  accept(history: History): void {
    if (history.key !== this.#key) {
      this.#key = history.key;
      this.#held.clear();
      this.#revision += 1;
    }
    const tests = new Set(
      history.curves.filter(({ kind }) => kind === 'test').map(({ test_net }) => test_net)
    );
    for (const curve of history.curves) {
      this.#take(curve, tests.size > 1);
    }
  }

  #take(curve: Curve, severalTests: boolean): void {
    let held = this.#held.get(curve.id);
    if (held === undefined) {
      const { id, name, kind } = curve;
      const label = labelOf(curve, severalTests);
      held = { id, name, kind, label, generation: 0, stamp: 0, at: [], means: [], lows: [], highs: [] };
      this.#held.set(id, held);
      this.#revision += 1;
    }
    if (curve.at.length === 0 && !curve.whole) {
      return;
    }
    held.generation = curve.generation;
    held.stamp = curve.stamp;
    const first = curve.at[0] ?? Infinity;
    const keep = curve.whole ? 0 : firstFrom(held.at, first);
    for (const column of ['at', 'means', 'lows', 'highs'] as const) {
      held[column].length = keep;
    }
    held.at.push(...curve.at);
    held.means.push(...curve.means);
    held.lows.push(...curve.lows);
    held.highs.push(...curve.highs);
    this.#revision += 1;
  }

  readonly #held = new Map<string, IHeld>();
  #key = '';
  #revision = 0;
}

function labelOf({ name, kind, test_net }: Curve, severalTests: boolean): string {
  switch (kind) {
    case 'test':
      return severalTests ? `${name} (test net ${test_net})` : `${name} (test)`;
    case 'train':
      return `${name} (train)`;
    default:
      return name;
  }
}

/** Index of the first value that is not below `least` in a rising list. */
function firstFrom(rising: readonly number[], least: number): number {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rising[middle] ?? Infinity) < least) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** A running mean that leans on the past by `weight` (0: not at all) and does not start at 0; holes stay holes. */
export function smooth(values: readonly (number | null)[], weight: number): (number | null)[] {
  let mean = 0;
  let mass = 0;
  return values.map(value => {
    if (value === null) {
      return null;
    }
    mean = weight * mean + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    return mean / mass;
  });
}

/** How the curves are drawn; kept in this browser tab. */
export interface IDrawing {
  readonly log: boolean;
  /** 0 to 0.99 */
  readonly smoothing: number;
  /** What a person switched on or off, by id. */
  readonly shown: Readonly<Record<string, boolean>>;
}

export const PLAIN: IDrawing = { log: false, smoothing: 0, shown: {} };

/** Whether a curve is drawn: the learning rate only when asked for. */
export function isShown(curve: { id: string; kind: Curve['kind'] }, drawing: IDrawing): boolean {
  return drawing.shown[curve.id] ?? curve.kind !== 'rate';
}

/** Read what was kept; what is not understood is left out. */
export function readDrawing(kept: string | null): IDrawing {
  let value: unknown;
  try {
    value = JSON.parse(kept ?? '');
  } catch {
    return PLAIN;
  }
  if (typeof value !== 'object' || value === null) {
    return PLAIN;
  }
  const { log, smoothing, shown } = value as Record<string, unknown>;
  const flags = typeof shown === 'object' && shown !== null ? Object.entries(shown) : [];
  return {
    log: log === true,
    smoothing: typeof smoothing === 'number' && smoothing > 0 ? Math.min(0.99, smoothing) : 0,
    shown: Object.fromEntries(flags.filter((flag): flag is [string, boolean] => typeof flag[1] === 'boolean'))
  };
}

/** A line to be drawn over the iterations of all lines together. */
export interface ILine {
  readonly curve: ICurve;
  /** Place of its colour. */
  readonly colour: number;
  /** `line`: the curve; `raw`: as it was before smoothing; `low` and `high`: edges of the band around it. */
  readonly role: 'line' | 'raw' | 'low' | 'high';
}

/** What is to be drawn of the curves that are shown. */
export function linesOf(curves: readonly ICurve[], drawing: IDrawing): ILine[] {
  return curves.flatMap((curve, colour) => {
    if (!isShown(curve, drawing)) {
      return [];
    }
    const line = (role: ILine['role']): ILine => ({ curve, colour, role });
    const banded = curve.lows.some((low, at) => low !== curve.highs[at]);
    return [
      ...(banded ? [line('high'), line('low')] : drawing.smoothing > 0 ? [line('raw')] : []),
      line('line')
    ];
  });
}

export type Column = (number | null | undefined)[];

/** One column of iterations, and one of values a line; undefined where a line has no point of its own. */
export function columnsOf(lines: readonly ILine[], drawing: IDrawing): [number[], ...Column[]] {
  const at = [...new Set(lines.flatMap(({ curve }) => curve.at))].sort((a, b) => a - b);
  const places = new Map(at.map((iteration, place) => [iteration, place]));
  const drawable = (value: number | null): number | null =>
    drawing.log && value !== null && value <= 0 ? null : value;
  const columns = lines.map(({ curve, role }) => {
    const column: Column = Array.from({ length: at.length });
    valuesOf(curve, role, drawing).forEach((value, point) => {
      column[places.get(curve.at[point] ?? NaN) ?? 0] = drawable(value);
    });
    return column;
  });
  return [at, ...columns];
}

function valuesOf(curve: ICurve, role: ILine['role'], drawing: IDrawing): readonly (number | null)[] {
  switch (role) {
    case 'low':
      return curve.lows;
    case 'high':
      return curve.highs;
    case 'raw':
      return curve.means;
    case 'line':
      return drawing.smoothing > 0 ? smooth(curve.means, drawing.smoothing) : curve.means;
  }
}

/** The newest point at or before an iteration (the last one of all without one). */
export function pointAt(
  curve: ICurve,
  iteration: number | null
): { at: number; mean: number | null; low: number | null; high: number | null } | null {
  const place = (iteration === null ? curve.at.length : firstFrom(curve.at, iteration + 1)) - 1;
  const at = curve.at[place];
  if (at === undefined) {
    return null;
  }
  return {
    at,
    mean: curve.means[place] ?? null,
    low: curve.lows[place] ?? null,
    high: curve.highs[place] ?? null
  };
}
