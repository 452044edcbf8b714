/* The front end of caffe_nb.view: draws what the kernel sends, and tells it what is on screen. */
/* global PALETTES, ROUNDING -- the colours of tensors, which viewer.py puts before this. */

const RENEW = 4000;
const PATIENCE = 2500;
const MOST_BYTES = 256 * 1024;
const SVG = 'http://www.w3.org/2000/svg';
const ELEMENTS = new Set(['svg', 'g', 'rect', 'path', 'text', 'title']);
const ATTRIBUTES = new Set(
  ('width height viewBox font-family font-size font-weight role aria-label fill fill-opacity stroke stroke-width ' +
    'stroke-linejoin text-anchor x y rx d data-layer data-from data-to').split(' ')
);

function make(parent, tag, className = '', text = '') {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  parent.append(made);
  return made;
}

/** The picture's elements, as far as they are such as a picture has: nothing in it can run or ask for anything. */
function drawn(text) {
  const root = new DOMParser().parseFromString(String(text), 'image/svg+xml').documentElement;
  const copy = element => {
    if (element.namespaceURI !== SVG || !ELEMENTS.has(element.localName)) return null;
    const made = document.createElementNS(SVG, element.localName);
    for (const { name, value } of element.attributes) if (ATTRIBUTES.has(name)) made.setAttribute(name, value);
    if (element.children.length === 0) made.textContent = element.textContent;
    else made.append(...[...element.children].map(copy).filter(child => child !== null));
    return made;
  };
  return root === null ? null : copy(root);
}

function isDark(element) {
  const [red, green, blue] = (getComputedStyle(element).color.match(/[\d.]+/g) ?? []).map(Number);
  return (red ?? 0) * 0.3 + (green ?? 0) * 0.6 + (blue ?? 0) * 0.1 > 128;
}

function colour(value, limit, palette) {
  if (Number.isNaN(value)) return palette.nan;
  if (!Number.isFinite(value)) return value > 0 ? palette.positiveInfinity : palette.negativeInfinity;
  if (Math.abs(value) > limit * (1 + ROUNDING)) return value > 0 ? palette.above : palette.below;
  const share = limit > 0 ? Math.min(1, Math.abs(value) / limit) : 0;
  const ramp = value < 0 ? palette.negative : palette.positive;
  const place = share * (ramp.length - 1);
  const at = Math.min(ramp.length - 2, Math.floor(place));
  return ramp[at].map((low, channel) => Math.round(low + (ramp[at + 1][channel] - low) * (place - at)));
}

/** A number as it is read: six digits at most, an exponent where it is very small or large. */
function digits(value, count) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(count - 1);
  return String(Number(value.toPrecision(count)));
}

const isCount = value => Number.isInteger(value) && value >= 0;
const isColour = value => Array.isArray(value) && value.length === 3 && value.every(isCount);

/** A tensor's message as it may be used, or null. */
function tensorOf(message, buffers) {
  const { ref, part, shape, size, limit, figures, place, version, categories } = message;
  const words = typeof ref === 'string' && (part === 'data' || part === 'diff') && Number.isFinite(limit);
  if (!words || !Array.isArray(shape) || !shape.every(isCount) || !isCount(version)) return null;
  if (!Array.isArray(size) || size.length !== 3 || !size.every(isCount)) return null;
  if (![figures, place].every(list => Array.isArray(list) && list.every(Array.isArray))) return null;
  const isCategory = each => Array.isArray(each) && Number.isInteger(each[0]) && isColour(each[1]) && isColour(each[2]);
  if (!Array.isArray(categories) || !categories.every(isCategory)) return null;
  const bytes = buffers?.[0];
  const count = size[0] * size[1] * size[2];
  if (!bytes || bytes.byteLength !== 4 * count || bytes.byteLength > MOST_BYTES) return null;
  const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return { ...message, values: new Float32Array(copy) };
}

/** One of data and diff: the picture, the value under the cursor, the figures. */
class Part {
  constructor(parent, name) {
    this.root = make(parent, 'div', 'part');
    this.root.dataset.part = name;
    this.name = name;
    this.canvas = make(this.root, 'canvas');
    this.canvas.setAttribute('role', 'img');
    this.caption = make(this.root, 'div', 'small dim', `${name}: not here yet`);
    this.legend = make(this.root, 'div', 'legend small');
    this.figures = make(this.root, 'div', 'figures small');
    this.canvas.hidden = true;
    this.canvas.addEventListener('mousemove', event => this.point(event));
    this.canvas.addEventListener('mouseleave', () => this.tell());
  }

  show(tensor) {
    this.tensor = tensor;
    this.root.dataset.version = String(tensor.version);
    const [tiles, rows, cols] = tensor.size;
    this.canvas.hidden = tiles * rows * cols === 0;
    this.paint();
    this.figures.replaceChildren();
    for (const [heading, text] of tensor.figures) {
      make(this.figures, 'span', 'dim', String(heading));
      make(this.figures, 'span', '', String(text)).dataset.figure = String(heading);
    }
    this.tell();
  }

