/** Where a value stands in a view. */
export interface ICell {
  tile: number;
  row: number;
  col: number;
}

export function sameCell(a: ICell | null, b: ICell | null): boolean {
  return a?.tile === b?.tile && a?.row === b?.row && a?.col === b?.col;
}

/** How a view's tiles are laid on a canvas, in CSS pixels. */
export interface IArrangement {
  width: number;
  height: number;
  /** Pixels a value; below 1 where a picture is larger than its place. */
  scale: number;
  /** Size of a tile's picture in values; a long vector is folded into several lines. */
  rows: number;
  cols: number;
  /** Left upper corner of each tile. */
  corners: readonly { x: number; y: number }[];
  /** The value at a point, if there is one. */
  at(x: number, y: number): ICell | null;
  /** The left upper corner of a value; null for one that is not drawn. */
  spot(cell: ICell): { x: number; y: number } | null;
}

const GAP = 2;
const LARGEST_CELL = 18;
const SMALLEST_CELL = 0.05;
/** A vector longer than this is folded. */
const LONGEST_LINE = 32;

/** Lay `tiles` pictures of `rows` by `cols` values into a place, as large as whole pixels allow. */
export function arrange(
  tiles: number,
  rows: number,
  cols: number,
  maxWidth: number,
  maxHeight: number
): IArrangement {
  const folded = tiles === 1 && rows === 1 && cols > LONGEST_LINE;
  const wide = folded ? Math.max(LONGEST_LINE, Math.ceil(Math.sqrt(2 * cols))) : cols;
  const high = folded ? Math.ceil(cols / wide) : rows;
  const { across, scale } = bestGrid(tiles, high, wide, maxWidth, maxHeight);
  const down = Math.ceil(tiles / across);
  const tileWidth = wide * scale;
  const tileHeight = high * scale;
  const corners = Array.from({ length: tiles }, (_, tile) => ({
    x: (tile % across) * (tileWidth + GAP),
    y: Math.floor(tile / across) * (tileHeight + GAP)
  }));
  return {
    width: Math.max(0, across * (tileWidth + GAP) - GAP),
    height: Math.max(0, down * (tileHeight + GAP) - GAP),
    scale,
    rows: high,
    cols: wide,
    corners,
    at(x, y) {
      const tileCol = Math.floor(x / (tileWidth + GAP));
      const tileRow = Math.floor(y / (tileHeight + GAP));
      const tile = tileRow * across + tileCol;
      const col = Math.floor((x - tileCol * (tileWidth + GAP)) / scale);
      const row = Math.floor((y - tileRow * (tileHeight + GAP)) / scale);
      if (x < 0 || y < 0 || tileCol >= across || tile >= tiles || row >= high || col >= wide) {
        return null;
      }
      if (!folded) {
        return { tile, row, col };
      }
      const position = row * wide + col;
      return position < cols ? { tile: 0, row: 0, col: position } : null;
    },
    spot({ tile, row, col }) {
      const corner = corners[tile];
      if (corner === undefined || row < 0 || row >= rows || col < 0 || col >= cols) {
        return null;
      }
      const [line, place] = folded ? [Math.floor(col / wide), col % wide] : [row, col];
      return { x: corner.x + place * scale, y: corner.y + line * scale };
    }
  };
}

/** The value that a key leads to from another one; null for keys that lead nowhere. */
export function step(
  key: string,
  from: ICell | null,
  shape: { tiles: number; rows: number; cols: number; fold: number }
): ICell | null {
  const { tiles, rows, cols, fold } = shape;
  const move = MOVES[key];
  if (move === undefined || tiles * rows * cols === 0) {
    return null;
  }
  if (from === null || from.tile >= tiles || from.row >= rows || from.col >= cols) {
    return { tile: 0, row: 0, col: 0 };
  }
  const [byTile, byRow, byCol] = move;
  const folded = fold < cols && byRow !== 0;
  let tile = from.tile + byTile;
  let row = from.row + (folded ? 0 : byRow);
  let col = from.col + byCol + (folded ? byRow * fold : 0);
  if (row >= rows || col >= cols || row < 0 || col < 0) {
    if (folded) {
      return from;
    }
    const forth = row >= rows || col >= cols;
    tile += forth ? 1 : -1;
    row = row >= rows ? 0 : row < 0 ? rows - 1 : row;
    col = col >= cols ? 0 : col < 0 ? cols - 1 : col;
  }
  return tile >= 0 && tile < tiles ? { tile, row, col } : from;
}

/** Tiles, rows and columns that a key moves by. */
const MOVES: Readonly<Record<string, readonly [number, number, number] | undefined>> = {
  ArrowLeft: [0, 0, -1],
  ArrowRight: [0, 0, 1],
  ArrowUp: [0, -1, 0],
  ArrowDown: [0, 1, 0],
  PageUp: [-1, 0, 0],
  PageDown: [1, 0, 0]
};

/** The number of tiles a line that makes values large and leaves little of the last line empty. */
function bestGrid(
  tiles: number,
  rows: number,
  cols: number,
  maxWidth: number,
  maxHeight: number
): { across: number; scale: number } {
  let best = { across: 1, scale: SMALLEST_CELL, worth: 0, side: Infinity };
  for (let across = 1; across <= tiles; across++) {
    const down = Math.ceil(tiles / across);
    const fits = Math.min(
      (maxWidth - GAP * (across - 1)) / (across * cols),
      (maxHeight - GAP * (down - 1)) / (down * rows)
    );
    const scale = wholePixels(fits);
    const worth = scale * (tiles / (across * down)) ** 2;
    const side = Math.max(across * (cols * scale + GAP), down * (rows * scale + GAP));
    if (worth > best.worth || (worth === best.worth && side < best.side)) {
      best = { across, scale, worth, side };
    }
  }
  return best;
}

function wholePixels(scale: number): number {
  return scale >= 1 ? Math.min(LARGEST_CELL, Math.floor(scale)) : Math.max(SMALLEST_CELL, scale);
}
