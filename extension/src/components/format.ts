/** A number in at most `digits` significant digits, without a tail of zeros. */
export function formatNumber(value: number, digits = 4): string {
  if (Number.isNaN(value)) {
    return 'NaN';
  }
  if (!Number.isFinite(value)) {
    return value > 0 ? '+Inf' : '−Inf';
  }
  if (value === 0) {
    return '0';
  }
  const size = Math.abs(value);
  const text =
    size >= 1e6 || size < 1e-3
      ? value.toExponential(digits - 1).replace(/\.?0+e/, 'e')
      : Number.isInteger(value)
        ? value.toString()
        : Number(value.toPrecision(digits)).toString();
  return text.replace('-', '−').replace('e+', 'e').replace('e-', 'e−');
}

/** Milliseconds as a person reads them: `12 µs`, `3.4 ms`, `1.2 s`. */
export function formatTime(milliseconds: number): string {
  if (milliseconds <= 0) {
    return '–';
  }
  if (milliseconds < 1) {
    return `${trim(milliseconds * 1000)} µs`;
  }
  return milliseconds < 1000 ? `${trim(milliseconds)} ms` : `${trim(milliseconds / 1000)} s`;
}

/** `12.3 %`, and never 0 % or 100 % for what is not. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0) {
    return '–';
  }
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.1) {
    return '< 0.1 %';
  }
  if (percent < 100 && percent > 99.9) {
    return '> 99.9 %';
  }
  return `${Number(percent.toFixed(1))} %`;
}

function trim(value: number): string {
  return value >= 100 ? value.toFixed(0) : Number(value.toPrecision(2)).toString();
}
