import { useEffect, useState } from 'react';

import { useService } from '../../components/hooks';
import type { BadLayer, LayerHealth } from '../../protocol';
import type { Service } from '../../service';
import { follow } from '../training/feed';
import { decode } from '../training/health';

/** Least milliseconds between two questions; the kernel sees to it that answers cost a running net little. */
const PAUSE = 1000;

/** How the layers are now, by index. */
export interface ILayerHealth {
  /** What holds values that are not finite. */
  readonly bad: ReadonlyMap<number, BadLayer>;
  /** Mean magnitudes of the layers' gradients, NaN for what is not finite; empty while they are not wanted. */
  readonly gradients: ReadonlyMap<number, number>;
}

const NO_HEALTH: ILayerHealth = { bad: new Map(), gradients: new Map() };

/** How the layers of the net shown are, followed as long as the component is there and seen. */
export function useLayerHealth(service: Service, net: string, gradients: boolean): ILayerHealth {
  const link = useService(service, state => state.link);
  const [health, setHealth] = useState(NO_HEALTH);
  useEffect(() => {
    setHealth(before => (gradients ? before : { ...before, gradients: NO_HEALTH.gradients }));
    if (link !== 'connected') {
      return;
    }
    const gone = new AbortController();
    let wake = (): void => undefined;
    const later = (): Promise<void> =>
      new Promise(resolve => {
        wake = resolve;
        setTimeout(resolve, PAUSE);
      });
    const ask = async (): Promise<void> => {
      for (;;) {
        const reply = await service.answer({ kind: 'get_layer_health', net, gradients });
        if (typeof reply === 'string' || reply.kind !== 'layer_health') {
          return; // a long layer runs, or the net is gone: it is asked again when there is news
        }
        setHealth(healthOf(reply));
        if (reply.whole) {
          return;
        }
        do {
          await later();
          if (gone.signal.aborted) {
            return;
          }
        } while (!service.visible);
      }
    };
    const stop = follow(service, ask, PAUSE);
    return () => {
      gone.abort();
      wake();
      stop();
    };
  }, [service, net, link, gradients]);
  return health;
}

function healthOf({ bad, gradients }: LayerHealth): ILayerHealth {
  return {
    bad: new Map(bad.map(layer => [layer.index, layer])),
    gradients: new Map(gradients.map(({ index, code }) => [index, decode(code)]))
  };
}
