import type { ICell } from '../../components/arrange';
import { formatNumber } from '../../components/format';
import type { Tensor } from '../../protocol';
import type { ILook } from './model';

/** What the axes of a view are for, in the order of `Tensor.axes`. */
export const USES = ['tiles', 'rows', 'columns'] as const;

export type Use = (typeof USES)[number];

const BATCH = 0;

/** Whether a blob can be shown as images: data of 1 or 3 channels, or filters on such data. */
export function isPicture(shape: readonly number[]): boolean {
  const [, channels = 0, rows = 0, cols = 0] = shape;
  return shape.length === 4 && (channels === 1 || channels === 3) && rows > 1 && cols > 1;
}

/** The axes that are shown, or that have been chosen and will be. */
export function axesOf(tensor: Tensor, look: ILook): readonly number[] {
  const fit = look.axes.length > 0 && look.axes.every(axis => axis < tensor.shape.length);
  return fit ? look.axes : tensor.axes;
}

/** The position on each axis, as it is chosen where it is, as it is shown else. */
export function positionsOf(tensor: Tensor, look: ILook): readonly number[] {
  return tensor.shape.map((_, axis) => look.index[axis] ?? tensor.index[axis] ?? 0);
}

/** The axes with another one for a use; what was there takes the place that becomes free. */
export function withAxis(tensor: Tensor, look: ILook, use: Use, axis: number): readonly number[] {
  const axes = [...axesOf(tensor, look)];
  const at = USES.indexOf(use);
  const before = axes[at] ?? -1;
  const other = axis < 0 ? -1 : axes.indexOf(axis);
  if (other >= 0 && other !== at) {
    const free = tensor.shape.findIndex((_, each) => !axes.includes(each));
    axes[other] = before >= 0 ? before : free;
  }
  axes[at] = axis;
  return axes;
}

/** Where an element of the blob is drawn; null where it is not. */
export function cellOf(tensor: Tensor, index: readonly number[]): ICell | null {
  if (index.length !== tensor.shape.length) {
    return null;
  }
  const shown = (axis: number): boolean => tensor.axes.includes(axis) || isChannel(tensor, axis);
  if (index.some((position, axis) => !shown(axis) && position !== tensor.index[axis])) {
    return null;
  }
  const along = (which: number, block: number): number =>
    Math.floor((index[tensor.axes[which] ?? -1] ?? 0) / block);
  const cell = {
    tile: along(0, 1),
    row: along(1, tensor.block[0] ?? 1),
    col: along(2, tensor.block[1] ?? 1)
  };
  return cell.tile < tensor.tiles && cell.row < tensor.rows && cell.col < tensor.cols ? cell : null;
}

/** The element that is drawn somewhere, the first one of a block. */
export function indexOf(tensor: Tensor, cell: ICell): number[] {
  const at = tensor.shape.map((_, axis) => tensor.index[axis] ?? 0);
  const positions = [cell.tile, cell.row * (tensor.block[0] ?? 1), cell.col * (tensor.block[1] ?? 1)];
  positions.forEach((position, which) => {
    const axis = tensor.axes[which] ?? -1;
    if (axis >= 0 && axis < at.length) {
      at[axis] = position;
    }
  });
  return at;
}

/** A look at a blob in which an element is drawn. */
export function lookAt(look: ILook, tensor: Tensor, index: readonly number[]): ILook {
  const [tileAxis = -1] = tensor.axes;
  const leftOut = tileAxis >= 0 && (index[tileAxis] ?? 0) >= tensor.tiles;
  const axes = leftOut ? [-1, tensor.axes[1] ?? -1, tensor.axes[2] ?? -1] : look.axes;
  return { ...look, index, axes };
}

/** `[0, 3, 5, 7] = 0.25` for the value at a place; a block's has ranges, and is said to be a mean. */
export function cellText(tensor: Tensor, values: Float32Array, cell: ICell | null): string {
  if (cell === null || cell.tile >= tensor.tiles || cell.row >= tensor.rows || cell.col >= tensor.cols) {
    return '\u00a0';
  }
  const planes = Math.max(1, tensor.channels);
  const found: number[] = [];
  for (let plane = 0; plane < planes; plane++) {
    const at = ((cell.tile * planes + plane) * tensor.rows + cell.row) * tensor.cols + cell.col;
    found.push(values[at] ?? NaN);
  }
  const mean = isMean(tensor);
  const place = indexOf(tensor, cell).map((position, axis) => {
    const end = mean ? lastOf(tensor, axis, position) : position;
    return isChannel(tensor, axis) ? '…' : end > position ? `${position}–${end}` : `${position}`;
  });
  return `[${place.join(', ')}] ${mean ? '≈' : '='} ${found.map(value => formatNumber(value)).join(', ')}`;
}

/** Whether values are means of more than one element. */
export function isMean(tensor: Tensor): boolean {
  return tensor.block.some(side => side > 1) && tensor.statistics.categories.length === 0;
}

/** `means of 3 × 2`: how a view shows less than the blob, in a few words. */
export function reducedLabel(tensor: Tensor): string {
  const [rows = 1, cols = 1] = tensor.block;
  if (rows * cols === 1) {
    return `first ${tensor.tiles} tiles`;
  }
  return isMean(tensor) ? `means of ${rows} × ${cols}` : `one of ${rows} × ${cols}`;
}

/** Why a view shows less than the blob; empty where it does not. */
export function reducedText(tensor: Tensor): string {
  const [rows = 1, cols = 1] = tensor.block;
  const [tileAxis = -1] = tensor.axes;
  const all = tensor.shape[tileAxis] ?? 1;
  const blocks =
    rows * cols > 1
      ? `Each value is ${isMean(tensor) ? 'the mean' : 'the first'} of ${rows} × ${cols} elements.`
      : '';
  const tiles =
    tileAxis >= 0 && tensor.tiles < all ? `Only the first ${tensor.tiles} of ${all} tiles are shown.` : '';
  return [blocks, tiles, 'The figures are exact.'].filter(Boolean).join(' ');
}

function lastOf(tensor: Tensor, axis: number, position: number): number {
  const which = tensor.axes.indexOf(axis);
  const block = which > 0 ? (tensor.block[which - 1] ?? 1) : 1;
  return Math.min(position + block, tensor.shape[axis] ?? 0) - 1;
}

function isChannel(tensor: Tensor, axis: number): boolean {
  return tensor.channels > 0 && axis === 1;
}

/** The choices of axes for a use; images have no choice but to be shown one at a time. */
export function choices(tensor: Tensor, use: Use): readonly number[] {
  const all = tensor.shape.map((_, axis) => axis);
  if (tensor.channels > 0) {
    return use === 'tiles' ? [-1, BATCH] : [];
  }
  return use === 'tiles' ? [-1, ...all] : all;
}
