import { vi } from 'vitest';

import { Service } from '../service';
import type { Script } from './link';
import { FakeLink } from './link';
import { oneNet } from './messages';

/** A service that somebody looks at, connected to a kernel that is a script. */
export async function connected(script: Script = oneNet): Promise<{ link: FakeLink; service: Service }> {
  const link = new FakeLink();
  link.script = script;
  const service = new Service(link);
  service.visible = true;
  link.become('connected');
  await new Promise(resolve => setTimeout(resolve, 0));
  return { link, service };
}

/** What jsdom does not have; nothing changes its size here. */
export function stubResizeObserver(): void {
  vi.stubGlobal(
    'ResizeObserver',
    class {
      observe = (): void => undefined;
      disconnect = (): void => undefined;
    }
  );
}
