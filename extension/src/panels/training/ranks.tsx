import type { ReactElement } from 'react';

import { formatNumber, formatTime } from '../../components/format';
import { testids } from '../../components/testids';
import type { Rank } from '../../protocol';

/** How much longer than the mean the slowest rank works; 0 where all work alike. */
function imbalance(ranks: readonly Rank[]): number {
  const mean = ranks.reduce((sum, { seconds }) => sum + seconds, 0) / ranks.length;
  return mean > 0 ? Math.max(...ranks.map(({ seconds }) => seconds)) / mean - 1 : 0;
}

/** The processes that train the net together; the panel's tensors and times are those of the notebook's own net. */
export function Ranks({ ranks }: { ranks: readonly Rank[] }): ReactElement | null {
  if (ranks.length === 0) {
    return null;
  }
  return (
    <section data-testid={testids.ranks} data-count={ranks.length}>
      <h4>
        Ranks
        <span className="caffe-nb-legend">
          last iteration, imbalance {(100 * imbalance(ranks)).toFixed(0)}%
        </span>
      </h4>
      <table className="caffe-nb-table">
        <thead>
          <tr>
            <th>rank</th>
            <th>process</th>
            <th>loss</th>
            <th>at work</th>
            <th>waiting</th>
          </tr>
        </thead>
        <tbody>
          {ranks.map((rank, number) => (
            <tr key={number} data-testid={testids.rank} data-rank={number}>
              <td>{number}</td>
              <td>{rank.name}</td>
              <td className="caffe-nb-number">
                {rank.loss === null ? 'no number' : formatNumber(rank.loss)}
              </td>
              <td className="caffe-nb-number">{formatTime(1000 * rank.seconds)}</td>
              <td className="caffe-nb-number">{formatTime(1000 * rank.wait)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
