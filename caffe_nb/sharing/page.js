'use strict';
(() => {
  const picture = document.querySelector('#picture');
  const svg = picture.querySelector('svg');
  const boxes = new Map([...svg.querySelectorAll('g[data-layer]')].map(box => [box.dataset.layer, box]));
  const rows = new Map([...document.querySelectorAll('tr[data-layer]')].map(row => [row.dataset.layer, row]));
  const edges = [...svg.querySelectorAll('g[data-from]')];
  document.body.classList.add('live');

  let chosen = null;
  const choose = layer => {
    chosen = chosen === layer ? null : layer;
    for (const part of document.querySelectorAll('.chosen')) part.classList.remove('chosen');
    for (const edge of edges) {
      const joined = chosen !== null && (edge.dataset.from === chosen || edge.dataset.to === chosen);
      edge.classList.toggle('joined', joined);
    }
    for (const [key, box] of boxes) box.setAttribute('aria-pressed', String(key === chosen));
    if (chosen === null) return;
    boxes.get(chosen)?.classList.add('chosen');
    rows.get(chosen)?.classList.add('chosen');
  };
  const within = (part, room) => {
    const place = part.getBoundingClientRect();
    const frame = room.getBoundingClientRect();
    room.scrollTop += place.top - frame.top - (frame.height - place.height) / 2;
    if (place.left < frame.left || place.right > frame.right) {
      room.scrollLeft += place.left - frame.left - (frame.width - place.width) / 2;
    }
  };
  for (const [layer, box] of boxes) {
    const pick = () => {
      choose(layer);
      const row = rows.get(layer);
      if (chosen !== null && row) within(row, row.closest('.scroll'));
    };
    box.setAttribute('tabindex', '0');
    box.setAttribute('role', 'button');
    box.addEventListener('click', pick);
    box.addEventListener('keydown', event => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      pick();
    });
  }
  for (const [layer, row] of rows) {
    row.addEventListener('click', () => {
      choose(layer);
      const box = boxes.get(layer);
      if (chosen !== null && box) within(box, picture);
    });
  }

  const tools = before => {
    const bar = document.createElement('div');
    bar.className = 'tools';
    before.before(bar);
    return bar;
  };
  const button = (bar, text, name, act) => {
    const made = document.createElement('button');
    made.type = 'button';
    made.textContent = text;
    made.setAttribute('aria-label', name);
    made.addEventListener('click', act);
    bar.append(made);
  };
  const size = svg.viewBox.baseVal;
  const zoom = scale => {
    svg.setAttribute('width', String(size.width * scale));
    svg.setAttribute('height', String(size.height * scale));
  };
  const scale = () => svg.width.baseVal.value / size.width;
  const fit = () => Math.min(1, (picture.clientWidth - 16) / size.width, (picture.clientHeight - 16) / size.height);
  const bar = tools(picture);
  button(bar, '+', 'larger', () => zoom(Math.min(4, scale() * 1.25)));
  button(bar, '\u2212', 'smaller', () => zoom(Math.max(0.02, scale() / 1.25)));
  button(bar, 'Fit', 'fit the graph into its frame', () => zoom(Math.max(0.02, fit())));
  button(bar, '1:1', 'full size', () => zoom(1));

  const table = document.querySelector('.layers');
  const filter = document.createElement('input');
  filter.type = 'search';
  filter.placeholder = 'Filter layers';
  filter.setAttribute('aria-label', 'Filter layers');
  filter.addEventListener('input', () => {
    const word = filter.value.toLowerCase();
    for (const row of rows.values()) row.hidden = !row.textContent.toLowerCase().includes(word);
  });
  tools(table.closest('.scroll')).append(filter);
})();
