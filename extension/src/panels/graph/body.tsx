import type { EdgeTypes, NodeTypes, ReactFlowInstance } from '@xyflow/react';
import { Controls, MarkerType, MiniMap, ReactFlow } from '@xyflow/react';
import type { KeyboardEvent, ReactElement } from 'react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

import { useService, useSize } from '../../components/hooks';
import { testids } from '../../components/testids';
import type { Graph } from '../../protocol';
import type { Service } from '../../service';
import type { BlobEdge } from './edge';
import { BlobLine } from './edge';
import type { ILayout, IPlacedEdge, Layouter } from './layout';
import { NODE_HEIGHT, NODE_WIDTH, startingView } from './layout';
import type { Direction } from './model';
import { describeFace, faceOf, layoutKey, neighbour, sameFace } from './model';
import type { LayerNode } from './node';
import { LayerBox } from './node';

const NODE_TYPES: NodeTypes = { layer: LayerBox };
const EDGE_TYPES: EdgeTypes = { blob: BlobLine };
/** From this many layers on there is a map of the whole. */
const MAPPED = 30;
const MAP_SIZE = { width: 80, height: 120 };
const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right'
};

type Flow = ReactFlowInstance<LayerNode, BlobEdge>;

/** The net as a graph of layers. */
export function GraphBody({ service, layouter }: { service: Service; layouter: Layouter }): ReactElement {
  const graph = useService(service, state => state.graph);
  const { layout, failure } = useLayout(graph, layouter);
  const stage = layout ? 'ready' : failure ? 'failed' : 'pending';
  return (
    <div className="caffe-nb-graph" data-testid={testids.graph} data-layout={stage}>
      {graph && layout ? <Drawing key={graph.net} service={service} graph={graph} layout={layout} /> : null}
      {failure ? <p className="caffe-nb-failure">The graph could not be laid out: {failure}</p> : null}
    </div>
  );
}

/** The layout of a graph; one that comes after the graph has changed is dropped. */
function useLayout(
  graph: Graph | null,
  layouter: Layouter
): { layout: ILayout | null; failure: string | null } {
  const [done, setDone] = useState<{ layout: ILayout | null; failure: string | null }>({
    layout: null,
    failure: null
  });
  const key = useMemo(() => (graph ? layoutKey(graph) : null), [graph]);
  useEffect(() => {
    if (graph === null) {
      return;
    }
    let stale = false;
    layouter.layout(graph).then(
      layout => {
        if (!stale) {
          setDone({ layout, failure: null });
        }
      },
      (error: unknown) => {
        if (!stale) {
          setDone({ layout: null, failure: String(error) });
        }
      }
    );
    return () => {
      stale = true;
    };
  }, [graph, layouter]);
  return done.layout?.key === key || done.failure !== null ? done : { layout: null, failure: null };
}