  paint() {
    if (!this.tensor || this.canvas.hidden) return;
    const [tiles, rows, cols] = this.tensor.size;
    const across = Math.min(tiles, Math.max(1, Math.round(Math.sqrt((tiles * 1.5 * (rows + 1)) / (cols + 1)))));
    const down = Math.ceil(tiles / across);
    const width = across * (cols + 1) - 1;
    const height = down * (rows + 1) - 1;
    this.across = across;
    this.canvas.width = width;
    this.canvas.height = height;
    const zoom = Math.max(1, Math.min(20, Math.floor(220 / height), Math.floor(360 / width)));
    this.canvas.style.width = `${width * zoom}px`;
    const pen = this.canvas.getContext('2d');
    const image = pen.createImageData(width, height);
    const dark = isDark(this.root);
    const palette = dark ? PALETTES.DARK : PALETTES.LIGHT;
    const { values, limit, categories } = this.tensor;
    const named = new Map(categories.map(([value, light, night]) => [value, dark ? night : light]));
    for (let at = 0; at < values.length; at++) {
      const tile = Math.floor(at / (rows * cols));
      const y = Math.floor(tile / across) * (rows + 1) + (Math.floor(at / cols) % rows);
      const x = (tile % across) * (cols + 1) + (at % cols);
      image.data.set([...(named.get(values[at]) ?? colour(values[at], limit, palette)), 255], 4 * (y * width + x));
    }
    pen.putImageData(image, 0, 0);
    this.canvas.setAttribute('aria-label', `heat map of the ${this.name}`);
    this.legend.replaceChildren();
    for (const [value, shade] of named) {
      const entry = make(this.legend, 'span', '', String(value));
      const swatch = document.createElement('i');
      swatch.style.background = `rgb(${shade.join(' ')})`;
      entry.prepend(swatch);
    }
  }

  point(event) {
    const frame = this.canvas.getBoundingClientRect();
    const [tiles, rows, cols] = this.tensor.size;
    const x = Math.floor(((event.clientX - frame.left) / frame.width) * this.canvas.width);
    const y = Math.floor(((event.clientY - frame.top) / frame.height) * this.canvas.height);
    const tile = Math.floor(y / (rows + 1)) * this.across + Math.floor(x / (cols + 1));
    const [row, col] = [y % (rows + 1), x % (cols + 1)];
    if (tile >= tiles || row >= rows || col >= cols) return this.tell();
    const value = this.tensor.values[(tile * rows + row) * cols + col];
    const where = tiles > 1 ? `${tile}, row ${row}, column ${col}` : `row ${row}, column ${col}`;
    this.caption.textContent = `${where}: ${digits(value, 5)}${this.tensor.reduced ? (this.tensor.categories.length ? ' (one of a block)' : ' (mean)') : ''}`;
  }

  tell() {
    if (!this.tensor) return;
    const { size, place, reduced, limit, categories } = this.tensor;
    const [tiles, rows, cols] = size;
    const what = tiles > 1 ? `${tiles} of ${rows} x ${cols}` : `${rows} x ${cols}`;
    const fixed = place.map(([axis, at]) => `, axis ${axis} at ${at}`).join('');
    const scale = limit > 0 && categories.length === 0 ? `, full colour at \u00b1${digits(limit, 3)}` : '';
    this.caption.textContent = `${this.name}: ${what}${fixed}${reduced ? ', reduced' : ''}${scale}`;
  }
}

class View {
  constructor(model, el) {
    this.model = model;
    this.id = Math.random().toString(36).slice(2);
    this.refs = [];
    this.parts = new Map();
    this.visible = false;
    this.root = make(el, 'div', 'caffe-nb-view');
    this.root.dataset.testid = 'caffe-view';
    this.head();
    const body = make(this.root, 'div', 'body');
    this.boxes = new Map();
    this.frame = make(body, 'div', 'graph');
    this.shown = make(body, 'div', 'layer');
    this.describe();
    if (!this.frame.hidden) make(this.shown, 'div', 'dim', 'Click a layer to see its tensors.');
    else this.choose([...this.layers.keys()][0]);
    this.received = (message, buffers) => this.receive(message, buffers);
    this.described = () => this.describe();
    model.on('msg:custom', this.received);
    model.on('change:layers', this.described);
    this.watchScreen();
  }

  head() {
    const head = make(this.root, 'div', 'head');
    make(head, 'b', '', String(this.model.get('title')));
    make(head, 'span', 'dim', String(this.model.get('summary')));
    make(head, 'span', 'space');
    this.status = make(head, 'span', 'small dim');
    this.status.setAttribute('role', 'status');
    const live = make(head, 'label', '');
    this.live = make(live, 'input');
    this.live.type = 'checkbox';
    this.live.checked = true;
    make(live, 'span', '', 'follow');
    live.title = 'Show new values as they come, up to four times a second';
    this.live.addEventListener('change', () => this.ask(this.live.checked));
    const refresh = make(head, 'button', '', 'Refresh');
    refresh.type = 'button';
    refresh.addEventListener('click', () => this.ask(true));
  }

