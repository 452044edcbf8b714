import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { LayerFace } from '../panels/graph/node';
import type { Service } from '../service';
import type { FakeLink } from '../testing/link';
import { layerState, net, node, oneNet, update } from '../testing/messages';
import { connected, stubResizeObserver } from '../testing/service';
import { Details } from './details';
import { Header } from './header';
import { testids } from './testids';
import { Vacancy, reasonOf } from './vacancy';

const settle = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 0));
const openFile = vi.fn(() => Promise.resolve(true));
const HOSTILE = '<img src=x onerror=alert(1)>"\'&lt;';

let link: FakeLink;
let service: Service;

beforeEach(async () => {
  stubResizeObserver();
  ({ link, service } = await connected());
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe('the details', () => {
  it('list the selected layer’s blobs with data and diff', () => {
    service.select(1);
    render(<Details service={service} openFile={openFile} />);
    const parts = screen
      .getAllByTestId(testids.tensor)
      .map(({ dataset }) => `${dataset.ref} ${dataset.part}`);
    expect(parts).toEqual(['blob:ip data', 'blob:ip diff', 'blob:data data', 'blob:data diff']);
  });

  it('tell how old a version is, and go on telling', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    service.select(2);
    render(<Details service={service} openFile={openFile} />);
    fireEvent.click(screen.getByTestId(testids.tab('source')));
    await act(async () => {
      await vi.advanceTimersByTimeAsync(10);
    });
    const old = (): string => screen.getAllByTestId(testids.versionRow)[1]?.textContent ?? '';
    expect(old()).toContain('1 min ago');
    await act(async () => {
      await vi.advanceTimersByTimeAsync(120_000);
    });
    expect(old()).toContain('3 min ago');
    vi.useRealTimers();
  });

  it('list a Python layer’s versions, compare them and go back', async () => {
    service.select(2);
    render(<Details service={service} openFile={openFile} />);
    fireEvent.click(screen.getByTestId(testids.tab('source')));
    await act(settle);
    const rows = screen.getAllByTestId(testids.versionRow);
    expect(rows.map(row => row.dataset.version)).toEqual(['2', '1']);
    expect(rows[1]?.textContent).toContain('as it was loaded');
    expect(rows[1]?.textContent).toContain('1 min ago');
    fireEvent.click(screen.getByText('Compare'));
    await act(settle);
    expect(screen.getByTestId(testids.difference).textContent).toContain('+third');
    fireEvent.click(screen.getByText('Back to the code'));
    expect(screen.queryByTestId(testids.difference)).toBeNull();
    fireEvent.click(screen.getByText('Go back'));
    await act(settle);
    expect(link.count('roll_back')).toBe(1);
  });

  it('show an error of any layer in words, its traceback, and the way to its file', () => {
    const error = {
      message: 'ValueError: boom',
      traceback: 'File "layers.py", line 9',
      path: '/l.py',
      line: 9
    };
    link.push(
      update({
        states: [layerState(2, { version: 2, error: { ...error, refused: false, not_finite: false } })]
      })
    );
    render(<Details service={service} openFile={openFile} />);
    expect(screen.getByTestId(testids.error).textContent).toContain('boom');
    fireEvent.click(screen.getByText('Show'));
    expect(service.state.selected).toBe(2);
    expect(screen.getByTestId(testids.traceback).textContent).toContain('line 9');
    expect(screen.getByTestId(testids.version).textContent).toBe('v2');
    fireEvent.click(screen.getByText('Open at line 9'));
    expect(openFile).toHaveBeenCalledWith('/l.py', 9);
  });

  it('run a gradient check and show its rows, the failing ones first', async () => {
    const numbers = { shape: [2], worst: [1], analytic: 1, numeric: 2, max_error: 0.5 };
    const row = { ...numbers, skipped: false, note: '', line: false };
    const rows = [
      { ...row, where: 'bottom[0]', ok: true, max_error: 1e-9, line: true, worst: [] },
      { ...row, where: 'bottom[1]', ok: true, skipped: true, note: 'a label' },
      { ...row, where: 'param[0]', ok: false }
    ];
    const findings = [{ kind: 'sign', where: 'param[0]', message: `A minus is missing. ${HOSTILE}` }];
    const check = { ok: false, rows, findings, path: '/l.py', line: 7, message: 'param[0] is wrong' };
    link.script = request =>
      request.kind === 'check_layer' ? { kind: 'checked', net: 'n1', layer: 1, check } : oneNet(request);
    service.select(1);
    render(<Details service={service} openFile={openFile} />);
    fireEvent.click(screen.getByTestId(testids.tab('gradients')));
    fireEvent.click(screen.getByTestId(testids.checkButton));
    await screen.findByTestId(testids.checkResult);
    expect(screen.getAllByTestId(testids.checkRow).map(({ dataset }) => dataset.where)).toEqual([
      'param[0]',
      'bottom[0]',
      'bottom[1]'
    ]);
    expect(screen.getByText('skipped: a label')).toBeTruthy();
    expect(screen.getByText('along a line')).toBeTruthy();
    const asked = (): unknown => link.requests.filter(each => each.kind === 'check_layer').at(-1);
    expect(asked()).toMatchObject({ full: false });
    fireEvent.click(screen.getByTestId(testids.checkFull));
    expect(asked()).toMatchObject({ full: true });
    fireEvent.click(screen.getByTestId(testids.exportCheck));
    expect((await screen.findByTestId(testids.exported)).textContent).toBe('Written: test_loss.py');
    const finding = screen.getByTestId(testids.finding);
    expect(finding.dataset).toMatchObject({ kind: 'sign', where: 'param[0]' });
    expect(finding.textContent).toContain(HOSTILE);
    fireEvent.click(screen.getByText('Open backward at line 7'));
    expect(openFile).toHaveBeenCalledWith('/l.py', 7);
  });

  it('mark the line of the code where the error is', async () => {
    const error = {
      message: 'SyntaxError: oh',
      traceback: '',
      path: '/home/me/layers.py',
      line: 4,
      refused: true,
      not_finite: false
    };
    link.push(update({ states: [layerState(2, { version: 1, error })] }));
    await settle();
    render(<Details service={service} openFile={openFile} />);
    fireEvent.click(screen.getByTestId(testids.tab('source')));
    const listing = screen.getByTestId(testids.sourceText);
    expect(listing.dataset.faulty).toBe('4');
    expect(listing.querySelector('.caffe-nb-faulty')?.textContent).toBe('▸4    pass');
  });

  it('have tabs that arrow keys walk along', () => {
    render(<Details service={service} openFile={openFile} />);
    const tab = (name: string): HTMLElement => screen.getByTestId(testids.tab(name));
    fireEvent.keyDown(tab('tensors'), { key: 'ArrowLeft' });
    expect(tab('training').getAttribute('aria-selected')).toBe('true');
    expect(document.activeElement).toBe(tab('training'));
    fireEvent.keyDown(tab('training'), { key: 'ArrowRight' });
    expect(screen.getAllByRole('tab').map(({ tabIndex }) => tabIndex)).toEqual([0, -1, -1, -1]);
    expect(screen.getByRole('tabpanel').getAttribute('aria-labelledby')).toBe(tab('tensors').id);
  });
});

describe('the header', () => {
  it('says what a solver does', () => {
    link.push(update({ running: true, solver: true, iteration: 812, max_iterations: 2000, loss: 0.125 }));
    render(<Header service={service} />);
    expect(screen.getByTestId(testids.iteration).textContent).toBe('812');
    expect(screen.getByTestId(testids.loss).textContent).toBe('0.125');
    expect(screen.getByTestId(testids.running).textContent).toBe('running');
  });

  it('says what was copied between host and GPU, in GPU mode only', () => {
    link.push(update());
    const { rerender } = render(<Header service={service} />);
    expect(screen.queryByTestId(testids.transfers)).toBeNull();
    link.push(update({ transfers: '12 copies to the GPU, 3 to the host, 0.57 MiB' }));
    rerender(<Header service={service} />);
    expect(screen.getByTestId(testids.transfers).textContent).toBe(
      '12 copies to the GPU, 3 to the host, 0.57 MiB'
    );
  });

  it('has a bar only for a run whose end is in sight', () => {
    const run = { running: true, solver: true, iteration: 812 };
    link.push(update({ ...run, max_iterations: 2000 }));
    const { rerender } = render(<Header service={service} />);
    expect(screen.getByRole('progressbar')).toBeTruthy();
    for (const max_iterations of [0, 100_000_000]) {
      link.push(update({ ...run, max_iterations }));
      rerender(<Header service={service} />);
      expect(screen.queryByRole('progressbar')).toBeNull();
    }
  });

  it('shows and dismisses what went wrong', () => {
    link.complain('push.net: expected a string, got 7');
    render(<Header service={service} />);
    fireEvent.click(screen.getByText('Dismiss'));
    expect(screen.queryByTestId(testids.linkError)).toBeNull();
  });
});

describe('a node', () => {
  it('carries its marks', () => {
    const error = { message: 'boom', traceback: '', path: '', line: 0, refused: true, not_finite: false };
    const check = { ok: false, rows: [], findings: [], path: '', line: 0, message: '' };
    const face = {
      node: node(2, 'loss', { type: 'Python', python: 'layers.Loss' }),
      state: layerState(2, { version: 3, error, check }),
      time: null,
      selected: true,
      running: 'forward',
      stale: true,
      held: true,
      breakpoint: true,
      bad: 'NaN',
      badPlaces: `top '${HOSTILE}'`,
      gradient: 0.00032
    } as const;
    render(<LayerFace face={face} />);
    expect(screen.getByTestId(testids.graphNode).dataset).toMatchObject({
      layer: 'loss',
      version: '3',
      error: 'true',
      check: 'fail',
      selected: 'true',
      running: 'true',
      stale: 'true',
      held: 'true',
      break: 'true',
      bad: 'NaN'
    });
    expect(screen.getByTitle(`NaN in top '${HOSTILE}'`).textContent).toBe('NaN');
    expect(screen.getByTestId(testids.graphNode).textContent).toContain('∇ 3.2e−4');
  });

  it('shows names as text, whatever they hold', () => {
    const face = {
      node: node(0, HOSTILE),
      state: null,
      time: null,
      selected: false,
      running: null,
      stale: false,
      held: false,
      breakpoint: false,
      bad: '',
      badPlaces: '',
      gradient: null
    } as const;
    const { container } = render(<LayerFace face={face} />);
    expect(container.querySelector('img')).toBeNull();
    expect(container.textContent).toContain(HOSTILE);
  });
});

describe('what fails in another net of the solver', () => {
  const nets = [
    net('n1', { trained: 'n1' }),
    net('n2', {
      phase: 'TEST',
      trained: 'n1',
      test_net: 0,
      failed: { name: 'ip', message: `ValueError: ${HOSTILE}` }
    }),
    net('n3', { trained: 'n3', failed: { name: 'ip', message: 'another solver’s' } })
  ];

  it('is said on the net shown, and leads there', async () => {
    link.script = request =>
      request.kind === 'list_nets' ? { kind: 'net_list', nets, inspect: null } : oneNet(request);
    const { container } = render(<Details service={service} openFile={openFile} />);
    act(() => link.push({ kind: 'net_list', nets, inspect: null }));
    const lines = screen.getAllByTestId(testids.elsewhere);
    expect(lines.map(line => line.querySelector('p')?.textContent)).toEqual([
      `In test net 0, layer ip: ValueError: ${HOSTILE}`
    ]);
    expect(container.querySelector('img')).toBeNull();
    fireEvent.click(screen.getByText('Show test net 0'));
    await act(settle);
    expect(service.state.net).toBe('n2');
    expect(service.selectedNode?.name).toBe('ip');
    expect(screen.queryByTestId(testids.elsewhere)).toBeNull();
  });

  it('is not said where the same is said of the layer here', () => {
    render(<Details service={service} openFile={openFile} />);
    const error = { message: `ValueError: ${HOSTILE}`, traceback: '', path: '', line: 0, refused: true };
    act(() => {
      link.push({ kind: 'net_list', nets, inspect: null });
      link.push(update({ states: [layerState(1, { error: { ...error, not_finite: false } })] }));
    });
    expect(screen.queryByTestId(testids.elsewhere)).toBeNull();
  });
});

describe('where there is nothing to show', () => {
  it('words say why and what to do', () => {
    render(<Vacancy reason="absent" path="n.ipynb" onOpen={() => undefined} />);
    expect(screen.getByTestId(testids.empty).textContent).toContain('%load_ext caffe_nb');
  });

  it('the reason follows the state', () => {
    expect(reasonOf(null)).toBe('no-notebook');
    expect(reasonOf(service.state)).toBeNull();
    link.become('restarting');
    expect(reasonOf(service.state)).toBe('restarting');
    link.script = () => ({ kind: 'net_list', nets: [], inspect: null });
    link.become('connected');
    expect(reasonOf(service.state)).toBe('loading');
    expect(reasonOf({ ...service.state, listed: true })).toBe('no-nets');
  });
});
