import { useStore } from '@xyflow/react';
import type { KeyboardEvent, PointerEvent, ReactElement } from 'react';
import { useEffect, useId, useRef, useState } from 'react';

import { testids } from '../../components/testids';
import type { Flow } from './camera';
import type { ILayout } from './layout';
import type { ILooks } from './looks';
import type { IPalette } from './palette';
import { paintOf } from './palette';

const WIDTH = 48;
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
  const down = Math.max(SHORTEST, available) - 2 * MARGIN;
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

/** How far an arrow key moves the view, as a part of what is in it. */
const STRIDE = 0.25;
const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1]
};

/** Bring the whole graph into view. From afar most of its layers are not React Flow's, whose own way knows only those. */
export function showAll(
  flow: Pick<Flow, 'fitBounds'> | null,
  { width, height }: Pick<ILayout, 'width' | 'height'>
): void {
  void flow?.fitBounds({ x: 0, y: 0, width, height }, { padding: 0.05 });
}

/** Move the view as a key says, across the whole graph and no further; whether the key meant something. */
export function moveByKey(
  key: string,
  flow: Pick<Flow, 'getViewport' | 'setViewport' | 'zoomIn' | 'zoomOut' | 'fitBounds'>,
  layout: Pick<ILayout, 'width' | 'height'>,
  [width, height]: readonly [number, number]
): boolean {
  const arrow = ARROWS[key];
  if (arrow) {
    const { x, y, zoom } = flow.getViewport();
    const along = (at: number, room: number, whole: number, sign: number): number => {
      const moved = at - sign * STRIDE * room;
      return Math.min(Math.max(moved, room / 2 - whole * zoom), room / 2); // its ends come to the middle
    };
    void flow.setViewport({
      x: arrow[0] === 0 ? x : along(x, width, layout.width, arrow[0]),
      y: arrow[1] === 0 ? y : along(y, height, layout.height, arrow[1]),
      zoom
    });
  } else if (key === '+' || key === '=') {
    void flow.zoomIn();
  } else if (key === '-' || key === '_') {
    void flow.zoomOut();
  } else if (key === 'Home' || key === '0') {
    showAll(flow, layout);
  } else {
    return false;
  }
  return true;
}

/** What of the graph is in view, in words. */
export function wordsForView(
  layout: Pick<ILayout, 'width' | 'height'>,
  [x, y, zoom]: readonly [number, number, number],
  [width, height]: readonly [number, number]
): string {
  const span = (at: number, room: number, whole: number): string => {
    const part = (edge: number): number => Math.round(100 * Math.min(1, Math.max(0, edge / zoom / whole)));
    const [from, to] = [part(-at), part(room - at)];
    return from === 0 && to === 100 ? 'all' : `${from} to ${to} %`;
  };
  return (
    `zoom ${Math.round(100 * zoom)} %; from the top ${span(y, height, layout.height)}, ` +
    `from the left ${span(x, width, layout.width)}`
  );
}

interface IMapProps {
  layout: ILayout;
  looks: ILooks;
  palette: IPalette;
  flow: () => Flow | null;
  /** A person has moved the view. */
  onMove: () => void;
}

/** A map of the whole graph; what is in view is framed; a click, a drag or a key moves it. */
export function GraphMap({ layout, looks, palette, flow, onMove }: IMapProps): ReactElement {
  const words = useId();
  const [focused, setFocused] = useState(false);
  const ref = useRef<HTMLCanvasElement>(null);
  const [x, y, zoom] = useStore(state => state.transform);
  const width = useStore(state => state.width);
  const height = useStore(state => state.height);
  const scale = mapScale(layout, height - 2 * MARGIN);
  const offset = (scale.width - layout.width * scale.across) / 2;
  useEffect(() => {
    if (ref.current) {
      paintMap(ref.current, { layout, looks, palette, scale: mapScale(layout, height - 2 * MARGIN) });
    }
  }, [layout, looks, palette, height]);

  const go = (event: PointerEvent<HTMLDivElement>): void => {
    const place = event.currentTarget.getBoundingClientRect();
    const instance = flow();
    const atX = (event.clientX - place.left - offset) / scale.across;
    const atY = (event.clientY - place.top - MARGIN) / scale.down;
    void instance?.setCenter(atX, atY, { zoom: instance.getZoom() });
  };
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>): void => {
    const instance = flow();
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (instance && plain && moveByKey(event.key, instance, layout, [width, height])) {
      event.preventDefault();
      event.stopPropagation(); // the graph's own keys walk from layer to layer
      onMove();
    }
  };
  return (
    <div
      className="caffe-nb-graph-map nopan nowheel"
      role="application"
      aria-roledescription="map"
      aria-label="map of the whole graph: arrow keys move the view, plus and minus zoom, Home shows everything"
      aria-describedby={words}
      title="click or drag; or arrow keys, + and −, Home"
      tabIndex={0}
      data-testid={testids.graphMap}
      style={{ width: scale.width, height: scale.height }}
      onFocus={() => setFocused(true)}
      onBlur={() => setFocused(false)}
      onKeyDown={onKeyDown}
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
      <canvas ref={ref} aria-hidden />
      <span id={words} className="caffe-nb-unseen" aria-live={focused ? 'polite' : 'off'}>
        {wordsForView(layout, [x, y, zoom], [width, height])}
      </span>
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

function paintMap(
  canvas: HTMLCanvasElement,
  map: Omit<IMapProps, 'flow' | 'onMove'> & { scale: IMapScale }
): void {
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
