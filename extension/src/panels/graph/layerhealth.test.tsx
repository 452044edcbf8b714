import { act, cleanup, render } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { LayerHealth, Request } from '../../protocol';
import { HEALTH_BAD } from '../../protocol';
import { Service } from '../../service';
import { FakeLink } from '../../testing/link';
import { oneNet, update } from '../../testing/messages';
import type { ILayerHealth } from './layerhealth';
import { useLayerHealth } from './layerhealth';

let link: FakeLink;
let service: Service;
let shown: ILayerHealth;
let now: LayerHealth;

function Probe({ gradients }: { gradients: boolean }): null {
  shown = useLayerHealth(service, 'n1', gradients);
  return null;
}

const asked = (): Request[] => link.requests.filter(({ kind }) => kind === 'get_layer_health');
const pass = (milliseconds: number): Promise<void> =>
  act(async () => {
    await vi.advanceTimersByTimeAsync(milliseconds);
  });

beforeEach(async () => {
  vi.useFakeTimers();
  now = { kind: 'layer_health', net: 'n1', bad: [], gradients: [], whole: true };
  link = new FakeLink();
  link.script = request => (request.kind === 'get_layer_health' ? now : oneNet(request));
  service = new Service(link);
  service.visible = true;
  link.become('connected');
  await vi.advanceTimersByTimeAsync(0);
});

afterEach(() => {
  cleanup();
  service.dispose();
  vi.useRealTimers();
});

describe('how the layers are', () => {
  it('is asked at first and after a change, not again while nothing changes', async () => {
    render(<Probe gradients={false} />);
    await pass(10_000);
    expect(asked()).toEqual([{ kind: 'get_layer_health', net: 'n1', gradients: false }]);
    now = { ...now, bad: [{ index: 1, value: 'NaN', places: ["top 'ip'"] }] };
    act(() => link.push(update({ stamp: 2 })));
    await pass(1000);
    expect(asked()).toHaveLength(2);
    expect(shown.bad.get(1)?.value).toBe('NaN');
    now = { ...now, bad: [] };
    act(() => link.push(update({ stamp: 3 })));
    await pass(2000);
    expect(shown.bad.size).toBe(0);
  });

  it('is asked again until all of a running net has been looked through', async () => {
    now = { ...now, whole: false };
    render(<Probe gradients={false} />);
    await pass(2500);
    const before = asked().length;
    expect(before).toBeGreaterThan(2);
    service.visible = false;
    await pass(5000);
    expect(asked().length - before).toBeLessThanOrEqual(1);
    service.visible = true;
    now = { ...now, whole: true };
    await pass(3000);
    const after = asked().length;
    await pass(5000);
    expect(asked()).toHaveLength(after);
  });

  it('has gradients only while these are wanted', async () => {
    now = {
      ...now,
      gradients: [
        { index: 1, code: -300 },
        { index: 2, code: HEALTH_BAD }
      ]
    };
    const { rerender } = render(<Probe gradients={true} />);
    await pass(100);
    expect(asked().at(-1)).toMatchObject({ gradients: true });
    expect(shown.gradients.get(1)).toBeCloseTo(1e-3);
    expect(shown.gradients.get(2)).toBeNaN();
    now = { ...now, gradients: [] };
    rerender(<Probe gradients={false} />);
    await pass(100);
    expect(shown.gradients.size).toBe(0);
    expect(asked().at(-1)).toMatchObject({ gradients: false });
  });
});
