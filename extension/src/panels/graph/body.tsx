import type { ReactElement } from 'react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

import { useDarkTheme, useService } from '../../components/hooks';
import { testids } from '../../components/testids';
import type { Graph } from '../../protocol';
import type { Service } from '../../service';
import { AroundBar } from './aroundbar';
import { Drawing } from './drawing';
import type { Overlay } from './figures';
import { groupsOf } from './groups';
import type { ILayout, Layouter } from './layout';
import { CancelledError } from './layout';
import { useLayerHealth } from './layerhealth';
import { Legend } from './legend';
import { useLooks } from './looks';
import type { IPalette } from './palette';
import { paletteOf } from './palette';
import type { IPath } from './paths';
import { pathBetween } from './paths';
import type { IScene, Opened } from './scene';
import { isOpen, makeScene, openAll, openAround } from './scene';
import { Toolbar } from './toolbar';

/** The net as a graph of layers. */
export function GraphBody({ service, layouter }: { service: Service; layouter: Layouter }): ReactElement {
  const graph = useService(service, state => state.graph);
  useEffect(() => layouter.warm(), [layouter]);
  const [opened, setOpened] = useOpened(service, graph);
  const grouping = useMemo(() => (graph ? groupsOf(graph.nodes, graph.edges) : null), [graph]);
  const scene = useMemo(
    () => (graph && grouping ? makeScene(graph, opened, grouping) : null),
    [graph, grouping, opened]
  );
  const [overlay, setOverlay] = useState<Overlay>('none');
  const [legend, setLegend] = useState(true);
  const { placed, failure } = useLayout(graph, scene, layouter);
  const stage = placed && placed.scene.key === scene?.key ? 'ready' : failure ? 'failed' : 'pending';
  return (
    <div className="caffe-nb-graph" data-testid={testids.graph} data-layout={stage}>
      {placed ? (
        <Shown
          key={placed.graph.net}
          service={service}
          placed={placed}
          opened={opened}
          onOpened={setOpened}
          overlay={overlay}
          onOverlay={setOverlay}
          legend={legend}
          onLegend={setLegend}
        />
      ) : null}
      {failure ? <p className="caffe-nb-failure">The graph could not be laid out: {failure}</p> : null}
    </div>
  );
}

/** What is open. A layer that somebody selects, or that fails, opens the groups around it. */
function useOpened(service: Service, graph: Graph | null): [Opened, (opened: Opened) => void] {
  const [opened, setOpened] = useState<Opened>(() => new Map());
  const selected = useService(service, state => state.selected);
  const failed = useService(service, state => Boolean(state.states.get(state.selected ?? -1)?.error));
  const seen = useRef('');
  useEffect(() => {
    const name = service.node(selected)?.name;
    const now = `${graph?.net ?? ''} ${selected ?? ''} ${failed}`;
    if (graph && selected !== null && now !== seen.current && (failed || service.choice.layer === name)) {
      const grouping = groupsOf(graph.nodes, graph.edges);
      setOpened(before => openAround(graph, grouping, before, selected));
    }
    seen.current = now;
  }, [service, graph, selected, failed]);
  return [opened, setOpened];
}

interface IPlaced {
  graph: Graph;
  scene: IScene;
  layout: ILayout;
}

/** The last layout of a net: while groups open and close, the one before is shown until the next is there. */
function useLayout(
  graph: Graph | null,
  scene: IScene | null,
  layouter: Layouter
): { placed: IPlaced | null; failure: string | null } {
  const [done, setDone] = useState<IPlaced | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const wanted = useRef<Omit<IPlaced, 'layout'> | null>(null);
  wanted.current = graph && scene ? { graph, scene } : null;
  const key = scene?.key;
  useEffect(() => {
    // A graph that came again, with all in its place, needs no other layout.
    const asked = wanted.current;
    if (asked === null || key === undefined) {
      return;
    }
    const stop = new AbortController();
    layouter.layout(asked.scene, stop.signal).then(
      layout => {
        if (!stop.signal.aborted) {
          setDone({ ...asked, layout });
          setFailure(null);
        }
      },
      (error: unknown) => {
        if (!(error instanceof CancelledError)) {
          setFailure(error instanceof Error ? error.message : String(error));
        }
      }
    );
    return () => stop.abort();
  }, [key, layouter]);
  const placed = useMemo(
    () =>
      done === null || graph === null || scene === null
        ? null
        : done.layout.key === scene.key
          ? { graph, scene, layout: done.layout }
          : sameLayers(done.graph, graph)
            ? done
            : null,
    [done, graph, scene]
  );
  return { placed, failure };
}

