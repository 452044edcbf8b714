import type { ReactElement, ReactNode } from 'react';
import { useState } from 'react';

import type { Breaks, Drive, GraphNode, NetUpdate } from '../protocol';
import type { Service } from '../service';
import { BreakMenu, useBreaks } from './breaks';
import { useService } from './hooks';
import { testids } from './testids';

type Action = Drive['action'];

/** What drives the net that is shown, and why the last request did not work. */
function useDrive(service: Service): {
  drive: (action: Action, layer?: number) => void;
  failure: string | null;
} {
  const [failure, setFailure] = useState<string | null>(null);
  const drive = (action: Action, layer = -1): void => {
    const net = service.state.net ?? '';
    void service.answer({ kind: 'drive', net, action, layer }).then(reply => {
      setFailure(typeof reply === 'string' ? reply : null);
    });
  };
  return { drive, failure };
}

/** The buttons that run, hold and stop the net. */
export function Controls({ service }: { service: Service }): ReactElement | null {
  const update = useService(service, state => state.update);
  const graph = useService(service, state => state.graph);
  const { drive, failure } = useDrive(service);
  if (update === null || graph === null) {
    return null;
  }
  const { held, running } = update;
  const buttons: readonly IButton[] =
    held !== null ? WHILE_HELD : running ? WHILE_RUNNING : idle(update, graph.nodes);
  return (
    <div className="caffe-nb-controls" role="toolbar" aria-label="Run">
      {buttons.map(({ action, says, label }) => (
        <button
          key={action}
          className="caffe-nb-control"
          title={says}
          aria-label={says}
          data-testid={testids.control(action)}
          onClick={() => drive(action)}
        >
          {GLYPHS[action]}
          <span>{label}</span>
        </button>
      ))}
      <BreakMenu service={service} update={update} />
      {held === null ? null : (
        <span className="caffe-nb-held" data-testid={testids.held} role="status">
          held {held.after ? 'after' : 'before'}{' '}
          <button className="caffe-nb-link" onClick={() => service.select(held.index)}>
            {service.node(held.index)?.name ?? `layer ${held.index}`}
          </button>{' '}
          ({held.direction}): {held.why}
        </span>
      )}
      {failure === null ? null : (
        <span className="caffe-nb-failure" role="alert">
          {failure}
        </span>
      )}
    </div>
  );
}

/** Run to a layer, from it on, and hold before it. */
export function LayerControls({ service, node }: { service: Service; node: GraphNode }): ReactElement | null {
  const update = useService(service, state => state.update);
  const { drive, failure } = useDrive(service);
  const { breaks, set, failure: refused } = useBreaks(service, update?.breaks ?? NONE);
  if (update === null) {
    return null;
  }
  const { held } = update;
  const here = breaks.layers.includes(node.index);
  const setHere = (on: boolean): void =>
    set({ layers: [...breaks.layers.filter(index => index !== node.index), ...(on ? [node.index] : [])] });
  const idle = !update.running && held === null;
  return (
    <div className="caffe-nb-layer-controls">
      {idle || held ? (
        <button
          className="caffe-nb-control"
          title={
            held ? 'Let the run go on up to and with this layer' : 'Run the layers up to and with this one'
          }
          data-testid={testids.control('run_to')}
          onClick={() => drive('run_to', node.index)}
        >
          Run to here
        </button>
      ) : null}
      {idle ? (
        <button
          className="caffe-nb-control"
          title="Run this layer and all after it, on the values that are there"
          data-testid={testids.control('run_from')}
          onClick={() => drive('run_from', node.index)}
        >
          Run from here
        </button>
      ) : null}
      <label title="Hold a run before this layer, forward and backward">
        <input
          type="checkbox"
          checked={here}
          data-testid={testids.breakHere}
          onChange={event => setHere(event.target.checked)}
        />
        break here
      </label>
      {failure === null && refused === null ? null : (
        <span className="caffe-nb-failure">{failure ?? refused}</span>
      )}
    </div>
  );
}

const NONE: Breaks = { layers: [], not_finite: false, limit: null, iteration: null };

interface IButton {
  action: Action;
  label: string;
  says: string;
}

const STOP: IButton = {
  action: 'stop',
  label: 'Stop',
  says: 'Stop after this iteration; a loop of passes stops before its next layer'
};

const WHILE_RUNNING: readonly IButton[] = [
  { action: 'pause', label: 'Pause', says: 'Hold the run before the next layer' },
  STOP
];

const WHILE_HELD: readonly IButton[] = [
  { action: 'resume', label: 'Resume', says: 'Let the run go on' },
  { action: 'step', label: 'Step', says: 'Run one layer' },
  STOP
];

function idle(update: NetUpdate, nodes: readonly GraphNode[]): readonly IButton[] {
  const { index, direction } = update.place;
  const name = nodes.find(node => node.index === index)?.name ?? `layer ${index}`;
  return [
    { action: 'forward', label: 'Forward', says: 'Run the whole net forward' },
    {
      action: 'backward',
      label: 'Backward',
      says: 'Run the whole net backward, with cleared parameter diffs'
    },
    { action: 'step', label: 'Step', says: `Run one layer: ${name}, ${direction}` }
  ];
}

function glyph(path: string): ReactNode {
  return (
    <svg viewBox="0 0 12 12" width="11" height="11" aria-hidden="true">
      <path d={path} fill="currentColor" />
    </svg>
  );
}

const GLYPHS: Record<Action, ReactNode> = {
  forward: glyph('M2 1.5v9l8-4.5z'),
  backward: glyph('M10 1.5v9L2 6z'),
  step: glyph('M1.5 1.5v9L8 6zM8.5 1.5h2v9h-2z'),
  run_to: null,
  run_from: null,
  pause: glyph('M2 1.5h3v9H2zM7 1.5h3v9H7z'),
  resume: glyph('M2 1.5v9l8-4.5z'),
  stop: glyph('M2 2h8v8H2z')
};
