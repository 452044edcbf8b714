import { formatTime } from '../../components/format';
import { formatCount, paramCount } from './figures';
import type { IBox, ILayout } from './layout';
import { HEADER_HEIGHT, roundedPath } from './layout';
import type { ILooks } from './looks';
import { totalTime } from './model';
import type { Looks } from './node';
import type { IPalette } from './palette';
import { mix, paintOf } from './palette';

const MARGIN = 16;
const FONT = 'system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif';
/** Canvases take no more pixels than this along a side, and altogether. */
const LONGEST = 16_000;
const LARGEST = 120_000_000;

/** Text as it stands in an SVG file: names come from the user's files and may hold anything. */
export function escapeText(text: string): string {
  return Array.from(text)
    .map(char => (isXml(char.codePointAt(0) ?? 0) ? (ESCAPES[char] ?? char) : '\uFFFD'))
    .join('');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;'
};

/** Whether XML may hold a character at all. */
function isXml(code: number): boolean {
  return (
    code === 0x9 ||
    code === 0xa ||
    code === 0xd ||
    (code >= 0x20 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd) ||
    code >= 0x10000
  );
}

/** The whole graph as a file that needs nothing else, in the colours that it has on the screen. */
export function toSvg(title: string, layout: ILayout, looks: ILooks, palette: IPalette): string {
  const width = Math.ceil(layout.width + 2 * MARGIN);
  const height = Math.ceil(layout.height + 2 * MARGIN);
  const items = [...layout.boxes].flatMap(([id, box]) => {
    const look = looks.items.get(id);
    return look ? [[look, box] as const] : [];
  });
  const open = ([look]: readonly [Looks, IBox]): boolean => look.kind === 'group' && look.face.open;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
      `viewBox="${-MARGIN} ${-MARGIN} ${width} ${height}" font-family='${FONT}' font-size="14">`,
    `<title>${escapeText(title)}</title>`,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">' +
      `<path d="M 0 0 L 8 4 L 0 8 z" fill="${palette.edge}"/></marker></defs>`,
    `<rect x="${-MARGIN}" y="${-MARGIN}" width="${width}" height="${height}" fill="${palette.paper}"/>`,
    ...items.filter(open).map(([look, box]) => frameSvg(look, box, palette)),
    ...layout.edges.map(
      ({ points }) =>
        `<path d="${roundedPath(points)}" fill="none" stroke="${palette.edge}" stroke-width="1.2" ` +
        'marker-end="url(#arrow)"/>'
    ),
    ...layout.edges.map(edge => labelSvg(edge, palette)),
    ...items.filter(item => !open(item)).map(([look, box]) => boxSvg(look, box, palette)),
    '</svg>'
  ].join('\n');
}

function labelSvg({ label, text }: ILayout['edges'][number], palette: IPalette): string {
  if (label === null) {
    return '';
  }
  const width = text.length * 5.8 + 6;
  return (
    `<rect x="${label.x - width / 2}" y="${label.y - 7}" width="${width}" height="14" fill="${palette.paper}"/>` +
    `<text x="${label.x}" y="${label.y + 4}" font-size="11" text-anchor="middle" fill="${palette.faint}">` +
    `${escapeText(text)}</text>`
  );
}

function frameSvg(look: Looks, box: IBox, palette: IPalette): string {
  const { stripe } = paintOf(look, palette);
  const name = look.kind === 'group' ? look.face.group.name : '';
  return (
    `<rect ${placeOf(box)} rx="5" fill="${mix(stripe, palette.paper, 0.05)}" stroke="${palette.border}" ` +
    `stroke-dasharray="4 3"/><text x="${box.x + 10}" y="${box.y + HEADER_HEIGHT - 8}" font-weight="600" ` +
    `font-size="12" fill="${palette.faint}">${escapeText(shorten(name, box.width - 20, 7))}</text>`
  );
}

