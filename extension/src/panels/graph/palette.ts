import type { Family } from './model';
import { FAMILY_NAMES, familyOfNode } from './model';
import type { Looks } from './node';

/** Red, green and blue from 0 to 255, and how much they cover, from 0 to 1. */
type Rgb = readonly [number, number, number, number];

/** The theme's colours as plain values, for canvases and files, which know no theme. */
export interface IPalette {
  readonly paper: string;
  readonly box: string;
  readonly ink: string;
  readonly faint: string;
  readonly border: string;
  readonly edge: string;
  readonly brand: string;
  readonly fail: string;
  readonly pass: string;
  readonly nan: string;
  readonly heat: string;
  readonly families: Readonly<Record<Family, string>>;
}

const GREY: Rgb = [128, 128, 128, 1];

/** Read the colours that an element of the panel has now. */
export function paletteOf(element: Element): IPalette {
  const style = getComputedStyle(element);
  const probe = document.createElement('canvas').getContext('2d');
  const read = (name: string): Rgb => parseColor(style.getPropertyValue(name).trim(), probe);
  const paper = read('--jp-layout-color0');
  const on = (name: string): string => toHex(over(read(name), paper));
  return {
    paper: toHex(paper),
    box: on('--jp-layout-color1'),
    ink: on('--jp-ui-font-color1'),
    faint: on('--jp-ui-font-color2'),
    border: on('--jp-border-color1'),
    edge: on('--caffe-nb-edge'),
    brand: on('--jp-brand-color1'),
    fail: on('--caffe-nb-fail'),
    pass: on('--caffe-nb-pass'),
    nan: on('--caffe-nb-nan'),
    heat: on('--caffe-nb-heat'),
    families: Object.fromEntries(FAMILY_NAMES.map(name => [name, on(`--caffe-nb-${name}`)])) as Record<
      Family,
      string
    >
  };
}

/** Any CSS colour; a canvas knows those that are no plain numbers. */
export function parseColor(text: string, probe: CanvasRenderingContext2D | null): Rgb {
  let plain = text;
  if (probe && text) {
    probe.fillStyle = '#808080';
    probe.fillStyle = text;
    plain = probe.fillStyle;
  }
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(plain)?.[1];
  if (hex) {
    const full = hex.length === 3 ? hex.replace(/./g, '$&$&') : hex;
    const [r = 0, g = 0, b = 0] = [0, 2, 4].map(at => Number.parseInt(full.slice(at, at + 2), 16));
    return [r, g, b, 1];
  }
  const parts = /^rgba?\(([^)]*)\)$/
    .exec(plain)?.[1]
    ?.split(/[\s,/]+/)
    .map(Number);
  return parts && parts.length >= 3 && parts.every(Number.isFinite)
    ? [parts[0] ?? 0, parts[1] ?? 0, parts[2] ?? 0, parts[3] ?? 1]
    : GREY;
}

function over([r, g, b, cover]: Rgb, [br, bg, bb]: Rgb): Rgb {
  const blend = (top: number, below: number): number => top * cover + below * (1 - cover);
  return [blend(r, br), blend(g, bg), blend(b, bb), 1];
}

function toHex([r, g, b]: Rgb): string {
  return `#${[r, g, b].map(value => Math.round(value).toString(16).padStart(2, '0')).join('')}`;
}

/** `share` of one colour in another, both `#rrggbb`. */
export function mix(color: string, into: string, share: number): string {
  const [r, g, b] = parseColor(color, null);
  return toHex(over([r, g, b, share], parseColor(into, null)));
}

export interface IPaint {
  fill: string;
  border: string;
  stripe: string;
}

/** The colours of one item, as the style sheet gives them to a node. */
export function paintOf(looks: Looks, palette: IPalette): IPaint {
  const { kind, face, heat } = looks;
  const stripe = palette.families[kind === 'layer' ? familyOfNode(face.node) : face.family];
  const error = kind === 'layer' ? Boolean(face.state?.error) : face.errors > 0;
  const bad = kind === 'layer' ? face.bad !== '' : face.bads > 0;
  const chosen = face.selected || looks.path === 'on';
  const border = error ? palette.fail : bad ? palette.nan : chosen ? palette.brand : palette.border;
  const fill = face.running
    ? mix(palette.brand, palette.box, 0.28)
    : heat === null
      ? mix(stripe, palette.box, 0.09)
      : mix(palette.heat, palette.box, 0.08 + 0.62 * heat);
  return { fill, border, stripe };
}
