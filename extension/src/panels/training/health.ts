import type { Health, HealthLayer } from '../../protocol';
import { HEALTH_BAD, HEALTH_ZERO } from '../../protocol';

export type Measure = Health['measure'];

export const MEASURES: readonly { measure: Measure; label: string; title: string }[] = [
  { measure: 'tops', label: 'gradients', title: "Mean magnitude of the diffs of the layer's tops" },
  {
    measure: 'params',
    label: 'parameter gradients',
    title: "Mean magnitude of the diffs of the layer's parameters"
  },
  {
    measure: 'updates',
    label: 'update ratio',
    title: 'Size of the updates over the size of the weights; about 1e−3 is usual'
  }
];

/** Columns that are kept, as in the kernel. */
const MOST_COLUMNS = 512;

export interface IColumn {
  readonly number: number;
  readonly iteration: number;
  readonly values: readonly number[];
}

/** The samples of one net and one measure, put together from the kernel's answers. */
export class Strip {
  constructor(readonly measure: Measure) {}

  /** Empty where no solver trains the net. */
  get key(): string {
    return this.#key;
  }

  get layers(): readonly HealthLayer[] {
    return this.#layers;
  }

  get columns(): readonly IColumn[] {
    return this.#columns;
  }

  get last(): number {
    return this.#columns.at(-1)?.number ?? 0;
  }

  accept(health: Health): void {
    if (health.measure !== this.measure) {
      return;
    }
    if (health.key !== this.#key) {
      this.#key = health.key;
      this.#columns = [];
    }
    this.#layers = health.layers;
    const fresh = health.columns.filter(
      ({ number, values }) => number > this.last && values.length === health.layers.length
    );
    if (fresh.length > 0) {
      this.#columns = [...this.#columns, ...fresh].slice(-MOST_COLUMNS);
    }
  }

  #key = '';
  #layers: readonly HealthLayer[] = [];
  #columns: readonly IColumn[] = [];
}

/** The value that a code stands for: 0, NaN for what is not finite, or a positive number. */
export function decode(code: number): number {
  return code === HEALTH_ZERO ? 0 : code === HEALTH_BAD ? NaN : 10 ** (code / 100);
}

const isPlain = (code: number): boolean => code !== HEALTH_ZERO && code !== HEALTH_BAD;

/** Least and greatest code of the colour scale, whole decades, at least three of them. */
export function rangeOf(columns: readonly IColumn[]): readonly [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const { values } of columns) {
    for (const code of values) {
      if (isPlain(code)) {
        low = Math.min(low, code);
        high = Math.max(high, code);
      }
    }
  }
  if (low > high) {
    return [-600, 0];
  }
  high = 100 * Math.ceil(high / 100);
  return [Math.min(100 * Math.floor(low / 100), high - 300), high];
}

type Colour = readonly [number, number, number];

const RAMP: readonly Colour[] = [
  [48, 18, 82],
  [58, 82, 139],
  [32, 145, 140],
  [94, 201, 98],
  [253, 231, 37]
];

/** A CSS gradient of the colour scale. */
export const SCALE = `linear-gradient(to right, ${RAMP.map(colour => `rgb(${colour.join(' ')})`).join(', ')})`;

const BAD: Colour = [224, 32, 208];

/** Opaque or (for zero) clear pixels, a column a sample, a row a layer. */
export function pixelsOf(
  columns: readonly IColumn[],
  rows: number,
  [low, high]: readonly [number, number]
): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * rows * columns.length);
  columns.forEach(({ values }, x) => {
    values.forEach((code, y) => {
      if (code === HEALTH_ZERO) {
        return; // clear: the ground shows that nothing is there
      }
      const colour = code === HEALTH_BAD ? BAD : colourAt((code - low) / (high - low));
      pixels.set([...colour, 255], 4 * (y * columns.length + x));
    });
  });
  return pixels;
}

function colourAt(share: number): Colour {
  const place = Math.max(0, Math.min(1, share)) * (RAMP.length - 1);
  const at = Math.min(RAMP.length - 2, Math.floor(place));
  const from = RAMP[at] ?? BAD;
  const to = RAMP[at + 1] ?? from;
  const mix = (channel: 0 | 1 | 2): number => from[channel] + (to[channel] - from[channel]) * (place - at);
  return [mix(0), mix(1), mix(2)];
}

export interface IComplaint {
  readonly index: number;
  readonly name: string;
  readonly word: 'dead' | 'vanishing' | 'exploding';
  readonly why: string;
}

/** Samples that a judgement is made from. */
const RECENT = 5;
/** Codes by which a layer lies below the greatest one when its gradient vanishes. */
const VANISHING = 500;
/** Codes by which a layer has grown when it explodes. */
const GROWTH = 300;
/** Update ratios outside of this are worth a word. */
const UPDATES = { least: -800, most: -50 };

/** The layers that are not well now, in the net's order. */
export function complaints(strip: Strip): IComplaint[] {
  const recent = strip.columns.slice(-RECENT);
  const last = recent.at(-1);
  if (last === undefined) {
    return [];
  }
  const now = strip.layers.map((_, row) => middle(recent.map(({ values }) => values[row] ?? HEALTH_ZERO)));
  const early = strip.columns.slice(0, RECENT);
  const greatest = Math.max(...now.filter(isPlain));
  return strip.layers.flatMap(({ index, name }, row): IComplaint[] => {
    const code = now[row] ?? HEALTH_ZERO;
    const before = middle(early.map(({ values }) => values[row] ?? HEALTH_ZERO));
    const newest = last.values[row] ?? HEALTH_ZERO;
    const [word, why] = judge(strip.measure, newest === HEALTH_BAD ? newest : code, before, greatest);
    return word === null ? [] : [{ index, name, word, why }];
  });
}

function judge(
  measure: Measure,
  code: number,
  before: number,
  greatest: number
): [IComplaint['word'] | null, string] {
  if (code === HEALTH_ZERO) {
    return ['dead', measure === 'updates' ? 'its parameters do not move' : 'all of its gradient is 0'];
  }
  if (code === HEALTH_BAD) {
    return ['exploding', measure === 'updates' ? 'its updates or weights are not finite' : 'NaN or infinity'];
  }
  if (measure === 'updates') {
    if (code > UPDATES.most) {
      return ['exploding', `updates are ${power(code)} of the weights`];
    }
    return code < UPDATES.least ? ['vanishing', `updates are ${power(code)} of the weights`] : [null, ''];
  }
  if (isPlain(before) && code - before >= GROWTH) {
    return ['exploding', `${power(code)}, was ${power(before)}`];
  }
  return greatest - code >= VANISHING
    ? ['vanishing', `${power(code)}, ${power(code - greatest)} of the greatest`]
    : [null, ''];
}

function middle(codes: readonly number[]): number {
  return [...codes].sort((a, b) => a - b)[codes.length >> 1] ?? HEALTH_ZERO;
}

/** A code in words: `3.2e−5`. */
export function power(code: number): string {
  const value = decode(code);
  if (value === 0) {
    return '0';
  }
  if (Number.isNaN(value)) {
    return 'NaN or infinity';
  }
  return value >= 0.01 && value < 1000
    ? Number(value.toPrecision(2)).toString()
    : value.toExponential(1).replace('.0e', 'e').replace('e-', 'e−').replace('e+', 'e');
}