function boxSvg(look: Looks, box: IBox, palette: IPalette): string {
  const { fill, border, stripe } = paintOf(look, palette);
  const { name, label, kind, figures, marks } = wordsOf(look);
  const left = box.x + 12;
  const right = box.x + box.width - 8;
  return (
    `<g><title>${escapeText(name)}</title><rect ${placeOf(box)} rx="4" fill="${fill}" stroke="${border}"/>` +
    `<rect x="${box.x}" y="${box.y}" width="4" height="${box.height}" fill="${stripe}"/>` +
    `<text x="${left}" y="${box.y + 18}" font-weight="600" fill="${palette.ink}">` +
    `${escapeText(shorten(label, box.width - 20 - marks.length * 6, 9))}</text>` +
    `<text x="${right}" y="${box.y + 17}" font-size="11" text-anchor="end" fill="${palette.faint}">` +
    `${escapeText(marks)}</text>` +
    `<text x="${left}" y="${box.y + 35}" font-size="12" fill="${mix(stripe, palette.ink, 0.75)}">` +
    `${escapeText(shorten(kind, box.width - 24 - figures.length * 6, 6.5))}</text>` +
    `<text x="${right}" y="${box.y + 35}" font-size="12" text-anchor="end" fill="${palette.faint}">` +
    `${escapeText(figures)}</text></g>`
  );
}

interface IWords {
  name: string;
  /** The name as it is shown, without the path of the group around. */
  label: string;
  kind: string;
  figures: string;
  marks: string;
}

function wordsOf(look: Looks): IWords {
  const figures = (params: number, time: number): string =>
    join(' · ', params > 0 && `w ${formatCount(params)}`, time > 0 && formatTime(time));
  if (look.kind === 'group') {
    const { group, params, time, errors, fails, bads } = look.face;
    return {
      name: group.name,
      label: group.name,
      kind: `${group.members.length} layers`,
      figures: figures(params, time),
      marks: join(' ', bads > 0 && 'NaN', fails > 0 && '✗', errors > 0 && '!')
    };
  }
  const { node, time, state, bad } = look.face;
  return {
    name: node.name,
    label: look.label,
    kind: node.python ? (node.python.split('.').at(-1) ?? '') : node.type,
    figures: figures(paramCount([node]), totalTime(time)),
    marks: join(
      ' ',
      node.phase.toLowerCase(),
      node.frozen && 'frozen',
      node.shared.some(Boolean) && 'shared',
      node.python && `v${state?.version ?? 0}`,
      bad,
      state?.check && (state.check.ok ? '✓' : '✗'),
      state?.error && '!'
    )
  };
}

function join(between: string, ...words: readonly (string | false | null | undefined)[]): string {
  return words.filter(Boolean).join(between);
}

function placeOf({ x, y, width, height }: IBox): string {
  return `x="${x}" y="${y}" width="${width}" height="${height}"`;
}

function shorten(text: string, width: number, letter: number): string {
  const most = Math.max(3, Math.floor(width / letter));
  const letters = Array.from(text.slice(0, 2 * most));
  return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : letters.join('');
}

/** A picture of an SVG file, as fine as canvases allow. */
export async function toPng(svg: string, layout: ILayout): Promise<Blob> {
  const width = Math.ceil(layout.width + 2 * MARGIN);
  const height = Math.ceil(layout.height + 2 * MARGIN);
  const scale = Math.min(2, LONGEST / Math.max(width, height), Math.sqrt(LARGEST / (width * height)));
  const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  try {
    const image = new Image(width, height);
    image.src = url;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.floor(width * scale));
    canvas.height = Math.max(1, Math.floor(height * scale));
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) =>
      canvas.toBlob(
        blob => (blob ? resolve(blob) : reject(new Error('the browser made no picture of it'))),
        'image/png'
      )
    );
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** A net's name as the name of a file. */
export function fileName(net: string, end: string): string {
  const plain = net
    .replace(/[^\p{L}\p{N}._-]+/gu, '_')
    .replace(/^[._]+/, '')
    .slice(0, 80);
  return `${plain || 'net'}.${end}`;
}

/** Give a file to the person. */
export function download(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
