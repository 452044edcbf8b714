import type { ReactElement } from 'react';
import { useState } from 'react';

import type { ICell } from '../../components/arrange';
import { sameCell } from '../../components/arrange';
import { useSignal } from '../../components/hooks';
import type { ChannelOrder } from '../../components/scale';
import { largestOf } from '../../components/scale';
import { testids } from '../../components/testids';
import type { GraphNode, Tensor } from '../../protocol';
import type { Service } from '../../service';
import { AxisSelects, Sliders } from './axes';
import { DistributionView } from './distribution';
import type { ILook, IRole, IViewState, Part } from './model';
import { shapeText } from './model';
import { PartView, useView } from './part';
import { isPicture, lookAt } from './place';
import type { IKept } from './shelf';
import { MOST_PINS, difference, differenceText, keptPlace, lookPlace, pinOf, shelfOf } from './shelf';

interface ICardProps {
  service: Service;
  net: string;
  node: GraphNode;
  role: IRole;
  pinned: boolean;
}

/** A blob: its data and diff, what was kept of them, and how they are looked at. */
export function BlobCard(props: ICardProps): ReactElement {
  const { service, net, node, role, pinned } = props;
  const { blob } = role;
  const shelf = shelfOf(service);
  const place = lookPlace(service, net, pinOf(node, role));
  const look = useSignal(shelf.changed, () => shelf.look(place));
  const setLook = (next: ILook): void => shelf.setLook(place, next);
  const [order, setOrder] = useState<ChannelOrder>('bgr');
  const [cell, setCell] = useState<ICell | null>(null);
  const [mark, setMark] = useState<readonly number[] | null>(null);
  const data = useView(service, blob.ref, 'data', look);
  const diff = useView(service, blob.ref, 'diff', look, blob.has_diff);
  const tensor = data?.tensor ?? null;
  const pick = (index: readonly number[]): void => {
    setMark(index);
    setLook(tensor ? lookAt(look, tensor, index) : { ...look, index });
  };
  const part = (which: Part, state: IViewState | null): ReactElement => (
    <ComparedPart
      {...{ service, net, node, role, order, cell, mark, state, look }}
      part={which}
      onHover={at => setCell(before => (sameCell(before, at) ? before : at))}
      onMark={setMark}
      onPick={pick}
      onLook={setLook}
    />
  );
  return (
    <section
      className={pinned ? 'caffe-nb-blob caffe-nb-pinned' : 'caffe-nb-blob'}
      aria-label={`${role.role} ${blob.name} of ${node.name}${pinned ? ', pinned' : ''}`}
      data-testid={testids.blob}
      data-layer={node.name}
      data-pinned={pinned}
    >
      <header>
        {pinned ? <span className="caffe-nb-of">{node.name}</span> : null}
        <span className="caffe-nb-role" data-role={role.role}>
          {role.role}
        </span>
        <span className="caffe-nb-name" title={blob.name}>
          {blob.name}
        </span>
        <span className="caffe-nb-shape">{shapeText(tensor?.shape ?? blob.shape)}</span>
        <span className="caffe-nb-dtype">{tensor?.dtype ?? ''}</span>
        <PinButton service={service} node={node} role={role} pinned={pinned} />
      </header>
      {tensor ? <Controls {...{ tensor, look, order }} onLook={setLook} onOrder={setOrder} /> : null}
      <div className="caffe-nb-parts">
        {part('data', data)}
        {blob.has_diff ? (
          part('diff', diff)
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

function PinButton(props: Omit<ICardProps, 'net'>): ReactElement {
  const { service, node, role, pinned } = props;
  const shelf = shelfOf(service);
  const full = useSignal(shelf.changed, () => shelf.isFull) && !pinned;
  return (
    <button
      className="caffe-nb-mini"
      data-testid={testids.pin}
      aria-pressed={pinned}
      disabled={full}
      title={
        full
          ? `${MOST_PINS} blobs are pinned already; unpin one of them first.`
          : pinned
            ? 'Show it only with its layer again'
            : 'Keep it in sight while other layers are selected'
      }
      onClick={() => shelf.toggle(pinOf(node, role))}
    >
      {pinned ? 'Unpin' : 'Pin'}
    </button>
  );
}

/** Axes, sliders and the way to images; nothing for blobs of one or two axes. */
function Controls(props: {
  tensor: Tensor;
  look: ILook;
  order: ChannelOrder;
  onLook: (look: ILook) => void;
  onOrder: (order: ChannelOrder) => void;
}): ReactElement | null {
  const { tensor, look, order, onLook, onOrder } = props;
  if (tensor.shape.length < 3) {
    return null;
  }
  return (
    <>
      <div className="caffe-nb-axes">
        {isPicture(tensor.shape) ? (
          <label>
            <input
              type="checkbox"
              data-testid={testids.asPicture}
              checked={look.picture}
              onChange={event => onLook({ ...look, axes: [], picture: event.target.checked })}
            />
            picture
          </label>
        ) : null}
        {tensor.channels === 3 ? (
          <label>
            channels
            <select
              value={order}
              data-testid={testids.channelOrder}
              aria-label="order of the channels"
              title="Caffe's own data layers give blue first."
              onChange={event => onOrder(event.target.value === 'rgb' ? 'rgb' : 'bgr')}
            >
              <option value="bgr">BGR</option>
              <option value="rgb">RGB</option>
            </select>
          </label>
        ) : null}
        <AxisSelects tensor={tensor} look={look} onChange={onLook} />
      </div>
      <Sliders tensor={tensor} look={look} onChange={onLook} />
    </>
  );
}

interface IComparedProps {
  service: Service;
  net: string;
  node: GraphNode;
  role: IRole;
  part: Part;
  state: IViewState | null;
  look: ILook;
  order: ChannelOrder;
  cell: ICell | null;
  mark: readonly number[] | null;
  onHover: (cell: ICell | null) => void;
  onMark: (index: readonly number[] | null) => void;
  onPick: (index: readonly number[]) => void;
  onLook: (look: ILook) => void;
}

/** One part of a blob, and beside it what has changed since it was kept. */
function ComparedPart(props: IComparedProps): ReactElement {
  const { service, net, node, part, state, role, look, onPick } = props;
  const { blob } = role;
  const shelf = shelfOf(service);
  const place = keptPlace(service, net, part, blob.ref);
  const kept = useSignal(shelf.changed, () => shelf.kept(place));
  const what = `${part} of ${blob.name}`;
  const keep = (): void => {
    if (state?.tensor) {
      const { tensor, values } = state;
      shelf.keep(place, {
        tensor,
        values,
        look: lookOf(look, tensor),
        when: momentOf(service, node, tensor)
      });
    }
  };
  return (
    <>
      <PartView
        {...props}
        blob={blob}
        actions={
          <button
            className="caffe-nb-mini"
            data-testid={testids.keep}
            aria-label={`Keep ${what} as it is shown now, to compare with later`}
            title="Keep what is shown now, to see what changes"
            disabled={!state?.tensor}
            onClick={keep}
          >
            {kept ? 'Keep anew' : 'Keep'}
          </button>
        }
      >
        <DistributionView
          {...{ service, net, part, what, onPick }}
          blob={blob.ref}
          moment={state?.tensor ? `${state.tensor.version} ${JSON.stringify(state.tensor.statistics)}` : ''}
        />
      </PartView>
      {kept ? <Change {...props} kept={kept} onForget={() => shelf.keep(place, null)} /> : null}
    </>
  );
}

/** Now minus then. */
function Change(props: IComparedProps & { kept: IKept; onForget: () => void }): ReactElement {
  const { state, kept, part, role, onForget, onLook } = props;
  const change = difference(state, kept);
  const sameShape = shapeText(state?.tensor?.shape ?? []) === shapeText(kept.tensor.shape);
  const forget = (
    <button
      className="caffe-nb-mini"
      data-testid={testids.forget}
      aria-label={`Forget what was kept of ${part} of ${role.blob.name}`}
      onClick={onForget}
    >
      Forget
    </button>
  );
  return (
    <div className="caffe-nb-change" data-testid={testids.change} data-part={part}>
      {change ? (
        <PartView
          {...props}
          blob={{ ref: `${role.blob.ref} kept`, name: role.blob.name }}
          title={`${part}: now − kept`}
          limit={largestOf(change.values)}
          state={change}
          actions={forget}
        >
          <p className="caffe-nb-hint">{differenceText(change.values)}</p>
        </PartView>
      ) : (
        <>
          <div className="caffe-nb-part-line">
            <h4>{part}: now − kept</h4>
            {forget}
          </div>
          {sameShape ? (
            <p className="caffe-nb-hint">
              Another place was kept.{' '}
              <button className="caffe-nb-mini" onClick={() => onLook(kept.look)}>
                Go back to it
              </button>
            </p>
          ) : (
            <p className="caffe-nb-hint">The blob was {shapeText(kept.tensor.shape)} then.</p>
          )}
        </>
      )}
      <p className="caffe-nb-hint">Kept at {kept.when}.</p>
    </div>
  );
}

/** A look that leads back to the place that a tensor shows. */
function lookOf(look: ILook, tensor: Tensor): ILook {
  return { ...look, index: tensor.index, axes: tensor.axes };
}

/** `iteration 812, code v3`, as far as that is known. */
function momentOf(service: Service, node: GraphNode, tensor: Tensor): string {
  const { update, states } = service.state;
  const version = states.get(node.index)?.version ?? 0;
  return [
    update?.solver ? `iteration ${update.iteration}` : `write ${tensor.version} of the blob`,
    version > 0 ? `code v${version}` : ''
  ]
    .filter(Boolean)
    .join(', ');
}
