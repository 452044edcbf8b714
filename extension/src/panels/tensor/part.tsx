import type { ReactElement, ReactNode } from 'react';
import { useEffect, useMemo, useState } from 'react';

import type { ICell } from '../../components/arrange';
import { sameCell } from '../../components/arrange';
import { Heatmap } from '../../components/heatmap';
import { useDarkTheme, useSignal, useSize } from '../../components/hooks';
import { Legend } from '../../components/legend';
import type { ChannelOrder } from '../../components/scale';
import { fixedScale, scaleOf, strangeIn } from '../../components/scale';
import { StatisticsTable } from '../../components/statistics';
import { testids } from '../../components/testids';
import { Waiting } from '../../components/unanswered';
import type { BlobInfo } from '../../protocol';
import type { Service } from '../../service';
import type { ILook, IViewState, Part, TensorView } from './model';
import { shapeText } from './model';
import { cellOf, cellText, indexOf, reducedLabel, reducedText } from './place';

const PICTURE_HEIGHT = 260;
const NONE = new Float32Array(0);

/** A view that lives as long as the component, and its state. */
export function useView(
  service: Service,
  ref: string,
  part: Part,
  look: ILook,
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
    if (view && view.look !== look) {
      view.look = look;
    }
  }, [view, look]);
  return useSignal<IViewState | null>(view?.changed ?? service.changed, () => view?.state ?? null);
}

export interface IPartProps {
  blob: Pick<BlobInfo, 'ref' | 'name'>;
  part: Part;
  /** What stands above it; the part's name by default. */
  title?: string;
  /** The value with the strongest colour, where several pictures are to be compared; leaves the figures out. */
  limit?: number;
  order?: ChannelOrder;
  state: IViewState | null;
  cell: ICell | null;
  onHover: (cell: ICell | null) => void;
  /** The element that is marked. */
  mark?: readonly number[] | null;
  onMark?: (index: readonly number[] | null) => void;
  /** Buttons beside the title. */
  actions?: ReactNode;
  /** What stands below the figures. */
  children?: ReactNode;
}

/** One picture with its scale, the value under the cursor and the figures. */
export function PartView(props: IPartProps): ReactElement {
  const { blob, part, state } = props;
  const title = props.title ?? part;
  const [ref, width] = useSize<HTMLDivElement>();
  const tensor = state?.tensor ?? null;
  return (
    <div
      className="caffe-nb-part"
      ref={ref}
      data-testid={testids.tensor}
      data-ref={blob.ref}
      data-part={part}
      data-version={tensor?.version ?? ''}
    >
      <div className="caffe-nb-part-line">
        <h4>{title}</h4>
        {tensor?.reduced ? (
          <span className="caffe-nb-hint" title={reducedText(tensor)}>
            {reducedLabel(tensor)}
          </span>
        ) : null}
        {props.actions}
      </div>
      {state?.error ? <p className="caffe-nb-failure">{state.error}</p> : null}
      {state?.waiting ? <Waiting /> : null}
      {tensor && tensor.note !== '' ? (
        <p className="caffe-nb-hint" data-testid={testids.tensorNote}>
          {tensor.note}
        </p>
      ) : null}
      {tensor && width > 0 ? <Picture {...props} title={title} width={width} /> : null}
      {tensor && props.limit === undefined ? <StatisticsTable statistics={tensor.statistics} /> : null}
      {tensor || state?.error ? null : <div className="caffe-nb-picture-pending" aria-hidden="true" />}
      {tensor ? props.children : null}
    </div>
  );
}

function Picture(props: IPartProps & { title: string; width: number }): ReactElement | null {
  const { blob, title, state, width, cell, onHover, limit, order = 'bgr', mark, onMark } = props;
  const dark = useDarkTheme();
  const tensor = state?.tensor ?? null;
  const values = state?.values ?? NONE;
  const scale = useMemo(
    () =>
      tensor === null
        ? null
        : limit === undefined
          ? scaleOf(tensor, order)
          : fixedScale(limit, tensor.channels, order),
    [tensor, limit, order]
  );
  const strange = useMemo(
    () => (tensor && limit === undefined ? tensor.statistics : strangeIn(values)),
    [tensor, values, limit]
  );
  if (tensor === null || scale === null) {
    return null;
  }
  if (tensor.statistics.count === 0) {
    return <p className="caffe-nb-hint caffe-nb-no-elements">This blob has no elements.</p>;
  }
  const marked = mark ? cellOf(tensor, mark) : null;
  const toggle = (at: ICell | null): void => {
    onMark?.(at && !sameCell(at, marked) ? indexOf(tensor, at) : null);
  };
  return (
    <>
      <Heatmap
        values={values}
        tiles={tensor.tiles}
        rows={tensor.rows}
        cols={tensor.cols}
        scale={scale}
        dark={dark}
        width={width}
        height={PICTURE_HEIGHT}
        label={`${title} of ${blob.name}, ${shapeText(tensor.shape)}`}
        cell={cell}
        marked={marked}
        onHover={onHover}
        onMark={onMark ? toggle : undefined}
      />
      <Legend scale={scale} strange={strange} ofBlob={limit === undefined} dark={dark} />
      <p className="caffe-nb-cursor" data-testid={testids.cursor} aria-live="polite">
        {cellText(tensor, values, cell ?? marked)}
      </p>
    </>
  );
}
