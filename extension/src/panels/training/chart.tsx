import type { ReactElement } from 'react';
import { useEffect, useRef } from 'react';
import type uPlot from 'uplot';

import { formatNumber } from '../../components/format';
import { useDarkTheme, useSize } from '../../components/hooks';
import { testids } from '../../components/testids';
import type { ICurve, IDrawing, ILine } from './curves';
import { columnsOf, linesOf } from './curves';

const HEIGHT = 200;
// uPlot's enums are there in its types alone.
const LOGARITHMIC = 3 as unknown as uPlot.Scale.Distr.Logarithmic;
const RIGHT = 1 as unknown as uPlot.Axis.Side.Right;
/** The style sheet has so many colours for curves. */
const COLOURS = 8;

/** The name of the CSS variable of a curve's colour. */
export const colourName = (place: number): string => `--caffe-nb-curve-${(place % COLOURS) + 1}`;

/** The curves that are shown, drawn over the iterations. */
export function Chart(props: {
  curves: readonly ICurve[];
  revision: number;
  drawing: IDrawing;
  /** The iteration under the cursor, null for none. */
  onHover: (iteration: number | null) => void;
}): ReactElement {
  const { curves, revision, drawing, onHover } = props;
  const [place, width] = useSize<HTMLDivElement>();
  const plot = useRef<uPlot | null>(null);
  const dark = useDarkTheme();
  const lines = linesOf(curves, drawing);
  const shape = JSON.stringify([drawing.log, dark, lines.map(({ curve, role }) => [curve.id, role])]);
  const latest = useRef({ lines, drawing, width, onHover });
  latest.current = { lines, drawing, width, onHover };
  const wide = width > 0;

  useEffect(() => {
    const element = place.current;
    if (!wide || element === null) {
      return;
    }
    let frame: number | null = null;
    let gone = false;
    void import('uplot').then(({ default: Plot }) => {
      if (gone) {
        return;
      }
      // In the next frame, when the style sheet of a new theme counts.
      frame = requestAnimationFrame(() => {
        const { lines, drawing, width } = latest.current;
        const hover = (iteration: number | null): void => latest.current.onHover(iteration);
        const options = optionsOf(element, width, lines, drawing, hover);
        plot.current = new Plot(options, dataOf(lines, drawing), element);
      });
    });
    return () => {
      gone = true;
      cancelAnimationFrame(frame ?? 0);
      plot.current?.destroy();
      plot.current = null;
    };
    // drawn anew where lines come or go, and in the theme's colours
  }, [place, wide, shape]);

  useEffect(() => {
    const { lines, drawing } = latest.current;
    plot.current?.setData(dataOf(lines, drawing));
  }, [revision, drawing]);
  useEffect(() => plot.current?.setSize({ width, height: HEIGHT }), [width]);

  const loss = curves.find(({ kind }) => kind === 'loss');
  return (
    <div
      ref={place}
      className="caffe-nb-curve"
      data-testid={testids.lossCurve}
      data-points={loss?.at.length ?? 0}
      data-lines={lines.filter(({ role }) => role === 'line').length}
      role="img"
      aria-label={`curves by iteration: ${lines
        .filter(({ role }) => role === 'line')
        .map(({ curve }) => curve.label)
        .join(', ')}`}
    />
  );
}

function dataOf(lines: readonly ILine[], drawing: IDrawing): uPlot.AlignedData {
  return columnsOf(lines, drawing);
}

function optionsOf(
  element: HTMLElement,
  width: number,
  lines: readonly ILine[],
  drawing: IDrawing,
  onHover: (iteration: number | null) => void
): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim() || 'gray';
  const axis: uPlot.Axis = {
    stroke: colour('--jp-ui-font-color2'),
    font: `11px ${colour('--jp-ui-font-family')}`,
    grid: { stroke: faint(colour(colourName(COLOURS - 1)), 0.2), width: 1 },
    ticks: { stroke: colour('--jp-border-color2'), width: 1, size: 4 }
  };
  const values: uPlot.Axis.Values = (_, ticks) =>
    ticks.map((tick: number | null) => (tick === null ? '' : formatNumber(tick, 3)));
  const rated = lines.some(({ curve }) => curve.kind === 'rate');
  const others = lines.some(({ curve }) => curve.kind !== 'rate');
  const scale: uPlot.Scale = drawing.log ? { distr: LOGARITHMIC, log: 10 } : {};
  const bands = lines.flatMap(({ role, colour: place }, at): uPlot.Band[] =>
    role === 'high' ? [{ series: [at + 1, at + 2], fill: faint(colour(colourName(place)), 0.2) }] : []
  );
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: { x: { time: false }, y: scale, rate: scale },
    axes: [
      { ...axis, size: 28 },
      ...(others ? [{ ...axis, size: 56, values }] : []),
      ...(rated ? [{ ...axis, scale: 'rate', side: RIGHT, size: 56, values, grid: { show: !others } }] : [])
    ],
    bands,
    series: [{ label: 'iteration' }, ...lines.map(line => seriesOf(line, colour(colourName(line.colour))))],
    hooks: {
      setCursor: [
        (plot): void => {
          const { idx, left } = plot.cursor;
          onHover(idx == null || (left ?? -1) < 0 ? null : (plot.data[0][idx] ?? null));
        }
      ]
    }
  };
}

function seriesOf({ curve, role }: ILine, colour: string): uPlot.Series {
  const few = curve.at.length < 40;
  const edge = role === 'low' || role === 'high';
  return {
    label: `${curve.label} ${role}`,
    scale: curve.kind === 'rate' ? 'rate' : 'y',
    stroke: edge ? 'transparent' : role === 'raw' ? faint(colour, 0.35) : colour,
    width: role === 'line' ? 1.5 : 1,
    points: { show: role === 'line' && few, size: 4 }
  };
}

function faint(colour: string, opacity: number): string {
  const [red, green, blue] = [1, 3, 5].map(at => Number.parseInt(colour.slice(at, at + 2), 16));
  return `rgba(${red ?? 128}, ${green ?? 128}, ${blue ?? 128}, ${opacity})`;
}
