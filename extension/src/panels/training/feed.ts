import { useCallback, useEffect, useState } from 'react';

import { useService } from '../../components/hooks';
import type { Training } from '../../protocol';
import type { Service } from '../../service';
import { Curves } from './curves';

/** Least milliseconds between two questions. */
const PAUSE = 400;

/** What is known of a training, as it is drawn. */
export interface IFeed {
  readonly curves: Curves;
  /** Of the curves; another number with every change. */
  readonly revision: number;
  /** Whether the kernel has answered. */
  readonly asked: boolean;
  /** Why there was no answer, in words. */
  readonly failure: string | null;
  /** What is switched on; null while it is not known. */
  readonly training: Training | null;
  /** Take what is switched on from another answer. */
  readonly take: (training: Training) => void;
}

type Known = Omit<IFeed, 'take'>;

const START: Omit<Known, 'curves'> = { revision: 0, asked: false, failure: null, training: null };

/** The curves of a net, followed as long as the component is there; they stay while the connection is opened anew. */
export function useFeed(service: Service, net: string): IFeed {
  const link = useService(service, state => state.link);
  const [feed, setFeed] = useState<Known>(() => ({ ...START, curves: new Curves() }));
  const { curves } = feed;

  useEffect(() => {
    setFeed(before => ({ ...before, failure: null }));
    if (link !== 'connected') {
      return;
    }
    return follow(service, async () => {
      for (;;) {
        const { key, known } = curves;
        const reply = await service.answer({ kind: 'get_history', net, key, known });
        if (typeof reply === 'string' || reply.kind !== 'history') {
          const failure = typeof reply === 'string' ? reply : `The kernel answered '${reply.kind}'.`;
          setFeed(before => ({ ...before, asked: true, failure }));
          return;
        }
        curves.accept(reply);
        const { revision } = curves;
        const { training } = reply;
        setFeed({ curves, revision, asked: true, failure: null, training });
        if (!reply.more) {
          return;
        }
      }
    });
  }, [service, net, link, curves]);
  const take = useCallback((training: Training) => setFeed(before => ({ ...before, training })), []);
  return { ...feed, take };
}

/** Ask now, and again a moment after the net has gone on; return what ends that. */
export function follow(service: Service, ask: () => Promise<void>, pause = PAUSE): () => void {
  let gone = false;
  let asking = false;
  let again = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let seen = '';
  const run = (): void => {
    timer = undefined;
    asking = true;
    again = false;
    void ask().finally(() => {
      asking = false;
      if (!gone) {
        timer = setTimeout(() => {
          timer = undefined;
          if (again) {
            run();
          }
        }, pause);
      }
    });
  };
  const onChange = (): void => {
    const { update } = service.state;
    const now = `${update?.iteration} ${update?.running} ${update?.stamp}`;
    if (now === seen) {
      return;
    }
    seen = now;
    again = true;
    if (!asking && timer === undefined) {
      run();
    }
  };
  service.changed.connect(onChange);
  run();
  return () => {
    gone = true;
    clearTimeout(timer);
    service.changed.disconnect(onChange);
  };
}
