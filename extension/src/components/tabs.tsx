import type { KeyboardEvent, ReactElement, ReactNode } from 'react';
import { useId, useRef } from 'react';

import type { Tab } from '../choice';
import { TABS } from '../choice';
import { testids } from './testids';

const LABELS: Readonly<Record<Tab, string>> = {
  tensors: 'Tensors',
  gradients: 'Gradients',
  source: 'Source',
  training: 'Training'
};

/** Tabs and what the open one shows. One Tab key leads to the open tab, arrow keys to its neighbours. */
export function Tabs(props: { open: Tab; onOpen: (tab: Tab) => void; children: ReactNode }): ReactElement {
  const { open, onOpen, children } = props;
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent): void => {
    const next = tabAfter(open, event.key);
    if (next !== null) {
      event.preventDefault();
      onOpen(next);
      list.current?.querySelectorAll('button')[TABS.indexOf(next)]?.focus();
    }
  };
  return (
    <>
      <div
        ref={list}
        className="caffe-nb-tabs"
        role="tablist"
        aria-label="what to show of the layer"
        onKeyDown={onKeyDown}
      >
        {TABS.map(tab => (
          <button
            key={tab}
            id={`${id}-${tab}`}
            role="tab"
            aria-selected={tab === open}
            aria-controls={`${id}-panel`}
            tabIndex={tab === open ? 0 : -1}
            data-testid={testids.tab(tab)}
            onClick={() => onOpen(tab)}
          >
            {LABELS[tab]}
          </button>
        ))}
      </div>
      <div
        id={`${id}-panel`}
        className="caffe-nb-tab-body"
        role="tabpanel"
        aria-labelledby={`${id}-${open}`}
        tabIndex={0}
      >
        {children}
      </div>
    </>
  );
}

function tabAfter(open: Tab, key: string): Tab | null {
  const at = TABS.indexOf(open);
  const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: -1 }[key];
  return next === undefined ? null : (TABS.at(next % TABS.length) ?? null);
}