  /** Take up the graph and its layers, also when their shapes have changed. */
  describe() {
    this.layers = new Map((this.model.get('layers') ?? []).map(layer => [String(layer.index), layer]));
    const text = this.model.get('picture');
    const picture = text ? drawn(text) : null;
    this.frame.hidden = picture === null;
    if (picture === null) return;
    this.frame.replaceChildren(picture);
    this.boxes.clear();
    for (const box of picture.querySelectorAll('g[data-layer]')) {
      const key = box.dataset.layer;
      this.boxes.set(key, box);
      box.setAttribute('tabindex', '0');
      box.setAttribute('role', 'button');
      box.addEventListener('click', () => this.choose(key));
      box.addEventListener('keydown', event => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        event.stopPropagation();
        this.choose(key);
      });
    }
    if (this.chosen !== undefined) this.choose(this.chosen, false);
  }

  choose(key, fresh = true) {
    const layer = this.layers.get(key);
    if (!layer) return;
    this.chosen = key;
    for (const [other, box] of this.boxes) {
      box.classList.toggle('chosen', other === key);
      box.setAttribute('aria-pressed', String(other === key));
    }
    const before = new Map([...this.parts].map(([part, { tensor }]) => [part, tensor]));
    this.parts.clear();
    this.shown.replaceChildren();
    this.shown.dataset.layer = String(layer.name);
    if (layer.name) {
      make(this.shown, 'b', '', String(layer.name));
      make(this.shown, 'span', 'dim', ` ${layer.type}`);
    }
    for (const { ref, name, shape } of layer.tensors) {
      const tensor = make(this.shown, 'div', 'tensor');
      tensor.dataset.ref = String(ref);
      if (name) make(make(tensor, 'h4', '', `${name} `), 'span', 'dim', String(shape));
      const parts = make(tensor, 'div', 'parts');
      for (const part of ['data', 'diff']) this.parts.set(`${part} ${ref}`, new Part(parts, part));
    }
    if (layer.more) make(this.shown, 'div', 'dim', `and ${layer.more} more, which net.blobs has`);
    if (layer.tensors.length === 0) make(this.shown, 'div', 'dim', 'This layer has neither tops nor parameters.');
    this.refs = layer.tensors.map(({ ref }) => String(ref));
    if (fresh) this.ask(true);
    else for (const [part, tensor] of before) if (tensor) this.parts.get(part)?.show(tensor);
  }

  /** Tell the kernel what is on screen; `fresh` asks for the values now. */
  ask(fresh) {
    if (!this.visible || this.refs.length === 0) return;
    this.model.send({ kind: 'show', view: this.id, refs: this.refs, live: this.live.checked, fresh });
    if (!fresh) return;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      this.say('The kernel is busy, or gone; values come when it answers.');
    }, PATIENCE);
  }

  say(text, failed = false) {
    this.status.textContent = text;
    this.status.classList.toggle('failed', failed);
    this.status.classList.toggle('dim', !failed);
  }

  receive(message, buffers) {
    if (message?.kind === 'failed' && (message.view === this.id || message.view === '')) {
      clearTimeout(this.waiting);
      this.say(String(message.message), true);
    }
    if (message?.kind !== 'tensor') return;
    const tensor = tensorOf(message, buffers);
    const part = tensor && this.parts.get(`${tensor.part} ${tensor.ref}`);
    if (!part) return;
    clearTimeout(this.waiting);
    this.say('');
    part.show(tensor);
  }

  watchScreen() {
    let inside = false;
    const look = () => {
      const visible = inside && document.visibilityState === 'visible';
      if (visible === this.visible) return;
      this.visible = visible;
      if (visible) this.ask(true);
      else this.model.send({ kind: 'hide', view: this.id });
    };
    this.observer = new IntersectionObserver(entries => {
      inside = entries.at(-1).isIntersecting;
      look();
    });
    this.observer.observe(this.root);
    this.look = look;
    document.addEventListener('visibilitychange', look);
    this.theme = new MutationObserver(() => this.parts.forEach(part => part.paint()));
    this.theme.observe(document.body, { attributes: true });
    this.renewal = setInterval(() => this.live.checked && this.ask(false), RENEW);
  }

  close() {
    clearInterval(this.renewal);
    clearTimeout(this.waiting);
    this.observer.disconnect();
    this.theme.disconnect();
    document.removeEventListener('visibilitychange', this.look);
    this.model.off('msg:custom', this.received);
    this.model.off('change:layers', this.described);
    if (this.visible) this.model.send({ kind: 'hide', view: this.id });
  }
}

export default {
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.close();
  }
};
