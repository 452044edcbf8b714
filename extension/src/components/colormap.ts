type Colour = readonly [number, number, number];

/** Colours of a heat map: two ramps that meet at zero, and one colour each for what is not a number. */
export interface IPalette {
  /** From zero to the largest positive value. */
  positive: readonly Colour[];
  /** From zero to the most negative value. */
  negative: readonly Colour[];
  nan: Colour;
  positiveInfinity: Colour;
  negativeInfinity: Colour;
}

const SPECIAL = {
  nan: [224, 32, 208],
  positiveInfinity: [255, 196, 0],
  negativeInfinity: [0, 190, 170]
} as const satisfies Partial<IPalette>;

export const LIGHT: IPalette = {
  positive: [
    [247, 247, 247],
    [248, 190, 160],
    [222, 110, 84],
    [180, 34, 46],
    [104, 4, 30]
  ],
  negative: [
    [247, 247, 247],
    [166, 206, 230],
    [84, 154, 202],
    [36, 100, 170],
    [8, 46, 94]
  ],
  ...SPECIAL
};

export const DARK: IPalette = {
  positive: [
    [34, 34, 36],
    [104, 38, 34],
    [190, 72, 54],
    [242, 144, 104],
    [255, 226, 204]
  ],
  negative: [
    [34, 34, 36],
    [28, 62, 106],
    [46, 116, 184],
    [112, 178, 228],
    [214, 238, 252]
  ],
  ...SPECIAL
};

/** Colour of one value on a scale from -limit over 0 to +limit; what lies outside gets the end's colour. */
export function colourOf(value: number, limit: number, palette: IPalette): Colour {
  if (Number.isNaN(value)) {
    return palette.nan;
  }
  if (!Number.isFinite(value)) {
    return value > 0 ? palette.positiveInfinity : palette.negativeInfinity;
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
  const table = tableOf(palette);
  const scale = limit > 0 ? STEPS / limit : 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? 0;
    let row: number;
    if (Number.isFinite(value)) {
      row = STEPS + Math.round(Math.max(-STEPS, Math.min(STEPS, value * scale)));
    } else {
      row = 2 * STEPS + (Number.isNaN(value) ? 1 : value > 0 ? 2 : 3);
    }
    pixels.set(table.subarray(4 * row, 4 * row + 4), 4 * at);
  }
  return pixels;
}

/** The largest magnitude a scale must hold; 0 for a blob of zeros. */
export function limitOf(statistics: { min: number; max: number }): number {
  return Math.max(Math.abs(statistics.min), Math.abs(statistics.max));
}

/** A CSS gradient of the whole scale. */
export function gradientOf(palette: IPalette): string {
  const stops = [...[...palette.negative].reverse(), ...palette.positive.slice(1)];
  return `linear-gradient(to right, ${stops.map(colour => `rgb(${colour.join(' ')})`).join(', ')})`;
}

const tables = new Map<IPalette, Uint8ClampedArray>();

/** Rows of RGBA: the scale from -limit to +limit, then NaN, +Inf, -Inf. */
function tableOf(palette: IPalette): Uint8ClampedArray {
  let table = tables.get(palette);
  if (table === undefined) {
    const colours: Colour[] = [];
    for (let step = -STEPS; step <= STEPS; step++) {
      colours.push(colourOf(step, STEPS, palette));
    }
    colours.push(palette.nan, palette.positiveInfinity, palette.negativeInfinity);
    table = new Uint8ClampedArray(colours.flatMap(colour => [...colour, 255]));
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
