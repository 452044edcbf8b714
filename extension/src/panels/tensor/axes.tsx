import type { ReactElement } from 'react';

import { testids } from '../../components/testids';
import type { Tensor } from '../../protocol';
import type { ILook } from './model';
import { hiddenAxes } from './model';
import type { Use } from './place';
import { USES, axesOf, choices, positionsOf, withAxis } from './place';

interface IAxesProps {
  tensor: Tensor;
  look: ILook;
  onChange: (look: ILook) => void;
}

/** Which axes are rows, columns and tiles; nothing where there is no choice. */
export function AxisSelects(props: IAxesProps): ReactElement | null {
  const { tensor, look, onChange } = props;
  if (tensor.shape.length < 3) {
    return null;
  }
  const select = (use: Use, axis: number): void =>
    onChange({ ...look, index: positionsOf(tensor, look), axes: withAxis(tensor, look, use, axis) });
  return (
    <>
      {(['rows', 'columns', 'tiles'] as const).map(use => {
        const axes = choices(tensor, use);
        return axes.length === 0 ? null : (
          <label key={use}>
            {use}
            <select
              value={axesOf(tensor, look)[USES.indexOf(use)] ?? -1}
              data-testid={testids.axis(use)}
              aria-label={`axis shown as ${use}`}
              onChange={event => select(use, Number(event.target.value))}
            >
              {axes.map(axis => (
                <option key={axis} value={axis}>
                  {axis < 0 ? 'none' : `axis ${axis} (${tensor.shape[axis] ?? 0})`}
                </option>
              ))}
            </select>
          </label>
        );
      })}
    </>
  );
}

/** A slider for each axis that is not shown. */
export function Sliders(props: IAxesProps): ReactElement | null {
  const { tensor, look, onChange } = props;
  const hidden = hiddenAxes(tensor);
  if (hidden.length === 0) {
    return null;
  }
  const positions = positionsOf(tensor, look);
  const move = (moved: number, position: number): void =>
    onChange({ ...look, index: positions.map((before, axis) => (axis === moved ? position : before)) });
  return (
    <div className="caffe-nb-sliders">
      {hidden.map(({ axis, size }) => {
        const shown = Math.min(size - 1, positions[axis] ?? 0);
        return (
          <label key={axis}>
            <span>axis {axis}</span>
            <input
              type="range"
              min={0}
              max={size - 1}
              value={shown}
              data-testid={testids.slider}
              data-axis={axis}
              aria-label={`position on axis ${axis}, 0 to ${size - 1}`}
              onChange={event => move(axis, Number(event.target.value))}
            />
            <output>
              {shown} / {size - 1}
            </output>
          </label>
        );
      })}
    </div>
  );
}
