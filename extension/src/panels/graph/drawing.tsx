import type { EdgeTypes, NodeTypes } from '@xyflow/react';
import { ControlButton, Controls, ReactFlow, ReactFlowProvider } from '@xyflow/react';
import type { KeyboardEvent, MouseEvent, ReactElement, ReactNode } from 'react';
import { useCallback, useEffect, useRef, useState } from 'react';

import { useSize } from '../../components/hooks';
import type { Graph } from '../../protocol';
import type { Service } from '../../service';
import { useCamera } from './camera';
import type { BlobEdge } from './edge';
import { BlobLine } from './edge';
import { useEdges, useNear, useNodes } from './elements';
import { FAR, FarView, FEW } from './far';
import type { ILayout } from './layout';
import type { ILooks } from './looks';
import { GraphMap, showAll } from './map';
import type { Direction } from './model';
import { neighbour } from './model';
import type { ItemNode } from './node';
import { ItemBox } from './node';
import type { IPalette } from './palette';
import type { IPath } from './paths';
import type { IScene } from './scene';

const NODE_TYPES: NodeTypes = { item: ItemBox };
const EDGE_TYPES: EdgeTypes = { blob: BlobLine };
/** From this many items on there is a map of the whole. */
const MAPPED = 30;
const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right'
};

export interface IDrawingProps {
  service: Service;
  graph: Graph;
  scene: IScene;
  layout: ILayout;
  looks: ILooks;
  palette: IPalette;
  selected: number | null;
  path: IPath | null;
  onToggle: (group: string) => void;
  /** A second layer is chosen, to show the ways to it. */
  onPath: (to: number | null) => void;
  onKey: (key: string) => boolean;
  /** What stands in the line below. */
  below: ReactNode;
}

