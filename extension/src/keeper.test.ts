import type { ReadonlyJSONValue } from '@lumino/coreutils';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { Keeper } from './keeper';
import type { IKept } from './panels/tensor/shelf';
import { MOST_LOOKS, Shelf } from './panels/tensor/shelf';
import { tensor } from './testing/messages';

const HOSTILE = '<img src=x onerror=alert(1)>"\'&lt;';
const PIN = { layer: HOSTILE, role: 'top', blob: 'ip' } as const;
const LOOK = { index: [1, 0, 2], axes: [-1, 2, 0], picture: false };

/** JupyterLab's state database, which knows JSON alone. */
class Database {
  text: string | null = null;

  fetch(): Promise<ReadonlyJSONValue | undefined> {
    return Promise.resolve(this.text === null ? undefined : (JSON.parse(this.text) as ReadonlyJSONValue));
  }

  save(_: string, value: unknown): Promise<void> {
    this.text = JSON.stringify(value);
    return Promise.resolve();
  }
}

const settle = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 0));
const kept = (values: number[], when = 'iteration 7'): IKept => ({
  tensor: tensor({ tiles: 1, rows: 1, cols: values.length }),
  values: new Float32Array(values),
  look: LOOK,
  when
});

let database: Database;

/** A shelf in a new page, and what ends that page. */
async function page(path = 'n.ipynb'): Promise<[Shelf, () => Promise<void>]> {
  const shelf = new Shelf();
  const following = new Keeper(database).follow(shelf, () => path);
  await settle();
  const end = async (): Promise<void> => {
    following.dispose();
    await settle();
  };
  return [shelf, end];
}

beforeEach(() => {
  window.sessionStorage.clear();
  database = new Database();
});

describe('over a page reload', () => {
  it('pins, chosen axes and kept views come back, NaN and infinities with them', async () => {
    const [shelf, end] = await page();
    const changed = vi.fn();
    shelf.toggle(PIN);
    shelf.setLook('a place', LOOK);
    shelf.keep('data of ip', kept([1, NaN, -Infinity]));
    await end();
    const [again] = await page();
    again.changed.connect(changed);
    expect(again.pins).toEqual([PIN]);
    expect(again.look('a place')).toEqual(LOOK);
    expect(again.kept('data of ip')).toEqual(kept([1, NaN, -Infinity]));
  });

  it('each notebook has its own', async () => {
    const [shelf, end] = await page();
    shelf.toggle(PIN);
    shelf.keep('x', kept([1]));
    await end();
    const [other] = await page('other.ipynb');
    expect(other.pins).toEqual([]);
    expect(other.kept('x')).toBeNull();
  });

  it('what was taken off or forgotten stays away', async () => {
    const [shelf, end] = await page();
    shelf.toggle(PIN);
    shelf.keep('x', kept([1]));
    shelf.toggle(PIN);
    shelf.keep('x', null);
    await end();
    const [again] = await page();
    expect(again.pins).toEqual([]);
    expect(again.kept('x')).toBeNull();
  });

  it('there is never more than has room, and the newest stay', async () => {
    const [shelf, end] = await page();
    for (let at = 0; at < MOST_LOOKS + 5; at++) {
      shelf.setLook(`place ${at}`, LOOK);
    }
    shelf.setLook('x'.repeat(5000), LOOK);
    shelf.toggle({ ...PIN, layer: 'x'.repeat(5000) });
    for (let at = 0; at < 9; at++) {
      shelf.keep(`view ${at}`, kept(new Array<number>(65_536).fill(at)));
    }
    await end();
    expect((database.text ?? '').length).toBeLessThan(10_000);
    expect((window.sessionStorage.getItem('caffe-nb:kept:n.ipynb') ?? '').length).toBeLessThan(2_100_000);
    const [again] = await page();
    expect(again.pins).toEqual([]);
    expect(again.shelved.looks.size).toBeLessThanOrEqual(MOST_LOOKS);
    expect(again.kept('view 8')?.values[0]).toBe(8);
    expect(again.kept('view 0')).toBeNull();
  });

  it('what is not understood is left out', async () => {
    const wrong = [null, 3, {}, ['x', {}], ['x', { ...kept([1]), values: '%%%', tensor: {} }]];
    database.text = JSON.stringify([
      [
        'n.ipynb',
        { pins: [PIN, 3, { layer: 1 }, { ...PIN, role: 'boss' }], looks: [['a', LOOK], ['b', {}], 7] }
      ],
      [1, 2],
      null
    ]);
    window.sessionStorage.setItem('caffe-nb:kept:n.ipynb', JSON.stringify(wrong));
    const [shelf] = await page();
    expect(shelf.pins).toEqual([PIN]);
    expect([...shelf.shelved.looks.keys()]).toEqual(['a']);
    expect(shelf.shelved.kept.size).toBe(0);
    database.text = '{"no": "list"}';
    window.sessionStorage.setItem('caffe-nb:kept:n.ipynb', 'no JSON');
    expect((await page())[0].pins).toEqual([]);
  });

  it('what somebody has put there meanwhile stays', async () => {
    const [shelf, end] = await page();
    shelf.toggle(PIN);
    await end();
    const other = new Shelf();
    new Keeper(database).follow(other, () => 'n.ipynb');
    other.toggle({ ...PIN, blob: 'conv1' });
    await settle();
    expect(other.pins).toEqual([{ ...PIN, blob: 'conv1' }]);
  });
});
