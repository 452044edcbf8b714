import type { KeyboardEvent, MouseEvent, ReactElement } from 'react';
import { useEffect, useMemo, useRef } from 'react';

import type { IArrangement, ICell } from './arrange';
import { arrange, step } from './arrange';
import type { IPalette } from './colormap';
import { DARK, LIGHT, isClipped } from './colormap';
import type { Scale } from './scale';
import { paintTile } from './scale';
import { testids } from './testids';

export interface IHeatmapProps {
  values: Float32Array;
  tiles: number;
  rows: number;
  cols: number;
  scale: Scale;
  dark: boolean;
  width: number;
  height: number;
  label: string;
  /** The value under the cursor, and one that is marked. */
  cell: ICell | null;
  marked: ICell | null;
  onHover: (cell: ICell | null) => void;
  onMark?: (cell: ICell | null) => void;
}

/** Pixels a value from which on signs are drawn into it. */
const ROOM_FOR_SIGNS = 6;

/** Pictures of values, drawn on one canvas; arrow keys move the cursor. */
export function Heatmap(props: IHeatmapProps): ReactElement {
  const { values, tiles, rows, cols, scale, dark, width, height, label, cell, marked, onHover } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const place = useMemo(() => arrange(tiles, rows, cols, width, height), [tiles, rows, cols, width, height]);

  useEffect(() => {
    if (canvas.current) {
      draw(canvas.current, place, values, rows * cols, scale, dark);
    }
  }, [values, rows, cols, scale, dark, place]);

  const cellAt = (event: MouseEvent<HTMLCanvasElement>): ICell | null => {
    const box = event.currentTarget.getBoundingClientRect();
    return place.at(event.clientX - box.left, event.clientY - box.top);
  };
  const onKey = (event: KeyboardEvent): void => {
    const next = step(event.key, cell ?? marked, { tiles, rows, cols, fold: place.cols });
    if (next) {
      onHover(next);
    } else if (event.key === 'Enter' || event.key === ' ') {
      props.onMark?.(cell);
    } else if (event.key === 'Escape') {
      onHover(null);
      props.onMark?.(null);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className="caffe-nb-heatmap" style={{ width: place.width, height: place.height }}>
      <canvas
        ref={canvas}
        data-testid={testids.heatmap}
        role="img"
        tabIndex={0}
        aria-label={`${label}. Arrow keys move from value to value.`}
        style={{ width: place.width, height: place.height }}
        onMouseMove={event => onHover(cellAt(event))}
        onMouseLeave={() => onHover(null)}
        onClick={event => props.onMark?.(cellAt(event))}
        onKeyDown={onKey}
        onBlur={() => onHover(null)}
      />
      <Ring place={place} cell={marked} className="caffe-nb-ring caffe-nb-marked" />
      <Ring place={place} cell={cell} className="caffe-nb-ring" />
    </div>
  );
}

/** A frame around a value, large enough to be seen. */
function Ring(props: { place: IArrangement; cell: ICell | null; className: string }): ReactElement | null {
  const { place, cell, className } = props;
  const spot = cell ? place.spot(cell) : null;
  if (!spot) {
    return null;
  }
  const size = Math.max(place.scale, 5);
  const off = (size - place.scale) / 2;
  return (
    <span
      className={className}
      data-testid={className.includes('marked') ? testids.marked : undefined}
      aria-hidden="true"
      style={{ left: spot.x - off, top: spot.y - off, width: size, height: size }}
    />
  );
}

function draw(
  canvas: HTMLCanvasElement,
  place: IArrangement,
  values: Float32Array,
  size: number,
  scale: Scale,
  dark: boolean
): void {
  const ratio = window.devicePixelRatio || 1;
  const context = canvas.getContext('2d');
  if (!context) {
    return;
  }
  canvas.width = Math.max(1, Math.round(place.width * ratio));
  canvas.height = Math.max(1, Math.round(place.height * ratio));
  const palette = dark ? DARK : LIGHT;
  const stamp = document.createElement('canvas');
  stamp.width = place.cols;
  stamp.height = place.rows;
  const stampContext = stamp.getContext('2d');
  if (!stampContext || size === 0) {
    return;
  }
  context.imageSmoothingEnabled = place.scale < 1;
  context.scale(ratio, ratio);
  const length = size * (scale.kind === 'picture' ? scale.channels : 1);
  place.corners.forEach(({ x, y }, tile) => {
    const pixels = new Uint8ClampedArray(place.rows * place.cols * 4); // the rest of a folded line stays clear
    const shown = values.subarray(tile * length, (tile + 1) * length);
    pixels.set(paintTile(shown, scale, palette));
    stampContext.putImageData(new ImageData(pixels, place.cols, place.rows), 0, 0);
    context.drawImage(stamp, x, y, place.cols * place.scale, place.rows * place.scale);
    if (place.scale >= ROOM_FOR_SIGNS && scale.kind !== 'picture') {
      const limit = scale.kind === 'range' ? scale.limit : Infinity;
      drawSigns(context, shown, limit, palette, { x, y, cols: place.cols, side: place.scale });
    }
  });
}

/** Signs in what is not finite, and a notch in what lies beyond the scale's ends. */
function drawSigns(
  context: CanvasRenderingContext2D,
  values: Float32Array,
  limit: number,
  palette: IPalette,
  tile: { x: number; y: number; cols: number; side: number }
): void {
  values.forEach((value, at) => {
    if (Math.abs(value) <= limit) {
      return;
    }
    const x = tile.x + (at % tile.cols) * tile.side;
    const y = tile.y + Math.floor(at / tile.cols) * tile.side;
    if (!Number.isFinite(value)) {
      drawSign(context, value, x, y, tile.side);
    } else if (isClipped(value, limit)) {
      const notch = Math.max(2.5, tile.side / 4);
      context.fillStyle = palette === DARK ? '#1c1c1e' : '#ffffff';
      context.beginPath();
      context.moveTo(x + tile.side - notch, y);
      context.lineTo(x + tile.side, y);
      context.lineTo(x + tile.side, y + notch);
      context.fill();
    }
  });
}

/** A cross for NaN, triangles up and down for the infinities. */
function drawSign(
  context: CanvasRenderingContext2D,
  value: number,
  x: number,
  y: number,
  side: number
): void {
  const [near, far] = [side * 0.25, side * 0.75];
  context.beginPath();
  if (Number.isNaN(value)) {
    context.strokeStyle = '#ffffff';
    context.lineWidth = Math.max(1, side / 9);
    context.moveTo(x + near, y + near);
    context.lineTo(x + far, y + far);
    context.moveTo(x + far, y + near);
    context.lineTo(x + near, y + far);
    context.stroke();
    return;
  }
  const [base, tip] = value > 0 ? [far, near] : [near, far];
  context.fillStyle = '#1c1c1e';
  context.moveTo(x + near, y + base);
  context.lineTo(x + far, y + base);
  context.lineTo(x + side / 2, y + tip);
  context.fill();
}