/** Whether a graph still has the layers of an older one, so that the older one can stand in for it. */
function sameLayers(old: Graph, graph: Graph): boolean {
  return (
    old === graph ||
    (old.net === graph.net &&
      old.nodes.length === graph.nodes.length &&
      old.nodes.every(({ index, name }, at) => {
        const node = graph.nodes[at];
        return node?.index === index && node.name === name;
      }))
  );
}

interface IShownProps {
  service: Service;
  placed: IPlaced;
  opened: Opened;
  onOpened: (opened: Opened) => void;
  overlay: Overlay;
  onOverlay: (overlay: Overlay) => void;
  legend: boolean;
  onLegend: (legend: boolean) => void;
}

/** A graph that has been laid out, with everything around it. */
function Shown(props: IShownProps): ReactElement {
  const { service, placed, opened, onOpened, overlay, legend } = props;
  const { graph, scene, layout } = placed;
  const selected = useService(service, state => state.selected);
  const [to, setTo] = useState<number | null>(null);
  const searchBox = useRef<HTMLInputElement>(null);
  const path = useMemo<IPath | null>(
    () => (selected === null || to === null ? null : pathBetween(graph.edges, selected, to)),
    [graph, selected, to]
  );
  useEffect(() => setTo(null), [selected]);
  const health = useLayerHealth(service, graph.net, overlay === 'gradients');
  const looks = useLooks(service, graph, scene, overlay, health, path);
  const palette = usePalette();

  const onToggle = useCallback(
    (group: string) => onOpened(new Map(opened).set(group, !isOpen(graph, opened, group))),
    [graph, opened, onOpened]
  );
  const onKey = (key: string): boolean => {
    if (key === 'Escape' && to !== null) {
      setTo(null);
      return true;
    }
    if (key === '/') {
      searchBox.current?.focus();
      return true;
    }
    return false;
  };
  return (
    <div className="caffe-nb-graph-shown">
      <Toolbar
        service={service}
        graph={graph}
        layout={layout}
        looks={looks}
        searchBox={searchBox}
        overlay={overlay}
        onOverlay={props.onOverlay}
        legend={legend}
        onLegend={props.onLegend}
        groups={scene.grouping.groups.size}
        allOpen={[...scene.grouping.groups.keys()].every(group => isOpen(graph, opened, group))}
        onAll={open => onOpened(openAll(scene.grouping, open))}
      />
      {legend ? <Legend graph={graph} overlay={overlay} greatest={looks.greatest} /> : null}
      {palette ? (
        <Drawing
          service={service}
          graph={graph}
          scene={scene}
          layout={layout}
          looks={looks}
          palette={palette}
          selected={selected}
          path={path}
          onToggle={onToggle}
          onPath={setTo}
          onKey={onKey}
          below={
            <AroundBar
              service={service}
              graph={graph}
              selected={selected}
              path={path}
              onClear={() => setTo(null)}
            />
          }
        />
      ) : null}
    </div>
  );
}

/** The colours of the theme that the page has now. */
function usePalette(): IPalette | null {
  const dark = useDarkTheme();
  const [palette, setPalette] = useState<IPalette | null>(null);
  useEffect(() => {
    const read = (): void => {
      const panel = document.querySelector('.caffe-nb-graph');
      if (panel) {
        setPalette(paletteOf(panel));
      }
    };
    read();
    // JupyterLab says which theme it is to be before its style sheet has come.
    const later = setTimeout(read, 500);
    return () => clearTimeout(later);
  }, [dark]);
  return palette;
}
