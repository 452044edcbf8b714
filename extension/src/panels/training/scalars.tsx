import type { ReactElement } from 'react';
import { useState } from 'react';

import { formatNumber } from '../../components/format';
import { useService } from '../../components/hooks';
import { testids } from '../../components/testids';
import { Unanswered, Waiting } from '../../components/unanswered';
import type { Service } from '../../service';
import { Chart, colourName } from './chart';
import type { ICurve, IDrawing } from './curves';
import { isShown, pointAt, readDrawing } from './curves';
import type { IFeed } from './feed';

const KEPT = 'caffe-nb:curves';

function useDrawing(): [IDrawing, (change: Partial<IDrawing>) => void] {
  const [drawing, setDrawing] = useState(() => readDrawing(window.sessionStorage.getItem(KEPT)));
  const change = (part: Partial<IDrawing>): void => {
    const next = { ...drawing, ...part };
    setDrawing(next);
    window.sessionStorage.setItem(KEPT, JSON.stringify(next));
  };
  return [drawing, change];
}

/** Loss, learning rate and whatever else is one number an iteration. */
export function Scalars({ service, feed }: { service: Service; feed: IFeed }): ReactElement {
  const [drawing, change] = useDrawing();
  const [hovered, setHovered] = useState<number | null>(null);
  const curves = feed.curves.all;
  const drawn = curves.some(curve => curve.at.length > 1);
  return (
    <section className="caffe-nb-scalars">
      <h4>
        Curves
        {drawn ? <Controls drawing={drawing} change={change} /> : null}
      </h4>
      {drawn ? (
        <>
          {curves.some(curve => isShown(curve, drawing)) ? (
            <Chart curves={curves} revision={feed.revision} drawing={drawing} onHover={setHovered} />
          ) : (
            <p className="caffe-nb-hint">No curve is chosen below.</p>
          )}
          <ul className="caffe-nb-curve-list" aria-label="curves">
            {curves.map((curve, place) => (
              <CurveRow
                key={curve.id}
                curve={curve}
                place={place}
                shown={isShown(curve, drawing)}
                hovered={hovered}
                onShow={shown => change({ shown: { ...drawing.shown, [curve.id]: shown } })}
              />
            ))}
          </ul>
        </>
      ) : (
        <Nothing service={service} feed={feed} />
      )}
      {feed.failure === null ? null : <Unanswered service={service} failure={feed.failure} />}
    </section>
  );
}

function Controls(props: { drawing: IDrawing; change: (part: Partial<IDrawing>) => void }): ReactElement {
  const { drawing, change } = props;
  return (
    <span className="caffe-nb-curve-controls">
      <label title="How much each point leans on those before it; the curve as it was stays in the background">
        smoothing
        <input
          type="range"
          min={0}
          max={0.99}
          step={0.01}
          value={drawing.smoothing}
          data-testid={testids.smoothing}
          onChange={event => change({ smoothing: event.target.valueAsNumber })}
        />
        <span className="caffe-nb-number">{drawing.smoothing.toFixed(2)}</span>
      </label>
      <label title="Values of 0 and below have no place on a logarithmic scale">
        <input
          type="checkbox"
          checked={drawing.log}
          data-testid={testids.logScale}
          onChange={event => change({ log: event.target.checked })}
        />
        log scale
      </label>
    </span>
  );
}

function CurveRow(props: {
  curve: ICurve;
  place: number;
  shown: boolean;
  hovered: number | null;
  onShow: (shown: boolean) => void;
}): ReactElement {
  const { curve, place, shown, hovered, onShow } = props;
  const point = pointAt(curve, hovered);
  const value = point?.mean == null ? '–' : formatNumber(point.mean);
  const range =
    point?.low == null || point.high == null || point.low === point.high
      ? ''
      : `, from ${formatNumber(point.low)} to ${formatNumber(point.high)}`;
  return (
    <li>
      <label title={point ? `${curve.label}: ${value} at iteration ${point.at}${range}` : curve.label}>
        <input
          type="checkbox"
          checked={shown}
          data-testid={testids.curve}
          data-curve={curve.id}
          data-points={curve.at.length}
          onChange={event => onShow(event.target.checked)}
        />
        <i style={{ background: `var(${colourName(place)})` }} aria-hidden="true" />
        <span className="caffe-nb-name">{curve.label}</span>
        <span className="caffe-nb-number" data-testid={testids.curveValue} data-curve={curve.id}>
          {value}
        </span>
        <span className="caffe-nb-hint">{point ? `at ${point.at}` : ''}</span>
      </label>
    </li>
  );
}

function Nothing({ service, feed }: { service: Service; feed: IFeed }): ReactElement | null {
  const iteration = useService(service, state => state.update?.iteration ?? 0);
  if (feed.failure !== null) {
    return null;
  }
  if (!feed.asked) {
    return <Waiting />;
  }
  return feed.curves.key === '' ? (
    <p className="caffe-nb-hint" data-testid={testids.noCurves}>
      No solver drives this net. Make one with <code>caffe.get_solver(&quot;solver.prototxt&quot;)</code>; as
      it steps, its loss, learning rate and scalar tops are drawn here.
    </p>
  ) : (
    <p className="caffe-nb-hint" data-testid={testids.noCurves}>
      {iteration > 1 ? 'Nothing is kept of the iterations so far' : 'Nothing yet'}: run{' '}
      <code>solver.step(100)</code> or <code>%caffe_run solver</code> in a cell. The curves begin with the
      second iteration.
    </p>
  );
}
