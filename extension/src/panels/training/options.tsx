import type { ReactElement } from 'react';
import { useState } from 'react';

import { useService } from '../../components/hooks';
import { testids } from '../../components/testids';
import type { Request, Training } from '../../protocol';
import type { Service } from '../../service';
import type { IFeed } from './feed';
import { placeOf, sizeOf, wordsForKept } from './words';

const MEGABYTES = [64, 256, 1024, 4096];

interface IAct {
  /** What the kernel could not do, in words. */
  failure: string | null;
  busy: boolean;
  act: (request: Request) => Promise<void>;
}

function useAct(service: Service, feed: IFeed): IAct {
  const [failure, setFailure] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const act = async (request: Request): Promise<void> => {
    setBusy(true);
    const reply = await service.answer(request);
    setBusy(false);
    const done = typeof reply !== 'string' && reply.kind === 'training_state';
    setFailure(done ? null : typeof reply === 'string' ? reply : `The kernel answered '${reply.kind}'.`);
    if (done) {
      feed.take(reply.training);
    }
  };
  return { failure, busy, act };
}

/** Where a run stopped because of a NaN, and how to go on. */
export function BadBanner({ service, feed }: { service: Service; feed: IFeed }): ReactElement | null {
  const bad = feed.training?.bad ?? null;
  const running = useService(service, state => state.update?.running ?? false);
  const { failure, busy, act } = useAct(service, feed);
  if (bad === null) {
    return null;
  }
  const net = service.state.net ?? '';
  const kept = feed.training?.kept;
  const show = (): void => {
    service.select(bad.layer);
    service.choice.open('tensors');
  };
  return (
    <section className="caffe-nb-bad-banner" role="alert" data-testid={testids.bad} data-layer={bad.name}>
      <p>
        <b>{bad.value}</b> was born in the {bad.method} of <b>{bad.name}</b>
        {bad.iteration === null ? '' : `, iteration ${bad.iteration}`}: {placeOf(bad)}.{' '}
        {feed.training?.paused
          ? 'The net is paused there; mend the cause and run the cell again.'
          : 'The run has stopped.'}
      </p>
      <div className="caffe-nb-actions">
        <button className="jp-mod-styled" data-testid={testids.badShow} onClick={show}>
          Show its tensors
        </button>
        {kept && kept.iterations > 0 ? (
          <button
            className="jp-mod-styled"
            disabled={running || busy}
            title="The parameters and all else as they were before the last whole iteration"
            onClick={() => void act({ kind: 'rewind', net, iterations: 1 })}
          >
            Go back 1 iteration
          </button>
        ) : null}
        {failure === null ? null : <span className="caffe-nb-failure">{failure}</span>}
      </div>
    </section>
  );
}

/** What can be switched on for a training: a stop at NaN, and iterations to go back to. */
export function Options({ service, feed }: { service: Service; feed: IFeed }): ReactElement | null {
  const net = useService(service, state => state.net);
  const { failure, busy, act } = useAct(service, feed);
  const [megabytes, setMegabytes] = useState(256);
  const { training } = feed;
  if (net === null || training === null) {
    return null;
  }
  const driven = feed.curves.key !== '';
  const set = (change: { stop_at_nan?: boolean; keep?: boolean }): void =>
    void act({ kind: 'set_training', net, megabytes, ...change });
  return (
    <section className="caffe-nb-options">
      <h4>Safety</h4>
      <label title="After each layer its results are looked through; the run stops at the first value that is not finite">
        <input
          type="checkbox"
          checked={training.stop_at_nan}
          disabled={busy}
          data-testid={testids.stopAtNan}
          onChange={event => set({ stop_at_nan: event.target.checked })}
        />
        Stop where a NaN or an infinity is born
      </label>
      {driven ? (
        <label title="To go back to: parameters, solver history, random states and batches before each of them">
          <input
            type="checkbox"
            checked={training.kept !== null}
            disabled={busy}
            data-testid={testids.keepIterations}
            onChange={event => set({ keep: event.target.checked })}
          />
          Keep the last iterations in at most
          <select
            className="caffe-nb-select"
            aria-label="memory for kept iterations"
            disabled={training.kept !== null}
            value={megabytes}
            onChange={event => setMegabytes(Number(event.target.value))}
          >
            {MEGABYTES.map(size => (
              <option key={size} value={size}>
                {sizeOf(size * 2 ** 20)}
              </option>
            ))}
          </select>
        </label>
      ) : null}
      {training.kept ? (
        <RewindLine service={service} net={net} training={training} busy={busy} act={act} />
      ) : null}
      {failure === null ? null : (
        <p className="caffe-nb-failure" data-testid={testids.trainingFailure}>
          {failure}
        </p>
      )}
    </section>
  );
}

function RewindLine(props: {
  service: Service;
  net: string;
  training: Training;
  busy: boolean;
  act: IAct['act'];
}): ReactElement | null {
  const { service, net, training, busy, act } = props;
  const [iterations, setIterations] = useState(1);
  const running = useService(service, state => state.update?.running ?? false);
  const { kept } = training;
  if (kept === null) {
    return null;
  }
  const whole = Number.isInteger(iterations) && iterations >= 1 && iterations <= kept.iterations;
  return (
    <div className="caffe-nb-actions">
      <span data-testid={testids.keptIterations} data-iterations={kept.iterations}>
        {wordsForKept(kept)}
      </span>
      <label>
        <input
          type="number"
          className="jp-mod-styled"
          aria-label="iterations to go back"
          min={1}
          max={Math.max(1, kept.iterations)}
          value={Number.isNaN(iterations) ? '' : iterations}
          data-testid={testids.rewindCount}
          onChange={event => setIterations(event.target.valueAsNumber)}
        />
        <button
          className="jp-mod-styled"
          disabled={running || busy || !whole}
          title={running ? 'Only while no cell runs' : 'Everything is as it was before those iterations'}
          data-testid={testids.rewind}
          onClick={() => void act({ kind: 'rewind', net, iterations })}
        >
          Go back
        </button>
      </label>
    </div>
  );
}
