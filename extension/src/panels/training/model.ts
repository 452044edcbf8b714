import type { LayerTime } from '../../protocol';
import { withinOf } from '../graph/model';

/** Time of a layer as a share of the slowest layer's, for the bars. */
export interface ITimeBar {
  index: number;
  name: string;
  forward: number;
  backward: number;
  forwardShare: number;
  backwardShare: number;
  /** The layer whose time has its own in it; empty where it has one itself. */
  within: string;
}

/** One bar a layer in the net's order, scaled to the slowest layer. */
export function timeBars(
  nodes: readonly { index: number; name: string }[],
  times: ReadonlyMap<number, LayerTime>
): ITimeBar[] {
  const slowest = Math.max(0, ...[...times.values()].map(time => time.forward + time.backward));
  return nodes.map(({ index, name }) => {
    const time = times.get(index);
    const { forward, backward } = time ?? { forward: 0, backward: 0 };
    const share = (part: number): number => (slowest > 0 ? part / slowest : 0);
    return {
      index,
      name,
      forward,
      backward,
      forwardShare: share(forward),
      backwardShare: share(backward),
      within: withinOf(time)
    };
  });
}
