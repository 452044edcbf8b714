import type { IStateDB } from '@jupyterlab/statedb';
import type { ReadonlyJSONValue } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { DisposableDelegate } from '@lumino/disposable';

import type { ILook } from './panels/tensor/model';
import type { IKept, IPin, Shelf } from './panels/tensor/shelf';
import { MOST_LOOKS, MOST_PINS } from './panels/tensor/shelf';
import { parseReply } from './protocol';
import { isRecord, toFloats } from './wire';

/*
 * What a person put on the shelf of a notebook's panel, over a page reload. Pins and how blobs are looked at are small
 * and lie in JupyterLab's state database. Kept views are not: that database is sent to the server whole with each
 * change, so they stay in the browser's tab. What is not understood any more is left out.
 */

/** Not under `caffe-nb:`, which JupyterLab takes for the panels that it is to open again. */
const KEY = 'caffe-nb-shelves';
const MOST_NOTEBOOKS = 12;
/** Longer names are not worth the room. */
const LONGEST = 500;
/** Most letters of a notebook's kept views; a view of 256 KB has 350,000. */
const MOST_LETTERS = 2_000_000;
/** Milliseconds after a change until it is kept. */
const PAUSE = 300;

interface ISmall {
  readonly pins: readonly IPin[];
  readonly looks: readonly (readonly [string, ILook])[];
}

export class Keeper {
  constructor(state: Pick<IStateDB, 'fetch' | 'save'> | null) {
    this.#state = state;
  }

  /** Give a shelf what was on it, and keep what is put there, until what is returned is disposed. */
  follow(shelf: Shelf, path: () => string): IDisposable {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let kept: readonly IKept[] = [];
    let gone = false;
    const save = (): void => {
      clearTimeout(timer);
      timer = undefined;
      void this.#save(path(), small(shelf));
    };
    const onChange = (): void => {
      const now = [...shelf.shelved.kept.values()];
      if (now.length !== kept.length || now.some((view, at) => view !== kept[at])) {
        kept = now;
        keep(path(), shelf);
      }
      timer ??= setTimeout(save, PAUSE);
    };
    void this.#load().then(all => {
      if (!gone) {
        const { pins, looks } = all.get(path()) ?? { pins: [], looks: [] };
        shelf.restore({ pins, looks: new Map(looks), kept: recall(path()) });
        kept = [...shelf.shelved.kept.values()];
        shelf.changed.connect(onChange);
      }
    });
    return new DisposableDelegate(() => {
      gone = true;
      shelf.changed.disconnect(onChange);
      if (timer !== undefined) {
        save();
      }
    });
  }

  #load(): Promise<Map<string, ISmall>> {
    const read = async (): Promise<Map<string, ISmall>> => {
      try {
        return readAll(await this.#state?.fetch(KEY));
      } catch {
        return new Map(); // it is no loss that work stops for
      }
    };
    return (this.#all ??= read());
  }

  async #save(path: string, now: ISmall): Promise<void> {
    const all = await this.#load();
    all.delete(path);
    if (now.pins.length > 0 || now.looks.length > 0) {
      all.set(path, now);
    }
    for (const oldest of [...all.keys()].slice(0, -MOST_NOTEBOOKS)) {
      all.delete(oldest);
    }
    try {
      await this.#state?.save(KEY, JSON.parse(JSON.stringify([...all])) as ReadonlyJSONValue);
    } catch {
      // as above
    }
  }

  readonly #state: Pick<IStateDB, 'fetch' | 'save'> | null;
  #all: Promise<Map<string, ISmall>> | undefined;
}

function small(shelf: Shelf): ISmall {
  const { pins, looks } = shelf.shelved;
  return {
    pins: pins.filter(pin => pin.layer.length + pin.blob.length <= LONGEST),
    looks: [...looks].filter(([place]) => place.length <= LONGEST)
  };
}

function readAll(value: unknown): Map<string, ISmall> {
  const all = new Map<string, ISmall>();
  for (const entry of list(value)) {
    const [path, kept] = list(entry);
    if (typeof path === 'string' && isRecord(kept)) {
      const looks = list(kept.looks).flatMap(each => {
        const [place, look] = list(each);
        const read = readLook(look);
        return typeof place === 'string' && read ? [[place, read] as const] : [];
      });
      all.set(path, {
        pins: list(kept.pins).flatMap(readPin).slice(0, MOST_PINS),
        looks: looks.slice(-MOST_LOOKS)
      });
    }
  }
  return all;
}

function readPin(value: unknown): IPin[] {
  if (!isRecord(value)) {
    return [];
  }
  const { layer, blob } = value;
  const role = (['bottom', 'top', 'bottom and top', 'param'] as const).find(known => known === value.role);
  return typeof layer === 'string' && typeof blob === 'string' && role ? [{ layer, role, blob }] : [];
}

function readLook(value: unknown): ILook | null {
  if (!isRecord(value) || typeof value.picture !== 'boolean') {
    return null;
  }
  const [index, axes] = [value.index, value.axes].map(numbers);
  return index && axes ? { index, axes, picture: value.picture } : null;
}

function numbers(value: unknown): number[] | null {
  const found = list(value).filter((item): item is number => Number.isSafeInteger(item));
  return Array.isArray(value) && found.length === value.length ? found : null;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

// kept views

const keptKey = (path: string): string => `caffe-nb:kept:${path}`;

const texts = new WeakMap<IKept, string>();

function textOf(kept: IKept): string {
  let text = texts.get(kept);
  if (text === undefined) {
    text = JSON.stringify({ ...kept, values: toBase64(kept.values) });
    texts.set(kept, text);
  }
  return text;
}

function keep(path: string, shelf: Shelf): void {
  const entries: string[] = [];
  let room = MOST_LETTERS;
  for (const [place, kept] of [...shelf.shelved.kept].reverse()) {
    const entry = `[${JSON.stringify(place)},${textOf(kept)}]`;
    room -= entry.length;
    if (room < 0) {
      break;
    }
    entries.unshift(entry);
  }
  try {
    window.sessionStorage.setItem(keptKey(path), `[${entries.join(',')}]`);
  } catch {
    window.sessionStorage.removeItem(keptKey(path)); // the tab's room is full
  }
}

function recall(path: string): Map<string, IKept> {
  const found = new Map<string, IKept>();
  try {
    for (const each of list(JSON.parse(window.sessionStorage.getItem(keptKey(path)) ?? '[]'))) {
      const [place, value] = list(each);
      const kept = readKept(value);
      if (typeof place === 'string' && kept) {
        found.set(place, kept);
      }
    }
  } catch {
    // nothing that is understood
  }
  return found;
}

function readKept(value: unknown): IKept | null {
  if (!isRecord(value)) {
    return null;
  }
  const { when, look, values } = value;
  const read = readLook(look);
  if (typeof when !== 'string' || typeof values !== 'string' || !read) {
    return null;
  }
  try {
    const reply = parseReply({ kind: 'tensors', net: '', views: [value.tensor], spent: 0 });
    const tensor = reply.kind === 'tensors' ? reply.views[0] : undefined;
    const floats = toFloats(Uint8Array.from(atob(values), letter => letter.charCodeAt(0)));
    const whole =
      tensor?.kind === 'tensor' &&
      floats.length === tensor.tiles * tensor.rows * tensor.cols * Math.max(1, tensor.channels);
    return whole ? { tensor, values: floats, look: read, when } : null;
  } catch {
    return null; // another version's
  }
}

function toBase64(values: Float32Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(text);
}
