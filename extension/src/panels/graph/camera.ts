import type { ReactFlowInstance } from '@xyflow/react';
import type { RefObject } from 'react';
import { useCallback, useEffect, useMemo, useRef } from 'react';

import type { BlobEdge } from './edge';
import type { IBox, ILayout } from './layout';
import { BARELY_READABLE, startingView } from './layout';
import type { ItemNode } from './node';

export type Flow = ReactFlowInstance<ItemNode, BlobEdge>;

/** A layer that is gone to from afar is shown at least this large. */
const LEGIBLE = 0.6;

/** What moves the view of a graph. */
export interface ICamera {
  readonly flow: RefObject<Flow | null>;
  /** Bring an item into view, where it is not. */
  readonly reveal: (id: string, legible?: boolean) => void;
  /** Bring an item into view as soon as there is a layout that has it. */
  readonly revealSoon: (id: string) => void;
  /** Let an item stay where it is on the screen when the next layout comes. */
  readonly hold: (id: string) => void;
  /** A person has moved the view, so it stays. */
  readonly touch: () => void;
  readonly onInit: (flow: Flow) => void;
}

/** The view of a graph: starts with what is worth seeing first and stays where it is when groups open and close. */
export function useCamera(
  place: RefObject<HTMLElement | null>,
  size: readonly [number, number],
  layout: ILayout
): ICamera {
  const flow = useRef<Flow | null>(null);
  const moved = useRef(false);
  const held = useRef<{ id: string; x: number; y: number } | null>(null);
  const wanted = useRef<string | null>(null);
  const current = useRef(layout);
  current.current = layout;
  const [width, height] = size;

  const reveal = useCallback(
    (id: string, legible = false): void => {
      const box = current.current.boxes.get(id);
      const element = place.current;
      const instance = flow.current;
      if (!box || !element || !instance || element.clientWidth === 0) {
        return;
      }
      const { x, y, zoom } = instance.getViewport();
      const size = { width: element.clientWidth, height: element.clientHeight };
      if ((legible && zoom < LEGIBLE) || !inView(box, x, y, zoom, size)) {
        moved.current = true;
        const next = legible ? Math.max(zoom, LEGIBLE) : zoom;
        const top = Math.min(box.height, size.height / next);
        const wide = frameOf(current.current, box, size.width / next) ?? box;
        void instance.setCenter(wide.x + wide.width / 2, box.y + top / 2, { zoom: next });
      }
    },
    [place]
  );

  const settle = useCallback((): void => {
    const element = place.current;
    const instance = flow.current;
    if (!element || !instance || element.clientWidth === 0) {
      return;
    }
    const anchor = held.current;
    const box = anchor ? current.current.boxes.get(anchor.id) : undefined;
    if (anchor && box) {
      // A group that is wider than the panel is shown smaller, as long as it can be read.
      const { zoom: before } = instance.getViewport();
      const fits = Math.max(BARELY_READABLE, (element.clientWidth - 2) / box.width);
      const zoom = Math.min(before, Math.max(fits, Math.min(before, BARELY_READABLE)));
      moved.current = true;
      const left = anchor.x - (box.width / 2) * zoom;
      const room = element.clientWidth - box.width * zoom;
      void instance.setViewport({
        x: (room > 0 ? Math.min(room, Math.max(0, left)) : left) - box.x * zoom,
        y: anchor.y - box.y * zoom,
        zoom
      });
    } else if (!moved.current) {
      void instance.setViewport(startingView(current.current, element.clientWidth, element.clientHeight));
    }
    held.current = null;
    if (wanted.current !== null && current.current.boxes.has(wanted.current)) {
      reveal(wanted.current, true);
      wanted.current = null;
    }
  }, [place, reveal]);

  useEffect(settle, [settle, layout, width, height]);

  return useMemo(
    () => ({
      flow,
      reveal,
      revealSoon: id => {
        if (current.current.boxes.has(id)) {
          reveal(id, true);
        } else {
          wanted.current = id;
        }
      },
      hold: id => {
        const box = current.current.boxes.get(id);
        const view = flow.current?.getViewport();
        if (box && view) {
          const { x, y, zoom } = view;
          held.current = { id, x: (box.x + box.width / 2) * zoom + x, y: box.y * zoom + y };
        }
      },
      touch: () => {
        moved.current = true;
      },
      onInit: instance => {
        flow.current = instance;
        settle();
      }
    }),
    [reveal, settle]
  );
}

/** The widest group around an item that can be seen in its whole width. */
function frameOf(layout: ILayout, box: IBox, width: number): IBox | null {
  let widest: IBox | null = null;
  for (const other of layout.boxes.values()) {
    const holds =
      other.x < box.x &&
      other.y < box.y &&
      other.x + other.width > box.x + box.width &&
      other.y + other.height > box.y + box.height;
    if (holds && other.width <= width && other.width > (widest?.width ?? 0)) {
      widest = other;
    }
  }
  return widest;
}

function inView(
  box: IBox,
  x: number,
  y: number,
  zoom: number,
  size: { width: number; height: number }
): boolean {
  const left = box.x * zoom + x;
  const top = box.y * zoom + y;
  return (
    left >= 0 &&
    top >= 0 &&
    left + box.width * zoom <= size.width &&
    top + Math.min(box.height * zoom, size.height) <= size.height
  );
}
