import type { CSSProperties, ReactElement } from 'react';
import { useEffect, useMemo, useState } from 'react';

import type { ICell } from '../../components/arrange';
import { DARK, LIGHT, gradientOf, limitOf } from '../../components/colormap';
import { formatNumber } from '../../components/format';
import { Heatmap } from '../../components/heatmap';
import { useDarkTheme, useService, useSignal, useSize } from '../../components/hooks';
import { StatisticsTable } from '../../components/statistics';
import { testids } from '../../components/testids';
import type { BlobInfo, GraphNode, Tensor } from '../../protocol';
import type { Service } from '../../service';
import type { IRole, IViewState, Part, TensorView } from './model';
import { hiddenAxes, roles, shapeText } from './model';

const PICTURE_HEIGHT = 260;

/** Bottoms, tops and parameters of a layer, each with its data and diff. */
export function TensorsBody({ service, node }: { service: Service; node: GraphNode }): ReactElement {
  const found = useMemo(() => roles(node), [node]);
  const net = useService(service, state => state.net);
  if (found.length === 0) {
    return <p className="caffe-nb-hint">This layer has neither blobs nor parameters.</p>;
  }
  return (
    <>
      {found.map(role => (
        <BlobCard key={`${net ?? ''} ${role.blob.ref}`} service={service} role={role} />
      ))}
    </>
  );
}

function BlobCard({ service, role }: { service: Service; role: IRole }): ReactElement {
  const { blob } = role;
  const [index, setIndex] = useState<readonly number[]>([]);
  const [cell, setCell] = useState<ICell | null>(null);
  const data = useView(service, blob.ref, 'data', index);
  const diff = useView(service, blob.ref, 'diff', index, blob.has_diff);
  const shape = data?.tensor?.shape ?? blob.shape;
  return (
    <section className="caffe-nb-blob" aria-label={`${role.role} ${blob.name}`}>
      <header>
        <span className="caffe-nb-role" data-role={role.role}>
          {role.role}
        </span>
        <span className="caffe-nb-name" title={blob.name}>
          {blob.name}
        </span>
        <span className="caffe-nb-shape">{shapeText(shape)}</span>
        <span className="caffe-nb-dtype">{data?.tensor?.dtype ?? ''}</span>
      </header>
      {data?.tensor ? <Sliders tensor={data.tensor} index={index} onChange={setIndex} /> : null}
      <div className="caffe-nb-parts">
        <PartView blob={blob} part="data" state={data} cell={cell} onHover={setCell} />
        {blob.has_diff ? (
          <PartView blob={blob} part="diff" state={diff} cell={cell} onHover={setCell} />
        ) : (
          <div className="caffe-nb-part">
            <h4>diff</h4>
            <p className="caffe-nb-hint">Backward does not compute it.</p>
          </div>
        )}
      </div>
    </section>
  );
}

/** A view that lives as long as the component, and its state. */
export function useView(
  service: Service,
  ref: string,
  part: Part,
  index: readonly number[],
  wanted = true
): IViewState | null {
  const [view, setView] = useState<TensorView | null>(null);
  useEffect(() => {
    if (!wanted) {
      return;
    }
    const opened = service.openView(ref, part);
    setView(opened);
    return () => {
      opened.dispose();
      setView(null);
    };
  }, [service, ref, part, wanted]);
  useEffect(() => {
    if (view && view.index !== index) {
      view.index = index;
    }
  }, [view, index]);
  const state = useSignal(view?.changed ?? service.changed, () => view?.state ?? null);
  return state;
}

