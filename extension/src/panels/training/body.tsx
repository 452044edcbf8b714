import type { ReactElement } from 'react';
import { useEffect, useMemo, useRef } from 'react';
import type uPlot from 'uplot';

import { formatNumber, formatTime } from '../../components/format';
import { useDarkTheme, useService, useSize } from '../../components/hooks';
import { testids } from '../../components/testids';
import type { Service } from '../../service';
import { timeBars } from './model';

const CURVE_HEIGHT = 180;

/** The loss so far, and where the time goes. */
export function TrainingBody({ service }: { service: Service }): ReactElement {
  return (
    <div className="caffe-nb-section">
      <LossCurve service={service} />
      <Times service={service} />
    </div>
  );
}

function LossCurve({ service }: { service: Service }): ReactElement {
  const net = useService(service, state => state.net);
  const history = service.history(net ?? '');
  const revision = useService(service, () => history.revision);
  const [place, width] = useSize<HTMLDivElement>();
  const plot = useRef<uPlot | null>(null);
  const dark = useDarkTheme();
  const points = history.iterations.length;
  const drawn = points > 1 && width > 0;

  useEffect(() => {
    const element = place.current;
    if (!drawn || element === null) {
      return;
    }
    let gone = false;
    void import('uplot').then(({ default: Plot }) => {
      if (!gone) {
        plot.current = new Plot(curveOptions(element), series(history), element);
      }
    });
    return () => {
      gone = true;
      plot.current?.destroy();
      plot.current = null;
    };
    // drawn anew in the theme's colours
  }, [place, drawn, history, dark]);

  useEffect(() => plot.current?.setData(series(history)), [history, revision]);
  useEffect(() => plot.current?.setSize({ width, height: CURVE_HEIGHT }), [width]);

  return (
    <section>
      <h4>Loss</h4>
      <div ref={place} className="caffe-nb-curve" data-testid={testids.lossCurve} data-points={points} />
      {points > 1 ? null : (
        <p className="caffe-nb-hint">The curve begins with the second iteration of a solver.</p>
      )}
    </section>
  );
}

function series(history: {
  iterations: readonly number[];
  losses: readonly (number | null)[];
}): uPlot.AlignedData {
  return [[...history.iterations], [...history.losses]];
}

function curveOptions(element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim() || 'gray';
  const axis: uPlot.Axis = {
    stroke: colour('--jp-ui-font-color2'),
    font: `11px ${colour('--jp-ui-font-family')}`,
    grid: { stroke: colour('--jp-border-color3'), width: 1 },
    ticks: { stroke: colour('--jp-border-color2'), width: 1, size: 4 }
  };
  return {
    width: element.clientWidth,
    height: CURVE_HEIGHT,
    legend: { show: true, live: true },
    cursor: { y: false },
    scales: { x: { time: false } },
    axes: [
      { ...axis, size: 28 },
      { ...axis, size: 52, values: (_, ticks) => ticks.map(tick => formatNumber(tick, 3)) }
    ],
    series: [
      { label: 'iteration' },
      {
        label: 'loss',
        stroke: colour('--jp-brand-color1'),
        width: 1.5,
        points: { show: false },
        value: (_, value) => (Number.isFinite(value) ? formatNumber(value) : '–')
      }
    ]
  };
}

function Times({ service }: { service: Service }): ReactElement {
  const graph = useService(service, state => state.graph);
  const times = useService(service, state => state.times);
  const selected = useService(service, state => state.selected);
  const bars = useMemo(() => timeBars(graph?.nodes ?? [], times), [graph, times]);
  if (times.size === 0) {
    return (
      <section>
        <h4>Time a layer</h4>
        <p className="caffe-nb-hint">Measured as soon as the net runs while this panel is open.</p>
      </section>
    );
  }
  return (
    <section>
      <h4>
        Time a layer
        <span className="caffe-nb-legend">
          <i className="caffe-nb-forward" /> forward <i className="caffe-nb-backward" /> backward
        </span>
      </h4>
      <ol className="caffe-nb-times">
        {bars.map(bar => (
          <li key={bar.index}>
            <button
              data-testid={testids.time}
              data-layer={bar.name}
              aria-pressed={bar.index === selected}
              title={`${bar.name}: forward ${formatTime(bar.forward)}, backward ${formatTime(bar.backward)}`}
              onClick={() => service.select(bar.index)}
            >
              <span className="caffe-nb-name">{bar.name}</span>
              <span className="caffe-nb-bar">
                <i className="caffe-nb-forward" style={{ width: `${100 * bar.forwardShare}%` }} />
                <i className="caffe-nb-backward" style={{ width: `${100 * bar.backwardShare}%` }} />
              </span>
              <span className="caffe-nb-number">{formatTime(bar.forward + bar.backward)}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}
