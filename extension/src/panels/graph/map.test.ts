import { describe, expect, it, vi } from 'vitest';

import { moveByKey, wordsForView } from './map';

const LAYOUT = { width: 400, height: 4000 };
const SIZE = [300, 600] as const;

function flow(x = 0, y = 0, zoom = 1) {
  let view = { x, y, zoom };
  return {
    getViewport: () => view,
    setViewport: (next: typeof view) => {
      view = next;
      return Promise.resolve(true);
    },
    zoomIn: vi.fn(() => Promise.resolve(true)),
    zoomOut: vi.fn(() => Promise.resolve(true)),
    fitBounds: vi.fn(() => Promise.resolve(true))
  };
}

describe('the keys of the map', () => {
  it('move the view by a quarter of it, one way at a time', () => {
    const moved = flow(10, -100);
    expect(moveByKey('ArrowDown', moved, LAYOUT, SIZE)).toBe(true);
    expect(moved.getViewport()).toEqual({ x: 10, y: -250, zoom: 1 });
    moveByKey('ArrowUp', moved, LAYOUT, SIZE);
    moveByKey('ArrowRight', moved, LAYOUT, SIZE);
    expect(moved.getViewport()).toEqual({ x: -65, y: -100, zoom: 1 });
    moveByKey('ArrowLeft', moved, LAYOUT, SIZE);
    expect(moved.getViewport()).toEqual({ x: 10, y: -100, zoom: 1 });
  });

  it('do not lead away from the graph', () => {
    const moved = flow(0, 0, 0.5);
    for (let press = 0; press < 100; press++) {
      moveByKey('ArrowDown', moved, LAYOUT, SIZE);
    }
    expect(moved.getViewport().y).toBe(300 - 2000);
    for (let press = 0; press < 100; press++) {
      moveByKey('ArrowUp', moved, LAYOUT, SIZE);
    }
    expect(moved.getViewport().y).toBe(300);
  });

  it('zoom, and show everything', () => {
    const moved = flow();
    ['+', '=', '-', 'Home'].forEach(key => expect(moveByKey(key, moved, LAYOUT, SIZE)).toBe(true));
    expect(moved.zoomIn).toHaveBeenCalledTimes(2);
    expect(moved.zoomOut).toHaveBeenCalledTimes(1);
    expect(moved.fitBounds).toHaveBeenCalledWith({ x: 0, y: 0, ...LAYOUT }, expect.anything());
    expect(moveByKey('Tab', moved, LAYOUT, SIZE)).toBe(false);
  });
});

describe('what is in view', () => {
  it('is said in words', () => {
    expect(wordsForView(LAYOUT, [0, -1000, 1], SIZE)).toBe(
      'zoom 100 %; from the top 25 to 40 %, from the left 0 to 75 %'
    );
    expect(wordsForView(LAYOUT, [10, 10, 0.1], SIZE)).toBe('zoom 10 %; from the top all, from the left all');
  });
});
