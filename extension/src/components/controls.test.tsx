import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { LayerTextView } from '../panels/source/layertext';
import type { Request } from '../protocol';
import { Service } from '../service';
import { FakeLink } from '../testing/link';
import { node, oneNet, update } from '../testing/messages';
import { Controls, LayerControls } from './controls';
import { Header } from './header';
import { testids } from './testids';

const settle = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 0));

let link: FakeLink;
let service: Service;
let sent: Request[];

beforeEach(async () => {
  sent = [];
  link = new FakeLink();
  link.script = request => {
    sent.push(request);
    return oneNet(request);
  };
  service = new Service(link);
  service.visible = true;
  link.become('connected');
  await settle();
});

afterEach(cleanup);

function actions(): string[] {
  return screen
    .getAllByRole('button')
    .map(({ dataset }) => dataset.testid?.replace('caffe-control-', '') ?? '')
    .filter(Boolean);
}

describe('the run buttons', () => {
  it('run parts of a net that stands, and say what a step runs', () => {
    link.push(update({ place: { index: 1, direction: 'backward' } }));
    render(<Controls service={service} />);
    expect(actions()).toEqual(['forward', 'backward', 'step']);
    expect(screen.getByTestId(testids.control('step')).title).toBe('Run one layer: ip, backward');
    fireEvent.click(screen.getByTestId(testids.control('forward')));
    expect(sent.at(-1)).toEqual({ kind: 'drive', net: 'n1', action: 'forward', layer: -1 });
  });

  it('pause and stop a running one; a held one says where and why, and goes on', () => {
    link.push(update({ running: true }));
    render(<Controls service={service} />);
    expect(actions()).toEqual(['pause', 'stop']);
    const held = {
      index: 2,
      direction: 'backward',
      after: true,
      why: "NaN at [0] in diff of bottom 'ip'"
    } as const;
    act(() => link.push(update({ running: true, held })));
    expect(actions()).toEqual(['resume', 'step', 'stop']);
    expect(screen.getByTestId(testids.held).textContent).toBe(
      "held after loss (backward): NaN at [0] in diff of bottom 'ip'"
    );
  });

  it('say in words why a request was refused', async () => {
    link.push(update());
    link.script = request =>
      request.kind === 'drive' ? { kind: 'failed', message: 'pause it first' } : oneNet(request);
    render(<Controls service={service} />);
    fireEvent.click(screen.getByTestId(testids.control('forward')));
    expect((await screen.findByRole('alert')).textContent).toBe('pause it first');
  });

  it('set and remove a breakpoint at a layer, shown at once', () => {
    link.push(update());
    render(<LayerControls service={service} node={node(1, 'ip')} />);
    const box = screen.getByTestId<HTMLInputElement>(testids.breakHere);
    fireEvent.click(box);
    expect(box.checked).toBe(true);
    const breaks = { layers: [1], not_finite: false, limit: null, iteration: null };
    expect(sent.at(-1)).toEqual({ kind: 'set_breaks', net: 'n1', breaks });
    act(() => link.push(update({ breaks })));
    fireEvent.click(box);
    expect(sent.at(-1)).toEqual({ kind: 'set_breaks', net: 'n1', breaks: { ...breaks, layers: [] } });
  });
});

describe('the line above', () => {
  it('says which layer has been running for long', () => {
    const current = { index: 1, direction: 'forward', seconds: 0.4 } as const;
    link.push(update({ running: true, current }));
    render(<Header service={service} />);
    expect(screen.queryByTestId(testids.longLayer)).toBeNull();
    act(() => link.push(update({ running: true, current: { ...current, seconds: 7.2 } })));
    expect(screen.getByTestId(testids.longLayer).textContent).toBe('ip forward for 7 s');
  });
});

describe('a layer’s text', () => {
  it('shows the prototxt and the docstring, and applies another param_str', async () => {
    render(<LayerTextView service={service} node={node(2, 'loss', { python: 'layers.Loss' })} />);
    const text = await screen.findByTestId<HTMLTextAreaElement>(testids.paramStr);
    expect(screen.getByTestId(testids.layerText).textContent).toContain('name: "loss"');
    expect(screen.getByText('Notes')).toBeTruthy();
    expect(text.value).toBe('1');
    fireEvent.change(text, { target: { value: '2' } });
    fireEvent.click(screen.getByTestId(testids.applyParam));
    expect(sent.at(-1)).toEqual({ kind: 'set_param_str', net: 'n1', layer: 2, text: '2' });
    expect((await screen.findByTestId(testids.paramNote)).textContent).toContain('setup rerun');
  });
});
