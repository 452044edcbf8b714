import { useMemo, useRef } from 'react';

import { useService } from '../../components/hooks';
import type { Graph, GraphNode } from '../../protocol';
import type { Service } from '../../service';
import type { Overlay } from './figures';
import { decadesOf, heatOf, valueOf } from './figures';
import type { ILayerHealth } from './layerhealth';
import type { IGraphFace } from './model';
import { faceOf, groupFaceOf, sameFace } from './model';
import type { Looks } from './node';
import type { IPath } from './paths';
import type { IItem, IScene } from './scene';

const NOTHING: readonly number[] = [];

/** How every item of a scene looks now, and the greatest value of the overlay. */
export interface ILooks {
  readonly items: ReadonlyMap<string, Looks>;
  readonly greatest: number;
}

/** The looks of a scene, followed as the net runs; an item that looks as before has the same looks as before. */
export function useLooks(
  service: Service,
  graph: Graph,
  scene: IScene,
  overlay: Overlay,
  health: ILayerHealth,
  path: IPath | null
): ILooks {
  const states = useService(service, state => state.states);
  const times = useService(service, state => state.times);
  const selected = useService(service, state => state.selected);
  const current = useService(service, state => state.update?.current ?? null);
  const stale = useService(service, state => (state.update?.stale.length ? state.update.stale : NOTHING));
  const held = useService(service, state => state.update?.held?.index ?? null);
  const breakpoints = useService(service, state => state.update?.breaks.layers.join(' ') ?? '');
  const nodes = useMemo(() => new Map(graph.nodes.map(node => [node.index, node])), [graph]);
  const known = useRef<ReadonlyMap<string, Looks>>(new Map());
  const { bad, gradients } = health;
  const values = useMemo(
    () => overlayValues(scene, nodes, overlay, times, gradients),
    [scene, nodes, overlay, times, gradients]
  );
  return useMemo(() => {
    const breaks = new Set(breakpoints === '' ? [] : breakpoints.split(' ').map(Number));
    const stales = new Set(stale);
    const face: IGraphFace = {
      states,
      times,
      selected,
      current,
      stale: stales,
      held,
      breaks,
      bad,
      gradients
    };
    const greatest = Math.max(0, ...values.values());
    const items = new Map<string, Looks>();
    for (const item of scene.items.values()) {
      const heat = heatOf(values.get(item.id) ?? 0, greatest, decadesOf(overlay));
      const fresh = looksOf(item, scene, nodes, face, heat, path);
      if (fresh) {
        const old = known.current.get(item.id);
        items.set(item.id, old && sameLooks(old, fresh) ? old : fresh);
      }
    }
    known.current = items;
    return { items, greatest };
  }, [
    scene,
    nodes,
    values,
    overlay,
    path,
    states,
    times,
    selected,
    current,
    stale,
    held,
    breakpoints,
    bad,
    gradients
  ]);
}

function overlayValues(
  scene: IScene,
  nodes: ReadonlyMap<number, GraphNode>,
  overlay: Overlay,
  times: IGraphFace['times'],
  gradients: ILayerHealth['gradients']
): Map<string, number> {
  const values = new Map<string, number>();
  for (const item of overlay === 'none' ? [] : scene.items.values()) {
    const open = item.kind === 'group' && item.open;
    const members = item.kind === 'layer' ? [item.index] : item.group.members;
    if (!open) {
      values.set(
        item.id,
        valueOf(
          overlay,
          members.flatMap(index => nodes.get(index) ?? []),
          times,
          gradients
        )
      );
    }
  }
  return values;
}

function looksOf(
  item: IItem,
  scene: IScene,
  nodes: ReadonlyMap<number, GraphNode>,
  face: IGraphFace,
  heat: number | null,
  path: IPath | null
): Looks | null {
  const on = (index: number): boolean => path?.layers.has(index) ?? false;
  const side = (is: boolean): Looks['path'] => (!path || path.layers.size === 0 ? '' : is ? 'on' : 'off');
  if (item.kind === 'group') {
    const shown = groupFaceOf(item.group, item.open, nodes, face);
    return { kind: 'group', face: shown, heat, path: side(item.group.members.some(on)) };
  }
  const node = nodes.get(item.index);
  return node
    ? {
        kind: 'layer',
        face: faceOf(node, face),
        label: labelOf(item, node, scene),
        heat,
        path: side(on(item.index))
      }
    : null;
}

/** A layer's name, without the path that stands above it already. */
function labelOf(item: IItem, { name }: GraphNode, scene: IScene): string {
  const around = scene.items.get(item.parent ?? '');
  const path = around?.kind === 'group' ? `${around.group.path}/` : '';
  return path.length > 1 && name.startsWith(path) && name.length > path.length
    ? name.slice(path.length)
    : name;
}

function sameLooks(a: Looks, b: Looks): boolean {
  return a.kind === b.kind && a.heat === b.heat && a.path === b.path && sameFace<object>(a.face, b.face);
}
