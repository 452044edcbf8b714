import { MarkerType, Position } from '@xyflow/react';
import { useCallback, useMemo, useRef } from 'react';

import type { BlobEdge } from './edge';
import type { IBox, ILayout, IPlacedEdge } from './layout';
import type { ILooks } from './looks';
import { describeFace, describeGroup } from './model';
import type { ItemNode, Looks } from './node';
import type { IPath } from './paths';
import type { IScene } from './scene';

interface IKnown {
  node: ItemNode;
  box: IBox;
}

/**
 * React Flow's nodes; those that look as before are the same objects as before. `only` leaves but one layer, which keeps
 * the focus while everything else is painted.
 */
export function useNodes(
  scene: IScene,
  layout: ILayout,
  looks: ILooks,
  only: number | null | undefined
): ItemNode[] {
  const known = useRef(new Map<string, IKnown>());
  return useMemo(() => {
    const next = new Map<string, IKnown>();
    for (const id of only === undefined ? scene.items.keys() : [`${only ?? ''}`]) {
      const box = layout.boxes.get(id);
      const look = looks.items.get(id);
      if (box && look) {
        const old = known.current.get(id);
        const same = old?.box === box && old.node.data.looks === look;
        next.set(id, same ? old : { box, node: makeNode(id, box, look) });
      }
    }
    known.current = next;
    return [...next.values()].map(({ node }) => node);
  }, [scene, layout, looks, only]);
}

function makeNode(id: string, box: IBox, looks: Looks): ItemNode {
  const { x, y } = box;
  const [width, height] = [Math.round(box.width), Math.round(box.height)];
  const frame = looks.kind === 'group' && looks.face.open;
  return {
    id,
    type: 'item',
    position: { x, y },
    width,
    height,
    // Said beforehand, so that React Flow need not draw every node once to measure it.
    measured: { width, height },
    handles: [
      { type: 'target', position: Position.Top, x: width / 2, y: 0, width: 1, height: 1 },
      { type: 'source', position: Position.Bottom, x: width / 2, y: height, width: 1, height: 1 }
    ],
    data: { looks },
    focusable: true,
    zIndex: frame ? -1 : 0,
    ...(frame ? { style: { pointerEvents: 'none' as const } } : {}),
    ariaLabel: looks.kind === 'layer' ? describeFace(looks.face) : describeGroup(looks.face),
    ariaRole: 'button',
    domAttributes: {
      tabIndex: -1,
      ...(looks.kind === 'layer'
        ? { 'aria-pressed': looks.face.selected }
        : { 'aria-expanded': looks.face.open })
    }
  };
}

/** Whether a line belongs to what is in the focus: the ways between two layers, or else the selected layer's blobs. */
export function useNear(
  scene: IScene,
  selected: number | null,
  path: IPath | null
): (edge: Pick<IPlacedEdge, 'source' | 'target'>) => boolean {
  const near = useMemo(() => {
    const shown = (index: number): string => scene.shownAs.get(index) ?? '';
    return path && path.layers.size > 0
      ? { both: true, ids: new Set([...path.layers].map(shown)) }
      : { both: false, ids: new Set(selected === null ? [] : [shown(selected)]) };
  }, [scene, selected, path]);
  return useCallback(
    ({ source, target }) =>
      near.both ? near.ids.has(source) && near.ids.has(target) : near.ids.has(source) || near.ids.has(target),
    [near]
  );
}

const NO_EDGES: BlobEdge[] = [];

/** React Flow's edges; those that look as before are the same objects as before. */
export function useEdges(
  layout: ILayout,
  near: (edge: IPlacedEdge) => boolean,
  dimmed: boolean,
  far: boolean
): BlobEdge[] {
  const known = useRef(new Map<IPlacedEdge, BlobEdge>());
  return useMemo(() => {
    if (far) {
      return NO_EDGES;
    }
    const next = new Map<IPlacedEdge, BlobEdge>();
    for (const placed of layout.edges) {
      const name = near(placed) ? 'caffe-nb-near' : dimmed ? 'caffe-nb-off' : '';
      const old = known.current.get(placed);
      next.set(placed, old?.className === name ? old : makeEdge(placed, name));
    }
    known.current = next;
    return [...next.values()];
  }, [layout, near, dimmed, far]);
}

function makeEdge(placed: IPlacedEdge, className: string): BlobEdge {
  const near = className === 'caffe-nb-near';
  const color = near ? 'var(--jp-brand-color1)' : 'var(--caffe-nb-edge)';
  return {
    id: placed.id,
    type: 'blob',
    source: placed.source,
    target: placed.target,
    data: { placed, near, off: className === 'caffe-nb-off' },
    className,
    markerEnd: { type: MarkerType.ArrowClosed, width: 14, height: 14, color }
  };
}
