import type { ReactElement } from 'react';
import { memo, useEffect, useState } from 'react';

import { DARK, LIGHT, categoryColours, clippedLimitOf, colourOf, css } from '../../components/colormap';
import { formatNumber, formatShare } from '../../components/format';
import { useDarkTheme, useService, useSignal } from '../../components/hooks';
import { testids } from '../../components/testids';
import { Unanswered } from '../../components/unanswered';
import type { Distribution, Element } from '../../protocol';
import type { Service } from '../../service';
import type { Part } from './model';
import { Pulled } from './model';
import type { IBar } from './spread';
import { barsOf, elementText } from './spread';

/** The shortest time between two pulls of one distribution, milliseconds. */
const INTERVAL = 1000;
/** A blob of some gigabytes takes its seconds. */
const TIMEOUT = 60_000;

interface IPulled {
  readonly distribution: Distribution | null;
  readonly error: string | null;
}

const NOTHING: IPulled = { distribution: null, error: null };

interface IProps {
  service: Service;
  net: string;
  /** `data of conv1`. */
  what: string;
  blob: string;
  part: Part;
  /** Something else once the blob may have changed. */
  moment: string;
  onPick: (index: readonly number[]) => void;
}

/** The histogram and the largest elements of a whole blob; asked for only while it is open. */
export function DistributionView(props: IProps): ReactElement {
  const [open, setOpen] = useState(false);
  return (
    <details
      className="caffe-nb-more"
      data-testid={testids.distribution}
      onToggle={event => setOpen(event.currentTarget.open)}
    >
      <summary aria-label={`Histogram and largest elements of ${props.what}`}>Histogram, largest</summary>
      {open ? <Opened {...props} /> : null}
    </details>
  );
}

function Opened(props: IProps): ReactElement | null {
  const { service, net, blob, part, moment, what, onPick } = props;
  const { distribution, error } = useDistribution(service, net, blob, part, moment);
  return (
    <>
      {error ? <Unanswered service={service} failure={error} /> : null}
      {distribution ? (
        <>
          <Histogram distribution={distribution} what={what} />
          <Largest elements={distribution.largest} onPick={onPick} />
        </>
      ) : null}
      {distribution || error ? null : <p className="caffe-nb-hint">Counting…</p>}
    </>
  );
}

function useDistribution(service: Service, net: string, ref: string, part: Part, moment: string): IPulled {
  const link = useService(service, state => state.link);
  const [pulled, setPulled] = useState<Pulled<IPulled> | null>(null);
  useEffect(() => {
    let last = NOTHING;
    const pull = async (): Promise<IPulled> => {
      const reply = await service.answer({ kind: 'get_distribution', net, ref, part }, TIMEOUT);
      if (typeof reply === 'string') {
        last = { ...last, error: reply };
      } else if (reply.kind === 'distribution') {
        last = { distribution: reply, error: null };
      } else {
        last = { ...last, error: `The kernel answered '${reply.kind}' where a distribution was asked for.` };
      }
      return last;
    };
    const opened = new Pulled(NOTHING, pull, INTERVAL);
    setPulled(opened);
    return () => opened.dispose();
  }, [service, net, ref, part]);
  useEffect(() => pulled?.refresh(), [pulled, moment, link]);
  return useSignal<IPulled>(pulled?.changed ?? service.changed, () => pulled?.state ?? NOTHING);
}

const HEIGHT = 64;
/** The least height of a bar that counts anything. */
const LEAST = 2;

/** Memoized, for the cursor moves over the picture. */
const Histogram = memo(function Histogram(props: { distribution: Distribution; what: string }): ReactElement {
  const { distribution, what } = props;
  const [log, setLog] = useState(false);
  const dark = useDarkTheme();
  const bars = barsOf(distribution);
  const { statistics, low, high, below, above } = distribution;
  const highest = Math.max(1, ...bars.map(({ count }) => count));
  const heightOf = (count: number): number => {
    const share = log ? Math.log1p(count) / Math.log1p(highest) : count / highest;
    return count > 0 ? Math.max(LEAST, HEIGHT * share) : 0;
  };
  const colours = coloursOf(distribution, dark);
  const finite = bars.reduce((sum, { count }) => sum + count, 0);
  return (
    <figure className="caffe-nb-histogram" data-testid={testids.histogram} data-count={finite}>
      <svg
        viewBox={`0 0 ${bars.length} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={
          `Histogram of ${what}: ${finite} finite elements from ${formatNumber(low, 3)} to ` +
          `${formatNumber(high, 3)}, ${below} below and ${above} above that.`
        }
      >
        {bars.map((bar, at) => (
          <g key={at}>
            <title>{`${bar.text}: ${bar.count} (${formatShare(bar.count, statistics.count)})`}</title>
            <rect className="caffe-nb-bin" x={at} y={0} width={1} height={HEIGHT} />
            <rect
              x={at + 0.04}
              y={HEIGHT - heightOf(bar.count)}
              width={0.92}
              height={heightOf(bar.count)}
              fill={colours(bar)}
            />
          </g>
        ))}
      </svg>
      <figcaption>
        <span>{below > 0 ? `${below} below ${formatNumber(low, 3)}` : formatNumber(low, 3)}</span>
        <span>{above > 0 ? `${above} above ${formatNumber(high, 3)}` : formatNumber(high, 3)}</span>
        <label>
          <input type="checkbox" checked={log} onChange={event => setLog(event.target.checked)} />
          logarithmic
        </label>
      </figcaption>
    </figure>
  );
});

/** Colours of the bars: those that their values have in the picture, but never too faint to be seen. */
function coloursOf({ statistics }: Distribution, dark: boolean): (bar: IBar) => string {
  const palette = dark ? DARK : LIGHT;
  const limit = clippedLimitOf(statistics);
  const categories = categoryColours(statistics.categories, palette);
  return ({ from, to, outside }) => {
    const category = categories.get(from);
    if (category) {
      return css(category);
    }
    const middle = from / 2 + to / 2;
    const sign = middle < 0 ? -1 : 1;
    const seen = sign * Math.max(Math.abs(middle), limit * 0.35);
    return css(outside ? (sign < 0 ? palette.below : palette.above) : colourOf(seen, limit, palette));
  };
}

function Largest(props: {
  elements: readonly Element[];
  onPick: (index: readonly number[]) => void;
}): ReactElement {
  return (
    <ol className="caffe-nb-largest" aria-label="The largest elements; a click shows where one is">
      {props.elements.map(element => (
        <li key={element.index.join(' ')}>
          <button
            data-testid={testids.largest}
            data-index={element.index.join(' ')}
            title="Show this element"
            onClick={() => props.onPick(element.index)}
          >
            <span>[{element.index.join(', ')}]</span>
            <b data-sign={element.sign}>{elementText(element)}</b>
          </button>
        </li>
      ))}
    </ol>
  );
}