function Drawing(props: { service: Service; graph: Graph; layout: ILayout }): ReactElement {
  const { service, graph, layout } = props;
  const [place, width, height] = useSize<HTMLDivElement>();
  const flow = useRef<Flow | null>(null);
  const nodes = useNodes(service, graph, layout);
  const edges = useEdges(service, layout);

  const start = useCallback(() => {
    const element = place.current;
    if (element && element.clientWidth > 0) {
      void flow.current?.setViewport(startingView(layout, element.clientWidth, element.clientHeight));
    }
  }, [layout, place]);
  const moved = useRef(false);
  useEffect(() => {
    if (!moved.current) {
      start();
    }
  }, [start, width, height]);

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>): void => {
    const id = (event.target as HTMLElement).closest<HTMLElement>('.react-flow__node')?.dataset.id;
    if (id === undefined) {
      if (event.target === event.currentTarget && event.key in ARROWS) {
        event.preventDefault();
        const first = service.selectedNode ?? graph.nodes[0];
        reveal(first?.index ?? 0);
      }
      return;
    }
    if (event.key === 'Enter' || event.key === ' ') {
      service.select(Number(id));
      event.preventDefault();
    }
    const direction = ARROWS[event.key];
    const next = direction ? neighbour(graph.edges, Number(id), direction) : null;
    if (next !== null) {
      event.preventDefault();
      event.stopPropagation();
      reveal(next);
    }
  };

  /** Select a layer, bring it into view and give it the focus. */
  const reveal = (index: number): void => {
    service.select(index);
    const point = layout.nodes.get(index);
    const instance = flow.current;
    const element = place.current;
    if (!point || !instance || !element) {
      return;
    }
    const { x, y, zoom } = instance.getViewport();
    const left = point.x * zoom + x;
    const top = point.y * zoom + y;
    const inside =
      left >= 0 &&
      top >= 0 &&
      left + NODE_WIDTH * zoom <= element.clientWidth &&
      top + NODE_HEIGHT * zoom <= element.clientHeight;
    if (!inside) {
      void instance.setCenter(point.x + NODE_WIDTH / 2, point.y + NODE_HEIGHT / 2, { zoom });
    }
    requestAnimationFrame(() =>
      element
        .querySelector<HTMLElement>(`.react-flow__node[data-id="${index}"]`)
        ?.focus({ preventScroll: true })
    );
  };

  return (
    <div
      ref={place}
      className="caffe-nb-flow"
      role="group"
      aria-label={`graph of ${graph.nodes.length} layers; arrow keys walk along it`}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <ReactFlow<LayerNode, BlobEdge>
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        onInit={instance => {
          flow.current = instance;
          start();
        }}
        onMoveStart={event => {
          moved.current ||= event !== null;
        }}
        onNodeClick={(_, node) => service.select(Number(node.id))}
        onPaneClick={() => service.select(null)}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        disableKeyboardA11y
        onlyRenderVisibleElements
        minZoom={0.01}
        maxZoom={2}
      >
        <Controls showInteractive={false} fitViewOptions={{ padding: 0.05 }} />
        {graph.nodes.length >= MAPPED ? <MiniMap pannable zoomable style={MAP_SIZE} /> : null}
      </ReactFlow>
    </div>
  );
}

const NOTHING: readonly number[] = [];

/** React Flow's nodes; those that look as before are the same objects as before. */
function useNodes(service: Service, graph: Graph, layout: ILayout): LayerNode[] {
  const states = useService(service, state => state.states);
  const times = useService(service, state => state.times);
  const selected = useService(service, state => state.selected);
  const current = useService(service, state => state.update?.current ?? null);
  const stale = useService(service, state => (state.update?.stale.length ? state.update.stale : NOTHING));
  const known = useRef(new Map<string, LayerNode>());
  return useMemo(() => {
    const next = new Map<string, LayerNode>();
    for (const node of graph.nodes) {
      const id = `${node.index}`;
      const position = layout.nodes.get(node.index) ?? { x: 0, y: 0 };
      const face = faceOf(node, { states, times, selected, current, stale });
      const old = known.current.get(id);
      if (old?.position === position && sameFace(old.data.face, face)) {
        next.set(id, old);
      } else {
        next.set(id, makeNode(id, position, face));
      }
    }
    known.current = next;
    return [...next.values()];
  }, [graph, layout, states, times, selected, current, stale]);
}

function makeNode(
  id: string,
  position: { x: number; y: number },
  face: ReturnType<typeof faceOf>
): LayerNode {
  return {
    id,
    type: 'layer',
    position,
    width: NODE_WIDTH,
    height: NODE_HEIGHT,
    data: { face },
    focusable: true,
    ariaLabel: describeFace(face),
    ariaRole: 'button',
    domAttributes: { tabIndex: -1, 'aria-pressed': face.selected }
  };
}

function useEdges(service: Service, layout: ILayout): BlobEdge[] {
  const selected = useService(service, state => state.selected);
  return useMemo(
    () =>
      layout.edges.map(placed => makeEdge(placed, placed.source === selected || placed.target === selected)),
    [layout, selected]
  );
}

function makeEdge(placed: IPlacedEdge, near: boolean): BlobEdge {
  const color = near ? 'var(--jp-brand-color1)' : 'var(--caffe-nb-edge)';
  return {
    id: placed.id,
    type: 'blob',
    source: `${placed.source}`,
    target: `${placed.target}`,
    data: { placed, near },
    className: near ? 'caffe-nb-near' : '',
    markerEnd: { type: MarkerType.ArrowClosed, width: 14, height: 14, color }
  };
}
