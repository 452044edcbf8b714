import type { MouseEvent, ReactElement } from 'react';
import { useEffect, useMemo, useRef } from 'react';

import type { ICell } from './arrange';
import { arrange } from './arrange';
import { DARK, LIGHT, paint } from './colormap';
import { testids } from './testids';

export interface IHeatmapProps {
  values: Float32Array;
  tiles: number;
  rows: number;
  cols: number;
  /** The value that gets the strongest colour. */
  limit: number;
  dark: boolean;
  width: number;
  height: number;
  label: string;
  onHover: (cell: ICell | null) => void;
}

/** Pictures of values, drawn on one canvas. */
export function Heatmap(props: IHeatmapProps): ReactElement {
  const { values, tiles, rows, cols, limit, dark, width, height, label, onHover } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const place = useMemo(() => arrange(tiles, rows, cols, width, height), [tiles, rows, cols, width, height]);

  useEffect(() => {
    const ratio = window.devicePixelRatio || 1;
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (!element || !context) {
      return;
    }
    element.width = Math.max(1, Math.round(place.width * ratio));
    element.height = Math.max(1, Math.round(place.height * ratio));
    const palette = dark ? DARK : LIGHT;
    const size = rows * cols;
    const stamp = document.createElement('canvas');
    stamp.width = place.cols;
    stamp.height = place.rows;
    const stampContext = stamp.getContext('2d');
    if (!stampContext || size === 0) {
      return;
    }
    context.imageSmoothingEnabled = place.scale < 1;
    context.scale(ratio, ratio);
    place.corners.forEach(({ x, y }, tile) => {
      const pixels = new Uint8ClampedArray(place.rows * place.cols * 4); // the rest of a folded line stays clear
      pixels.set(paint(values.subarray(tile * size, (tile + 1) * size), limit, palette));
      stampContext.putImageData(new ImageData(pixels, place.cols, place.rows), 0, 0);
      context.drawImage(stamp, x, y, place.cols * place.scale, place.rows * place.scale);
    });
  }, [values, rows, cols, limit, dark, place]);

  const onMove = (event: MouseEvent<HTMLCanvasElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    onHover(place.at(event.clientX - box.left, event.clientY - box.top));
  };

  return (
    <canvas
      ref={canvas}
      className="caffe-nb-heatmap"
      data-testid={testids.heatmap}
      role="img"
      aria-label={label}
      style={{ width: place.width, height: place.height }}
      onMouseMove={onMove}
      onMouseLeave={() => onHover(null)}
    />
  );
}
