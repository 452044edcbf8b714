import type { CSSProperties, ReactElement } from 'react';

import type { Colour, IPalette } from './colormap';
import { DARK, LIGHT, categoryColours, css, gradientOf } from './colormap';
import { formatNumber } from './format';
import type { IStrange, Scale } from './scale';
import { testids } from './testids';

/** What the colours of a picture mean. What is not finite is explained where there is some. */
export function Legend(props: {
  scale: Scale;
  /** How many values are not finite. */
  strange: IStrange;
  /** Whether the scale is that of the whole blob. */
  ofBlob: boolean;
  dark: boolean;
}): ReactElement {
  const { scale, strange, ofBlob, dark } = props;
  const palette = dark ? DARK : LIGHT;
  return (
    <div className="caffe-nb-colours" data-testid={testids.legend} data-kind={scale.kind}>
      {scale.kind === 'range' ? <Range scale={scale} palette={palette} /> : null}
      {scale.kind === 'categories' ? <Categories values={scale.values} palette={palette} /> : null}
      {scale.kind === 'picture' ? <PictureWords scale={scale} ofBlob={ofBlob} /> : null}
      <Strange strange={strange} palette={palette} />
    </div>
  );
}

function Range(props: { scale: Extract<Scale, { kind: 'range' }>; palette: IPalette }): ReactElement {
  const { scale, palette } = props;
  const { limit, below, above } = scale;
  const style: CSSProperties = { background: gradientOf(palette) };
  const why =
    'The scale ends at 3 times the root mean square of the whole blob; values beyond it are marked.';
  return (
    <div className="caffe-nb-scale" title={below || above ? why : undefined}>
      <div className="caffe-nb-ramp" aria-hidden="true">
        {below ? <i className="caffe-nb-end-below" style={{ borderRightColor: css(palette.below) }} /> : null}
        <div style={style} />
        {above ? <i className="caffe-nb-end-above" style={{ borderLeftColor: css(palette.above) }} /> : null}
      </div>
      <span data-clipped={below}>
        {below ? '< ' : ''}
        {formatNumber(-limit, 3)}
      </span>
      <span>0</span>
      <span data-clipped={above}>
        {above ? '> ' : ''}
        {formatNumber(limit, 3)}
      </span>
    </div>
  );
}

function Categories(props: { values: readonly number[]; palette: IPalette }): ReactElement {
  const colours = categoryColours(props.values, props.palette);
  return (
    <ul className="caffe-nb-entries" aria-label="categories">
      {props.values.map(value => (
        <Entry key={value} colour={colours.get(value) ?? props.palette.nought} text={formatNumber(value)} />
      ))}
    </ul>
  );
}

function PictureWords(props: { scale: Extract<Scale, { kind: 'picture' }>; ofBlob: boolean }): ReactElement {
  const { low, high } = props.scale;
  return (
    <p className="caffe-nb-hint">
      black {formatNumber(low, 3)}, white {formatNumber(high, 3)}
      {props.ofBlob ? ': mean ± 3 σ of the whole blob, no further than its extremes' : ', grey 0'}
    </p>
  );
}

/** Entries for NaN and the infinities that there are. */
function Strange(props: { strange: IStrange; palette: IPalette }): ReactElement | null {
  const { strange, palette } = props;
  const all: [string, string, number, Colour][] = [
    ['NaN', '×', strange.nans, palette.nan],
    ['+Inf', '▲', strange.positive_infinities, palette.positiveInfinity],
    ['−Inf', '▼', strange.negative_infinities, palette.negativeInfinity]
  ];
  const present = all.filter(([, , count]) => count > 0);
  return present.length === 0 ? null : (
    <ul className="caffe-nb-entries" aria-label="values that are not finite">
      {present.map(([name, sign, count, colour]) => (
        <Entry key={name} colour={colour} sign={sign} text={name} title={`${count} elements`} />
      ))}
    </ul>
  );
}

function Entry(props: { colour: Colour; text: string; sign?: string; title?: string }): ReactElement {
  return (
    <li title={props.title}>
      <i
        style={{ background: css(props.colour), color: props.sign === '×' ? '#fff' : '#1c1c1e' }}
        aria-hidden="true"
      >
        {props.sign}
      </i>
      {props.text}
    </li>
  );
}
