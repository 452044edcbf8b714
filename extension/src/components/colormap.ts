import { CATEGORIES, DARK, LIGHT } from '../protocol';

export type Colour = readonly [number, number, number];

/** Colours of a heat map: two ramps that meet at zero, and one colour each for what is not a number. */
export interface IPalette {
  /** From zero to the largest positive value. */
  positive: readonly Colour[];
  /** From zero to the most negative value. */
  negative: readonly Colour[];
  /** What lies beyond the scale's ends. */
  above: Colour;
  below: Colour;
  /** The category 0, mostly a background. */
  nought: Colour;
  nan: Colour;
  positiveInfinity: Colour;
  negativeInfinity: Colour;
}

export { DARK, LIGHT };

/** Whether a finite value lies outside the scale; float32 of the largest one does not. */
export function isClipped(value: number, limit: number): boolean {
  return Math.abs(value) > limit * (1 + 1e-6);
}

/** Colour of one value on a scale from -limit over 0 to +limit; what lies outside has colours of its own. */
export function colourOf(value: number, limit: number, palette: IPalette): Colour {
  if (Number.isNaN(value)) {
    return palette.nan;
  }
  if (!Number.isFinite(value)) {
    return value > 0 ? palette.positiveInfinity : palette.negativeInfinity;
  }
  if (isClipped(value, limit)) {
    return value > 0 ? palette.above : palette.below;
  }
  const share = limit > 0 ? Math.min(1, Math.abs(value) / limit) : 0;
  return onRamp(value < 0 ? palette.negative : palette.positive, share);
}

const STEPS = 255;

/** Paint values as opaque RGBA pixels. */
export function paint(
  values: Float32Array,
  limit: number,
  palette: IPalette
): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(values.length * 4);
  const words = new Uint32Array(pixels.buffer);
  const table = tableOf(palette);
  const scale = limit > 0 ? STEPS / limit : 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? 0;
    let row: number;
    if (!Number.isFinite(value)) {
      row = 2 * STEPS + (Number.isNaN(value) ? 1 : value > 0 ? 2 : 3);
    } else if (isClipped(value, limit)) {
      row = 2 * STEPS + (value > 0 ? 4 : 5);
    } else {
      row = STEPS + Math.round(Math.max(-STEPS, Math.min(STEPS, value * scale)));
    }
    words[at] = table[row] ?? 0;
  }
  return pixels;
}

/** The largest magnitude a scale must hold; 0 for a blob of zeros. */
export function limitOf(statistics: { min: number; max: number }): number {
  return Math.max(Math.abs(statistics.min), Math.abs(statistics.max));
}

const SIGMAS = 3;

/** Where a scale centred on zero ends: at the largest magnitude, or at 3 root mean squares where that is less. */
export function clippedLimitOf(statistics: { min: number; max: number; mean: number; std: number }): number {
  return Math.min(limitOf(statistics), SIGMAS * Math.hypot(statistics.mean, statistics.std));
}

/** A colour for each category, mostly the same one for the same value whatever the others are. */
export function categoryColours(values: readonly number[], palette: IPalette): ReadonlyMap<number, Colour> {
  const colours = new Map<number, Colour>();
  const taken = new Set<number>();
  for (const value of values) {
    let slot = ((value % CATEGORIES.length) + CATEGORIES.length) % CATEGORIES.length;
    while (taken.has(slot) && taken.size < CATEGORIES.length) {
      slot = (slot + 1) % CATEGORIES.length;
    }
    taken.add(slot);
    colours.set(value, value === 0 ? palette.nought : (CATEGORIES[slot] ?? palette.nought));
  }
  return colours;
}

/** A colour as an opaque pixel of a canvas, in the machine's own order of bytes. */
export function pixel(colour: Colour): number {
  return new Uint32Array(new Uint8Array([...colour, 255]).buffer)[0] ?? 0;
}

/** A CSS colour. */
export function css(colour: Colour): string {
  return `rgb(${colour.join(' ')})`;
}

/** A CSS gradient of the whole scale. */
export function gradientOf(palette: IPalette): string {
  const stops = [...[...palette.negative].reverse(), ...palette.positive.slice(1)];
  return `linear-gradient(to right, ${stops.map(css).join(', ')})`;
}

const tables = new Map<IPalette, Uint32Array>();

/** Pixels: the scale from -limit to +limit, then NaN, +Inf, -Inf, beyond. */
function tableOf(palette: IPalette): Uint32Array {
  let table = tables.get(palette);
  if (table === undefined) {
    const colours: Colour[] = [];
    for (let step = -STEPS; step <= STEPS; step++) {
      colours.push(colourOf(step, STEPS, palette));
    }
    colours.push(
      palette.nan,
      palette.positiveInfinity,
      palette.negativeInfinity,
      palette.above,
      palette.below
    );
    table = new Uint32Array(colours.map(pixel));
    tables.set(palette, table);
  }
  return table;
}

function onRamp(ramp: readonly Colour[], share: number): Colour {
  const place = share * (ramp.length - 1);
  const at = Math.min(ramp.length - 2, Math.floor(place));
  const low = ramp[at] ?? [0, 0, 0];
  const high = ramp[at + 1] ?? low;
  const mix = (channel: 0 | 1 | 2): number =>
    Math.round(low[channel] + (high[channel] - low[channel]) * (place - at));
  return [mix(0), mix(1), mix(2)];
}
