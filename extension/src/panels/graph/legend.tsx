import type { ReactElement } from 'react';
import { useMemo } from 'react';

import { formatTime } from '../../components/format';
import { testids } from '../../components/testids';
import type { Graph } from '../../protocol';
import type { Overlay } from './figures';
import { DECADES, formatCount } from './figures';
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

function Scale({ overlay, greatest }: Omit<ILegendProps, 'graph'>): ReactElement {
  const format = overlay === 'time' ? formatTime : formatCount;
  return (
    <div className="caffe-nb-graph-scale" data-testid={testids.graphScale}>
      {greatest > 0 ? (
        <>
          <span>≤ {format(greatest / 10 ** DECADES)}</span>
          <span className="caffe-nb-graph-scale-bar" aria-hidden />
          <span>{format(greatest)}</span>
          <span title="on a logarithmic scale">{overlay}</span>
        </>
      ) : (
        <span className="caffe-nb-hint">
          {overlay === 'time' ? 'No times yet: run the net.' : 'No layer has parameters.'}
        </span>
      )}
    </div>
  );
}
