import { useStore } from '@xyflow/react';
import type { PointerEvent, ReactElement } from 'react';
import { useEffect, useRef } from 'react';

import { testids } from '../../components/testids';
import type { Flow } from './camera';
import type { ILayout } from './layout';
import type { ILooks } from './looks';
import type { IPalette } from './palette';
import { paintOf } from './palette';

const WIDTH = 76;
const TALLEST = 150;
const SHORTEST = 40;
const MARGIN = 4;

/** How the whole graph fits into the map. */
export interface IMapScale {
  readonly width: number;
  readonly height: number;
  readonly across: number;
  readonly down: number;
}

/**
 * Both directions have their own scale, so that a chain of 300 layers is a strip that can be seen. A graph is never
 * drawn wider than it is.
 */
export function mapScale(layout: ILayout, available: number): IMapScale {
  const down = Math.max(SHORTEST, Math.min(TALLEST, available)) - 2 * MARGIN;
  const fits = Math.min((WIDTH - 2 * MARGIN) / Math.max(1, layout.width), down / Math.max(1, layout.height));
  const stretched = (WIDTH - 2 * MARGIN) / Math.max(1, layout.width);
  const across = Math.min(stretched, Math.max(fits, 0.25));
  const tall = Math.min(down, layout.height * across) / Math.max(1, layout.height);
  return {
    width: WIDTH,
    height: Math.round(tall * layout.height + 2 * MARGIN),
    across,
    down: tall
  };
}

interface IMapProps {
  layout: ILayout;
  looks: ILooks;
  palette: IPalette;
  flow: () => Flow | null;
}

/** A map of the whole graph; what is in view is framed, a click or a drag goes there. */
export function GraphMap({ layout, looks, palette, flow }: IMapProps): ReactElement {
  const ref = useRef<HTMLCanvasElement>(null);
  const [x, y, zoom] = useStore(state => state.transform);
  const width = useStore(state => state.width);
  const height = useStore(state => state.height);
  const scale = mapScale(layout, height / 3);
  const offset = (scale.width - layout.width * scale.across) / 2;
  useEffect(() => {
    if (ref.current) {
      paintMap(ref.current, { layout, looks, palette, scale: mapScale(layout, height / 3) });
    }
  }, [layout, looks, palette, height]);

  const go = (event: PointerEvent<HTMLDivElement>): void => {
    const place = event.currentTarget.getBoundingClientRect();
    const instance = flow();
    const atX = (event.clientX - place.left - offset) / scale.across;
    const atY = (event.clientY - place.top - MARGIN) / scale.down;
    void instance?.setCenter(atX, atY, { zoom: instance.getZoom() });
  };
  return (
    <div
      className="caffe-nb-graph-map nopan nowheel"
      role="img"
      aria-label="map of the whole graph"
      data-testid={testids.graphMap}
      style={{ width: scale.width, height: scale.height }}
      onPointerDown={event => {
        event.currentTarget.setPointerCapture(event.pointerId);
        event.stopPropagation();
        go(event);
      }}
      onPointerMove={event => {
        if (event.buttons === 1) {
          go(event);
        }
      }}
    >
      <canvas ref={ref} />
      <div
        className="caffe-nb-graph-map-view"
        style={{
          left: Math.max(0, offset + (-x / zoom) * scale.across),
          top: Math.max(0, MARGIN + (-y / zoom) * scale.down),
          right: Math.max(0, scale.width - offset - ((width - x) / zoom) * scale.across),
          bottom: Math.max(0, scale.height - MARGIN - ((height - y) / zoom) * scale.down)
        }}
      />
    </div>
  );
}

function paintMap(canvas: HTMLCanvasElement, map: Omit<IMapProps, 'flow'> & { scale: IMapScale }): void {
  const { layout, looks, palette, scale } = map;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(scale.width * ratio);
  canvas.height = Math.round(scale.height * ratio);
  canvas.style.width = `${scale.width}px`;
  canvas.style.height = `${scale.height}px`;
  const context = canvas.getContext('2d');
  if (!context) {
    return;
  }
  context.scale(ratio, ratio);
  context.translate((scale.width - layout.width * scale.across) / 2, MARGIN);
  for (const [id, box] of layout.boxes) {
    const look = looks.items.get(id);
    if (!look) {
      continue;
    }
    const { stripe, border } = paintOf(look, palette);
    const marked = border === palette.border ? null : border;
    const place = [
      box.x * scale.across,
      box.y * scale.down,
      Math.max(1, box.width * scale.across),
      Math.max(marked ? 2 : 0.6, box.height * scale.down)
    ] as const;
    if (look.kind === 'group' && look.face.open) {
      context.strokeStyle = palette.border;
      context.lineWidth = 0.5;
      context.strokeRect(...place);
    } else {
      context.fillStyle = marked ?? stripe;
      context.fillRect(...place);
    }
  }
}
