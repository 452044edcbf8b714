import type { ReactElement } from 'react';
import { useMemo } from 'react';

import { formatTime } from '../../components/format';
import { useService } from '../../components/hooks';
import { testids } from '../../components/testids';
import type { Service } from '../../service';
import { joinedWith } from '../graph/model';
import { timeBars } from './model';

/** Where the time goes, layer by layer. */
export function Times({ service }: { service: Service }): ReactElement {
  const graph = useService(service, state => state.graph);
  const times = useService(service, state => state.times);
  const selected = useService(service, state => state.selected);
  const bars = useMemo(() => timeBars(graph?.nodes ?? [], times), [graph, times]);
  if (![...times.values()].some(({ forward, backward }) => forward + backward > 0)) {
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
              title={
                bar.within === ''
                  ? `${bar.name}: forward ${formatTime(bar.forward)}, backward ${formatTime(bar.backward)}`
                  : `${bar.name} ${joinedWith(bar.within)}`
              }
              onClick={() => service.select(bar.index)}
            >
              <span className="caffe-nb-name">{bar.name}</span>
              {bar.within === '' ? (
                <>
                  <span className="caffe-nb-bar">
                    <i className="caffe-nb-forward" style={{ width: `${100 * bar.forwardShare}%` }} />
                    <i className="caffe-nb-backward" style={{ width: `${100 * bar.backwardShare}%` }} />
                  </span>
                  <span className="caffe-nb-number">{formatTime(bar.forward + bar.backward)}</span>
                </>
              ) : (
                <span className="caffe-nb-name caffe-nb-within">with {bar.within}</span>
              )}
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}
