import type { ReactElement } from 'react';
import { useMemo } from 'react';

import { testids } from '../../components/testids';
import type { Graph, GraphNode } from '../../protocol';
import type { Service } from '../../service';
import type { IPath } from './paths';
import { around } from './paths';

/** So many neighbours have room; the rest is counted. */
const MOST = 6;

interface IAroundProps {
  service: Service;
  graph: Graph;
  selected: number | null;
  path: IPath | null;
  onClear: () => void;
}

/** Leads from the selected layer to those that it reads from and that read from it; or says what ways were found. */
export function AroundBar({ service, graph, selected, path, onClear }: IAroundProps): ReactElement | null {
  const nodes = useMemo(() => new Map(graph.nodes.map(node => [node.index, node])), [graph]);
  const here = selected === null ? undefined : nodes.get(selected);
  const { producers, consumers } = useMemo(
    () => (selected === null ? { producers: [], consumers: [] } : around(graph.edges, selected)),
    [graph, selected]
  );
  if (!here) {
    return null;
  }
  if (path) {
    const name = (index: number): string => nodes.get(index)?.name ?? '';
    return (
      <div className="caffe-nb-graph-around" data-testid={testids.graphPath} data-count={path.layers.size}>
        <p aria-live="polite" title={`${name(path.from)} → ${name(path.to)}`}>
          {path.layers.size > 0
            ? `${path.layers.size} layers on the way from ${short(name(path.from))} to ${short(name(path.to))}`
            : `No blob leads from ${short(name(path.from))} to ${short(name(path.to))}, or back`}
        </p>
        <button className="caffe-nb-graph-chip" onClick={onClear}>
          Clear
        </button>
      </div>
    );
  }
  const chips = (what: string, indices: readonly number[]): ReactElement => (
    <Chips what={what} nodes={indices.flatMap(index => nodes.get(index) ?? [])} service={service} />
  );
  return (
    <nav
      className="caffe-nb-graph-around"
      aria-label={`what ${here.name} reads from, and what reads from it`}
      data-testid={testids.graphAround}
    >
      {chips('reads from', producers)}
      {chips('read by', consumers)}
      {producers.length + consumers.length === 0 ? <p>{short(here.name)} stands alone</p> : null}
    </nav>
  );
}

interface IChipsProps {
  what: string;
  nodes: readonly GraphNode[];
  service: Service;
}

function Chips({ what, nodes, service }: IChipsProps): ReactElement | null {
  if (nodes.length === 0) {
    return null;
  }
  return (
    <span className="caffe-nb-graph-chips">
      <span>{what}</span>
      {nodes.slice(0, MOST).map(({ index, name }) => (
        <button
          key={index}
          className="caffe-nb-graph-chip"
          title={name}
          onClick={() => service.select(index)}
        >
          {name}
        </button>
      ))}
      {nodes.length > MOST ? <span>and {nodes.length - MOST} more</span> : null}
    </span>
  );
}

function short(name: string): string {
  return name.length > 40 ? `${name.slice(0, 39)}…` : name;
}
