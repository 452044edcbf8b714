import type { ISignal } from '@lumino/signaling';
import type { RefObject } from 'react';
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';

import type { Service } from '../service';
import type { IState } from '../state';

/** Read from what a signal says has changed; `read` must give the same object as long as nothing did. */
export function useSignal<T>(signal: ISignal<unknown, unknown>, read: () => T): T {
  const subscribe = useCallback(
    (notify: () => void) => {
      const slot = (): void => notify();
      signal.connect(slot);
      return () => void signal.disconnect(slot);
    },
    [signal]
  );
  return useSyncExternalStore(subscribe, read);
}

/** A part of the service's state; the component is drawn again when that part changes. */
export function useService<T>(service: Service, select: (state: IState) => T): T {
  return useSignal(service.changed, () => select(service.state));
}

function subscribeToTheme(notify: () => void): () => void {
  const observer = new MutationObserver(notify);
  observer.observe(document.body, { attributes: true, attributeFilter: ['data-jp-theme-light'] });
  return () => observer.disconnect();
}

/** Whether JupyterLab's theme is a dark one. */
export function useDarkTheme(): boolean {
  return useSyncExternalStore(subscribeToTheme, () => document.body.dataset.jpThemeLight === 'false');
}

/** The size of an element's inside in CSS pixels, followed as it changes. */
export function useSize<E extends HTMLElement>(): [RefObject<E>, number, number] {
  const ref = useRef<E>(null);
  const [width, setWidth] = useState(0);
  const [height, setHeight] = useState(0);
  useEffect(() => {
    const element = ref.current;
    if (element === null) {
      return;
    }
    const measure = (): void => {
      setWidth(element.clientWidth);
      setHeight(element.clientHeight);
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  return [ref, width, height];
}
