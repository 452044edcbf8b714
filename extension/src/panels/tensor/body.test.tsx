import { act, cleanup, fireEvent, render, screen, within } from '@testing-library/react';
import type { ReactElement } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { useService } from '../../components/hooks';
import { testids } from '../../components/testids';
import type { Service } from '../../service';
import type { FakeLink } from '../../testing/link';
import { oneNet, tensor, tensors, update } from '../../testing/messages';
import { connected, stubResizeObserver } from '../../testing/service';
import { TensorsBody } from './body';

const settle = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 0));

let link: FakeLink;
let service: Service;

function Shown(): ReactElement {
  const selected = useService(service, state => state.selected);
  return <TensorsBody service={service} node={service.node(selected)} />;
}

beforeEach(async () => {
  stubResizeObserver();
  ({ link, service } = await connected());
  service.select(1);
  render(<Shown />);
  await act(settle);
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const nth = (id: string, at = 0): HTMLElement => {
  const found = screen.getAllByTestId(id)[at];
  if (!found) {
    throw new Error(`there is no ${id} ${at}`);
  }
  return found;
};

const cards = (): string[] =>
  screen
    .getAllByTestId(testids.blob)
    .map(card => `${card.dataset.layer} ${card.getAttribute('aria-label')?.split(' of ')[0] ?? ''}`);

describe('the tensors of a layer', () => {
  it('are asked for once each, and no distribution before it is opened', () => {
    const looks = link.requests.flatMap(request => (request.kind === 'get_tensors' ? request.looks : []));
    expect(looks.length).toBe(4);
    expect(link.count('get_tensors')).toBe(2); // one for data, one for diff
    expect(link.count('get_distribution')).toBe(0);
  });

  it('have a histogram and their largest elements once these are opened', async () => {
    const more = within(nth(testids.tensor)).getByTestId<HTMLDetailsElement>(testids.distribution);
    more.open = true;
    fireEvent(more, new Event('toggle'));
    await act(settle);
    await act(settle);
    expect(link.count('get_distribution')).toBe(1);
    expect(screen.getByTestId(testids.histogram).dataset.count).toBe('6');
    const largest = screen.getAllByTestId(testids.largest);
    expect(largest.map(({ textContent }) => textContent)).toEqual(['[1, 2]NaN', '[0, 2]2']);
    fireEvent.click(nth(testids.largest));
    // The look is due at a common moment, which is 1.5 intervals away at most; the histogram may ask after it.
    await vi.waitFor(
      () =>
        expect(link.requests.filter(({ kind }) => kind === 'get_tensors').at(-1)).toMatchObject({
          looks: [{ index: [1, 2] }, { index: [1, 2] }]
        }),
      { timeout: 10_000 }
    );
    await act(settle);
  });

  it('stay in sight when they are pinned and another layer, or none, is selected', async () => {
    fireEvent.click(nth(testids.pin, 1));
    expect(cards()).toEqual(['ip bottom data', 'ip top ip']);
    act(() => service.select(0));
    expect(cards()).toEqual(['ip bottom data', 'data top data']);
    act(() => service.select(null));
    expect(cards()).toEqual(['ip bottom data']);
    expect(screen.getByText(/Select a layer/)).toBeTruthy();
    await act(settle);
    fireEvent.click(screen.getByText('Unpin'));
    expect(screen.queryAllByTestId(testids.blob)).toEqual([]);
  });

  it('say in words whose values they are, where they are not the layer’s own', async () => {
    expect(screen.queryAllByTestId(testids.tensorNote)).toEqual([]);
    const note = 'relu works in place and has written over what <b>ip</b> left.';
    link.script = request =>
      request.kind === 'get_tensors'
        ? {
            reply: tensors(request, ({ ref, part }) => tensor({ ref, part, note })),
            buffers: request.looks.map(() => new Float32Array(6))
          }
        : oneNet(request);
    act(() => service.select(0));
    await act(settle);
    expect(nth(testids.tensorNote).textContent).toBe(note);
  });

  it('can be kept once they are there', () => {
    expect(nth(testids.keep)).toHaveProperty('disabled', false);
    link.script = request =>
      request.kind === 'get_tensors' ? new Promise(() => undefined) : oneNet(request);
    act(() => service.select(0));
    expect(nth(testids.keep)).toHaveProperty('disabled', true);
  });

  it('are compared with what was kept of them, whatever was selected meanwhile', async () => {
    link.push(update({ solver: true, iteration: 812 }));
    fireEvent.click(nth(testids.keep));
    expect(screen.getByTestId(testids.change).textContent).toContain('Kept at iteration 812.');
    expect(screen.getByTestId(testids.change).textContent).toContain('None of the 6 values');
    act(() => service.select(2));
    await act(settle);
    link.script = request =>
      request.kind === 'get_tensors'
        ? {
            reply: tensors(request, ({ ref, part }) => tensor({ ref, part })),
            buffers: request.looks.map(() => new Float32Array(6))
          }
        : oneNet(request);
    act(() => service.select(1));
    await act(settle);
    expect(screen.getByTestId(testids.change).textContent).toContain('5 of 6 values shown have changed');
    fireEvent.click(screen.getByTestId(testids.forget));
    expect(screen.queryByTestId(testids.change)).toBeNull();
  });
});
