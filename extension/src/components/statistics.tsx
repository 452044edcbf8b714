import type { ReactElement } from 'react';

import type { Statistics } from '../protocol';
import { formatNumber, formatShare } from './format';
import { testids } from './testids';

interface IFigure {
  name: string;
  label: string;
  text: string;
  title: string;
  alarming?: boolean;
}

function figures(statistics: Statistics): IFigure[] {
  const { count, min, max, mean, std, zeros, negatives, nans } = statistics;
  const infinities = statistics.positive_infinities + statistics.negative_infinities;
  const number = (name: string, value: number): IFigure => ({
    name,
    label: name,
    text: formatNumber(value),
    title: `${name} of the finite elements: ${value}`
  });
  const share = (name: string, part: number): IFigure => ({
    name,
    label: name,
    text: formatShare(part, count),
    title: `${part} of ${count} elements`
  });
  const alarm = (name: string, label: string, part: number): IFigure => ({
    name,
    label,
    text: part.toString(),
    title: `${part} of ${count} elements`,
    alarming: part > 0
  });
  return [
    number('min', min),
    number('max', max),
    number('mean', mean),
    number('std', std),
    share('zeros', zeros),
    share('negatives', negatives),
    alarm('nans', 'NaN', nans),
    alarm('infinities', '±Inf', infinities)
  ];
}

/** The exact figures of a whole blob. */
export function StatisticsTable({ statistics }: { statistics: Statistics }): ReactElement {
  return (
    <dl className="caffe-nb-statistics">
      {figures(statistics).map(({ name, label, text, title, alarming }) => (
        <div key={name} className={alarming ? 'caffe-nb-alarming' : undefined} title={title}>
          <dt>{label}</dt>
          <dd data-testid={testids.stat(name)}>{text}</dd>
        </div>
      ))}
    </dl>
  );
}
