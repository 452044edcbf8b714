import type { KeyboardEvent, ReactElement, RefObject } from 'react';
import { useEffect, useMemo, useRef, useState } from 'react';

import { testids } from '../../components/testids';
import { useService } from '../../components/hooks';
import type { Graph } from '../../protocol';
import type { Service } from '../../service';
import { download, fileName, toPng, toSvg } from './export';
import type { Overlay } from './figures';
import { OVERLAYS } from './figures';
import type { ILayout } from './layout';
import type { ILooks } from './looks';
import { paletteOf } from './palette';
import { nextHit, search } from './search';

interface IToolbarProps {
  service: Service;
  graph: Graph;
  layout: ILayout;
  looks: ILooks;
  searchBox: RefObject<HTMLInputElement>;
  overlay: Overlay;
  onOverlay: (overlay: Overlay) => void;
  legend: boolean;
  onLegend: (legend: boolean) => void;
  groups: number;
  allOpen: boolean;
  onAll: (open: boolean) => void;
}

/** The line above the graph: search, overlay, groups, legend, files, keys. */
export function Toolbar(props: IToolbarProps): ReactElement {
  const { service, graph, overlay, legend, groups, allOpen } = props;
  const [help, setHelp] = useState(false);
  return (
    <>
      <div className="caffe-nb-graph-toolbar" role="toolbar" aria-label="graph">
        <Search service={service} graph={graph} box={props.searchBox} />
        <select
          className="caffe-nb-select"
          aria-label="Colour by"
          title="What the colours stand for"
          data-testid={testids.graphOverlay}
          value={overlay}
          onChange={({ target }) => props.onOverlay(OVERLAYS.find(known => known === target.value) ?? 'none')}
        >
          <option value="none">types</option>
          <option value="time">time</option>
          <option value="parameters">parameters</option>
          <option value="gradients">gradients</option>
        </select>
        {groups > 0 ? (
          <button
            className="caffe-nb-graph-tool"
            onClick={() => props.onAll(!allOpen)}
            title={allOpen ? `close all ${groups} groups` : `open all ${groups} groups`}
          >
            {allOpen ? 'Close all' : 'Open all'}
          </button>
        ) : null}
        <button
          className="caffe-nb-graph-tool"
          aria-pressed={legend}
          onClick={() => props.onLegend(!legend)}
          title="what the colours mean"
        >
          Legend
        </button>
        <Export {...props} />
        <button
          className="caffe-nb-graph-tool"
          aria-expanded={help}
          aria-label="Keys"
          title="keys"
          onClick={() => setHelp(!help)}
        >
          ?
        </button>
      </div>
      {help ? <Help onClose={() => setHelp(false)} /> : null}
    </>
  );
}

interface ISearchProps {
  service: Service;
  graph: Graph;
  box: RefObject<HTMLInputElement>;
}

function Search({ service, graph, box }: ISearchProps): ReactElement {
  const [text, setText] = useState('');
  const selected = useService(service, state => state.selected);
  const hits = useMemo(() => search(graph.nodes, text), [graph, text]);
  const at = selected === null ? -1 : hits.indexOf(selected);
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.key === 'Enter') {
      const next = nextHit(hits, selected, event.shiftKey ? -1 : 1);
      if (next !== null) {
        service.select(next);
      }
    } else if (event.key === 'Escape') {
      setText('');
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <span className="caffe-nb-graph-search">
      <input
        ref={box}
        type="text"
        role="searchbox"
        aria-label="Search layers by name or type"
        placeholder="Search layers"
        title="Enter: next, Shift+Enter: previous"
        spellCheck={false}
        data-testid={testids.graphSearch}
        value={text}
        onChange={({ target }) => setText(target.value)}
        onKeyDown={onKeyDown}
      />
      <span className="caffe-nb-graph-hits" aria-live="polite" data-testid={testids.graphHits}>
        {text.trim() === '' ? '' : at < 0 ? `${hits.length} found` : `${at + 1} of ${hits.length}`}
      </span>
    </span>
  );
}

function Export({ service, graph, layout, looks }: IToolbarProps): ReactElement {
  const [problem, setProblem] = useState('');
  const name = (): string => service.state.nets.find(({ id }) => id === graph.net)?.name ?? '';
  const save = async (kind: 'svg' | 'png', element: Element): Promise<void> => {
    setProblem('');
    try {
      const svg = toSvg(name(), layout, looks, paletteOf(element));
      const content = kind === 'svg' ? new Blob([svg], { type: 'image/svg+xml' }) : await toPng(svg, layout);
      download(content, fileName(name(), kind));
    } catch (error) {
      setProblem(`no picture: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  return (
    <>
      {(['svg', 'png'] as const).map(kind => (
        <button
          key={kind}
          className="caffe-nb-graph-tool"
          title={`save the whole graph as ${kind.toUpperCase()}, with groups as they are open and closed now`}
          data-testid={testids.graphExport}
          data-kind={kind}
          onClick={({ currentTarget }) => void save(kind, currentTarget)}
        >
          {kind.toUpperCase()}
        </button>
      ))}
      {problem ? (
        <span className="caffe-nb-failure" role="alert">
          {problem}
        </span>
      ) : null}
    </>
  );
}

const KEYS: readonly (readonly [string, string])[] = [
  ['↓ ↑', 'to the first layer that reads from this one; to the first that it reads from'],
  ['← →', 'among layers that read from the same one'],
  ['Enter', 'select a layer; open or close a group'],
  ['g', 'to the name of the group around'],
  ['Shift+click, Shift+Enter', 'show the ways from the selected layer to another one'],
  ['Escape', 'forget the ways'],
  ['Tab to the map', 'arrow keys move the view, + and − zoom, Home shows everything'],
  ['/', 'search; Enter and Shift+Enter go through the hits']
];

function Help({ onClose }: { onClose: () => void }): ReactElement {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => ref.current?.focus(), []);
  return (
    <div
      ref={ref}
      className="caffe-nb-graph-keys"
      role="dialog"
      aria-label="Keys of the graph"
      tabIndex={-1}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          onClose();
        }
      }}
    >
      <dl>
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
