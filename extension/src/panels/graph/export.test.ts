import { beforeEach, describe, expect, it, vi } from 'vitest';

import { graph, node } from '../../testing/messages';
import { escapeText, fileName, toSvg } from './export';
import { NODE_HEIGHT, NODE_WIDTH } from './layout';
import type { ILayout } from './layout';
import { mapScale } from './map';
import { faceOf } from './model';
import type { Looks } from './node';
import { mix, paletteOf, parseColor } from './palette';

const HOSTILE = '<img src=x onerror=alert(1)>"\'&]]>\u0000\ud800 \u{1f600}';

function drawn(name: string): { layout: ILayout; items: Map<string, Looks> } {
  const quiet = {
    states: new Map(),
    times: new Map(),
    selected: null,
    current: null,
    stale: new Set<number>()
  };
  const face = faceOf(node(0, name, { type: name }), quiet);
  return {
    layout: {
      key: '',
      width: 400,
      height: 300,
      boxes: new Map([['0', { x: 0, y: 0, width: NODE_WIDTH, height: NODE_HEIGHT }]]),
      edges: [
        {
          id: 'e0',
          source: '0',
          target: '0',
          text: name,
          points: [
            { x: 0, y: 0 },
            { x: 0, y: 9 }
          ],
          label: { x: 0, y: 0 }
        }
      ]
    },
    items: new Map([['0', { kind: 'layer', face, label: name, heat: null, path: '' }]])
  };
}

beforeEach(() => {
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(null);
});

describe('an exported picture', () => {
  it('is well formed and shows names as text, whatever they hold', () => {
    const { layout, items } = drawn(HOSTILE);
    const svg = toSvg(HOSTILE, layout, { items, greatest: 0 }, paletteOf(document.body));
    const parsed = new DOMParser().parseFromString(svg, 'image/svg+xml');
    expect(parsed.querySelector('parsererror')).toBeNull();
    expect(parsed.querySelector('img, script, foreignObject')).toBeNull();
    expect(parsed.querySelector('g > title')?.textContent).toContain('<img src=x onerror=alert(1)>');
    expect(
      [...parsed.querySelectorAll('*')].flatMap(({ attributes }) => [...attributes]).map(({ name }) => name)
    ).not.toContain('onerror');
  });

  it('shortens a name of 5,000 characters', () => {
    const { layout, items } = drawn('x'.repeat(5000));
    const svg = toSvg('net', layout, { items, greatest: 0 }, paletteOf(document.body));
    const parsed = new DOMParser().parseFromString(svg, 'image/svg+xml');
    expect(parsed.querySelector('g > text')?.textContent.length).toBeLessThan(40);
  });

  it('leaves out what no file of this kind may hold', () => {
    expect(escapeText('a\u0001b\ud800c')).toBe('a\uFFFDb\uFFFDc');
  });

  it.each([
    ['LeNet', 'LeNet.svg'],
    ['../../etc/passwd', 'etc_passwd.svg'],
    ['<b>/\\:*?', 'b_.svg'],
    ['', 'net.svg'],
    ['网络 1', '网络_1.svg']
  ])('of the net %s is the file %s', (net, file) => {
    expect(fileName(net, 'svg')).toBe(file);
  });
});

describe('colours', () => {
  it('are read however they are written', () => {
    expect(parseColor('#fa0', null)).toEqual([255, 170, 0, 1]);
    expect(parseColor('rgba(1, 2, 3, 0.5)', null)).toEqual([1, 2, 3, 0.5]);
    expect(parseColor('nothing', null)).toEqual([128, 128, 128, 1]);
    expect(mix('#ff0000', '#0000ff', 0.5)).toBe('#800080');
  });
});

describe('the map', () => {
  it('shows a chain of 300 layers as a strip that can be seen', () => {
    const chain = { ...graph(), ...drawn('x').layout, width: NODE_WIDTH, height: 300 * 72 };
    const { across, down, height } = mapScale(chain, 150);
    expect(NODE_WIDTH * across).toBeGreaterThan(30);
    expect(chain.height * down).toBeGreaterThan(100);
    expect(height).toBeLessThanOrEqual(150);
  });

  it('shows a wide graph whole', () => {
    const wide = { ...drawn('x').layout, width: 5000, height: 2000 };
    const { across, width } = mapScale(wide, 150);
    expect(5000 * across).toBeLessThanOrEqual(width);
  });
});