/** The laid out net: items and lines that can be clicked and walked along. */
export function Drawing(props: IDrawingProps): ReactElement {
  const { service, graph, scene, layout, looks, palette, selected, path } = props;
  const [place, width, height] = useSize<HTMLDivElement>();
  const camera = useCamera(place, [width, height], layout);
  const near = useNear(scene, selected, path);
  const [zoomedOut, setZoomedOut] = useState(false);
  const far = zoomedOut && scene.items.size > FEW;
  const nodes = useNodes(scene, layout, looks, far ? selected : undefined);
  const edges = useEdges(layout, near, path !== null && path.layers.size > 0, far);

  const act = (id: string, shift: boolean): void => {
    const item = scene.items.get(id);
    if (item?.kind === 'group') {
      camera.hold(id);
      props.onToggle(item.group.id);
    } else if (item && shift && selected !== null && selected !== item.index) {
      props.onPath(item.index);
    } else if (item) {
      service.select(item.index);
    }
  };
  const focus = useFocus(place);
  const walk = (id: string): void => {
    const item = scene.items.get(id);
    if (item?.kind === 'layer') {
      service.select(item.index);
    }
    camera.reveal(id, true);
    focus(id);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>): void => {
    const id = (event.target as HTMLElement).closest<HTMLElement>('.react-flow__node')?.dataset.id;
    const used =
      id === undefined
        ? event.target === event.currentTarget && enter(event.key, scene, selected, walk)
        : onNodeKey(event, id, scene, act, walk);
    if (used || (!event.ctrlKey && !event.metaKey && !event.altKey && props.onKey(event.key))) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  useSelectedInView(service, graph, scene, selected, camera.revealSoon);

  /** From afar there are no elements to be clicked. */
  const onPaneClick = (event: MouseEvent): void => {
    const point = camera.flow.current?.screenToFlowPosition({ x: event.clientX, y: event.clientY });
    const hit =
      far && point
        ? [...layout.boxes]
            .reverse()
            .find(
              ([, { x, y, width: w, height: h }]) =>
                point.x >= x && point.x <= x + w && point.y >= y && point.y <= y + h
            )
        : undefined;
    const item = hit ? scene.items.get(hit[0]) : undefined;
    if (item && !(item.kind === 'group' && item.open)) {
      act(item.id, event.shiftKey);
    } else {
      service.select(null);
      props.onPath(null);
    }
  };

  return (
    <ReactFlowProvider>
      <div className="caffe-nb-graph-room">
        <div
          ref={place}
          className="caffe-nb-flow"
          role="group"
          aria-label={`graph of ${graph.nodes.length} layers; arrow keys walk along it`}
          tabIndex={0}
          data-far={far}
          onKeyDown={onKeyDown}
        >
          <ReactFlow<ItemNode, BlobEdge>
            nodes={nodes}
            edges={edges}
            nodeTypes={NODE_TYPES}
            edgeTypes={EDGE_TYPES}
            onInit={camera.onInit}
            onMove={event => {
              if (event !== null) {
                camera.touch();
              }
            }}
            onViewportChange={({ zoom }) => setZoomedOut(zoom < FAR)}
            onNodeClick={(event, node) => act(node.id, event.shiftKey)}
            onPaneClick={onPaneClick}
            nodesDraggable={false}
            nodesConnectable={false}
            edgesFocusable={false}
            elementsSelectable={false}
            selectionKeyCode={null}
            multiSelectionKeyCode={null}
            deleteKeyCode={null}
            panActivationKeyCode={null}
            disableKeyboardA11y
            attributionPosition="bottom-left"
            onlyRenderVisibleElements
            minZoom={0.01}
            maxZoom={2}
          >
            {far ? <FarView layout={layout} looks={looks} palette={palette} near={near} /> : null}
          </ReactFlow>
        </div>
        {scene.items.size >= MAPPED ? (
          <GraphMap
            layout={layout}
            looks={looks}
            palette={palette}
            flow={() => camera.flow.current}
            onMove={camera.touch}
          />
        ) : null}
      </div>
      <div className="caffe-nb-graph-foot">
        <Controls orientation="horizontal" showInteractive={false} showFitView={false}>
          <ControlButton
            title="Fit View"
            aria-label="Fit View"
            onClick={() => showAll(camera.flow.current, layout)}
          >
            <svg viewBox="0 0 12 12" aria-hidden="true">
              <path
                d="M1 4V1h3M8 1h3v3M11 8v3H8M4 11H1V8"
                fill="none"
                stroke="currentColor"
                strokeWidth="1.6"
              />
            </svg>
          </ControlButton>
        </Controls>
        {props.below}
      </div>
    </ReactFlowProvider>
  );
}

/** The first key leads from the graph as a whole to the selected layer, or to the first item. */
function enter(key: string, scene: IScene, selected: number | null, walk: (id: string) => void): boolean {
  const shown = selected === null ? undefined : scene.shownAs.get(selected);
  const first = shown ?? [...scene.items.keys()][0];
  if (!(key in ARROWS) || first === undefined) {
    return false;
  }
  walk(first);
  return true;
}

/** A key on a layer or a group; whether it meant something. */
function onNodeKey(
  event: KeyboardEvent,
  id: string,
  scene: IScene,
  act: (id: string, shift: boolean) => void,
  walk: (id: string) => void
): boolean {
  const item = scene.items.get(id);
  if (event.key === 'Enter' || event.key === ' ') {
    act(id, event.shiftKey);
    return true;
  }
  if (event.key === 'g' && item?.parent != null) {
    walk(item.parent);
    return true;
  }
  const direction = ARROWS[event.key];
  if (!direction || event.ctrlKey || event.metaKey || event.altKey) {
    return false;
  }
  const next =
    item?.kind === 'group' && item.open
      ? beside(scene, id, direction)
      : neighbour(scene.links, id, direction);
  if (next !== null) {
    walk(next);
  }
  return true;
}

/** From an open group's name one gets to its first layer, or to what comes before the group. */
function beside(scene: IScene, group: string, direction: Direction): string | null {
  if (direction === 'down') {
    return [...scene.items.values()].find(({ parent }) => parent === group)?.id ?? null;
  }
  const inside = (id: string): boolean => {
    for (let at = scene.items.get(id); at; at = scene.items.get(at.parent ?? '')) {
      if (at.parent === group) {
        return true;
      }
    }
    return false;
  };
  return direction === 'up'
    ? (scene.links.find(({ source, target }) => inside(target) && !inside(source))?.source ?? null)
    : null;
}

/** Gives an item the focus once it is there: one that was out of view is made only after the view has moved. */
function useFocus(place: React.RefObject<HTMLElement | null>): (id: string) => void {
  return useCallback(
    (id: string): void => {
      let tries = 10;
      const attempt = (): void => {
        const element = place.current?.querySelector<HTMLElement>(`.react-flow__node[data-id="${id}"]`);
        if (element) {
          element.focus({ preventScroll: true });
        } else if (tries-- > 0) {
          requestAnimationFrame(attempt);
        }
      };
      requestAnimationFrame(attempt);
    },
    [place]
  );
}

/** A layer that was selected elsewhere comes into view; the one that the panel chose by itself at first does not. */
function useSelectedInView(
  service: Service,
  graph: Graph,
  scene: IScene,
  selected: number | null,
  reveal: (id: string) => void
): void {
  const seen = useRef<number | null | undefined>(undefined);
  useEffect(() => {
    const chosen = selected !== null && service.choice.layer === service.node(selected)?.name;
    const first = seen.current === undefined;
    if (selected !== null && selected !== seen.current && (!first || chosen)) {
      reveal(`${selected}`);
    }
    seen.current = selected;
  }, [service, graph, scene, selected, reveal]);
}