export function Sliders(props: {
  tensor: Tensor;
  index: readonly number[];
  onChange: (index: readonly number[]) => void;
}): ReactElement | null {
  const { tensor, index, onChange } = props;
  const hidden = hiddenAxes(tensor);
  if (hidden.length === 0) {
    return null;
  }
  const move = (axis: number, position: number): void =>
    onChange(tensor.shape.map((_, at) => (at === axis ? position : (index[at] ?? tensor.index[at] ?? 0))));
  return (
    <div className="caffe-nb-sliders">
      {hidden.map(({ axis, size, position }) => {
        const shown = Math.min(size - 1, index[axis] ?? position);
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

/** One picture with its scale, the value under the cursor and the figures. */
export function PartView(props: {
  blob: Pick<BlobInfo, 'ref' | 'name'>;
  part: Part;
  /** What stands above it; the part's name by default. */
  title?: string;
  /** The value with the strongest colour, where several pictures are to be compared; leaves the figures out. */
  limit?: number;
  state: IViewState | null;
  cell: ICell | null;
  onHover: (cell: ICell | null) => void;
}): ReactElement {
  const { blob, part, state, cell, onHover } = props;
  const title = props.title ?? part;
  const dark = useDarkTheme();
  const [ref, width] = useSize<HTMLDivElement>();
  const tensor = state?.tensor ?? null;
  const limit = props.limit ?? (tensor ? limitOf(tensor.statistics) : 0);
  return (
    <div
      className="caffe-nb-part"
      ref={ref}
      data-testid={testids.tensor}
      data-ref={blob.ref}
      data-part={part}
      data-version={tensor?.version ?? ''}
    >
      <h4>
        {title}
        {tensor?.reduced ? (
          <span
            className="caffe-nb-hint"
            title="The picture is smaller than the blob; the figures are exact."
          >
            reduced
          </span>
        ) : null}
      </h4>
      {state?.error ? <p className="caffe-nb-failure">{state.error}</p> : null}
      {tensor && width > 0 ? (
        <>
          <Heatmap
            values={state?.values ?? new Float32Array(0)}
            tiles={tensor.tiles}
            rows={tensor.rows}
            cols={tensor.cols}
            limit={limit}
            dark={dark}
            width={width}
            height={PICTURE_HEIGHT}
            label={`${title} of ${blob.name}, ${shapeText(tensor.shape)}`}
            onHover={onHover}
          />
          <Scale limit={limit} dark={dark} />
          <p className="caffe-nb-cursor" data-testid={testids.cursor}>
            {cellText(tensor, state?.values ?? new Float32Array(0), cell)}
          </p>
          {props.limit === undefined ? <StatisticsTable statistics={tensor.statistics} /> : null}
        </>
      ) : null}
      {tensor || state?.error ? null : <div className="caffe-nb-picture-pending" aria-hidden="true" />}
    </div>
  );
}

function Scale({ limit, dark }: { limit: number; dark: boolean }): ReactElement {
  const style: CSSProperties = { background: gradientOf(dark ? DARK : LIGHT) };
  return (
    <div className="caffe-nb-scale" aria-hidden="true">
      <div style={style} />
      <span>{formatNumber(-limit, 3)}</span>
      <span>0</span>
      <span>{formatNumber(limit, 3)}</span>
    </div>
  );
}

/** `[0, 3, 5, 7] = 0.25` for the value under the cursor. */
export function cellText(tensor: Tensor, values: Float32Array, cell: ICell | null): string {
  if (cell === null || cell.tile >= tensor.tiles || cell.row >= tensor.rows || cell.col >= tensor.cols) {
    return '\u00a0';
  }
  const value = values[(cell.tile * tensor.rows + cell.row) * tensor.cols + cell.col];
  if (value === undefined) {
    return '\u00a0';
  }
  if (tensor.reduced) {
    return `tile ${cell.tile}, row ${cell.row}, column ${cell.col} ≈ ${formatNumber(value)}`;
  }
  const at = tensor.shape.map((_, axis) => tensor.index[axis] ?? 0);
  [cell.tile, cell.row, cell.col].forEach((position, which) => {
    const axis = tensor.axes[which] ?? -1;
    if (axis >= 0 && axis < at.length) {
      at[axis] = position;
    }
  });
  return `[${at.join(', ')}] = ${formatNumber(value)}`;
}
