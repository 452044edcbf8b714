import { useStoreApi } from '@xyflow/react';
import type { ReactElement } from 'react';
import { useEffect, useRef } from 'react';

import type { ILayout, IPlacedEdge } from './layout';
import type { ILooks } from './looks';
import type { IPalette } from './palette';
import { paintOf } from './palette';

/** Below this zoom no text can be read: large graphs are painted instead of built from elements. */
export const FAR = 0.3;
/** Up to this many items even the whole graph is no work for the browser. */
export const FEW = 100;

interface IFarProps {
  layout: ILayout;
  looks: ILooks;
  palette: IPalette;
  near: (edge: IPlacedEdge) => boolean;
}

/** A large graph from afar: boxes and lines without a word, painted onto one canvas. */
export function FarView({ layout, looks, palette, near }: IFarProps): ReactElement {
  const ref = useRef<HTMLCanvasElement>(null);
  const store = useStoreApi();
  useEffect(() => {
    const canvas = ref.current;
    if (!canvas) {
      return;
    }
    const lines = linesOf(layout, near);
    let asked = 0;
    const paint = (): void => {
      asked = 0;
      const { transform, width, height } = store.getState();
      paintFar(canvas, { transform, width, height, layout, looks, palette, lines });
    };
    const ask = (): void => {
      asked ||= requestAnimationFrame(paint);
    };
    paint();
    const stop = store.subscribe((state, before) => {
      if (
        state.transform !== before.transform ||
        state.width !== before.width ||
        state.height !== before.height
      ) {
        ask();
      }
    });
    return () => {
      stop();
      cancelAnimationFrame(asked);
    };
  }, [store, layout, looks, palette, near]);
  return <canvas ref={ref} className="caffe-nb-graph-far" aria-hidden />;
}

interface ILines {
  plain: Path2D;
  near: Path2D;
}

function linesOf(layout: ILayout, isNear: (edge: IPlacedEdge) => boolean): ILines {
  const lines: ILines = { plain: new Path2D(), near: new Path2D() };
  for (const edge of layout.edges) {
    const path = isNear(edge) ? lines.near : lines.plain;
    edge.points.forEach(({ x, y }, at) => (at === 0 ? path.moveTo(x, y) : path.lineTo(x, y)));
  }
  return lines;
}

interface IFarFrame extends Omit<IFarProps, 'near'> {
  transform: readonly [number, number, number];
  width: number;
  height: number;
  lines: ILines;
}

function paintFar(canvas: HTMLCanvasElement, frame: IFarFrame): void {
  const { transform, width, height, layout, looks, palette, lines } = frame;
  const [x, y, zoom] = transform;
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext('2d');
  if (!context) {
    return;
  }
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.setTransform(zoom * ratio, 0, 0, zoom * ratio, x * ratio, y * ratio);
  const pixel = 1 / zoom;
  context.lineWidth = Math.max(1.2, 0.6 * pixel);
  context.strokeStyle = palette.edge;
  context.stroke(lines.plain);
  context.lineWidth = Math.max(1.8, 1.2 * pixel);
  context.strokeStyle = palette.brand;
  context.stroke(lines.near);
  const top = -y * pixel;
  const left = -x * pixel;
  for (const [id, box] of layout.boxes) {
    const look = looks.items.get(id);
    const seen =
      box.y + box.height >= top &&
      box.y <= top + height * pixel &&
      box.x + box.width >= left &&
      box.x <= left + width * pixel;
    if (!look || !seen) {
      continue;
    }
    const paint = paintOf(look, palette);
    const frameOnly = look.kind === 'group' && look.face.open;
    context.globalAlpha = look.path === 'off' ? 0.35 : 1;
    context.lineWidth = (paint.border === palette.border ? 0.6 : 1.6) * pixel;
    context.strokeStyle = paint.border;
    if (!frameOnly) {
      context.fillStyle = paint.fill;
      context.fillRect(box.x, box.y, box.width, box.height);
      context.fillStyle = paint.stripe;
      context.fillRect(box.x, box.y, Math.max(8, 2 * pixel), box.height);
    }
    context.strokeRect(box.x, box.y, box.width, box.height);
    context.globalAlpha = 1;
  }
}
