import type { ReactElement } from 'react';
import { useEffect, useRef, useState } from 'react';

import type { Breaks, NetUpdate } from '../protocol';
import type { Service } from '../service';
import { testids } from './testids';

const LIMIT = 1000;

/** The breakpoints as they will be when the kernel has heard of the last change, and how to change them. */
export function useBreaks(
  service: Service,
  known: Breaks
): { breaks: Breaks; set: (change: Partial<Breaks>) => void; failure: string | null } {
  const [asked, setAsked] = useState<Breaks | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const heard = JSON.stringify(known);
  useEffect(() => setAsked(null), [heard]);
  const breaks = asked ?? known;
  const set = (change: Partial<Breaks>): void => {
    const wanted = { ...breaks, ...change };
    setAsked(wanted);
    const net = service.state.net ?? '';
    void service.answer({ kind: 'set_breaks', net, breaks: wanted }).then(reply => {
      if (typeof reply === 'string') {
        setAsked(null);
      }
      setFailure(typeof reply === 'string' ? reply : null);
    });
  };
  return { breaks, set, failure };
}

/** When a run is to be held: a menu that opens below its button. */
export function BreakMenu({ service, update }: { service: Service; update: NetUpdate }): ReactElement {
  const { breaks, set, failure } = useBreaks(service, update.breaks);
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (event: PointerEvent | KeyboardEvent): void => {
      const outside = !(event.target instanceof Node && menu.current?.contains(event.target));
      if (menu.current?.open && (event instanceof KeyboardEvent ? event.key === 'Escape' : outside)) {
        menu.current.open = false;
      }
    };
    document.addEventListener('pointerdown', close);
    document.addEventListener('keydown', close);
    return () => {
      document.removeEventListener('pointerdown', close);
      document.removeEventListener('keydown', close);
    };
  }, []);
  const count = countOf(breaks);
  return (
    <details className="caffe-nb-breaks" ref={menu} data-testid={testids.breaks} data-count={count}>
      <summary className="caffe-nb-control" title="When a run is to be held">
        <span
          className={count > 0 ? 'caffe-nb-break-dot' : 'caffe-nb-break-dot caffe-nb-none'}
          aria-hidden="true"
        />
        {count > 0 ? `Breaks (${count})` : 'Breaks'}
      </summary>
      <div className="caffe-nb-menu">
        <label>
          <input
            type="checkbox"
            checked={breaks.not_finite}
            onChange={event => set({ not_finite: event.target.checked })}
          />
          NaN or infinity appears
        </label>
        <Amount
          label="a diff is larger than"
          value={breaks.limit}
          start={LIMIT}
          onChange={limit => set({ limit })}
        />
        <Amount
          label="iteration"
          value={breaks.iteration}
          start={update.iteration + 100}
          whole
          onChange={iteration => set({ iteration })}
        />
        {breaks.layers.length === 0 ? (
          <p className="caffe-nb-hint">Layers: select one and tick “break here”.</p>
        ) : (
          <ul>
            {breaks.layers.map(index => (
              <li key={index}>
                <button className="caffe-nb-link" onClick={() => service.select(index)}>
                  {service.node(index)?.name ?? `layer ${index}`}
                </button>
                <button
                  className="caffe-nb-link"
                  aria-label={`remove the breakpoint at ${service.node(index)?.name ?? index}`}
                  onClick={() => set({ layers: breaks.layers.filter(other => other !== index) })}
                >
                  remove
                </button>
              </li>
            ))}
          </ul>
        )}
        {failure === null ? null : <p className="caffe-nb-failure">{failure}</p>}
      </div>
    </details>
  );
}

/** A condition with a number, which is off while there is none. */
function Amount(props: {
  label: string;
  value: number | null;
  start: number;
  whole?: boolean;
  onChange: (value: number | null) => void;
}): ReactElement {
  const { label, value, start, whole, onChange } = props;
  const [text, setText] = useState(String(value ?? start));
  useEffect(() => {
    if (value !== null) {
      setText(String(value));
    }
  }, [value]);
  const number = whole ? Math.round(Number(text)) : Number(text);
  const good = Number.isFinite(number) && number > 0;
  return (
    <label>
      <input
        type="checkbox"
        checked={value !== null}
        disabled={!good}
        onChange={event => onChange(event.target.checked ? number : null)}
      />
      {label}
      <input
        type="number"
        value={text}
        aria-label={label}
        onChange={event => setText(event.target.value)}
        onBlur={() => (value !== null && good && number !== value ? onChange(number) : undefined)}
      />
    </label>
  );
}

function countOf(breaks: Breaks): number {
  const conditions = [breaks.not_finite, breaks.limit !== null, breaks.iteration !== null];
  return breaks.layers.length + conditions.filter(Boolean).length;
}
