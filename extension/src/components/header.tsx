import type { ReactElement } from 'react';

import type { NetUpdate } from '../protocol';
import type { Service } from '../service';
import { Controls } from './controls';
import { formatNumber } from './format';
import { useService } from './hooks';
import { testids } from './testids';

/** A longer run than this has no end worth showing: "until I interrupt it". */
const FARTHEST_END = 1e7;
/** Seconds from which on it is said how long a layer has been running. */
const LONG_LAYER = 1;

/** The line above everything: which net, and what it does now. */
export function Header({ service }: { service: Service }): ReactElement | null {
  const nets = useService(service, state => state.nets);
  const net = useService(service, state => state.net);
  const update = useService(service, state => state.update);
  const problem = useService(service, state => state.problem ?? state.mismatch);
  const away = useService(service, state => state.link === 'connecting' && state.graph !== null);
  return (
    <>
      {nets.length > 0 ? (
        <div className="caffe-nb-header">
          <select
            className="caffe-nb-select"
            aria-label="Net"
            data-testid={testids.netSelect}
            value={net ?? ''}
            onChange={event => service.chooseNet(event.target.value)}
          >
            {nets.map(({ id, name, phase }) => (
              <option key={id} value={id}>
                {name || 'unnamed net'} ({phase}, {id})
              </option>
            ))}
          </select>
          <Progress service={service} update={update} />
        </div>
      ) : null}
      <Controls service={service} />
      {away ? (
        <div className="caffe-nb-problem" role="status" data-testid={testids.away}>
          <span>No connection to the kernel: this is what was seen last. The panel goes on by itself.</span>
        </div>
      ) : null}
      {problem === null ? null : (
        <div className="caffe-nb-problem" role="alert" data-testid={testids.linkError}>
          <span>{problem}</span>
          <button className="jp-mod-styled" onClick={() => service.dismissProblem()}>
            Dismiss
          </button>
        </div>
      )}
    </>
  );
}

function Progress(props: { service: Service; update: NetUpdate | null }): ReactElement {
  const { service, update } = props;
  const current = update?.current ?? null;
  const running = update?.running ?? false;
  const said = update?.max_iterations ?? 0;
  const most = said <= FARTHEST_END ? said : 0;
  const iteration = update?.iteration ?? 0;
  return (
    <div className="caffe-nb-progress">
      <span className="caffe-nb-state" data-testid={testids.running} data-running={running}>
        {update?.held ? 'held' : running ? 'running' : 'idle'}
      </span>
      {update && (update.solver || iteration > 0) ? (
        <>
          <span>
            iteration <b data-testid={testids.iteration}>{iteration}</b>
            {most > 0 ? <> / {most}</> : null}
          </span>
          {most > 0 ? <progress max={most} value={iteration} aria-label="iterations done" /> : null}
        </>
      ) : null}
      {current !== null && current.seconds >= LONG_LAYER ? (
        <span data-testid={testids.longLayer}>
          <button className="caffe-nb-link" onClick={() => service.select(current.index)}>
            {service.node(current.index)?.name ?? `layer ${current.index}`}
          </button>{' '}
          {current.direction} for {Math.floor(current.seconds)} s
        </span>
      ) : null}
      {update?.loss == null ? null : (
        <span>
          loss <b data-testid={testids.loss}>{formatNumber(update.loss)}</b>
        </span>
      )}
      {update?.transfers ? (
        <span
          data-testid={testids.transfers}
          title="Copies since the net was made; net.transfers lists them by blob"
        >
          {update.transfers}
        </span>
      ) : null}
    </div>
  );
}
