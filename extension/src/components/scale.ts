import type { Statistics, Tensor } from '../protocol';
import type { Colour, IPalette } from './colormap';
import { categoryColours, clippedLimitOf, colourOf, paint, pixel } from './colormap';

/** Which channel of an image comes first; Caffe's own data layers give blue first. */
export type ChannelOrder = 'bgr' | 'rgb';

/** How values become colours. */
export type Scale =
  | {
      readonly kind: 'range';
      /** The value with the strongest colour. */
      readonly limit: number;
      /** Whether there are values beyond either end. */
      readonly below: boolean;
      readonly above: boolean;
    }
  | { readonly kind: 'categories'; readonly values: readonly number[] }
  | {
      readonly kind: 'picture';
      /** What is black, and what is white. */
      readonly low: number;
      readonly high: number;
      readonly channels: number;
      readonly order: ChannelOrder;
    };

/** The scale for a blob: categories, an image, or a range centred on zero and clipped at 3 sigma. */
export function scaleOf(tensor: Tensor, order: ChannelOrder): Scale {
  const { statistics, channels } = tensor;
  if (channels > 0) {
    return { kind: 'picture', ...pictureRange(statistics), channels, order };
  }
  if (statistics.categories.length > 0) {
    return { kind: 'categories', values: statistics.categories };
  }
  const limit = clippedLimitOf(statistics);
  return { kind: 'range', limit, below: statistics.min < -limit, above: statistics.max > limit };
}

/** A scale with a given end, for pictures that are to be compared. */
export function fixedScale(limit: number, channels = 0, order: ChannelOrder = 'bgr'): Scale {
  return channels > 0
    ? { kind: 'picture', low: -limit, high: limit, channels, order }
    : { kind: 'range', limit, below: false, above: false };
}

/** Black and white of images: mean ± 3 standard deviations of the whole blob, but no further than its extremes. */
function pictureRange({ min, max, mean, std }: Statistics): { low: number; high: number } {
  return { low: Math.max(min, mean - 3 * std), high: Math.min(max, mean + 3 * std) };
}

/** The largest magnitude of the finite values. */
export function largestOf(values: Float32Array): number {
  let largest = 0;
  for (const value of values) {
    const size = Math.abs(value);
    if (size > largest && size < Infinity) {
      largest = size;
    }
  }
  return largest;
}

/** How many values are not finite. */
export type IStrange = Pick<Statistics, 'nans' | 'positive_infinities' | 'negative_infinities'>;

export function strangeIn(values: Float32Array): IStrange {
  const found = { nans: 0, positive_infinities: 0, negative_infinities: 0 };
  for (const value of values) {
    if (!Number.isFinite(value)) {
      found[Number.isNaN(value) ? 'nans' : value > 0 ? 'positive_infinities' : 'negative_infinities'] += 1;
    }
  }
  return found;
}

/** Paint one tile, of `size` values a channel, as opaque RGBA pixels. */
export function paintTile(
  values: Float32Array,
  scale: Scale,
  palette: IPalette
): Uint8ClampedArray<ArrayBuffer> {
  switch (scale.kind) {
    case 'range':
      return paint(values, scale.limit, palette);
    case 'categories':
      return paintCategories(values, scale.values, palette);
    case 'picture':
      return paintPicture(values, scale, palette);
  }
}

function paintCategories(
  values: Float32Array,
  categories: readonly number[],
  palette: IPalette
): Uint8ClampedArray<ArrayBuffer> {
  const colours = new Map<number, number>();
  categoryColours(categories, palette).forEach((colour, value) => colours.set(value, pixel(colour)));
  const pixels = new Uint8ClampedArray(values.length * 4);
  const words = new Uint32Array(pixels.buffer);
  values.forEach((value, at) => {
    words[at] = colours.get(value) ?? pixel(colourOf(value, 0, palette));
  });
  return pixels;
}

function paintPicture(
  values: Float32Array,
  scale: Extract<Scale, { kind: 'picture' }>,
  palette: IPalette
): Uint8ClampedArray<ArrayBuffer> {
  const { low, high, channels, order } = scale;
  const size = values.length / channels;
  const pixels = new Uint8ClampedArray(size * 4);
  const shade = high > low ? 255 / (high - low) : 0;
  const planes = channels === 1 ? [0, 0, 0] : order === 'bgr' ? [2, 1, 0] : [0, 1, 2];
  for (let at = 0; at < size; at++) {
    let colour: Colour | null = null;
    for (const [channel, plane] of planes.entries()) {
      const value = values[plane * size + at] ?? 0;
      pixels[4 * at + channel] = shade > 0 ? (value - low) * shade : 128;
      if (!Number.isFinite(value)) {
        colour = colourOf(value, 0, palette);
      }
    }
    if (colour) {
      pixels.set(colour, 4 * at);
    }
    pixels[4 * at + 3] = 255;
  }
  return pixels;
}
