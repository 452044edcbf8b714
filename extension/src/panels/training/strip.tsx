import type { MouseEvent, ReactElement } from 'react';
import { useEffect, useRef, useState } from 'react';

import { useService, useSize } from '../../components/hooks';
import { testids } from '../../components/testids';
import { Unanswered, Waiting } from '../../components/unanswered';
import type { Service } from '../../service';
import { follow } from './feed';
import type { Measure } from './health';
import { complaints, MEASURES, pixelsOf, power, rangeOf, SCALE, Strip } from './health';

/** From so many layers on rows are too low for names. */
const MOST_NAMED = 120;
const NAMED_HEIGHT = 16;
const HEIGHT = 4;

interface IShown {
  readonly strip: Strip;
  readonly asked: boolean;
  readonly failure: string | null;
  /** Another number with every answer. */
  readonly answers: number;
}

function useStrip(service: Service, net: string, measure: Measure): IShown {
  const link = useService(service, state => state.link);
  const [shown, setShown] = useState<IShown>(() => ({
    strip: new Strip(measure),
    asked: false,
    failure: null,
    answers: 0
  }));
  const { strip } = shown;

  useEffect(() => {
    setShown(before => ({ ...before, failure: null }));
    if (link !== 'connected') {
      return;
    }
    return follow(service, async () => {
      for (;;) {
        const { key, last: since } = strip;
        const reply = await service.answer({ kind: 'get_health', net, measure, key, since });
        const fits = typeof reply !== 'string' && reply.kind === 'health';
        if (fits) {
          strip.accept(reply);
        }
        const failure = fits
          ? null
          : typeof reply === 'string'
            ? reply
            : `The kernel answered '${reply.kind}'.`;
        setShown(({ answers }) => ({ strip, asked: true, failure, answers: answers + 1 }));
        if (!fits || !reply.more || strip.last === since) {
          return;
        }
      }
    });
  }, [service, net, link, measure, strip]);
  return shown;
}

/** Layers by iterations: where gradients vanish, explode or are dead. */
export function HealthStrip({ service, net }: { service: Service; net: string }): ReactElement {
  const [measure, setMeasure] = useState<Measure>('tops');
  return (
    <section className="caffe-nb-health">
      <h4>
        Health
        <span className="caffe-nb-curve-controls" role="radiogroup" aria-label="what the health strip shows">
          {MEASURES.map(each => (
            <label key={each.measure} title={each.title}>
              <input
                type="radio"
                name={`caffe-nb-measure-${net}`}
                checked={each.measure === measure}
                data-testid={testids.measure}
                data-measure={each.measure}
                onChange={() => setMeasure(each.measure)}
              />
              {each.label}
            </label>
          ))}
        </span>
      </h4>
      <Samples key={measure} service={service} net={net} measure={measure} />
    </section>
  );
}

function Samples(props: { service: Service; net: string; measure: Measure }): ReactElement {
  const { service, net, measure } = props;
  const shown = useStrip(service, net, measure);
  const { strip, asked, failure } = shown;
  return (
    <div data-testid={testids.health} data-columns={strip.columns.length}>
      {strip.columns.length > 0 ? (
        <>
          <Cells service={service} shown={shown} />
          <Complaints service={service} strip={strip} />
        </>
      ) : failure !== null ? null : asked ? (
        <p className="caffe-nb-hint">
          {strip.key === ''
            ? 'Shown for the net that a solver trains.'
            : 'One column a sample, at most three a second, as soon as the solver runs while this is shown.'}
        </p>
      ) : (
        <Waiting />
      )}
      {failure === null ? null : <Unanswered service={service} failure={failure} />}
    </div>
  );
}

function Cells({ service, shown }: { service: Service; shown: IShown }): ReactElement {
  const { strip, answers } = shown;
  const { layers, columns } = strip;
  const selected = useService(service, state => state.selected);
  const [place, width] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [pointed, setPointed] = useState<readonly [number, number] | null>(null);
  const named = layers.length <= MOST_NAMED;
  const height = layers.length * (named ? NAMED_HEIGHT : HEIGHT);
  const range = rangeOf(columns);

  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (!element || !context || columns.length === 0 || layers.length === 0) {
      return;
    }
    element.width = columns.length;
    element.height = layers.length;
    const pixels = pixelsOf(columns, layers.length, rangeOf(columns));
    context.putImageData(new ImageData(pixels, columns.length, layers.length), 0, 0);
  }, [columns, layers, answers]);

  const cellAt = (event: MouseEvent<HTMLCanvasElement>): readonly [number, number] | null => {
    const box = event.currentTarget.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * columns.length);
    const row = Math.floor(((event.clientY - box.top) / box.height) * layers.length);
    return layers[row] && columns[column] ? [row, column] : null;
  };
  const onClick = (event: MouseEvent<HTMLCanvasElement>): void => {
    const layer = layers[cellAt(event)?.[0] ?? -1];
    if (layer) {
      service.select(layer.index);
    }
  };
  // A few columns are not drawn across the whole width.
  const drawn = Math.min(width, Math.max(columns.length * 12, 40));
  return (
    <>
      <div className="caffe-nb-strip">
        {named ? (
          <ol className="caffe-nb-strip-names">
            {layers.map(({ index, name }) => (
              <li key={index} style={{ height: NAMED_HEIGHT }}>
                <button title={name} aria-pressed={index === selected} onClick={() => service.select(index)}>
                  {name}
                </button>
              </li>
            ))}
          </ol>
        ) : null}
        <div ref={place} className="caffe-nb-strip-place">
          <canvas
            ref={canvas}
            style={{ width: drawn, height }}
            role="img"
            aria-label={`${layers.length} layers by ${columns.length} samples; what is not well is listed below`}
            onMouseMove={event => setPointed(cellAt(event))}
            onMouseLeave={() => setPointed(null)}
            onClick={onClick}
          />
        </div>
      </div>
      <div className="caffe-nb-strip-foot">
        <span className="caffe-nb-strip-value" data-testid={testids.healthValue}>
          {wordsFor(strip, pointed)}
        </span>
        <span className="caffe-nb-strip-scale">
          {power(range[0])}
          <i style={{ background: SCALE }} />
          {power(range[1])}
          <i className="caffe-nb-zero" /> 0 <i className="caffe-nb-bad" /> NaN, Inf
        </span>
      </div>
    </>
  );
}

function wordsFor({ layers, columns }: Strip, pointed: readonly [number, number] | null): string {
  if (pointed === null) {
    return `iterations ${columns[0]?.iteration ?? 0} to ${columns.at(-1)?.iteration ?? 0}`;
  }
  const [row, at] = pointed;
  const column = columns[at];
  const code = column?.values[row];
  return code === undefined
    ? ''
    : `${layers[row]?.name ?? ''}, iteration ${column?.iteration ?? 0}: ${power(code)}`;
}

function Complaints({ service, strip }: { service: Service; strip: Strip }): ReactElement {
  const found = complaints(strip);
  if (found.length === 0) {
    return (
      <p className="caffe-nb-hint" data-testid={testids.complaints} data-count={0}>
        No layer is dead, vanishing or exploding.
      </p>
    );
  }
  return (
    <ul className="caffe-nb-complaints" data-testid={testids.complaints} data-count={found.length}>
      {found.map(({ index, name, word, why }) => (
        <li key={index}>
          <button data-testid={testids.complaint} data-layer={name} onClick={() => service.select(index)}>
            {name}
          </button>{' '}
          <b data-word={word}>{word}</b> <span className="caffe-nb-hint">{why}</span>
        </li>
      ))}
    </ul>
  );
}
