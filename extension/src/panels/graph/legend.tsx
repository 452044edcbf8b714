import type { ReactElement } from 'react';
import { useMemo } from 'react';

import { formatNumber, formatTime } from '../../components/format';
import { testids } from '../../components/testids';
import type { Graph } from '../../protocol';
import type { Overlay } from './figures';
import { decadesOf, formatCount } from './figures';
import type { Family } from './model';
import { FAMILY_NAMES, familyOfNode } from './model';

interface ILegendProps {
  graph: Graph;
  overlay: Overlay;
  /** The greatest value under the overlay. */
  greatest: number;
}

/** What the colours mean: how many layers there are of each family, or the scale of the overlay. */
export function Legend({ graph, overlay, greatest }: ILegendProps): ReactElement {
  const counts = useMemo(() => {
    const found = new Map<Family, number>();
    for (const node of graph.nodes) {
      const family = familyOfNode(node);
      found.set(family, (found.get(family) ?? 0) + 1);
    }
    return FAMILY_NAMES.flatMap(family => {
      const count = found.get(family);
      return count === undefined ? [] : [[family, count] as const];
    });
  }, [graph]);
  return (
    <div className="caffe-nb-graph-legend">
      {overlay === 'none' ? null : <Scale overlay={overlay} greatest={greatest} />}
      <ul aria-label="layers by family">
        {counts.map(([family, count]) => (
          <li key={family} data-testid={testids.graphFamily} data-family={family} data-count={count}>
            <span className="caffe-nb-graph-swatch" data-family={family} aria-hidden />
            {family} <span className="caffe-nb-number">{count}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface IScale {
  format: (value: number) => string;
  unit: string;
  title: string;
  /** What to say where there is nothing to colour. */
  none: string;
}

const SCALES: Readonly<Record<Exclude<Overlay, 'none'>, IScale>> = {
  time: {
    format: formatTime,
    unit: 'time',
    title: 'on a logarithmic scale',
    none: 'No times yet: run the net.'
  },
  parameters: {
    format: formatCount,
    unit: 'parameters',
    title: 'on a logarithmic scale',
    none: 'No layer has parameters.'
  },
  gradients: {
    format: value => formatNumber(value, 2),
    unit: 'mean |diff|',
    title: 'Mean magnitude of the diffs of the layer’s tops, on a logarithmic scale; of a group, the largest',
    none: 'No gradients yet: run backward.'
  }
};

function Scale(props: { overlay: Exclude<Overlay, 'none'>; greatest: number }): ReactElement {
  const { overlay, greatest } = props;
  const { format, unit, title, none } = SCALES[overlay];
  return (
    <div className="caffe-nb-graph-scale" data-testid={testids.graphScale}>
      {greatest > 0 ? (
        <>
          <span>≤ {format(greatest / 10 ** decadesOf(overlay))}</span>
          <span className="caffe-nb-graph-scale-bar" aria-hidden />
          <span>{format(greatest)}</span>
          <span title={title}>{unit}</span>
          {overlay === 'gradients' ? (
            <span className="caffe-nb-hint" title="Backward has not reached it, or all of its gradient is 0">
              uncoloured: none
            </span>
          ) : null}
        </>
      ) : (
        <span className="caffe-nb-hint">{none}</span>
      )}
    </div>
  );
}
