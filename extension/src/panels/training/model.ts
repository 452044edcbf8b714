/** Time of a layer as a share of the slowest layer's, for the bars. */
export interface ITimeBar {
  index: number;
  name: string;
  forward: number;
  backward: number;
  forwardShare: number;
  backwardShare: number;
}

/** One bar a layer in the net's order, scaled to the slowest layer. */
export function timeBars(
  nodes: readonly { index: number; name: string }[],
  times: ReadonlyMap<number, { forward: number; backward: number }>
): ITimeBar[] {
  const slowest = Math.max(0, ...[...times.values()].map(time => time.forward + time.backward));
  return nodes.map(({ index, name }) => {
    const { forward, backward } = times.get(index) ?? { forward: 0, backward: 0 };
    const share = (time: number): number => (slowest > 0 ? time / slowest : 0);
    return { index, name, forward, backward, forwardShare: share(forward), backwardShare: share(backward) };
  });
}
